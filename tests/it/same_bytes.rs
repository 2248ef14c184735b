//! The same records and the same SQL give the same bytes, however the records come and the work is cut.

use std::{io::Write, sync::Arc};

use datafusion::{
    arrow::{
        array::{ArrayRef, RecordBatch, StringArray, StructArray},
        datatypes::{DataType, Field},
    },
    parquet::arrow::ArrowWriter,
};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{fixtures, project::Project, shared};

const RESULT: &str = "step3_unified_customers.parquet";

/// The result and all that it needs.
const BUILD: [&str; 4] = ["run", "-q", "-s", "+unified_customers"];

const LOCAL_CUSTOMERS: &str = "path: fixtures/crm/page-*.json, records: data";
const LOCAL_EVENTS: &str = "path: fixtures/events/*.ndjson";

#[test]
fn one_partition_gives_the_same_bytes() {
    let project = with_engine("partitions: 1");
    project.succeed(BUILD);
    assert_same_result(&project);
}

#[test]
fn two_partitions_give_the_same_bytes() {
    let project = with_engine("partitions: 2");
    project.succeed(BUILD);
    assert_same_result(&project);
}

#[test]
fn seven_partitions_give_the_same_bytes() {
    let project = with_engine("partitions: 7");
    project.succeed(BUILD);
    assert_same_result(&project);
}

#[test]
fn memory_so_short_that_it_spills_gives_the_same_bytes() {
    let project = with_engine("partitions: 2, memory_limit: 8MB");
    project.succeed(BUILD);
    let models = project.json("run.json")["models"].clone();
    let models = models.as_array().expect("a list").iter();
    let spilled = models.filter(|model| model["spill"]["files"].as_u64() > Some(0));
    assert!(spilled.count() > 0, "nothing was spilled");
    assert_same_result(&project);
}

/// Other pages, other files, another order of lines, some compressed.
#[test]
fn records_in_another_order_give_the_same_bytes() {
    let project = Project::customers();
    project.remove("fixtures");
    for (number, page) in shuffled(fixtures::customers()).chunks(37).enumerate() {
        let text = json!({"items": {"list": page}}).to_string();
        write(
            &project,
            &format!("in/customers-{number}.json"),
            text.as_bytes(),
        );
    }
    let lines = shuffled(fixtures::lines());
    for (number, lines) in lines.chunks(7001).enumerate() {
        let file = format!("in/events-{number}.ndjson");
        write(&project, &file, &lines.join(&b'\n'));
    }
    let customers = "path: in/customers-*, format: json, records: items.list";
    project.edit("dfpipe.yml", LOCAL_CUSTOMERS, customers);
    let events = "path: in/events-*, format: ndjson";
    project.edit("dfpipe.yml", LOCAL_EVENTS, events);

    project.succeed(BUILD);

    assert_same_result(&project);
}

#[test]
fn events_as_csv_give_the_same_bytes() {
    let project = Project::customers();
    let mut csv = csv::Writer::from_writer(vec![]);
    csv.write_record(COLUMNS).expect("a line can be written");
    for event in flat_events() {
        csv.write_record(event.map(Option::unwrap_or_default))
            .expect("a line can be written");
    }
    project.write("in/events.csv", csv.into_inner().expect("it is in memory"));
    project.edit("dfpipe.yml", LOCAL_EVENTS, "path: in/events.csv");

    project.succeed(BUILD);

    assert_same_result(&project);
}

#[test]
fn events_as_parquet_give_the_same_bytes() {
    let project = Project::customers();
    project.write("in/events.parquet", as_parquet(&flat_events()));
    project.edit("dfpipe.yml", LOCAL_EVENTS, "path: in/events.parquet");

    project.succeed(BUILD);

    assert_same_result(&project);
}

fn with_engine(settings: &str) -> Project {
    let project = Project::customers();
    let engine = format!("engine: {{{settings}}}\n\nparameters:");
    project.edit("dfpipe.yml", "parameters:", &engine);
    project
}

/// The result is that of the first run, to the byte; if not, says which model differs first.
fn assert_same_result(project: &Project) {
    let first = &shared::first_run().project;
    if project.sha256(RESULT) != first.sha256(RESULT) {
        let [mine, theirs] = [project, first].map(models);
        let differing = mine.iter().find(|model| !theirs.contains(model));
        panic!("another result; the first model that differs: {differing:?}");
    }
}

/// Name and hash of each model, in the order of building.
fn models(project: &Project) -> Vec<(Value, Value)> {
    let models = project.json("run.json")["models"].clone();
    let models = models.as_array().expect("a list").iter();
    models
        .map(|model| (model["name"].clone(), model["file"]["sha256"].clone()))
        .collect()
}

/// An order that has nothing to do with the one before, and is the same each time.
fn shuffled<T: AsBytes>(mut records: Vec<T>) -> Vec<T> {
    records.sort_by_cached_key(|record| Sha256::digest(record.as_bytes()));
    records
}

trait AsBytes {
    fn as_bytes(&self) -> Vec<u8>;
}

impl AsBytes for Value {
    fn as_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl AsBytes for Vec<u8> {
    fn as_bytes(&self) -> Vec<u8> {
        self.clone()
    }
}

/// Writes every other file compressed.
fn write(project: &Project, file: &str, content: &[u8]) {
    if content.len().is_multiple_of(2) {
        project.write(file, content);
    } else {
        let mut compressed = GzEncoder::new(vec![], Compression::fast());
        compressed.write_all(content).expect("it is in memory");
        let content = compressed.finish().expect("it is in memory");
        project.write(&format!("{file}.gz"), content);
    }
}

/// Where the declared values stand in an event.
const COLUMNS: [&str; 9] = [
    "event_id",
    "customer_id",
    "event_type",
    "occurred_at",
    "email",
    "properties.feature",
    "properties.amount",
    "properties.currency",
    "properties.page",
];

/// Events as rows of text. What is no row (or a nested value where none should be) is refused from
/// every format, and so left out here.
fn flat_events() -> Vec<[Option<String>; 9]> {
    let rows = fixtures::events().into_iter();
    let rows = rows.filter(|event| event.is_object() && !event["properties"].is_array());
    let rows = rows.map(|event| COLUMNS.map(|column| at(&event, column).clone()));
    rows.filter(|row| {
        !row.iter()
            .any(|value| value.is_array() || value.is_object())
    })
    .map(|row| row.map(as_text))
    .collect()
}

fn at<'a>(event: &'a Value, column: &str) -> &'a Value {
    column.split('.').fold(event, |value, name| &value[name])
}

fn as_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// The properties are a struct, as in JSON.
fn as_parquet(events: &[[Option<String>; 9]]) -> Vec<u8> {
    let arrays: [ArrayRef; 9] = std::array::from_fn(|column| {
        let values = events.iter().map(|event| event[column].as_deref());
        Arc::new(values.collect::<StringArray>()) as ArrayRef
    });
    let (own, nested): (Vec<_>, Vec<_>) = COLUMNS
        .into_iter()
        .zip(arrays)
        .partition(|(column, _)| !column.contains('.'));
    let properties = nested.into_iter().map(|(column, array)| {
        let name = column.trim_start_matches("properties.");
        let field = Field::new(name, DataType::Utf8, true);
        (Arc::new(field), array)
    });
    let properties = StructArray::from(properties.collect::<Vec<_>>());
    let properties = ("properties", Arc::new(properties) as ArrayRef);
    let batch = RecordBatch::try_from_iter(own.into_iter().chain([properties]));
    let batch = batch.expect("columns are of one length");
    let mut writer = ArrowWriter::try_new(vec![], batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("rows can be written");
    writer.into_inner().expect("a file can be ended")
}
