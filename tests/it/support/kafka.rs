//! A real Apache Kafka broker on loopback, one for each test process, started by the first test that asks.
//!
//! ```text
//! test process ──stdin (a pipe, never written)──▶ start.sh ──exec──▶ java kafka.Kafka
//!                                                    └── watchdog: the pipe is closed → kill, tidy up
//! ```
//!
//! However the test process ends, the system closes its end of the pipe: no broker outlives its tests.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::services;

/// A broker on a busy machine takes seconds; one that is broken says so in its log at once.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long one question waits for its answer before it is asked again.
const TRY: Duration = Duration::from_secs(1);

/// A message to produce: key, payload, and the time it is stamped with, in milliseconds since 1970.
pub(crate) type Message = (Option<String>, Vec<u8>, i64);

pub(crate) struct Kafka {
    bootstrap: String,
    client: BaseConsumer,
    brokers: Mutex<Vec<Broker>>,
}

/// A broker that lives as long as this does.
pub(crate) struct Broker {
    address: String,
    folder: PathBuf,
    /// Held for the pipe that keeps the broker alive.
    process: Child,
}

impl Broker {
    /// Starts a broker on these ports, the second of which is its controller's; it will take a while.
    pub(crate) fn start(ports: [u16; 2], settings: &[String]) -> Self {
        let [broker_port, controller_port] = ports;
        let folder = fresh_folder(broker_port);
        Self {
            address: format!("127.0.0.1:{broker_port}"),
            process: start_broker(&folder, [broker_port, controller_port], settings),
            folder,
        }
    }

    fn has_ended(&mut self) -> bool {
        let status = self.process.try_wait();
        status.expect("a child can be asked").is_some()
    }
}

impl Kafka {
    /// The broker, or `None` where it is not installed: the test has been reported as skipped.
    pub(crate) fn get() -> Option<&'static Self> {
        static KAFKA: OnceLock<Result<Kafka, String>> = OnceLock::new();
        services::find("kafka")?;
        match KAFKA.get_or_init(Self::start) {
            Ok(kafka) => Some(kafka),
            Err(complaint) => panic!("Apache Kafka did not start:\n{complaint}"),
        }
    }

    /// What `KAFKA_BROKERS` is set to.
    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Makes a topic that keeps old events. The name is the caller's, one for each test.
    pub(crate) fn create_topic(&self, name: &str, partitions: i32) {
        // Fixtures are stamped with days of long ago, which a broker deletes after a week.
        self.create_topic_with(name, partitions, &[("retention.ms", "-1")]);
    }

    /// Makes a topic with settings of its own.
    pub(crate) fn create_topic_with(
        &self,
        name: &str,
        partitions: i32,
        settings: &[(&'static str, &'static str)],
    ) {
        let admin: AdminClient<DefaultClientContext> =
            self.config().create().expect("an admin client can be made");
        let brokers = self
            .brokers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len();
        let copies = i32::try_from(brokers).expect("a number of brokers");
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(copies))
            // Whatever this machine's clock says: they may as well be of days to come.
            .set("message.timestamp.after.max.ms", "9223372036854775807");
        let topic = settings
            .iter()
            .fold(topic, |topic, (name, value)| topic.set(name, value));
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let results = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime can be made")
            .block_on(admin.create_topics([&topic], &options))
            .expect("the broker answers");
        for result in results {
            result.expect("the topic is new");
        }
        self.wait_for("every partition has a leader", || {
            self.has_leaders(name, partitions)
        });
    }

    /// Appends messages to a partition, and returns when the broker has them all.
    pub(crate) fn produce(&self, topic: &str, partition: i32, messages: &[Message]) {
        self.produce_with(topic, partition, messages, &[]);
    }

    /// The same with settings of the producer.
    pub(crate) fn produce_with(
        &self,
        topic: &str,
        partition: i32,
        messages: &[Message],
        settings: &[(&str, &str)],
    ) {
        let mut config = self.config();
        for (name, value) in settings {
            config.set(*name, *value);
        }
        let producer: BaseProducer<Deliveries> = config
            .create_with_context(Deliveries::default())
            .expect("a producer can be made");
        for (key, payload, timestamp) in messages {
            let mut record = BaseRecord::to(topic)
                .partition(partition)
                .payload(payload)
                .timestamp(*timestamp);
            if let Some(key) = key {
                record = record.key(key);
            }
            send(&producer, record);
        }
        producer
            .flush(PATIENCE)
            .expect("the broker takes the messages");
        producer.context().expect_none_failed();
    }

    /// The offset of the first message that a partition still has.
    pub(crate) fn begin(&self, topic: &str, partition: i32) -> i64 {
        let watermarks = self.client.fetch_watermarks(topic, partition, PATIENCE);
        watermarks.expect("the broker answers").0
    }

    /// The offset behind the last message of a partition.
    pub(crate) fn end(&self, topic: &str, partition: i32) -> i64 {
        let watermarks = self.client.fetch_watermarks(topic, partition, PATIENCE);
        watermarks.expect("the broker answers").1
    }

    fn start() -> Result<Self, String> {
        // Between finding a port and using it, another program may take it.
        Self::start_once().or_else(|_| Self::start_once())
    }

    fn start_once() -> Result<Self, String> {
        let ports = free_ports();
        let broker = Broker::start(ports, &[]);
        Self::of(vec![broker])
    }

    /// What these brokers are together, once all of them answer.
    pub(crate) fn of(mut brokers: Vec<Broker>) -> Result<Self, String> {
        let addresses = brokers.iter().map(|broker| broker.address.clone());
        let bootstrap = addresses.collect::<Vec<_>>().join(",");
        let client = config(&bootstrap).create().expect("a client can be made");
        let deadline = Instant::now() + PATIENCE;
        while !answers(&client, brokers.len()) {
            for broker in &mut brokers {
                if broker.has_ended() {
                    return Err(log(&broker.folder));
                }
            }
            if Instant::now() > deadline {
                return Err(log(&brokers[0].folder));
            }
        }
        Ok(Self {
            bootstrap,
            client,
            brokers: Mutex::new(brokers),
        })
    }

    /// The node that leads a partition.
    pub(crate) fn leader(&self, topic: &str, partition: i32) -> i32 {
        let metadata = self.client.fetch_metadata(Some(topic), PATIENCE);
        let metadata = metadata.expect("the broker answers");
        let mut partitions = metadata.topics()[0].partitions().iter();
        let found = partitions.find(|found| found.id() == partition);
        found.expect("there is such a partition").leader()
    }

    /// Ends a node of a cluster as a power cut would.
    pub(crate) fn kill(&self, node: i32) {
        let mut brokers = self.brokers.lock().unwrap_or_else(PoisonError::into_inner);
        let index = usize::try_from(node - 1).expect("nodes are numbered from 1");
        let process = &mut brokers[index].process;
        process.kill().expect("a broker can be killed");
        process.wait().expect("a broker that was killed ends");
    }

    /// The offset that a group has committed, if it has.
    pub(crate) fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let consumer = self.member(group);
        let mut list = rdkafka::TopicPartitionList::new();
        list.add_partition(topic, partition);
        let committed = consumer.committed_offsets(list, PATIENCE);
        match committed.expect("the broker answers").elements()[0].offset() {
            rdkafka::Offset::Offset(offset) => Some(offset),
            _ => None,
        }
    }

    /// Commits an offset of a group.
    pub(crate) fn commit(&self, group: &str, topic: &str, partition: i32, offset: i64) {
        let mut list = rdkafka::TopicPartitionList::new();
        list.add_partition_offset(topic, partition, rdkafka::Offset::Offset(offset))
            .expect("it is an offset");
        let commit = self.member(group).commit(&list, CommitMode::Sync);
        commit.expect("the broker commits");
    }

    /// A consumer of a group, which has not subscribed to anything.
    pub(crate) fn member(&self, group: &str) -> BaseConsumer {
        self.config()
            .set("group.id", group)
            .create()
            .expect("a consumer can be made")
    }

    fn config(&self) -> ClientConfig {
        config(&self.bootstrap)
    }

    fn has_leaders(&self, topic: &str, partitions: i32) -> bool {
        let Ok(metadata) = self.client.fetch_metadata(Some(topic), TRY) else {
            return false;
        };
        let led = metadata.topics()[0]
            .partitions()
            .iter()
            .filter(|found| found.leader() >= 0);
        led.count() == usize::try_from(partitions).expect("a number of partitions")
    }

    /// Waits until something is so.
    pub(crate) fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(
                Instant::now() < deadline,
                "waited {PATIENCE:?} in vain: {what}"
            );
            // Nothing is assigned, so nothing comes: this only serves the client for a moment.
            self.client.poll(Duration::from_millis(20));
        }
    }
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        // A broker that is starting refuses connections: ask again soon.
        .set("reconnect.backoff.ms", "20")
        .set("reconnect.backoff.max.ms", "100")
        .set("linger.ms", "1");
    config
}

fn start_broker(folder: &Path, ports: [u16; 2], settings: &[String]) -> Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/kafka/start.sh");
    let mut command = Command::new(script);
    // The script removes it.
    let file = folder.with_extension("settings");
    if !settings.is_empty() {
        fs_err::write(&file, settings.join("\n") + "\n").expect("a file can be written");
        command.env("KAFKA_SETTINGS", &file);
    }
    command
        .arg(folder)
        .args(ports.map(|port| port.to_string()))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // A group of its own: the watchdog relies on it, and Ctrl-C is for the tests alone.
        .process_group(0)
        .spawn()
        .expect("start.sh can be started")
}

/// A folder that start.sh makes, and removes when the broker has ended.
fn fresh_folder(port: u16) -> PathBuf {
    std::env::temp_dir().join(format!("dfpipe-kafka-{}-{port}", std::process::id()))
}

pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    // All are held until all are known, so that they differ.
    [(); N]
        .map(|()| TcpListener::bind("127.0.0.1:0").expect("loopback has a free port"))
        .map(|listener| {
            listener
                .local_addr()
                .expect("a listener has an address")
                .port()
        })
}

fn answers(client: &BaseConsumer, brokers: usize) -> bool {
    let metadata = client.fetch_metadata(None, TRY);
    metadata.is_ok_and(|metadata| metadata.brokers().len() == brokers)
}

fn log(folder: &Path) -> String {
    fs_err::read_to_string(folder.join("broker.log")).unwrap_or_else(|error| error.to_string())
}

/// Waits while the producer's queue is full.
fn send(producer: &BaseProducer<Deliveries>, record: BaseRecord<'_, String, Vec<u8>>) {
    let mut waiting = Some(record);
    while let Some(record) = waiting {
        waiting = match producer.send(record) {
            Ok(()) => None,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), record)) => {
                producer.poll(TRY);
                Some(record)
            }
            Err((error, _)) => panic!("a message cannot be produced: {error}"),
        };
    }
}

/// What the broker would not take: a flush alone does not tell.
#[derive(Default)]
struct Deliveries {
    failures: Mutex<Vec<String>>,
}

impl Deliveries {
    fn expect_none_failed(&self) {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(
            failures.is_empty(),
            "messages were not delivered: {failures:?}"
        );
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.push(error.to_string());
        }
    }
}

/// The window of a run is found by the messages' times: the broker must answer exactly.
#[test]
fn kafka_answers_timestamp_lookups() {
    use rdkafka::topic_partition_list::Offset;

    const DAY: i64 = 24 * 60 * 60 * 1000;
    let Some(kafka) = Kafka::get() else { return };
    let (topic, first) = ("timestamp-lookups", 1_790_000_000_000);
    kafka.create_topic(topic, 2);
    let message = |number: i64| {
        let payload = format!("{{\"number\": {number}}}").into_bytes();
        (Some(format!("key-{number}")), payload, first + number * DAY)
    };
    kafka.produce(topic, 1, &[0, 1, 2].map(message));

    let client: BaseConsumer = config(kafka.bootstrap())
        .create()
        .expect("a client can be made");
    let watermarks = |partition| client.fetch_watermarks(topic, partition, PATIENCE);
    assert_eq!(watermarks(0), Ok((0, 0)));
    assert_eq!(watermarks(1), Ok((0, 3)));

    let first_at_or_after = |time| {
        let mut question = rdkafka::TopicPartitionList::new();
        question
            .add_partition_offset(topic, 1, Offset::Offset(time))
            .expect("a time fits");
        let answer = client
            .offsets_for_times(question, PATIENCE)
            .expect("the broker answers");
        answer.elements()[0].offset()
    };
    assert_eq!(first_at_or_after(first - DAY), Offset::Offset(0));
    assert_eq!(first_at_or_after(first + 1), Offset::Offset(1));
    assert_eq!(first_at_or_after(first + 2 * DAY), Offset::Offset(2));
    assert_eq!(first_at_or_after(first + 2 * DAY + 1), Offset::End);
}
