//! The real outside: the same customers from an HTTP API, the same events from Apache Kafka.

use std::collections::BTreeMap;

use dfpipe::clock::parse_time;
use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{
    addresses::found_in_file,
    artefacts,
    crm::{Crm, Fault},
    fixtures,
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
    let crm = Crm::serve(fixtures::customers());
    let project = prod(&crm, kafka, "the-same-bytes");
    produce_events(kafka, "the-same-bytes");
    crm.fail([
        Fault::Status(429, Some("0")),
        Fault::Status(503, None),
        Fault::Truncated,
    ]);

    let outcome = project.succeed(["run", "--profile", "prod", "--as-of", "2026-11-15"]);

    assert_eq!(
        project.sha256(RESULT),
        shared::first_run().project.sha256(RESULT)
    );
    assert_snapshot!(outcome.screen(), @r#"
    exit code: 0
    ----- stdout -----
    customer_analytics 2026-11-15 completed in [time]
    run [run] · profile prod · window 2026-11-08 00:00 to 2026-11-15 00:00 UTC

    Figures
      Customers processed                              657
      Customers in the output                          497
      Customers rejected                               160
      New customers this week                           23
      Match rate of the CRM customers               89.9 %
      Match rate of the event customers             83.2 %
      Data quality score                            79.9 %
      Active customers                                 301
      Customers at risk                                139
      Churned customers                                 57
      Events read                                   25,215
      Events aggregated                             24,821
      Records rejected                                 407
      Dead letters                                       8
      Purchases of the customers in the output  193,505.36

    Records per step
      extract crm_customers (crm)            608 of 624
      extract customer_events (kafka)  25,191 of 25,215
      transform crm_extract                         553
      transform events_extract                      597
      transform rejects                             407
      transform unified_customers                   497
      transform transform_log                        78
      load                                          497

    Records left out
      crm_customers: duplicate                  30
      crm_customers: future_date                 7
      crm_customers: missing_field               7
      crm_customers: negative_lifetime_value    10
      crm_customers: negative_support_tickets    4
      crm_customers: wrong_type                  9
      customer_events: duplicate               142
      customer_events: missing_field             9
      customer_events: negative_amount           9
      customer_events: unknown_kind            173
      customer_events: wrong_type                7
      customer_events: unreadable                8

    Result
      loaded into  [project]/.dfpipe/warehouse/customer_analytics/weekly_customer_profiles
      as           load 1 of 2026-11-15
      file         [project]/.dfpipe/warehouse/customer_analytics/weekly_customer_profiles/run_date=2026-11-15/load-0001.parquet
      run folder   [project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]
      ask it       dfpipe query "show tables"

    Needs a human
      warning: purchases_in_other_currencies (3 rows against it): Every purchase is in the currency of the pipeline.
        These purchases count, but their amounts are in no sum. Convert them in the source if they matter.
      warning: unknown_event_kinds (2 rows against it): Every event is of a known kind.
        These events were left out. Is it a new spelling of a known kind? Then canonical_event should learn it; ask an engineer.
    ----- stderr -----
    extract
      crm_customers: 608 rows, 16 records refused
      customer_events: 25191 rows, 24 records refused
    transform
      crm_records: 608 rows
      crm_extract: 553 rows
      event_records: 25191 rows
      customers_in_scope: 657 rows
      events_extract: 597 rows
      id_match: 497 rows
      fallback_customers: 0 rows
      canonical_id_match: 0 rows
      email_hash_match: 0 rows
      ambiguous_customers: 0 rows
      customer_match: 497 rows
      customer_quality: 581 rows
      imputation_values: 1 rows
      joined_customers: 497 rows
      feature_limits: 8 rows
      capped_customers: 497 rows
      engagement_score: 497 rows
      log_events: 6 rows
      log_matching: 8 rows
      rejects: 407 rows
      log_extract: 24 rows
      scaled_customers: 497 rows
      unified_customers: 497 rows
      log_values: 28 rows
      rejected_customers: 160 rows
      log_output: 12 rows
      run_summary: 15 rows
      transform_log: 78 rows
    checks
      146 of 148 passed, 2 warn, 0 stop the load
    load
      497 rows into [project]/.dfpipe/warehouse/customer_analytics/weekly_customer_profiles
    "#);
    for file in artefacts::files(&project.path(".dfpipe")) {
        let bytes = fs_err::read(&file).expect("an artefact can be read");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(Crm::KEY), "{} holds the key", file.display());
        assert!(found_in_file(&file).is_empty(), "{} leaks", file.display());
    }
    assert!(!outcome.stdout.contains(Crm::KEY) && !outcome.stderr.contains(Crm::KEY));
}

/// Neither side is asked for anything.
#[test]
fn a_date_that_is_loaded_costs_no_request() {
    let Some(kafka) = Kafka::get() else { return };
    let crm = Crm::serve(fixtures::customers());
    let project = prod(&crm, kafka, "loaded-already");
    produce_events(kafka, "loaded-already");
    let run = ["run", "-q", "--profile", "prod", "--as-of", "2026-11-15"];
    project.succeed(run);
    let asked = crm.requests().len();

    let again = project.run(run);

    assert_snapshot!(again.screen(), @"
    exit code: 7
    ----- stderr -----
    error: 2026-11-15 is loaded already: run `[run]`, 497 rows
    cause: `[project]/.dfpipe/warehouse/customer_analytics/weekly_customer_profiles/run_date=2026-11-15/load-0001.parquet` holds it as load 1

    hint: `dfpipe run --new-load` appends a further load of that date
    ");
    assert_eq!(crm.requests().len(), asked);
}

/// The profile `prod` as it is shipped, save that it keeps to the test's folder and topic.
fn prod(crm: &Crm, kafka: &Kafka, topic: &str) -> Project {
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
        .with_variable("CRM_API_KEY", Crm::KEY)
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
