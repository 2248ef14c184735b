//! One bounded range of offsets per partition, and what a broker is asked to find it.
//!
//! Apart from the client, so that the rules hold without a broker: it answers through [`Lookup`].

use chrono::{DateTime, Utc};

use super::survey::Retention;
use crate::{error::Result, sources::ReadRange};

/// Offsets that are worth a consumer of their own.
pub const PIECE: u64 = 50_000;

/// What a broker is asked before reading.
pub trait Lookup {
    /// The partitions of the topic.
    fn partitions(&self) -> Result<Vec<i32>>;

    /// The offsets that a partition holds.
    fn watermarks(&self, partition: i32) -> Result<Watermarks>;

    /// The first offset of each partition whose message is of `time` or later, where there is one.
    fn first_at(&self, partitions: &[i32], time: DateTime<Utc>) -> Result<Vec<Option<i64>>>;

    /// The times of messages, one for each place, where there is a message.
    fn times(&self, places: &[Place], which: Which) -> Result<Vec<Option<DateTime<Utc>>>>;

    /// Whether the brokers stamp the messages as they come in; `false` if it is not known.
    fn is_stamped_by_broker(&self) -> bool;

    /// How long the topic keeps its messages, if that is told.
    fn retention(&self) -> Option<Retention>;

    /// The names of all topics, as far as they are told.
    fn topics(&self) -> Vec<String>;
}

/// A partition and an offset in it.
pub type Place = (i32, i64);

/// Which message's time is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first one at the place or behind it.
    First,
    /// The same, of an open transaction too.
    FirstUncommitted,
    /// The last one behind the place.
    Last,
}

/// The offsets that a partition holds: `[low, high)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// The oldest that retention has left.
    pub low: i64,
    /// One after the newest that is committed.
    pub high: i64,
    /// One after the newest, committed or not.
    pub written: i64,
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
    /// Of a partition that holds these offsets, from its first message in time, if it has one, to the
    /// end that is fixed.
    pub fn new(partition: i32, held: Watermarks, start: Option<i64>, end: i64) -> Self {
        let Watermarks { low, .. } = held;
        // No message of that time or later: nothing to read, not everything to come.
        let start = start.unwrap_or(end).clamp(low.min(end), end);
        Self {
            partition,
            start,
            end,
            low,
        }
    }

    /// Whether retention may have removed messages of the window: reading begins at the very first
    /// message that is left, and there were earlier ones.
    pub fn may_be_cut(&self) -> bool {
        self.low > 0 && self.start == self.low && !self.is_empty()
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
            ..ReadRange::default()
        }
    }

    /// The same range in so many pieces of equal length, in order.
    fn pieces(self, count: u64) -> impl Iterator<Item = Self> {
        let length = self.length().div_ceil(count.max(1)).max(1);
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let starts = std::iter::successors(Some(self.start), move |start| {
            start.checked_add(length).filter(|next| *next < self.end)
        });
        starts.map(move |start| Self {
            start,
            end: start.saturating_add(length).min(self.end),
            ..self
        })
    }
}

/// The ranges that hold something, or one that is empty: a plan needs a partition.
pub fn worth_reading(ranges: Vec<OffsetRange>) -> Vec<OffsetRange> {
    let mut ranges = ranges;
    ranges.sort_by_key(|range| (range.is_empty(), range.partition));
    let full = ranges.iter().filter(|range| !range.is_empty()).count();
    ranges.truncate(full.max(1));
    ranges
}

/// Long ranges in pieces of `piece` offsets or more, so that up to `readers` can read at a time.
pub fn split(ranges: Vec<OffsetRange>, readers: usize, piece: u64) -> Vec<OffsetRange> {
    if ranges.len() >= readers {
        return ranges;
    }
    let all: u64 = ranges.iter().map(OffsetRange::length).sum();
    let share = all.div_ceil(readers as u64).max(piece).max(1);
    let pieces = ranges.into_iter().flat_map(|range| {
        let count = (range.length() / share).max(1);
        range.pieces(count)
    });
    pieces.collect()
}

/// The ranges that each of `readers` reads one after the other; a range each if there are enough.
pub fn dealt(ranges: &[OffsetRange], readers: usize) -> Vec<Vec<OffsetRange>> {
    let each = ranges.len().div_ceil(readers.max(1)).max(1);
    ranges.chunks(each).map(<[_]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::{OffsetRange, dealt, split, worth_reading};

    fn range(partition: i32, start: i64, end: i64) -> OffsetRange {
        OffsetRange {
            partition,
            start,
            end,
            low: 0,
        }
    }

    fn places(ranges: &[OffsetRange]) -> Vec<(i32, i64, i64)> {
        let each = ranges.iter();
        each.map(|range| (range.partition, range.start, range.end))
            .collect()
    }

    #[test]
    fn empty_partitions_are_left_out_but_for_one_if_all_are() {
        let kept = worth_reading(vec![range(2, 0, 5), range(0, 5, 5), range(1, 4, 5)]);
        assert_eq!(places(&kept), [(1, 4, 5), (2, 0, 5)]);
        let kept = worth_reading(vec![range(1, 5, 5), range(0, 5, 5)]);
        assert_eq!(places(&kept), [(0, 5, 5)]);
    }

    #[test]
    fn large_partitions_are_read_in_pieces_where_readers_would_be_idle() {
        let topic = || vec![range(0, 10, 90), range(1, 0, 20)];
        let pieces = split(topic(), 5, 10);
        let expected = [
            (0, 10, 30),
            (0, 30, 50),
            (0, 50, 70),
            (0, 70, 90),
            (1, 0, 20),
        ];
        assert_eq!(places(&pieces), expected);
        for (readers, piece) in [(1, 1), (2, 1), (5, 81)] {
            assert_eq!(split(topic(), readers, piece), topic(), "{readers} {piece}");
        }
        assert_eq!(split(vec![range(0, 5, 5)], 4, 1), [range(0, 5, 5)]);
    }

    /// Whatever the lengths are, the pieces are the range, with nothing between and nothing twice.
    #[test]
    fn pieces_join_to_the_range_that_they_are_of() {
        for (end, readers) in [(100, 7), (101, 7), (3, 7), (1, 2), (1000, 999)] {
            let pieces = split(vec![range(0, 0, end)], readers, 1);
            assert!(pieces.len() <= readers, "{end} {readers}");
            assert_eq!((pieces[0].start, pieces.last().unwrap().end), (0, end));
            assert!(pieces.windows(2).all(|two| two[0].end == two[1].start));
        }
    }

    #[test]
    fn more_partitions_than_readers_are_read_one_after_the_other() {
        let ranges: Vec<_> = (0..5).map(|partition| range(partition, 0, 1)).collect();
        let dealt_to = |readers| {
            dealt(&ranges, readers)
                .iter()
                .map(Vec::len)
                .collect::<Vec<_>>()
        };
        assert_eq!(dealt_to(16), [1, 1, 1, 1, 1]);
        assert_eq!(dealt_to(2), [3, 2]);
        assert_eq!(dealt(&ranges, 2).concat(), ranges);
    }
}
