//! The real outside: the same customers from an HTTP API, the same events from Apache Kafka.

use std::collections::BTreeMap;

use dfpipe::clock::parse_time;
use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{
    addresses::{found_in, found_in_file},
    api::{Api, Fault},
    artefacts, fixtures,
    kafka::{Kafka, Message},
    project::Project,
    shared,
};

const RESULT: &str = "step3_unified_customers.parquet";
const PARTITIONS: i32 = 3;

/// What the CRM and the brokers do wrong in between changes nothing either.
#[test]
fn an_api_and_a_topic_give_the_same_bytes_as_files() {
    let Some(kafka) = Kafka::get() else { return };
    let crm = Api::serve(fixtures::customers());
    let project = prod(&crm, kafka, "the-same-bytes");
    produce_events(kafka, "the-same-bytes");
    crm.fail([
        Fault::Status(429, Some("0")),
        Fault::Status(503, None),
        Fault::Truncated,
    ]);

    let run = ["run", "--profile", "prod", "--as-of", "2026-11-15"];
    let outcome = project.succeed(run);

    assert_eq!(
        project.sha256(RESULT),
        shared::first_run().project.sha256(RESULT)
    );
    holds_the_ranges(&project.json("run.json"), kafka);
    let steps = outcome.stdout.lines();
    let extracted: Vec<_> = steps.filter(|line| line.starts_with("  extract")).collect();
    assert_snapshot!(extracted.join("\n"), @"
    extract crm_customers (crm)            608 of 624
    extract customer_events (kafka)  25,191 of 25,215
    ");
    for file in artefacts::files(&project.path(".dfpipe")) {
        let bytes = fs_err::read(&file).expect("an artefact can be read");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(Api::KEY), "{} holds the key", file.display());
        assert!(found_in_file(&file).is_empty(), "{} leaks", file.display());
    }
    let asked = crm.requests().len();
    assert_eq!(project.run(run).code, Some(7), "the date is loaded");
    assert_eq!(crm.requests().len(), asked, "so nobody was asked again");
    for screen in [&outcome.stdout, &outcome.stderr] {
        assert!(!screen.contains(Api::KEY) && found_in(screen).is_empty());
    }
}

/// What was read of the API and of the topic is written down: all pages, and offsets up to the last.
fn holds_the_ranges(record: &Value, kafka: &Kafka) {
    let [crm, topic] = [0, 1].map(|source| record["sources"][source].clone());
    let pages = serde_json::json!([{"part": "pages", "first": 1, "end": 8}]);
    assert_eq!(crm["ranges"], pages);
    let ranges = topic["ranges"].as_array().expect("a topic has partitions");
    let offset = |range: &Value, name: &str| range[name].as_i64().expect("an offset is a number");
    let messages = |range| offset(range, "end") - offset(range, "first");
    assert_eq!(ranges.iter().map(messages).sum::<i64>(), 25_215);
    for (partition, range) in (0..PARTITIONS).zip(ranges) {
        assert_eq!(range["part"], format!("partition {partition}"));
        assert_eq!(offset(range, "end"), kafka.end("the-same-bytes", partition));
    }
}

/// The profile `prod` as it is shipped, save that it keeps to the test's folder and topic, and loads into
/// files there: what is loaded into BigQuery, and how, has tests of its own.
pub(crate) fn prod(crm: &Api, kafka: &Kafka, topic: &str) -> Project {
    let project = with_sources(crm, kafka, topic);
    let shipped =
        "kind: bigquery\n      model: unified_customers\n      project: ${GCP_PROJECT_ID}\n";
    let files = "kind: parquet\n      model: unified_customers\n      path: .dfpipe/warehouse\n";
    project.edit("dfpipe.yml", shipped, files);
    let more = "      location: US\n      cluster_by: [customer_id]\n";
    project.edit("dfpipe.yml", more, "");
    project
}

/// The profile `prod` as it is shipped, save that it keeps to the test's folder and topic, and that its
/// BigQuery is at `endpoint`.
pub(crate) fn prod_into(crm: &Api, kafka: &Kafka, topic: &str, endpoint: &str) -> Project {
    let project = with_sources(crm, kafka, topic);
    let shipped = "      project: ${GCP_PROJECT_ID}\n";
    let said = format!("{shipped}      endpoint: {endpoint}\n      auth: none\n");
    project.edit("dfpipe.yml", shipped, &said);
    project.with_variable("GCP_PROJECT_ID", "test-project")
}

fn with_sources(crm: &Api, kafka: &Kafka, topic: &str) -> Project {
    let project = Project::customers();
    project.remove("fixtures");
    project.edit(
        "dfpipe.yml",
        "work_dir: /tmp/workflow",
        "work_dir: .dfpipe/work",
    );
    project.edit(
        "dfpipe.yml",
        "archive: /archive",
        "archive: .dfpipe/archive",
    );
    project.edit(
        "dfpipe.yml",
        "topic: customer-events",
        &format!("topic: {topic}"),
    );
    kafka.create_topic(topic, PARTITIONS);
    project
        .with_variable("CRM_API_URL", crm.url())
        .with_variable("CRM_API_KEY", Api::KEY)
        .with_variable("KAFKA_BROKERS", kafka.bootstrap())
        .with_variable("EMAIL_HASH_KEY", "dfpipe-fixtures-key")
}

/// What a producer would have sent, unreadable messages too: a customer's events in one partition, in
/// the order of their times.
fn produce_events(kafka: &Kafka, topic: &str) {
    let mut partitions: BTreeMap<i32, Vec<Message>> = BTreeMap::new();
    for line in fixtures::lines() {
        let event = serde_json::from_slice(&line).unwrap_or(Value::Null);
        let message = (key(&event), line, sent_at(&event));
        partitions
            .entry(partition(&event))
            .or_default()
            .push(message);
    }
    for (partition, mut messages) in partitions {
        messages.sort_by_key(|(_, _, at)| *at);
        kafka.produce(topic, partition, &messages);
    }
}

fn key(event: &Value) -> Option<String> {
    let of = |name: &str| event[name].as_str().map(str::to_owned);
    // Some producers take the address, which must not get any further than its value would.
    of("email").or_else(|| of("customer_id"))
}

fn partition(event: &Value) -> i32 {
    let id = event["customer_id"].as_str().unwrap_or_default();
    let sum: i32 = id.bytes().map(i32::from).sum();
    sum % PARTITIONS
}

/// In milliseconds since 1970; the middle of the window for what has no time.
fn sent_at(event: &Value) -> i64 {
    let at = event["occurred_at"].as_str().and_then(parse_time);
    let middle = || parse_time("2026-11-11T12:00").expect("it is a time");
    at.unwrap_or_else(middle).timestamp_millis()
}
