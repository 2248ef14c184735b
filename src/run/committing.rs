//! Tells the topics how far this run has read them, once the destination holds what came of it.
//!
//! Apart from the load, which it must not fail: the rows are there, and the group's offsets are for those
//! who watch it. A run reads by its window, never by what is committed.

use futures::future::join_all;

use super::{Event, Execution, record::SourceRecord};
use crate::{
    config::{From, Kafka},
    error::Error,
    sources::kafka,
};

impl Execution<'_> {
    /// Commits the offsets of what was read. What could not be committed, a sentence each.
    pub(super) async fn commit_offsets(&self) -> Vec<String> {
        let sources = &self.pipeline.config.sources;
        let read = self.record.sources.iter().filter_map(|record| {
            match &sources.get(&record.name)?.from {
                From::Kafka(kafka) => Some((record, kafka)),
                From::Files(_) | From::Crm(_) => None,
            }
        });
        let failed = join_all(read.map(|(record, kafka)| commit(record, kafka))).await;
        let failed: Vec<_> = failed.into_iter().flatten().collect();
        for message in &failed {
            let message = message.clone();
            self.tell(&Event::Warning { message });
        }
        failed
    }
}

async fn commit(record: &SourceRecord, kafka: &Kafka) -> Option<String> {
    let committed = kafka::commit(kafka, offsets(record)).await;
    committed.err().map(|error| not_committed(kafka, &error))
}

/// The end of what was read, by partition. Of a partition that never held anything there is nothing to say.
fn offsets(record: &SourceRecord) -> Vec<(i32, i64)> {
    let each = record.ranges.iter().filter_map(|range| {
        let partition = range.part.strip_prefix("partition ")?.parse().ok()?;
        Some((partition, range.end.filter(|end| *end > 0)?))
    });
    each.collect()
}

fn not_committed(kafka: &Kafka, error: &Error) -> String {
    format!(
        "the offsets of group `{}` on topic `{}` are not committed: {error}; the load is complete, and no later run \
         needs them",
        kafka.group, kafka.topic
    )
}

#[cfg(test)]
mod tests {
    use super::{SourceRecord, offsets};
    use crate::run::record::SourceRange;

    #[test]
    fn the_end_of_every_partition_is_committed_unless_nothing_was_ever_in_it() {
        let range = |part: &str, end| SourceRange {
            part: part.to_owned(),
            first: Some(0),
            end,
            ..SourceRange::default()
        };
        let record = SourceRecord {
            ranges: vec![
                range("partition 0", Some(7)),
                range("partition 1", Some(0)),
                range("partition 12", Some(9)),
                range("pages", Some(3)),
                range("partition 3", None),
            ],
            ..SourceRecord::default()
        };
        assert_eq!(offsets(&record), [(0, 7), (12, 9)]);
    }
}
