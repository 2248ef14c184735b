//! The window as one bounded range of offsets per partition, fixed before anything is read.
//!
//! Apart from the client, so that the rules hold without a broker: it answers through [`Lookup`].

use chrono::{DateTime, Utc};

use crate::{error::Result, sources::ReadRange};

/// What a broker is asked before reading.
pub trait Lookup {
    /// The partitions of the topic.
    fn partitions(&self) -> Result<Vec<i32>>;

    /// The offsets that a partition holds.
    fn watermarks(&self, partition: i32) -> Result<Watermarks>;

    /// The first offset of each partition whose message is of `time` or later, where there is one.
    fn first_at(&self, partitions: &[i32], time: DateTime<Utc>) -> Result<Vec<Option<i64>>>;
}

/// The offsets that a partition holds: `[low, high)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// The oldest that retention has left.
    pub low: i64,
    /// One after the newest that is committed.
    pub high: i64,
}

/// What is read of one partition: `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetRange {
    /// The partition.
    pub partition: i32,
    /// The first offset that is read.
    pub start: i64,
    /// The first that is not.
    pub end: i64,
    /// The oldest offset that there was; retention may have cut the window if `start` equals it.
    pub low: i64,
}

impl OffsetRange {
    /// Whether retention may have removed messages of the window: reading begins at the very first
    /// message that is left, and there were earlier ones.
    pub fn may_be_cut(&self) -> bool {
        self.low > 0 && self.start == self.low && !self.is_empty()
    }

    /// The same as a sentence.
    pub fn is_cut_in_words(&self, topic: &str) -> String {
        format!(
            "partition {} of `{topic}` begins at offset {}: retention may have removed messages of \
             the window",
            self.partition, self.low
        )
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// How many offsets it has. Some hold no message: the end of a transaction, or what is compacted.
    pub fn length(&self) -> u64 {
        u64::try_from(self.end - self.start).unwrap_or(0)
    }

    /// The range for a run's record.
    pub fn read(&self) -> ReadRange {
        ReadRange {
            part: format!("partition {}", self.partition),
            first: Some(self.start),
            end: Some(self.end),
        }
    }
}

/// The range of every partition from `time` to now.
///
/// The ends are fixed first: what comes in between two questions is then after the end of all.
pub fn ranges(lookup: &dyn Lookup, time: DateTime<Utc>) -> Result<Vec<OffsetRange>> {
    let partitions = lookup.partitions()?;
    let held: Vec<_> = partitions
        .iter()
        .map(|partition| lookup.watermarks(*partition))
        .collect::<Result<_>>()?;
    let starts = lookup.first_at(&partitions, time)?;
    let ranges = partitions.into_iter().zip(held).zip(starts);
    Ok(ranges
        .map(|((partition, held), start)| range(partition, held, start))
        .collect())
}

/// The ranges that hold something, or one that is empty: a plan needs a partition.
pub fn worth_reading(ranges: Vec<OffsetRange>) -> Vec<OffsetRange> {
    let mut ranges = ranges;
    ranges.sort_by_key(|range| (range.is_empty(), range.partition));
    let full = ranges.iter().filter(|range| !range.is_empty()).count();
    ranges.truncate(full.max(1));
    ranges
}

fn range(partition: i32, held: Watermarks, start: Option<i64>) -> OffsetRange {
    let Watermarks { low, high } = held;
    // No message of that time or later: nothing to read, not everything to come.
    let start = start.unwrap_or(high).clamp(low.min(high), high);
    OffsetRange {
        partition,
        start,
        end: high,
        low,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, Utc};

    use super::{Lookup, OffsetRange, Watermarks, ranges, worth_reading};
    use crate::error::{Error, Result};

    /// Partitions as the seconds at which their messages came, after `low` that retention took.
    struct Topic(BTreeMap<i32, (i64, Vec<i64>)>);

    impl Lookup for Topic {
        fn partitions(&self) -> Result<Vec<i32>> {
            Ok(self.0.keys().copied().collect())
        }

        fn watermarks(&self, partition: i32) -> Result<Watermarks> {
            let (low, messages) = &self.0[&partition];
            Ok(Watermarks {
                low: *low,
                high: (*low..).nth(messages.len()).unwrap(),
            })
        }

        fn first_at(&self, partitions: &[i32], time: DateTime<Utc>) -> Result<Vec<Option<i64>>> {
            let first = |partition| {
                let (low, messages): &(i64, Vec<i64>) = &self.0[partition];
                let first = messages
                    .iter()
                    .position(|second| *second >= time.timestamp());
                first.and_then(|index| (*low..).nth(index))
            };
            Ok(partitions.iter().map(first).collect())
        }
    }

    fn found(topic: &[(i32, i64, &[i64])], second: i64) -> Vec<(i32, i64, i64)> {
        let partitions = topic
            .iter()
            .map(|(partition, low, seconds)| (*partition, (*low, seconds.to_vec())));
        let time = DateTime::from_timestamp(second, 0).unwrap();
        let ranges = ranges(&Topic(partitions.collect()), time).unwrap();
        ranges
            .iter()
            .map(|range| (range.partition, range.start, range.end))
            .collect()
    }

    #[test]
    fn a_range_begins_with_the_first_message_in_time_and_ends_with_the_last_there_is() {
        let topic: [(i32, i64, &[i64]); 5] = [
            (0, 0, &[10, 20, 30]),
            // Behind one that came later stands one of the window: both are read.
            (1, 0, &[10, 40, 20]),
            (2, 100, &[20, 30]),
            (3, 0, &[1, 2]),
            (4, 7, &[]),
        ];
        let expected = [(0, 1, 3), (1, 1, 3), (2, 100, 102), (3, 2, 2), (4, 7, 7)];
        assert_eq!(found(&topic, 20), expected);
    }

    /// Between the two questions a message came: it is of the next run.
    #[test]
    fn a_message_that_comes_while_asking_is_not_read() {
        struct Growing;
        impl Lookup for Growing {
            fn partitions(&self) -> Result<Vec<i32>> {
                Ok(vec![0])
            }
            fn watermarks(&self, _: i32) -> Result<Watermarks> {
                Ok(Watermarks { low: 0, high: 5 })
            }
            fn first_at(&self, _: &[i32], _: DateTime<Utc>) -> Result<Vec<Option<i64>>> {
                Ok(vec![Some(6)])
            }
        }
        let ranges = ranges(&Growing, DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(
            ranges,
            [OffsetRange {
                partition: 0,
                start: 5,
                end: 5,
                low: 0
            }]
        );
    }

    #[test]
    fn empty_partitions_are_left_out_but_for_one_if_all_are() {
        let range = |partition, start| OffsetRange {
            partition,
            start,
            end: 5,
            low: 0,
        };
        assert_eq!(
            worth_reading(vec![range(2, 0), range(0, 5), range(1, 4)]),
            [range(1, 4), range(2, 0)]
        );
        assert_eq!(worth_reading(vec![range(1, 5), range(0, 5)]), [range(0, 5)]);
    }

    #[test]
    fn a_look_up_that_fails_fails_the_plan() {
        struct Down;
        impl Lookup for Down {
            fn partitions(&self) -> Result<Vec<i32>> {
                Ok(vec![0])
            }
            fn watermarks(&self, _: i32) -> Result<Watermarks> {
                Err(Error::outside("down"))
            }
            fn first_at(&self, _: &[i32], _: DateTime<Utc>) -> Result<Vec<Option<i64>>> {
                Ok(vec![])
            }
        }
        assert_eq!(
            ranges(&Down, DateTime::UNIX_EPOCH).unwrap_err().message(),
            "down"
        );
    }
}
