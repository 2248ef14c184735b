//! A Kafka topic as a source: what stood in it for one window, fixed before a message is read.
//!
//! ```text
//! window ─▶ offsets: one range per partition ─▶ scan: one consumer per range ─▶ batches
//!           [ first at window.start − max_lateness,      │      └─ unreadable: dead letters
//!             high watermark of that moment )            └─ cursor: where a range ends
//!
//! client ── the only file that names the client library
//!   ├─ format     what the bytes of a message mean; asks the schema registry
//!   ├─ survey     what a plan and a person who looks for faults want to know before
//!   ├─ settings   how its consumers are set up
//!   ├─ heard      what it says on the side, each thing once
//!   └─ failure    why it did not answer, and what to do about it
//! ```
//!
//! The broker's times only bound what is read: the window itself is decided by the event's own time,
//! in SQL, as for every source. So nothing ends by time here: an event of the window may stand behind
//! one that came later. Partitions are assigned, never subscribed to, as the ranges belong to the run.

use std::sync::Arc;

use datafusion::physical_plan::streaming::PartitionStream;
use tokio::task::spawn_blocking;

use super::{Scan, partition::BlockingPartition};
use crate::{
    config,
    error::{Error, Result},
};

mod client;
mod cursor;
mod failure;
mod format;
mod heard;
mod offsets;
mod scan;
mod settings;
mod survey;

pub use format::problems;
pub use survey::{Examined, Retention, examine, survey};

use client::Client;
use format::Format;
use offsets::OffsetRange;
use scan::Reader;

/// The partitions of the topic that hold something for the window; an empty one if none does.
pub async fn plan(kafka: config::Kafka, scan: Scan) -> Result<Vec<Arc<dyn PartitionStream>>> {
    let schema = scan.schema()?;
    let format = Arc::new(Format::new(&kafka.format)?);
    let kafka = Arc::new(kafka);
    let ranges = look_up(Arc::clone(&kafka), scan.window.start - kafka.max_lateness).await?;
    for range in ranges.iter().filter(|range| range.may_be_cut()) {
        scan.log.warn(range.is_cut_in_words(&kafka.topic));
    }
    let meter = scan.log.meter();
    meter.expect(ranges.iter().map(OffsetRange::length).sum());
    for range in &ranges {
        meter.note(range.partition, range.read());
    }
    let ranges = offsets::worth_reading(ranges);
    let consumers = ranges.len();
    let partition = |range| {
        let (kafka, scan) = (Arc::clone(&kafka), scan.clone());
        let reader = Reader {
            kafka,
            range,
            consumers,
            format: Arc::clone(&format),
            scan,
        };
        Arc::new(BlockingPartition::new(Arc::clone(&schema), reader)) as Arc<dyn PartitionStream>
    };
    Ok(ranges.into_iter().map(partition).collect())
}

/// Asks the brokers for the range of every partition, on a thread of its own, as the client library
/// blocks.
async fn look_up(
    kafka: Arc<config::Kafka>,
    from: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<OffsetRange>> {
    let asking = spawn_blocking(move || {
        let client = Client::new(kafka, 1)?;
        offsets::ranges(&client, from)
    });
    asking
        .await
        .map_err(|error| Error::bug("the look-up of offsets broke off").because(error))?
}
