//! Events as messages of a topic: a customer's events in one partition, stamped with their own time.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};

use super::json;
use crate::{
    Result,
    chance::mixed,
    event::Events,
    week::{AS_OF, WINDOW_START},
};

/// How long the last messages may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends all events to a topic that exists.
pub fn send(brokers: &str, topic: &str, events: Events) -> Result<()> {
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("compression.type", "zstd")
        .set("linger.ms", "50")
        .set("queue.buffering.max.messages", "1000000")
        .create()?;
    let partitions = partitions(&producer, topic)?;
    let mut value = Vec::new();
    for place in 0..events.count {
        let event = events.event(place);
        value.clear();
        json::event(&mut value, &event, events.seed, place)?;
        let key = event.customer_id();
        let partition = mixed(event.customer) % partitions;
        let record = BaseRecord::to(topic)
            .key(&key)
            .payload(&value)
            .partition(i32::try_from(partition)?)
            .timestamp(event.occurred_at.clamp(WINDOW_START, AS_OF - 1000) / 1000);
        enqueue(&producer, record)?;
    }
    Ok(producer.flush(PATIENCE)?)
}

fn partitions(producer: &ThreadedProducer<DefaultProducerContext>, topic: &str) -> Result<u64> {
    let metadata = producer.client().fetch_metadata(Some(topic), PATIENCE)?;
    let found = metadata.topics().iter().find(|one| one.name() == topic);
    match found.map_or(0, |topic| topic.partitions().len()) {
        0 => Err(format!("there is no topic `{topic}`; create it first").into()),
        count => Ok(count as u64),
    }
}

/// Hands a message over, and waits while the queue is full.
fn enqueue(
    producer: &ThreadedProducer<DefaultProducerContext>,
    mut record: BaseRecord<'_, String, Vec<u8>>,
) -> Result<()> {
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                producer.poll(Duration::from_millis(10));
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}
