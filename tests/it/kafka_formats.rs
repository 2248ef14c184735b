//! What the messages of a topic can be written in: each format through a real Apache Kafka and the real binary,
//! with bad messages between the good ones.

use std::{os::unix::fs::PermissionsExt, sync::Arc};

use arrow_avro::{
    schema::{AvroSchema, FingerprintStrategy},
    writer::{WriterBuilder, format::AvroSoeFormat},
};
use datafusion::arrow::{
    array::{
        ArrayRef, Decimal128Array, RecordBatch, StringArray, StructArray, TimestampMillisecondArray,
    },
    datatypes::{DataType, Field},
};
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};
use serde_json::{Value, json};

use crate::support::{
    artefacts,
    kafka::{Kafka, Message},
    project::Project,
    registry::{Registry, Setup},
};

/// 2024-11-05 12:00 UTC, which the window of these tests holds.
const NOON: i64 = 1_730_808_000_000;

const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

const CONFIGURATION: &str = r#"
pipeline: clicks
as_of: 2024-11-08
email_hash_key: good for tests only
sources:
  events:
    key: event_id
    max_dead_letters: 0.9
    columns:
      event_id: {type: text, required: true}
      email:    {type: text, pii: email}
      happened_at: {type: timestamp}
      page:     {type: text, path: properties.page}
      amount:   {type: "decimal(18,2)", path: properties.amount}
      who:      {type: text, from: key, pii: email}
      trace:    {type: text, from: "header:trace-id"}
      sent_at:  {type: timestamp, from: timestamp}
      shard:    {type: integer, from: partition}
      place:    {type: integer, from: offset}
    from:
      kind: kafka
      brokers: ${KAFKA_BROKERS}
      topic: TOPIC
      group: tests
      format: FORMAT
destination: {kind: parquet, model: kept, dataset: shop, table: kept, on_repeat: add}
"#;

const MODEL: &str = "/* dfpipe
version: 1
description: What came.
key: [event_id, place]
*/
select event_id, email, happened_at, page, amount, who, trace, sent_at, shard, place from events
";

/// A project over a topic whose messages are written in `format`.
fn project(kafka: &Kafka, topic: &str, format: &str) -> Project {
    let project = Project::empty()
        .with_variable("KAFKA_BROKERS", kafka.bootstrap())
        .with_variable("SCHEMA_REGISTRY_PASSWORD", "hunter2");
    let configuration = CONFIGURATION
        .replace("TOPIC", topic)
        .replace("FORMAT", format);
    project.write("dfpipe.yml", configuration);
    project.write("sql/kept.sql", MODEL);
    project
}

fn with_registry(kafka: &Kafka, topic: &str, format: &str, registry: &Registry) -> Project {
    project(kafka, topic, format).with_variable("SCHEMA_REGISTRY_URL", registry.url())
}

/// A message without a key.
fn message(payload: impl Into<Vec<u8>>) -> Message {
    (None, payload.into(), NOON)
}

/// Events as an Avro producer of another library sends them: the schema, and a message for each.
fn avro(number: u32, ids: &[&str], address: &str) -> (String, Vec<Vec<u8>>) {
    let texts = |text: &str| Arc::new(StringArray::from(vec![text; ids.len()])) as ArrayRef;
    let amount = Decimal128Array::from(vec![Some(1250); ids.len()]);
    let amount = amount.with_precision_and_scale(10, 3).expect("a decimal");
    let properties = StructArray::from(vec![
        (
            Arc::new(Field::new("page", DataType::Utf8, true)),
            texts("/a by bob@example.com"),
        ),
        (
            Arc::new(Field::new("amount", DataType::Decimal128(10, 3), true)),
            Arc::new(amount) as ArrayRef,
        ),
    ]);
    let at = TimestampMillisecondArray::from(vec![NOON; ids.len()]).with_timezone("UTC");
    let batch = RecordBatch::try_from_iter([
        (
            "event_id",
            Arc::new(StringArray::from(ids.to_vec())) as ArrayRef,
        ),
        (address, texts("Jane Doe")),
        ("happened_at", Arc::new(at)),
        ("properties", Arc::new(properties)),
    ]);
    let batch = batch.expect("columns of one length");
    let schema = AvroSchema::try_from(batch.schema().as_ref()).expect("a schema of Avro");
    let mut encoder = WriterBuilder::new(batch.schema().as_ref().clone())
        .with_fingerprint_strategy(FingerprintStrategy::Id(number))
        .build_encoder::<AvroSoeFormat>()
        .expect("an encoder");
    encoder.encode(&batch).expect("the batch can be written");
    let rows = encoder.flush().iter().map(|row| row.to_vec()).collect();
    (schema.json_string, rows)
}

/// What became of the messages: the ids that came through, and the places and reasons of the dead letters.
fn outcome(project: &Project) -> (Vec<String>, Vec<(i64, String)>) {
    let rows = project.rows("models/kept.parquet");
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let ids = rows.iter().map(|row| text(row, "event_id")).collect();
    let letters = artefacts::rows(&project.last_run().join("dead_letters.parquet"));
    let mut letters: Vec<_> = letters
        .iter()
        .map(|row| (row["position"].as_i64().unwrap_or(-1), text(row, "error")))
        .collect();
    letters.sort();
    (ids, letters)
}

/// Two schemas of writers, one of a reader; whatever is bad stands between what is good and harms none of it.
#[test]
fn avro_of_a_registry_is_read_and_bad_messages_harm_none_beside_them() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "formats-avro";
    kafka.create_topic(topic, 1);
    let (old, old_rows) = avro(1, &["a", "b"], "mail");
    let (new, new_rows) = avro(2, &["c", "d"], "email");
    let registry = Setup::default().avro(1, &old).avro(2, &new).json(3).serve();
    let longer = [&new_rows[0][..], b"x"].concat();
    let payloads: Vec<Vec<u8>> = vec![
        old_rows[0].clone(),
        br#"{"event_id":"json"}"#.to_vec(),
        new_rows[0][..9].to_vec(),
        b"\0\0\0\0\x02".to_vec(),
        new_rows[0].clone(),
        b"\0\0\0\0\x63abc".to_vec(),
        longer,
        b"\0\0\0\0\x03{}".to_vec(),
        b"".to_vec(),
        b"\0\0".to_vec(),
        old_rows[1].clone(),
        b"\0\0\0\0\x63abc".to_vec(),
        new_rows[1].clone(),
    ];
    let messages: Vec<_> = payloads.into_iter().map(message).collect();
    kafka.produce(topic, 0, &messages);
    let format = "{avro: {registry: {url: \"${SCHEMA_REGISTRY_URL}\"}, reader: event.avsc}}";
    let project = with_registry(kafka, topic, format, &registry);
    project.write(
        "event.avsc",
        new.replace(r#""name":"email""#, r#""name":"email","aliases":["mail"]"#),
    );

    let screen = project.succeed(["run"]).screen();

    let (ids, letters) = outcome(&project);
    assert_eq!(ids, ["a", "b", "c", "d"], "{screen}");
    let expected = [
        (1, "begins with the byte 123"),
        (2, "ends in the middle of a value"),
        (3, "ends in the middle of a value"),
        (5, "the registry knows no schema 99"),
        (6, "1 bytes are left over"),
        (
            7,
            "the schema 3 cannot be used: it is of type JSON, not AVRO",
        ),
        (8, "empty message"),
        (9, "has 2 bytes"),
        (11, "the registry knows no schema 99"),
    ];
    assert_eq!(letters.len(), expected.len(), "{letters:?}");
    for ((place, error), (at, part)) in letters.iter().zip(expected) {
        assert!(*place == at && error.contains(part), "{place}: {error}");
    }
    // Each number once, whatever the answer was.
    let paths = ["1", "2", "3", "99"].map(|number| format!("/schemas/ids/{number}"));
    assert_eq!(registry.asked(), paths);
    let kept = project.last_run().join("dead_letters.parquet");
    let mode = fs_err::metadata(kept).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let rows = project.rows("models/kept.parquet");
    for row in &rows {
        assert_eq!(row["happened_at"], "2024-11-05T12:00:00Z");
        assert_eq!(row["amount"].to_string().trim_matches('"'), "1.25");
        assert_eq!(row["email"].as_str().map(str::len), Some(64));
        let page = row["page"].as_str().unwrap_or_default();
        assert!(
            page.starts_with("/a by ") && !page.contains("bob@"),
            "{page}"
        );
    }
}

/// The payload is JSON behind a number; what stands around it are columns as well.
#[test]
fn json_of_a_registry_is_read_with_key_headers_and_place() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "formats-json-schema";
    kafka.create_topic(topic, 2);
    let registry = Setup::default()
        .json(7)
        .avro(8, r#"{"type":"record","name":"R","fields":[]}"#)
        .for_user("reader", "hunter2")
        .serve();
    let framed = |number: u8, json: &str| [&[0, 0, 0, 0, number], json.as_bytes()].concat();
    send(
        kafka,
        topic,
        &framed(
            7,
            r#"{"event_id":"a","who":"nobody","properties":{"page":"/a","amount":1.5}}"#,
        ),
    );
    let bad = [
        framed(7, "{"),
        framed(8, r#"{"event_id":"avro"}"#),
        framed(7, ""),
        br#"{"event_id":"bare"}"#.to_vec(),
        framed(7, r#"{"event_id":"b"}"#),
    ];
    kafka.produce(topic, 1, &bad.map(message));
    let format = "{json_schema: {registry: {url: \"${SCHEMA_REGISTRY_URL}\", auth: {basic: {user: reader, \
                  password: \"${SCHEMA_REGISTRY_PASSWORD}\"}}}}}";
    let project = with_registry(kafka, topic, format, &registry);

    let outcome_of_run = project.succeed(["run"]);

    let (ids, letters) = outcome(&project);
    assert_eq!(ids, ["a", "b"]);
    let places: Vec<_> = letters.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [0, 1, 2, 3], "{letters:?}");
    let rows = project.rows("models/kept.parquet");
    let first = &rows[0];
    let trace = first["trace"].as_str().unwrap_or_default();
    assert!(
        trace.starts_with("last, by ") && !trace.contains("ann@"),
        "{trace}"
    );
    assert_eq!(first["who"].as_str().map(str::len), Some(64));
    assert_eq!(first["sent_at"], "2024-11-05T12:00:00Z");
    assert_eq!((&first["shard"], &first["place"]), (&json!(0), &json!(0)));
    assert_eq!(
        (&rows[1]["who"], &rows[1]["trace"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&rows[1]["shard"], &rows[1]["place"]),
        (&json!(1), &json!(4))
    );
    assert!(!outcome_of_run.screen().contains("hunter2"));
}

/// All messages under the one schema of a file, with nothing in front.
#[test]
fn avro_with_a_schema_file_needs_no_registry() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "formats-raw-avro";
    kafka.create_topic(topic, 1);
    let (schema, rows) = avro(1, &["a", "b"], "email");
    let raw = |row: &[u8]| message(&row[5..]);
    kafka.produce(
        topic,
        0,
        &[raw(&rows[0]), message(rows[0].clone()), raw(&rows[1])],
    );
    let project = project(kafka, topic, "{avro: {schema: schemas/event.avsc}}");
    project.write("schemas/event.avsc", schema);

    project.succeed(["run"]);

    let (ids, letters) = outcome(&project);
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(letters.len(), 1, "{letters:?}");
}

#[test]
fn a_schema_that_refers_to_others_is_read_with_them() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "formats-references";
    kafka.create_topic(topic, 1);
    kafka.produce(
        topic,
        0,
        &[message(b"\0\0\0\0\x05\x02b\x02\x04\x04/b".to_vec())],
    );
    let page = r#"{"type":"record","name":"org.Page","fields":[]}"#;
    let event = r#"{"type":"record","name":"Event","fields":[
        {"name":"event_id","type":"string"},{"name":"properties","type":["null","org.Props"]}]}"#;
    let properties = r#"{"type":"record","name":"org.Props","fields":[
        {"name":"page","type":["null","org.Page","string"]}]}"#;
    let event_answer = json!({"schema": event, "references": [
        {"name": "org.Props", "subject": "a/b", "version": 3}]});
    let properties_answer = json!({"schema": properties, "references": [
        {"name": "org.Page", "subject": "page", "version": 1}]});
    let registry = Setup::default()
        .answer("/schemas/ids/5", event_answer)
        .answer("/subjects/a%2Fb/versions/3", properties_answer)
        .answer("/subjects/page/versions/1", json!({"schema": page}))
        .serve();
    let format = "{avro: {registry: {url: \"${SCHEMA_REGISTRY_URL}\"}}}";
    let project = with_registry(kafka, topic, format, &registry);

    project.succeed(["run"]);

    let rows = project.rows("models/kept.parquet");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["event_id"], &rows[0]["page"]),
        (&json!("b"), &json!("/b"))
    );
}

#[test]
fn a_registry_in_trouble_is_asked_again_and_one_that_refuses_is_told_with_a_hint() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "formats-registry-trouble";
    kafka.create_topic(topic, 1);
    let (schema, rows) = avro(1, &["a"], "email");
    kafka.produce(topic, 0, &[message(rows[0].clone())]);
    let known = || Setup::default().avro(1, &schema);
    let format = "{avro: {registry: {url: \"${SCHEMA_REGISTRY_URL}\", timeout_seconds: 1, retries: 1, \
                  auth: {bearer: \"${SCHEMA_REGISTRY_PASSWORD}\"}}}}";
    let run = |setup: Setup| {
        let registry = setup.serve();
        let project = with_registry(kafka, topic, format, &registry);
        project.run(["run"]).screen()
    };
    assert!(run(known().for_token("hunter2").failing(1)).contains("exit code: 0"));
    for (setup, code, words) in [
        (
            known().failing(2),
            3,
            "/schemas/ids/1` answers 500 Internal Server Error (after 2 attempts)",
        ),
        (
            known().silent(),
            3,
            "gives no usable answer (after 2 attempts)",
        ),
        (
            known().for_token("another"),
            3,
            "hint: `sources.events.from.format.avro.registry.auth.bearer` (read from \
             `SCHEMA_REGISTRY_PASSWORD`) holds the key",
        ),
        (
            known().another(),
            2,
            "hint: look at `registry.url` of the source",
        ),
        (
            Setup::default().answer("/schemas/ids/1", json!({"shema": "x"})),
            3,
            "the answer is no schema",
        ),
    ] {
        let screen = run(setup);
        assert!(screen.contains(&format!("exit code: {code}")), "{screen}");
        assert!(screen.contains(words), "{words}\n{screen}");
        assert!(!screen.contains("hunter2"), "{screen}");
    }
}

/// Without a broker: a schema in a file is known before anything is read.
#[test]
fn a_schema_that_cannot_be_used_is_told_by_check() {
    let project = Project::empty();
    let configuration = CONFIGURATION
        .replace("${KAFKA_BROKERS}", "127.0.0.1:9")
        .replace("TOPIC", "any")
        .replace("FORMAT", "{avro: {schema: event.avsc}}");
    project.write("dfpipe.yml", configuration);
    project.write("sql/kept.sql", MODEL);
    let (schema, _) = avro(1, &["a"], "email");
    project.write("event.avsc", &schema);
    assert_eq!(project.run(["check"]).code, Some(0));

    project.write(
        "event.avsc",
        schema.replace(r#""name":"page""#, r#""name":"url""#),
    );
    insta::assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the column `page` of `events` stands at `properties.page`, where the schema `event.avsc` has nothing

    hint: a column's `path` says where its value stands; default: its name
    ");
    project.write("event.avsc", "{");
    insta::assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `event.avsc` is no usable Avro schema
    cause: no JSON: EOF while parsing an object at line 1 column 1
    ");
}

/// A message with a key and headers.
fn send(kafka: &Kafka, topic: &str, payload: &[u8]) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .create()
        .expect("a producer can be made");
    let header = |value| Header {
        key: "trace-id",
        value: Some(value),
    };
    let headers = OwnedHeaders::new()
        .insert(header("overwritten"))
        .insert(header("last, by ann@example.com"));
    let record = BaseRecord::to(topic)
        .partition(0)
        .key("Jane Doe")
        .headers(headers)
        .payload(payload)
        .timestamp(NOON);
    producer
        .send(record)
        .map_err(|(error, _)| error)
        .expect("the queue has room");
    producer
        .flush(PATIENCE)
        .expect("the broker takes the message");
}
