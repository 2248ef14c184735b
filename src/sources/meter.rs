//! How far the reading of a source is, and what was read of it.
//!
//! Apart from the refusals that travel with it, because it is counted at every record: with atomics
//! alone, so that whoever wants to know looks whenever they like and holds nobody up.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

/// What stands where nothing is known.
const UNKNOWN: u64 = u64::MAX;

/// Counts what is read of one source, by all its partitions.
#[derive(Debug)]
pub struct Meter {
    begun: Instant,
    records: AtomicU64,
    expected: AtomicU64,
    /// The earliest end, in milliseconds after `begun`.
    end: AtomicU64,
    ranges: Mutex<BTreeMap<i32, ReadRange>>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Records so far.
    pub records: u64,
    /// Records that there will be, where the source tells.
    pub expected: Option<u64>,
    /// Seconds that the rest takes at least, where that is known.
    pub seconds_left: Option<f64>,
}

/// A piece of a source that was read: `[first, end)`; neither is known of a piece without records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadRange {
    /// The pages, the file or the partition.
    pub part: String,
    /// The first page, record or offset.
    pub first: Option<i64>,
    /// The one behind the last.
    pub end: Option<i64>,
    /// When its records came in, where the source tells.
    pub times: Times,
}

/// The earliest and the latest of moments, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times(Option<(i64, i64)>);

impl Times {
    /// A moment more, if it is one.
    pub fn add(&mut self, milliseconds: Option<i64>) {
        let Some(moment) = milliseconds else { return };
        self.0 = Some(self.0.map_or((moment, moment), |(first, last)| {
            (first.min(moment), last.max(moment))
        }));
    }

    /// The moments of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        if let Some((first, last)) = other.0 {
            self.add(Some(first));
            self.add(Some(last));
        }
        self
    }

    /// The earliest moment.
    pub fn first(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.0?.0)
    }

    /// The latest moment.
    pub fn last(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.0?.1)
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            records: AtomicU64::new(0),
            expected: AtomicU64::new(UNKNOWN),
            end: AtomicU64::new(UNKNOWN),
            ranges: Mutex::default(),
        }
    }
}

impl Meter {
    /// Counts records, whatever became of them.
    pub fn add(&self, records: u64) {
        self.records.fetch_add(records, Relaxed);
    }

    /// So many records there will be in all.
    pub fn expect(&self, records: u64) {
        self.expected.store(records, Relaxed);
    }

    /// So many of those that were expected do not exist.
    pub fn expect_fewer(&self, records: u64) {
        let fewer =
            |expected| (expected != UNKNOWN).then(|| u64::saturating_sub(expected, records));
        // An error only says that nothing was expected.
        let _ = self.expected.fetch_update(Relaxed, Relaxed, fewer);
    }

    /// What is left takes at least so long from now on.
    pub fn takes_at_least(&self, rest: Duration) {
        let end = (self.begun.elapsed() + rest).as_millis();
        self.end
            .store(u64::try_from(end).unwrap_or(UNKNOWN), Relaxed);
    }

    /// Takes note of what is read of the part with this number.
    pub fn note(&self, number: i32, range: ReadRange) {
        self.noted().insert(number, range);
    }

    /// Takes note of the times of records of the part with this number.
    pub fn note_times(&self, number: i32, times: Times) {
        if let Some(range) = self.noted().get_mut(&number) {
            range.times = range.times.and(times);
        }
    }

    /// How far it is.
    pub fn reading(&self) -> Reading {
        let known = |value: &AtomicU64| Some(value.load(Relaxed)).filter(|value| *value != UNKNOWN);
        let end = known(&self.end).map(|end| self.begun + Duration::from_millis(end));
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        Reading {
            records: self.records.load(Relaxed),
            expected: known(&self.expected),
            seconds_left: left.map(|left| left.as_secs_f64()),
        }
    }

    /// What was read, in the order of the parts' numbers.
    pub fn ranges(&self) -> Vec<ReadRange> {
        self.noted().values().cloned().collect()
    }

    fn noted(&self) -> MutexGuard<'_, BTreeMap<i32, ReadRange>> {
        self.ranges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    /// Whether a person who saw `earlier` sees something new: a record, an expectation, a second.
    pub fn is_news_after(&self, earlier: &Self) -> bool {
        let seconds = |reading: &Self| reading.seconds_left.map(f64::ceil);
        self.records != earlier.records
            || self.expected != earlier.expected
            || seconds(self) != seconds(earlier)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Meter, ReadRange, Reading, Times};

    #[test]
    fn what_is_not_told_is_unknown_and_never_zero() {
        let meter = Meter::default();
        assert_eq!(meter.reading(), Reading::default());
        meter.expect_fewer(3);
        assert_eq!(meter.reading().expected, None);
        meter.expect(0);
        assert_eq!(meter.reading().expected, Some(0));
    }

    #[test]
    fn what_turns_out_not_to_exist_is_no_longer_expected() {
        let meter = Meter::default();
        meter.expect(10);
        meter.add(4);
        meter.expect_fewer(6);
        let reading = meter.reading();
        assert_eq!((reading.records, reading.expected), (4, Some(4)));
        meter.expect_fewer(6);
        assert_eq!(meter.reading().expected, Some(0));
    }

    #[test]
    fn the_time_that_is_left_runs_down_by_itself() {
        let meter = Meter::default();
        meter.takes_at_least(Duration::from_mins(2));
        let first = meter.reading().seconds_left.unwrap();
        assert!((119.0..=120.0).contains(&first), "{first}");
        assert!(meter.reading().seconds_left.unwrap() <= first);
        meter.takes_at_least(Duration::ZERO);
        assert_eq!(meter.reading().seconds_left, Some(0.0));
    }

    #[test]
    fn a_part_of_a_second_is_no_news() {
        let reading = |seconds_left| Reading {
            seconds_left: Some(seconds_left),
            ..Reading::default()
        };
        assert!(!reading(59.2).is_news_after(&reading(59.9)));
        assert!(reading(58.9).is_news_after(&reading(59.2)));
        assert!(reading(1.0).is_news_after(&Reading::default()));
    }

    #[test]
    fn the_first_and_the_last_moment_of_a_part_are_kept_whatever_comes_between() {
        let meter = Meter::default();
        meter.note(0, ReadRange::default());
        for moments in [&[2000, 1000][..], &[], &[4000, 3000]] {
            let mut times = Times::default();
            for moment in moments {
                times.add(Some(*moment));
            }
            times.add(None);
            meter.note_times(0, times);
        }
        let times = meter.ranges()[0].times;
        let seconds = [times.first(), times.last()].map(|moment| moment.unwrap().timestamp());
        assert_eq!(seconds, [1, 4]);
        assert_eq!(Times::default().first(), None);
    }

    #[test]
    fn ranges_come_in_the_order_of_their_parts_whoever_was_first() {
        let meter = Meter::default();
        for number in [10, 2, 1] {
            let part = format!("partition {number}");
            let (first, end) = (Some(0), Some(1));
            let range = ReadRange {
                part,
                first,
                end,
                ..ReadRange::default()
            };
            meter.note(number, range);
        }
        let parts = meter.ranges().into_iter().map(|range| range.part);
        let parts: Vec<_> = parts.collect();
        assert_eq!(parts, ["partition 1", "partition 2", "partition 10"]);
    }
}
