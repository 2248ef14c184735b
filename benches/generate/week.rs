//! The week that is made up, and how its times are written.

use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, Days, NaiveDate};

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// The window is this many days.
pub const DAYS: i64 = 7;

/// 2026-11-15, the first day after the window, as days since 1970: that of the fixtures.
pub const RUN_DATE: i32 = 20_772;

/// The window's end in microseconds since 1970.
pub const AS_OF: i64 = RUN_DATE as i64 * DAY;

/// The window's start in microseconds since 1970.
pub const WINDOW_START: i64 = AS_OF - DAYS * DAY;

/// A time in microseconds since 1970, as APIs write it.
#[derive(Clone, Copy, Debug)]
pub struct Stamp(pub i64);

impl Display for Stamp {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let time = DateTime::from_timestamp_micros(self.0).expect("a time of this century");
        write!(formatter, "{}", time.format("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

/// A date in days since 1970, as APIs write it.
#[derive(Clone, Copy, Debug)]
pub struct Date(pub i32);

impl Display for Date {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let days = u64::try_from(self.0).expect("a date of this century");
        let date = NaiveDate::default() + Days::new(days);
        write!(formatter, "{date}")
    }
}

/// Hundredths, as APIs write them.
#[derive(Clone, Copy, Debug)]
pub struct Money(pub i64);

impl Display for Money {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(formatter, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}
