//! Faults that a real broker cannot be asked for, from a made-up one on loopback. (All else is tried with Apache
//! Kafka, in `tests/it/kafka*.rs`: the made-up one finds no offset by its time, and knows no transactions.)

use std::{sync::Arc, time::Duration};

use datafusion::{
    arrow::{array::AsArray, datatypes::Int64Type},
    error::DataFusionError,
    execution::TaskContext,
    physical_plan::streaming::PartitionStream,
};
use futures::TryStreamExt;
use rdkafka::{
    ClientConfig,
    mocking::MockCluster,
    producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer},
    types::{RDKafkaApiKey, RDKafkaRespErr as Answer},
};
use tokio::runtime::Runtime;

use super::{
    offsets::OffsetRange,
    scan::{
        Reader,
        tests::{reader, scan},
    },
    settings::tests::kafka,
};
use crate::{
    config::Kafka,
    error::{Error, Kind},
    sources::{Scan, partition::BlockingPartition},
};

const TOPIC: &str = "customer-events";
const MESSAGES: i64 = 2000;

/// What a broker answers to a fetch for a moment: while it moves a partition, starts, or is overloaded.
const PASSING: [Answer; 9] = [
    Answer::RD_KAFKA_RESP_ERR__TRANSPORT,
    Answer::RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
    Answer::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
    Answer::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
    Answer::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
    Answer::RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE,
    Answer::RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
    Answer::RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
    Answer::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
];

type Cluster = MockCluster<'static, DefaultProducerContext>;

/// A topic of one partition that holds so many messages.
fn cluster() -> Cluster {
    let cluster = MockCluster::new(2).unwrap();
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    let mut config = ClientConfig::new();
    // In sets of some hundred, so that there are fetches for faults to come between.
    config
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("batch.num.messages", "100");
    let producer: BaseProducer = config.create().unwrap();
    for number in 0..MESSAGES {
        let payload = format!("{{\"id\": {number}}}");
        let record: BaseRecord<'_, str, _> = BaseRecord::to(TOPIC).partition(0).payload(&payload);
        assert!(producer.send(record).is_ok());
    }
    producer.flush(Duration::from_secs(30)).unwrap();
    cluster
}

/// A reader of all messages, in small fetches.
fn whole(cluster: &Cluster) -> Reader {
    let options = [
        ("fetch.error.backoff.ms", "1"),
        ("fetch.message.max.bytes", "4096"),
        ("queued.max.messages.kbytes", "4"),
        ("topic.metadata.refresh.fast.interval.ms", "10"),
    ];
    let kafka = Kafka {
        brokers: cluster.bootstrap_servers(),
        ..kafka(&options)
    };
    let scan = Scan {
        projection: vec![1],
        ..scan(&kafka)
    };
    let range = OffsetRange {
        partition: 0,
        start: 0,
        end: MESSAGES,
        low: 0,
    };
    reader(kafka, range, scan)
}

/// The offsets that a reader gives.
fn offsets(reader: Reader) -> Result<Vec<i64>, Error> {
    let schema = reader.scan.schema().unwrap();
    let partition = BlockingPartition::new(schema, reader);
    let runtime = Runtime::new().unwrap();
    let read = async {
        let batches = partition.execute(Arc::new(TaskContext::default()));
        batches.try_collect().await
    };
    let batches: Vec<_> = runtime.block_on(read).map_err(|error| match error {
        DataFusionError::External(error) => *error.downcast::<Error>().unwrap(),
        error => panic!("not an error of ours: {error}"),
    })?;
    let columns = batches.iter().map(|batch| batch.column(0));
    let offsets = columns.flat_map(|column| column.as_primitive::<Int64Type>().values());
    Ok(offsets.copied().collect())
}

#[test]
fn answers_that_are_wrong_for_a_moment_lose_and_double_nothing() {
    let cluster = cluster();
    for answer in PASSING {
        let well = Answer::RD_KAFKA_RESP_ERR_NO_ERROR;
        let answers = [answer, well, well, answer, answer, well, answer];
        cluster.request_errors(RDKafkaApiKey::Fetch, &answers);
        let found = offsets(whole(&cluster)).unwrap();
        assert!(
            found.iter().copied().eq(0..MESSAGES),
            "{answer:?}: {} of {MESSAGES} came",
            found.len()
        );
    }
}

#[test]
fn a_connection_that_breaks_again_and_again_loses_and_doubles_nothing() {
    let cluster = cluster();
    let breaks = [Answer::RD_KAFKA_RESP_ERR__TRANSPORT; 5];
    for asked in [
        RDKafkaApiKey::ApiVersion,
        RDKafkaApiKey::Metadata,
        RDKafkaApiKey::Fetch,
    ] {
        cluster.request_errors(asked, &breaks);
        assert!(
            offsets(whole(&cluster))
                .unwrap()
                .into_iter()
                .eq(0..MESSAGES),
            "{asked:?}"
        );
    }
}

#[test]
fn credentials_that_lose_the_right_to_read_end_the_read_with_what_they_need() {
    let cluster = cluster();
    let answers = [
        Answer::RD_KAFKA_RESP_ERR_NO_ERROR,
        Answer::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
    ];
    cluster.request_errors(RDKafkaApiKey::Fetch, &answers);
    let error = offsets(whole(&cluster)).unwrap_err();
    assert_eq!(error.kind(), Kind::Outside);
    assert_eq!(
        error.message(),
        "these credentials may not read topic `customer-events`"
    );
    assert!(error.hint().is_some_and(|hint| hint.contains("READ")));
}
