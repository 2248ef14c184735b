//! Three nodes, one of which dies in the middle of a read.

use futures::StreamExt;

use crate::{
    kafka::{Reading, event, in_window},
    support::{
        kafka::{Broker, Kafka, free_ports},
        services,
    },
};
use datafusion::{
    arrow::{array::AsArray, datatypes::Int64Type},
    physical_plan::ExecutionPlanProperties,
    prelude::SessionContext,
};

const MESSAGES: i64 = 60_000;

/// Three nodes that notice soon when one of them dies.
fn cluster() -> Kafka {
    let ports: [u16; 6] = free_ports();
    let voters = [1, 3, 5].map(|index| format!("{}@127.0.0.1:{}", index / 2 + 1, ports[index]));
    let nodes = [0, 2, 4].map(|index| {
        let settings = [
            format!("node.id={}", index / 2 + 1),
            format!("controller.quorum.voters={}", voters.join(",")),
            "offsets.topic.replication.factor=3".to_owned(),
            // Not so soon that nodes of a busy machine depose each other.
            "broker.session.timeout.ms=5000".to_owned(),
            "broker.heartbeat.interval.ms=1000".to_owned(),
            "controller.quorum.election.timeout.ms=3000".to_owned(),
            "controller.quorum.fetch.timeout.ms=5000".to_owned(),
            "initial.broker.registration.timeout.ms=240000".to_owned(),
        ];
        Broker::start([ports[index], ports[index + 1]], &settings)
    });
    Kafka::of(nodes.into()).unwrap_or_else(|log| panic!("the cluster does not start:\n{log}"))
}

#[test]
fn a_broker_that_dies_in_the_middle_of_a_read_loses_and_doubles_nothing() {
    if services::find("kafka").is_none() {
        return;
    }
    let kafka = cluster();
    let topic = "read-while-a-leader-dies";
    kafka.create_topic(topic, 1);
    // Of 200 bytes each: more than a consumer holds when it is told to hold little.
    let filling = "x".repeat(200);
    let messages =
        (0..MESSAGES).map(|number| event(&format!("{number}-{filling}"), in_window(1) + number));
    kafka.produce(topic, 0, &messages.collect::<Vec<_>>());
    let reading = Reading::of(kafka.bootstrap(), topic)
        .at_a_time(1)
        .with_option("queued.max.messages.kbytes", "512")
        .with_option("fetch.message.max.bytes", "65536");
    let plan = reading.plan().expect("the read can be planned");
    assert_eq!(plan.output_partitioning().partition_count(), 1);

    let offsets = reading.runtime.block_on(async {
        let mut batches = plan
            .execute(0, SessionContext::new().task_ctx())
            .expect("it begins");
        let mut offsets: Vec<i64> = vec![];
        while let Some(batch) = batches.next().await {
            let batch = batch.expect("the read goes on");
            if offsets.is_empty() {
                kafka.kill(kafka.leader(topic, 0));
            }
            offsets.extend(batch.column(1).as_primitive::<Int64Type>().values());
        }
        offsets
    });

    assert!(
        offsets.iter().copied().eq(0..MESSAGES),
        "{} of {MESSAGES} came",
        offsets.len()
    );
    // The list of brokers begins with one that is down by now, or has it in its middle.
    assert_eq!(
        Reading::of(kafka.bootstrap(), topic)
            .survey()
            .expect("it answers")
            .records,
        Some(60_000)
    );
}
