//! Lineage events: what catalogs are told of a run, and that a run never fails for them.

use std::{collections::BTreeMap, net::TcpListener};

use dfpipe::clock::parse_time;
use serde_json::{Value, json};

use crate::support::{catalog::Catalog, project::Project};

const FILE: &str = ".dfpipe/lineage/events.ndjson";

/// The project, telling of its runs in a file.
fn telling(project: Project) -> Project {
    let said = format!("\nopenlineage:\n  file: {FILE}\n");
    project.write("dfpipe.yml", project.read("dfpipe.yml") + &said);
    project
}

/// Orders, told to the catalog at `url` and to a file.
fn telling_to(url: &str) -> Project {
    let project = telling(Project::orders()).with_variable("CATALOG_KEY", Catalog::KEY);
    let said = format!("  url: {url}\n  api_key: ${{CATALOG_KEY}}\n");
    project.write("dfpipe.yml", project.read("dfpipe.yml") + &said);
    project
}

fn events(project: &Project) -> Vec<Value> {
    let text = project.read(FILE);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("an event is a line of JSON"))
        .collect()
}

fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    let found = event.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("`{pointer}` is not a text of {event}"))
}

fn job(event: &Value) -> &str {
    text(event, "/job/name")
}

fn kind(event: &Value) -> &str {
    text(event, "/eventType")
}

fn run_id(event: &Value) -> &str {
    text(event, "/run/runId")
}

/// Types and jobs, in order.
fn story(events: &[Value]) -> Vec<String> {
    let events = events.iter();
    events
        .map(|event| format!("{} {}", kind(event), job(event)))
        .collect()
}

/// The event that says how a job ended.
fn end<'a>(events: &'a [Value], wanted: &str) -> &'a Value {
    let mut ends = events.iter().rev();
    let end = ends.find(|event| job(event) == wanted && kind(event) != "START");
    end.unwrap_or_else(|| panic!("`{wanted}` does not end"))
}

/// What the standard asks of every event and facet.
fn hold_the_standard(event: &Value) {
    assert!(parse_time(text(event, "/eventTime")).is_some());
    let schema = text(event, "/schemaURL");
    assert_eq!(
        schema,
        "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
    );
    text(event, "/producer");
    text(event, "/job/namespace");
    let id: Vec<_> = run_id(event).split('-').map(str::len).collect();
    assert_eq!(id, [8, 4, 4, 4, 12]);
    let inputs = event["inputs"].as_array().expect("inputs are a list");
    let outputs = event["outputs"].as_array().expect("outputs are a list");
    let datasets = inputs.iter().chain(outputs);
    let mut facets = vec![&event["run"]["facets"], &event["job"]["facets"]];
    for dataset in datasets {
        text(dataset, "/namespace");
        text(dataset, "/name");
        assert!(dataset["facets"]["schema"]["fields"].is_array());
        facets.push(&dataset["facets"]);
        facets.extend(dataset.get("outputFacets"));
    }
    for facets in facets {
        let facets = facets.as_object().expect("facets are an object");
        for facet in facets.values() {
            assert_eq!(facet["_producer"], event["producer"]);
            let schema = text(facet, "/_schemaURL");
            assert!(schema.starts_with("https://openlineage.io/spec/facets/"));
        }
    }
}

#[test]
fn a_run_tells_of_itself_and_of_every_model_as_its_child() {
    let project = telling(Project::customers());
    project.succeed(["run"]);
    let events = events(&project);
    events.iter().for_each(hold_the_standard);

    let [first, .., last] = events.as_slice() else {
        panic!("a run has events")
    };
    assert_eq!(
        story(&[first.clone(), last.clone()]),
        ["START customer_analytics", "COMPLETE customer_analytics"]
    );
    assert_eq!(run_id(first), run_id(last));
    let window = &first["run"]["facets"]["nominalTime"];
    assert_eq!(window["nominalStartTime"], "2026-11-08T00:00:00.000000Z");
    assert_eq!(window["nominalEndTime"], "2026-11-15T00:00:00.000000Z");
    assert_eq!(
        first["run"]["facets"]["processing_engine"]["name"],
        "DataFusion"
    );

    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in &events[1..events.len() - 1] {
        let parent = &event["run"]["facets"]["parent"];
        assert_eq!(parent["run"]["runId"], run_id(first));
        assert_eq!(
            parent["job"],
            json!({
                "namespace": "customer_analytics",
                "name": "customer_analytics",
            })
        );
        assert_ne!(run_id(event), run_id(first));
        children.entry(run_id(event)).or_default().push(kind(event));
    }
    let models = project.json("run.json")["models"]
        .as_array()
        .map_or(0, Vec::len);
    assert_eq!(children.len(), models + 1, "every model, and the load");
    assert!(
        children
            .values()
            .all(|kinds| *kinds == ["START", "COMPLETE"])
    );
}

#[test]
fn an_output_says_which_columns_it_is_made_of() {
    let project = telling(Project::customers());
    project.succeed(["run"]);
    let events = events(&project);

    let model = end(&events, "customer_analytics.engagement_score");
    let output = &model["outputs"][0];
    assert_eq!(output["name"], "customer_analytics.engagement_score");
    let fields = &output["facets"]["columnLineage"]["fields"];
    let of = "/engagement_score/inputFields";
    let inputs = fields.pointer(of).and_then(Value::as_array);
    let inputs = inputs.expect("the score is made of columns");
    assert!(inputs.contains(&json!({
        "namespace": "customer_analytics",
        "name": "customer_analytics.capped_customers",
        "field": "purchase_count_capped",
        "transformations": [{"type": "DIRECT", "subtype": "TRANSFORMATION"}],
    })));
    let rows = output["outputFacets"]["outputStatistics"]["rowCount"].as_u64();
    let built = project.rows("models/engagement_score.parquet").len();
    assert_eq!(rows, u64::try_from(built).ok());
    assert!(text(model, "/job/facets/sql/query").contains("engagement_score("));

    // The run as a whole leads from the sources to what was loaded.
    let run = end(&events, "customer_analytics");
    let output = &run["outputs"][0];
    assert_eq!(output["namespace"], "file");
    let table = ".dfpipe/warehouse/customer_analytics/weekly_customer_profiles";
    assert_eq!(output["name"], project.path(table).display().to_string());
    let fields = &output["facets"]["columnLineage"]["fields"];
    let inputs = fields.pointer(of).and_then(Value::as_array);
    let inputs = inputs.expect("the score is made of columns");
    let is_from_feature = |input: &Value| {
        let name = input["name"].as_str().unwrap_or_default();
        input["field"] == "feature" && name.ends_with("fixtures/events/*.ndjson")
    };
    assert!(inputs.iter().any(is_from_feature));
    let size = &output["outputFacets"]["outputStatistics"]["size"];
    let load = &project.json("run.json")["load"]["receipt"]["bytes"];
    assert_eq!(size, load);
}

#[test]
fn what_is_stopped_and_resumed_is_one_run() {
    let project = telling(Project::orders());
    project.succeed(["run", "--until", "transform"]);
    project.succeed(["run", "--resume"]);
    let events = events(&project);
    assert_eq!(
        story(&events),
        [
            "START orders",
            "START orders.totals",
            "COMPLETE orders.totals",
            "ABORT orders",
            "RUNNING orders",
            "START orders.load",
            "COMPLETE orders.load",
            "COMPLETE orders",
        ]
    );
    let runs = events.iter().filter(|event| job(event) == "orders");
    let mut ids: Vec<_> = runs.map(run_id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[test]
fn a_run_that_fails_says_why_with_the_model_that_failed() {
    let project = telling(Project::orders());
    project.write(
        "sql/totals.sql",
        "/* dfpipe\nversion: 1\n*/\nselect cast(customer as bigint) as number from orders -- for ada@shop.example\n",
    );
    let outcome = project.run(["run"]);
    assert_ne!(outcome.code, Some(0));
    let events = events(&project);
    events.iter().for_each(hold_the_standard);
    assert_eq!(
        story(&events),
        [
            "START orders",
            "START orders.totals",
            "FAIL orders.totals",
            "FAIL orders",
        ]
    );
    for failed in &events[2..] {
        let message = text(failed, "/run/facets/errorMessage/message");
        assert!(message.contains("totals"), "{message}");
        assert_eq!(failed["outputs"], json!([]));
    }
    assert!(!project.read(FILE).contains("ada@shop.example"));
}

#[test]
fn an_endpoint_gets_the_same_events_behind_its_key() {
    // Something passing is tried again.
    let catalog = Catalog::serve(&[503, 429]);
    let project = telling_to(&catalog.url());
    let outcome = project.succeed(["run"]);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
    assert_eq!(catalog.events(), events(&project));
    assert_eq!(catalog.events().len(), 6);
    let screen = outcome.stdout + &outcome.stderr + &project.read(FILE);
    assert!(!screen.contains(Catalog::KEY));
}

#[test]
fn an_endpoint_that_is_down_is_a_warning_and_no_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("a listener has an address");
    drop(listener);
    let project = telling_to(&format!(
        "http://user:hunter2@{address}/lineage?key=hunter2"
    ));
    let outcome = project.succeed(["run"]);
    let lost = "warning: 6 of 6 lineage events did not arrive at `http://";
    assert!(outcome.stderr.contains(lost), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    assert_eq!(events(&project).len(), 6, "the file has them all");
}

#[test]
fn a_key_that_is_refused_or_cannot_be_sent_is_said() {
    let catalog = Catalog::serve(&[]);
    let project = telling_to(&catalog.url()).with_variable("CATALOG_KEY", "another");
    let outcome = project.succeed(["run"]);
    let said = "the answer was 401 Unauthorized";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);

    let project = project.with_variable("CATALOG_KEY", "two\nlines");
    let outcome = project.run(["run", "--new-load"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .contains("`openlineage.api_key` cannot be sent")
    );
}

#[test]
fn a_file_that_cannot_be_written_is_a_warning_and_no_failure() {
    let project = telling(Project::orders());
    project.write(".dfpipe/lineage", "a file where a folder should be");
    let outcome = project.succeed(["run"]);
    let lost = "warning: 6 of 6 lineage events did not arrive at";
    assert!(outcome.stderr.contains(lost), "{}", outcome.stderr);
}

#[test]
fn a_dry_run_tells_nobody() {
    let project = telling(Project::orders());
    project.succeed(["run", "--dry-run"]);
    assert!(!project.path(FILE).exists());
}
