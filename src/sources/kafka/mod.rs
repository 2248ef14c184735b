//! A Kafka topic as a source: what stood in it for one window, fixed before a message is read.
//!
//! ```text
//! window ─▶ one range per partition ──▶ scan: a consumer per range ─▶ batches ─▶ … ─▶ loaded
//!   │       [ first message in time,      │      └─ unreadable: dead letters            │
//!   │         end as it was then )        └─ cursor: where a range ends             commit
//!   ├─ offsets    ranges, their pieces, and what is asked to find them
//!   └─ gaps       what is missing of the window
//!
//! client ── the only file that names the client library
//!   ├─ ask        what a plan wants to know of the brokers
//!   ├─ survey     what a person wants to know before anything is read
//!   ├─ oauth      tokens for brokers that want them
//!   ├─ format     what the bytes of a message mean; asks the schema registry
//!   ├─ settings   how its consumers are set up
//!   ├─ heard      what it says on the side, each thing once
//!   └─ failure    why it did not answer, and what to do about it
//! ```
//!
//! The broker's times only bound what is read: the window itself is decided by the event's own time,
//! in SQL, as for every source. So nothing ends by time where producers stamp: an event of the window
//! may stand behind one that came later. Partitions are assigned, never subscribed to, as the ranges
//! belong to the run.

use std::sync::Arc;

use datafusion::physical_plan::streaming::PartitionStream;
use tokio::task::spawn_blocking;

use super::{Partial, Scan, partition::BlockingPartition};
use crate::{
    config::{self, OnGap},
    error::{Error, Result},
};

mod ask;
mod client;
mod commit;
mod cursor;
mod failure;
#[cfg(test)]
mod faults;
mod format;
mod gaps;
mod heard;
mod oauth;
mod offsets;
mod scan;
mod settings;
mod span;
mod survey;
#[cfg(test)]
mod testing;
mod window;

pub use commit::commit;
pub use format::problems;
pub use span::unspanned;
pub use survey::{Examined, Retention, examine, survey};

use ask::Asker;
use format::Format;
use offsets::OffsetRange;
use scan::Reader;
use window::{Asked, Found};

/// Ranges that are read at a time: each has a consumer, and all of them share their memory.
const READERS: usize = 16;

/// The partitions of the topic that hold something for the window; an empty one if none does.
pub async fn plan(kafka: config::Kafka, scan: Scan) -> Result<Vec<Arc<dyn PartitionStream>>> {
    let schema = scan.schema()?;
    let format = Arc::new(Format::new(&kafka.format)?);
    let kafka = Arc::new(kafka);
    let asked = Asked {
        window: scan.window,
        bounds: scan.bounds,
        is_sample: scan.limit.is_some(),
    };
    let found = look_up(Arc::clone(&kafka), asked).await?;
    tell(&found, &kafka, &scan);
    let ranges = offsets::worth_reading(found.ranges);
    let ranges = offsets::split(ranges, scan.max_partitions, offsets::PIECE);
    let readers = offsets::dealt(&ranges, READERS.max(scan.max_partitions));
    let consumers = readers.len();
    let partition = |ranges| {
        let (kafka, scan) = (Arc::clone(&kafka), scan.clone());
        let reader = Reader {
            kafka,
            ranges,
            consumers,
            format: Arc::clone(&format),
            scan,
        };
        Arc::new(BlockingPartition::new(Arc::clone(&schema), reader)) as Arc<dyn PartitionStream>
    };
    Ok(readers.into_iter().map(partition).collect())
}

/// Says what will be read, and what is missing of it.
fn tell(found: &Found, kafka: &config::Kafka, scan: &Scan) {
    let meter = scan.log.meter();
    meter.expect(found.ranges.iter().map(OffsetRange::length).sum());
    for range in &found.ranges {
        meter.note(range.partition, range.read());
    }
    for note in &found.notes {
        scan.log.warn(note.clone());
    }
    match kafka.on_gap {
        OnGap::Fail if !found.gaps.is_empty() => scan.log.stop_short(Partial {
            reason: found.gaps.join("; "),
            ..Partial::default()
        }),
        _ => found.gaps.iter().for_each(|gap| scan.log.warn(gap.clone())),
    }
}

/// Asks the brokers for the window, on a thread of its own, as the client library blocks.
async fn look_up(kafka: Arc<config::Kafka>, asked: Asked) -> Result<Found> {
    let asking = spawn_blocking(move || {
        let asker = Asker::new(Arc::clone(&kafka))?;
        let found = window::find(&asker, &kafka, asked);
        asker.leave();
        found
    });
    asking
        .await
        .map_err(|error| Error::bug("the look-up of offsets broke off").because(error))?
}
