//! Counts and times in the words of a warning. Apart because what a topic lacks and what a doctor finds read alike.

use chrono::{DateTime, Duration, Utc};

/// A number and what it counts.
pub fn of(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// A span of time in the largest unit of which there are two or more.
pub fn span(time: Duration) -> String {
    let seconds = time.num_seconds().unsigned_abs();
    for (unit, length) in [("day", 86_400), ("hour", 3600), ("minute", 60)] {
        if seconds >= 2 * length {
            return of((seconds + length / 2) / length, unit);
        }
    }
    of(seconds, "second")
}

/// A moment, to the minute.
pub fn moment(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The time from one moment to another.
pub fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    format!("{} to {}", from.format("%Y-%m-%d %H:%M"), moment(to))
}
