//! What the brokers answer to the questions of a plan: offsets by time, times by offset, the topic's settings.
//!
//! Apart from the client, because the questions of a plan need several: one that sees what is committed,
//! one that sees all, and one that reads a message here and there.

use std::{
    cell::OnceCell,
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures::executor::block_on;

use super::{
    client::{Client, Event, topic_settings},
    offsets::{Lookup, Place, Watermarks, Which},
    survey::{Retention, retention},
};
use crate::{
    config::{Kafka, Secret},
    error::Result,
};

/// How long a poll waits.
const WAIT: Duration = Duration::from_millis(50);

/// Asks the brokers of a topic.
pub struct Asker {
    kafka: Arc<Kafka>,
    client: Client,
    all: OnceCell<Client>,
}

impl Asker {
    /// Asks about the topic of `kafka`.
    pub fn new(kafka: Arc<Kafka>) -> Result<Self> {
        Ok(Self {
            client: Client::new(Arc::clone(&kafka), 1)?,
            all: OnceCell::new(),
            kafka,
        })
    }

    /// Everything was asked.
    pub fn leave(self) {
        self.client.leave();
        if let Some(client) = self.all.into_inner() {
            client.leave();
        }
    }

    /// The client that sees open transactions.
    fn all(&self) -> Result<&Client> {
        if let Some(client) = self.all.get() {
            return Ok(client);
        }
        let client = Client::new(uncommitted(&self.kafka), 1)?;
        Ok(self.all.get_or_init(|| client))
    }
}

/// The same topic, open transactions included.
fn uncommitted(kafka: &Kafka) -> Arc<Kafka> {
    let mut kafka = kafka.clone();
    let all = (
        "isolation.level".to_owned(),
        Secret::new("read_uncommitted"),
    );
    kafka.options.push(all);
    Arc::new(kafka)
}

impl Lookup for Asker {
    fn partitions(&self) -> Result<Vec<i32>> {
        self.client.partitions()
    }

    fn watermarks(&self, partition: i32) -> Result<Watermarks> {
        // Asked for first: what comes in between the two is then not taken for hidden.
        let (_, written) = self.all()?.watermarks(partition)?;
        let (low, high) = self.client.watermarks(partition)?;
        Ok(Watermarks { low, high, written })
    }

    fn first_at(&self, partitions: &[i32], time: DateTime<Utc>) -> Result<Vec<Option<i64>>> {
        self.client.first_at(partitions, time)
    }

    fn times(&self, places: &[Place], which: Which) -> Result<Vec<Option<DateTime<Utc>>>> {
        let kafka = match which {
            Which::FirstUncommitted => uncommitted(&self.kafka),
            Which::First | Which::Last => Arc::clone(&self.kafka),
        };
        let found = Sampler::read(kafka, places, which)?;
        Ok(places
            .iter()
            .map(|(partition, _)| found.get(partition).copied().flatten())
            .collect())
    }

    fn is_stamped_by_broker(&self) -> bool {
        let settings = block_on(topic_settings(&self.kafka, ["message.timestamp.type"]));
        settings.is_ok_and(|[kind]| kind.as_deref() == Some("LogAppendTime"))
    }

    fn retention(&self) -> Option<Retention> {
        block_on(retention(&self.kafka)).ok()
    }

    fn topics(&self) -> Vec<String> {
        self.client.topics()
    }
}

/// Reads messages for their times.
struct Sampler {
    which: Which,
    /// The time of each partition, once it is known or known to be none.
    found: BTreeMap<i32, Option<DateTime<Utc>>>,
    /// The last one seen so far, where the last one is asked for.
    seen: BTreeMap<i32, DateTime<Utc>>,
}

impl Sampler {
    fn read(
        kafka: Arc<Kafka>,
        places: &[Place],
        which: Which,
    ) -> Result<BTreeMap<i32, Option<DateTime<Utc>>>> {
        let mut sampler = Self {
            which,
            found: BTreeMap::new(),
            seen: BTreeMap::new(),
        };
        let patience = kafka.timeout;
        let client = Client::new(kafka, places.len())?;
        client.assign(places)?;
        let begun = Instant::now();
        while sampler.found.len() < places.len() && begun.elapsed() < patience {
            sampler.take(client.poll(WAIT)?);
        }
        client.leave();
        Ok(sampler.found)
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Message(message) => {
                let time = message
                    .timestamp()
                    .and_then(DateTime::from_timestamp_millis);
                let partition = message.partition();
                if self.which != Which::Last {
                    self.found.entry(partition).or_insert(time);
                } else if let Some(time) = time {
                    self.seen.insert(partition, time);
                }
            }
            Event::End(partition) => {
                let seen = self.seen.get(&partition).copied();
                self.found.entry(partition).or_insert(seen);
            }
            Event::Nothing => {}
        }
    }
}
