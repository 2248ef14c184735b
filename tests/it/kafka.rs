//! A topic on a real Apache Kafka as a source: exactly its window, whatever stands in it.

use std::{
    net::TcpListener,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use datafusion::{
    arrow::{
        array::{AsArray, RecordBatch},
        datatypes::{Int32Type, Int64Type, TimestampMicrosecondType},
    },
    error::DataFusionError,
    physical_plan::{ExecutionPlan, collect},
    prelude::SessionContext,
};
use dfpipe::{
    clock::parse_time,
    config::{self, Column, ColumnType, MessagePart, OnGap, Secret, Source},
    error::{Error, Kind},
    sources::{self, Privacy, RefusedLog, SourceTable, Survey, Window},
};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    producer::{BaseProducer, BaseRecord, Producer},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::kafka::{Kafka, Message};

/// The moment that the runs of these tests are made for; the window is the week before. In the past
/// for any clock: a broker takes no message of the future.
pub(crate) const AS_OF: &str = "2024-11-08T00:00:00Z";

const HOUR: i64 = 60 * 60 * 1000;

/// A broker that has it all answers soon, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The window begins with the first message that came in it or less than an hour before.
#[test]
fn a_window_of_a_topic_is_read_exactly() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "exact-window";
    kafka.create_topic(topic, 3);
    let at = |hours: i64, id: &str| event(id, in_window(hours));
    kafka.produce(
        topic,
        0,
        &[at(-30, "a0"), at(-2, "a1"), at(0, "a2"), at(100, "a3")],
    );
    // Behind one that came after the window stands one of the window.
    let late = event("c0", in_window(0) - HOUR);
    kafka.produce(topic, 2, &[late, at(169, "c1"), at(50, "c2")]);

    let reading = Reading::of(kafka.bootstrap(), topic);

    assert_eq!(
        reading.rows(),
        ["0 2 a2", "0 3 a3", "2 0 c0", "2 1 c1", "2 2 c2"]
    );
    assert_eq!(reading.log.counts().rows, 5);
    assert_eq!(reading.log.counts().read(), 5);
    let ranges = reading.log.meter().ranges();
    let ranges = ranges
        .iter()
        .map(|range| (&*range.part, range.first, range.end));
    assert_eq!(
        ranges.collect::<Vec<_>>(),
        [
            ("partition 0", Some(2), Some(4)),
            ("partition 1", Some(0), Some(0)),
            ("partition 2", Some(0), Some(3)),
        ]
    );
}

/// What a plan is told before anything is read, partition by partition.
#[test]
fn a_survey_counts_the_messages_that_a_run_would_read() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "surveyed";
    kafka.create_topic(topic, 2);
    let at = |hours: i64| event("a", in_window(hours));
    kafka.produce(topic, 0, &[at(-30), at(1), at(2)]);
    kafka.produce(topic, 1, &vec![at(3); 10]);
    let reading = Reading::of(kafka.bootstrap(), topic);
    reading
        .runtime
        .block_on(delete_before(kafka.bootstrap(), topic, 1));
    let survey = reading.survey().expect("the topic can be asked");
    let parts = survey.parts.iter();
    let parts = parts.map(|part| (&*part.name, part.first, part.end, part.is_cut));
    assert_eq!(survey.records, Some(12));
    assert_eq!(
        parts.collect::<Vec<_>>(),
        [
            ("partition 0", Some(1), Some(3), true),
            ("partition 1", Some(0), Some(10), false),
        ]
    );
    assert_eq!(
        survey.notes,
        [
            "retention has removed what stood before offset 1 of partition 0 of `surveyed`: messages of \
             2024-11-01 00:00 to 2024-11-01 01:00 UTC may be missing"
        ]
    );
    assert_eq!(survey.bytes, None);
    assert_eq!(reading.log.counts().read(), 0);
}

/// Large enough for several batches and fetches in every partition.
#[test]
fn many_messages_are_neither_lost_nor_doubled() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "many-messages";
    kafka.create_topic(topic, 3);
    let messages = |partition: i32, number: i64| {
        let one = |number| event(&format!("{partition}-{number}"), in_window(1) + number);
        kafka.produce(topic, partition, &(0..number).map(one).collect::<Vec<_>>());
    };
    messages(0, 30_000);
    messages(1, 8_192);
    messages(2, 1);

    let reading = Reading::of(kafka.bootstrap(), topic);

    let counts =
        "select count(*), count(distinct id), count(distinct _part), max(_position) from events";
    let found = reading.query(counts);
    let number = |column: usize| found[0].column(column).as_primitive::<Int64Type>().value(0);
    assert_eq!([0, 1, 2, 3].map(number), [38_193, 38_193, 3, 29_999]);
}

/// The end of a transaction takes an offset but is no message, and an aborted one gives none.
#[test]
fn what_ends_a_transaction_does_not_hang_the_read() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "transactions";
    kafka.create_topic(topic, 2);
    let producer = transactional(kafka.bootstrap(), topic);
    for (partition, id, commits) in [
        (0, "a", true),
        (0, "b", false),
        (1, "c", false),
        (1, "d", true),
    ] {
        transaction(&producer, topic, partition, id);
        let ended = if commits {
            producer.commit_transaction(PATIENCE)
        } else {
            producer.abort_transaction(PATIENCE)
        };
        ended.expect("the transaction ends");
    }
    // One that is open hides all behind it.
    transaction(&producer, topic, 0, "e");
    kafka.produce(topic, 0, &[event("f", in_window(2))]);

    let reading = Reading::of(kafka.bootstrap(), topic);

    assert_eq!(reading.rows(), ["0 0 a-0", "0 1 a-1", "1 3 d-0", "1 4 d-1"]);
    // Offsets without a message are expected until it is known that they have none.
    let meter = reading.log.meter().reading();
    assert_eq!((meter.records, meter.expected), (4, Some(4)));
    producer
        .abort_transaction(PATIENCE)
        .expect("the transaction ends");
    assert_eq!(
        Reading::of(kafka.bootstrap(), topic).rows(),
        ["0 0 a-0", "0 1 a-1", "0 8 f", "1 3 d-0", "1 4 d-1"]
    );
}

/// A bad message is kept with its place and its key, and the good ones beside it are read.
#[test]
fn unreadable_messages_become_dead_letters() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "unreadable";
    kafka.create_topic(topic, 1);
    let at = in_window(1);
    let raw = |payload: &[u8]| (Some("ann@example.com".to_owned()), payload.to_vec(), at);
    kafka.produce(
        topic,
        0,
        &[
            event("good-1", at),
            raw(b"{\"id\": \"ann@example.com"),
            raw(b" "),
        ],
    );
    produce_null(kafka.bootstrap(), topic, at);
    kafka.produce(
        topic,
        0,
        &[raw(b"\xff\xfe"), raw(b"{\"id\": 7}"), event("good-2", at)],
    );

    let reading = Reading::of(kafka.bootstrap(), topic);

    assert_eq!(reading.rows(), ["0 0 good-1", "0 6 good-2"]);
    let counts = reading.log.finish().expect("the log can be closed");
    assert_eq!(
        (counts.rows, counts.rejected, counts.dead_lettered),
        (2, 1, 4)
    );
    let letters = DeadLetters::read(&reading.folder.path().join("dead_letters.parquet"));
    assert_eq!(
        letters.places,
        [1, 2, 3, 4].map(|offset| format!("partition 0 of `{topic}`, offset {offset}"))
    );
    assert_eq!(letters.errors[1..3], ["empty message", "empty message"]);
    assert_eq!(letters.topics, [topic; 4]);
    assert_eq!(letters.received, [at * 1000; 4]);
    assert_eq!(letters.payloads[3], b"\xff\xfe");
    let kept = format!("{:?}", letters.texts());
    assert!(
        kept.contains("{\\\"id\\\": \\\"") && !kept.contains("ann@example.com"),
        "{kept}"
    );
}

#[test]
fn a_topic_that_is_absent_is_a_mistake_with_a_suggestion() {
    let Some(kafka) = Kafka::get() else { return };
    kafka.create_topic("suggested-events", 1);

    let error = Reading::of(kafka.bootstrap(), "sugested-events").fails();

    assert_eq!(error.kind(), Kind::Usage);
    let brokers = kafka.bootstrap();
    let expected = format!("there is no topic `sugested-events` on `{brokers}`");
    assert_eq!(error.message(), expected);
    assert_eq!(error.hint(), Some("did you mean `suggested-events`?"));
}

/// Nobody listens at the address: the error comes in time, once, and says what was tried.
#[test]
fn brokers_that_cannot_be_reached_are_named_in_time() {
    let address = closed_address();
    let timeout = Duration::from_millis(1500);
    let reading = Reading::prepare(&address, "any").with_timeout(timeout);

    let begun = Instant::now();
    let error = reading.fails();

    let elapsed = begun.elapsed();
    assert!((timeout..timeout * 3).contains(&elapsed), "{elapsed:?}");
    assert_eq!(error.kind(), Kind::Outside);
    assert_eq!(
        error.message(),
        format!("no broker of `{address}` gave an answer within 1.5s")
    );
    let cause = error.cause().expect("the cause is told");
    assert_eq!(cause.matches("Connection refused").count(), 1, "{cause}");
    assert!(error.hint().is_some_and(|hint| hint.contains("VPN")));
}

/// One broker of the list is down: the others are asked.
#[test]
fn one_broker_that_answers_is_enough() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "one-broker-is-enough";
    kafka.create_topic(topic, 1);
    kafka.produce(topic, 0, &[event("a", in_window(1))]);

    let brokers = format!("{},{}", closed_address(), kafka.bootstrap());

    assert_eq!(Reading::of(&brokers, topic).rows(), ["0 0 a"]);
}

/// The end is fixed when the read is planned.
#[test]
fn a_topic_that_grows_ends_where_it_ended_when_planned() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "growing";
    kafka.create_topic(topic, 2);
    let at = in_window(1);
    kafka.produce(topic, 0, &[event("a", at), event("b", at)]);
    let reading = Reading::of(kafka.bootstrap(), topic);

    let plan = reading.plan().expect("the read can be planned");
    kafka.produce(topic, 0, &vec![event("late", at); 1000]);
    kafka.produce(topic, 1, &[event("late", at)]);

    let context = SessionContext::new();
    let batches = reading.runtime.block_on(collect(plan, context.task_ctx()));
    assert_eq!(lines(&batches.expect("the plan runs")), ["0 0 a", "0 1 b"]);
    assert_eq!(reading.rows().len(), 1003);
}

/// Retention takes what was planned to be read: that is a gap, and no reason to jump over it.
#[test]
fn messages_that_go_while_they_are_read_are_an_error_with_their_place() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "vanishing";
    kafka.create_topic(topic, 1);
    kafka.produce(topic, 0, &vec![event("a", in_window(1)); 10]);
    let reading = Reading::of(kafka.bootstrap(), topic);

    let plan = reading.plan().expect("the read can be planned");
    reading
        .runtime
        .block_on(delete_before(kafka.bootstrap(), topic, 5));

    let context = SessionContext::new();
    let error = reading.runtime.block_on(collect(plan, context.task_ctx()));
    let error = ours(&error.expect_err("offset 0 is gone"));
    assert_eq!(error.kind(), Kind::Outside);
    assert_eq!(
        error.message(),
        "messages of topic `vanishing` went while they were to be read"
    );
    let place = "partition 0 of `vanishing`, offset 0: ";
    assert!(
        error.cause().is_some_and(|cause| cause.starts_with(place)),
        "{error:?}"
    );
}

#[test]
fn a_topic_with_nothing_in_the_window_is_an_empty_table() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "nothing-in-the-window";
    kafka.create_topic(topic, 2);
    kafka.produce(topic, 1, &[event("old", in_window(-48))]);

    let reading = Reading::of(kafka.bootstrap(), topic);

    assert_eq!(reading.rows(), Vec::<String>::new());
    assert_eq!(reading.log.counts().read(), 0);
}

#[test]
fn a_limit_stops_the_read_early() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "limited";
    kafka.create_topic(topic, 1);
    kafka.produce(topic, 0, &vec![event("a", in_window(1)); 20_000]);

    let reading = Reading::of(kafka.bootstrap(), topic);
    let found = reading.query("select id from events limit 3");

    assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
    assert_eq!(reading.log.counts().rows, 3);
}

/// The value of an option may be a password.
#[test]
fn a_wrong_option_is_named_without_its_value() {
    let secret = "do-not-print-me";
    for (name, cause) in [
        ("sasl.pasword", "there is no option `sasl.pasword`"),
        (
            "socket.timeout.ms",
            "the value of `socket.timeout.ms` is not valid",
        ),
    ] {
        let error = Reading::prepare("127.0.0.1:9", "any")
            .with_option(name, secret)
            .fails();
        assert_eq!((error.kind(), error.cause()), (Kind::Usage, Some(cause)));
        let all = format!("{error:?} {:?}", error.hint());
        assert!(!all.contains(secret), "{all}");
    }
}

/// A table over a topic, and where its refusals go.
pub(crate) struct Reading {
    pub(crate) runtime: Runtime,
    pub(crate) kafka: config::Kafka,
    pub(crate) log: Arc<RefusedLog>,
    folder: TempDir,
    as_of: DateTime<Utc>,
    partitions: usize,
}

impl Reading {
    pub(crate) fn of(brokers: &str, topic: &str) -> Self {
        Self::prepare(brokers, topic).with_timeout(PATIENCE)
    }

    pub(crate) fn prepare(brokers: &str, topic: &str) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let file = |name: &str| folder.path().join(name);
        let log = RefusedLog::to_files(
            "events",
            &file("rejects.parquet"),
            &file("dead_letters.parquet"),
        );
        let kafka = config::Kafka {
            brokers: brokers.to_owned(),
            topic: topic.to_owned(),
            group: "tests".to_owned(),
            format: config::MessageFormat::Json,
            max_lateness: chrono::Duration::hours(1),
            ends_by_time: None,
            on_gap: OnGap::Warn,
            max_messages: 500_000_000,
            timeout: Duration::from_secs(2),
            stall_timeout: PATIENCE,
            options: vec![],
        };
        Self {
            runtime: Runtime::new().expect("a runtime can be made"),
            kafka,
            log: Arc::new(log.expect("the log can be opened")),
            folder,
            as_of: parse_time(AS_OF).expect("it is a time"),
            partitions: 2,
        }
    }

    pub(crate) fn made_for(mut self, as_of: DateTime<Utc>) -> Self {
        self.as_of = as_of;
        self
    }

    pub(crate) fn at_a_time(mut self, partitions: usize) -> Self {
        self.partitions = partitions;
        self
    }

    fn with_timeout(mut self, timeout: Duration) -> Self {
        self.kafka.timeout = timeout;
        self
    }

    pub(crate) fn with_option(mut self, name: &str, value: &str) -> Self {
        self.kafka
            .options
            .push((name.to_owned(), Secret::new(value)));
        self
    }

    fn context(&self) -> SessionContext {
        let window = Window::before(self.as_of, 7);
        let privacy = Privacy::new(&Secret::new("a key of these tests"));
        let source = Arc::new(source(self.kafka.clone()));
        let log = Arc::clone(&self.log);
        let table = SourceTable::new(source, window, privacy, log, self.partitions);
        let context = SessionContext::new();
        context
            .register_table("events", Arc::new(table))
            .expect("the name is free");
        context
    }

    fn try_query(&self, sql: &str) -> Result<Vec<RecordBatch>, DataFusionError> {
        let context = self.context();
        self.runtime
            .block_on(async { context.sql(sql).await?.collect().await })
    }

    pub(crate) fn query(&self, sql: &str) -> Vec<RecordBatch> {
        self.try_query(sql).expect("the topic can be read")
    }

    /// What is read, a line each: partition, offset, id.
    pub(crate) fn rows(&self) -> Vec<String> {
        lines(&self.query("select _part, _position, id from events"))
    }

    /// The read, planned but not begun.
    pub(crate) fn plan(&self) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let context = self.context();
        let sql = "select _part, _position, id from events";
        self.runtime
            .block_on(async { context.sql(sql).await?.create_physical_plan().await })
    }

    pub(crate) fn survey(&self) -> Result<Survey, Error> {
        let window = Window::before(self.as_of, 7);
        let privacy = Privacy::new(&Secret::new("a key of these tests"));
        let source = source(self.kafka.clone());
        self.runtime
            .block_on(sources::survey(&source, window, &privacy))
    }

    pub(crate) fn fails(&self) -> Error {
        let read = self.try_query("select * from events");
        ours(&read.expect_err("the topic cannot be read"))
    }
}

/// The columns of `dead_letters.parquet` that a message fills.
struct DeadLetters {
    places: Vec<String>,
    errors: Vec<String>,
    topics: Vec<String>,
    received: Vec<i64>,
    keys: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
}

impl DeadLetters {
    fn read(file: &Path) -> Self {
        let file = fs_err::File::open(file).expect("the file is there");
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(
            file.into_parts().0,
            1024,
        );
        let batches: Result<Vec<_>, _> = reader.expect("it is a Parquet file").collect();
        let batch = &batches.expect("it can be read")[0];
        let column = |name: &str| batch.column_by_name(name).expect("the column is there");
        let texts = |name: &str| {
            column(name)
                .as_string::<i32>()
                .iter()
                .flatten()
                .map(str::to_owned)
                .collect()
        };
        let bytes = |name: &str| {
            column(name)
                .as_binary::<i32>()
                .iter()
                .flatten()
                .map(<[u8]>::to_vec)
                .collect()
        };
        Self {
            places: texts("place"),
            errors: texts("error"),
            topics: texts("topic"),
            received: column("received_at")
                .as_primitive::<TimestampMicrosecondType>()
                .values()
                .to_vec(),
            keys: bytes("key"),
            payloads: bytes("payload"),
        }
    }

    /// All that a person could read.
    fn texts(&self) -> Vec<String> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let bytes = self.keys.iter().chain(&self.payloads).map(text);
        self.errors.iter().cloned().chain(bytes).collect()
    }
}

/// Our error, which DataFusion carries.
fn ours(error: &DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::External(error) => error.downcast_ref().cloned(),
        _ => None,
    }
    .unwrap_or_else(|| panic!("not an error of ours: {error}"))
}

fn source(kafka: config::Kafka) -> Source {
    Source {
        name: "events".to_owned(),
        description: None,
        key: None,
        columns: vec![
            column("id", ColumnType::Text, None),
            column(
                "sent_at",
                ColumnType::Timestamp,
                Some(MessagePart::Timestamp),
            ),
        ],
        max_dead_letters: 1.0,
        checks: vec![],
        from: config::From::Kafka(kafka),
    }
}

fn column(name: &str, kind: ColumnType, from: Option<MessagePart>) -> Column {
    Column {
        name: name.to_owned(),
        kind,
        path: vec![name.to_owned()],
        from,
        required: true,
        is_email: false,
        personal: None,
        description: None,
    }
}

/// Hours after the window's start, in milliseconds since 1970.
pub(crate) fn in_window(hours: i64) -> i64 {
    let as_of = parse_time(AS_OF).expect("it is a time").timestamp_millis();
    as_of - 7 * 24 * HOUR + hours * HOUR
}

pub(crate) fn event(id: &str, at: i64) -> Message {
    (None, format!("{{\"id\": \"{id}\"}}").into_bytes(), at)
}

pub(crate) fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let mut rows: Vec<_> = batches.iter().flat_map(rows_of).collect();
    rows.sort_unstable();
    rows.into_iter()
        .map(|(part, position, id)| format!("{part} {position} {id}"))
        .collect()
}

fn rows_of(batch: &RecordBatch) -> Vec<(i32, i64, String)> {
    let parts = batch.column(0).as_primitive::<Int32Type>().values();
    let positions = batch.column(1).as_primitive::<Int64Type>().values();
    let ids = batch.column(2).as_string::<i32>().iter();
    let rows = parts.iter().zip(positions).zip(ids);
    rows.map(|((part, position), id)| (*part, *position, id.unwrap_or_default().to_owned()))
        .collect()
}

/// An address of this machine that refuses connections.
pub(crate) fn closed_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener
        .local_addr()
        .expect("a listener has an address")
        .to_string()
}

pub(crate) fn transactional(brokers: &str, topic: &str) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("transactional.id", topic)
        .create()
        .expect("a producer can be made");
    producer
        .init_transactions(PATIENCE)
        .expect("the broker keeps transactions");
    producer
}

/// Two messages in a transaction that is left open.
pub(crate) fn transaction(producer: &BaseProducer, topic: &str, partition: i32, id: &str) {
    producer.begin_transaction().expect("no other is open");
    for number in 0..2 {
        let (_, payload, at) = event(&format!("{id}-{number}"), in_window(1));
        let record = BaseRecord::<(), _>::to(topic)
            .partition(partition)
            .payload(&payload)
            .timestamp(at);
        producer
            .send(record)
            .map_err(|(error, _)| error)
            .expect("the queue has room");
    }
    producer
        .flush(PATIENCE)
        .expect("the broker takes the messages");
}

/// What retention does, at once.
pub(crate) async fn delete_before(brokers: &str, topic: &str, offset: i64) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .expect("an admin client can be made");
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(topic, 0, Offset::Offset(offset))
        .expect("it is an offset");
    let deleted = admin.delete_records(&offsets, &AdminOptions::new()).await;
    let deleted = deleted.expect("the broker answers");
    deleted.elements()[0]
        .error()
        .expect("the messages can be deleted");
}

fn produce_null(brokers: &str, topic: &str, at: i64) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .expect("a producer can be made");
    let record = BaseRecord::<_, ()>::to(topic)
        .partition(0)
        .key("ann@example.com")
        .timestamp(at);
    producer
        .send(record)
        .map_err(|(error, _)| error)
        .expect("the queue has room");
    producer
        .flush(PATIENCE)
        .expect("the broker takes the message");
}
