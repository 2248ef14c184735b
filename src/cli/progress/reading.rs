//! A source that is being read: how far, how fast, how long still. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use indicatif::HumanCount;

/// How far reading got.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Records so far.
    pub records: u64,
    /// Records that there will be, where the source tells.
    pub expected: Option<u64>,
    /// Seconds that the rest takes at least, by the rate limit.
    pub seconds_left: Option<f64>,
    /// Seconds since reading began.
    pub seconds: f64,
}

impl Reading {
    /// How far, how fast, how long still.
    pub fn words(&self) -> String {
        let mut parts = vec![self.counted()];
        if let Some(rate) = self.rate() {
            parts.push(format!("{}/s", rounded(rate)));
        }
        if let Some(left) = self.left() {
            parts.push(format!("about {} left", span(left)));
        }
        parts.join(", ")
    }

    fn counted(&self) -> String {
        let records = HumanCount(self.records);
        match self.expected.filter(|expected| *expected > 0) {
            Some(expected) => {
                let percent = (self.records.saturating_mul(100) / expected).min(100);
                let expected = HumanCount(expected);
                format!("{records} of {expected} records ({percent} %)")
            }
            None => format!("{records} records"),
        }
    }

    /// Records per second, once there is something to tell it by.
    fn rate(&self) -> Option<f64> {
        let rate = count(self.records) / self.seconds;
        (self.seconds >= 1.0 && rate >= 0.5).then_some(rate)
    }

    /// Whatever takes longer: the rest at the speed so far, or what the rate limit allows.
    fn left(&self) -> Option<f64> {
        let rest = self.expected?.saturating_sub(self.records);
        let at_this_speed = self.rate().map(|rate| count(rest) / rate);
        let left = [at_this_speed, self.seconds_left];
        left.into_iter().flatten().reduce(f64::max)
    }
}

/// Seconds as people say them: tenths of short times, minutes of long ones.
pub fn took(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let (minutes, rest) = ((seconds / 60.0).floor(), seconds % 60.0);
    format!("{minutes:.0} min {:.0} s", rest.floor())
}

/// A guess of some time to come, no more exact than it is.
fn span(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{:.0} s", seconds.max(1.0))
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

fn rounded(number: f64) -> HumanCount {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive, and shown without fractions"
    )]
    HumanCount(number.round() as u64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "for showing, 52 bits are enough"
)]
fn count(number: u64) -> f64 {
    number as f64
}

/// Lets something through per source and time.
#[derive(Debug)]
pub struct Throttle {
    every: TimeDelta,
    last: BTreeMap<String, DateTime<Utc>>,
}

impl Throttle {
    /// At most once in `every`.
    pub fn new(every: TimeDelta) -> Self {
        Self {
            every,
            last: BTreeMap::new(),
        }
    }

    /// Counts the time of `source` from now on.
    pub fn start(&mut self, source: &str, now: DateTime<Utc>) {
        self.last.insert(source.to_owned(), now);
    }

    /// Whether it is time again; then the time counts from now on.
    pub fn is_due(&mut self, source: &str, now: DateTime<Utc>) -> bool {
        let last = self.last.get(source);
        let is_due = last.is_none_or(|last| now - *last >= self.every);
        if is_due {
            self.start(source, now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::{Reading, Throttle, took};

    #[test]
    fn reading_is_told_as_far_as_it_is_known() {
        let reading = |records, expected, seconds_left, seconds| {
            Reading {
                records,
                expected,
                seconds_left,
                seconds,
            }
            .words()
        };
        for (told, words) in [
            (reading(12, None, None, 0.2), "12 records"),
            (reading(0, Some(500), None, 0.1), "0 of 500 records (0 %)"),
            (reading(0, Some(0), None, 9.0), "0 records"),
            (reading(12_300, None, None, 10.0), "12,300 records, 1,230/s"),
            (
                reading(12_300, Some(30_000), None, 123.0),
                "12,300 of 30,000 records (41 %), 100/s, about 3 min left",
            ),
            (
                reading(10_000, Some(60_000), Some(300.0), 2.0),
                "10,000 of 60,000 records (16 %), 5,000/s, about 5 min left",
            ),
            (
                reading(700, Some(600), Some(0.0), 7.0),
                "700 of 600 records (100 %), 100/s, about 1 s left",
            ),
        ] {
            assert_eq!(told, words);
        }
    }

    #[test]
    fn long_times_are_told_in_minutes() {
        assert_eq!(took(0.04), "0.0 s");
        assert_eq!(took(59.9), "59.9 s");
        assert_eq!(took(192.7), "3 min 12 s");
    }

    #[test]
    fn a_source_is_told_of_at_most_once_in_a_while() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let mut throttle = Throttle::new(TimeDelta::seconds(30));
        throttle.start("crm", at(0));
        let due: Vec<_> = [10, 29, 31, 60, 61]
            .into_iter()
            .filter(|seconds| throttle.is_due("crm", at(*seconds)))
            .collect();
        assert_eq!(due, [31, 61]);
        assert!(throttle.is_due("topic", at(0)), "nobody started it");
    }
}
