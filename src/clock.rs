//! Time as the rest of the house sees it: injected, so that a run can be repeated and tested.
//!
//! The only file that may ask the operating system what time it is.

use std::{fmt, sync::Arc};

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, Utc};

/// Tells the time. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The operating system's clock, to the microsecond: what Parquet and BigQuery can hold.
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the clock"
        )]
        Self(Arc::new(|| Utc::now().trunc_subsecs(6)))
    }

    /// A clock that stands still.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self(Arc::new(move || at))
    }

    /// A clock that says what `tell` says.
    pub fn of(tell: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// The present moment.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

/// Reads a moment as people write it: RFC 3339, without a zone (then UTC), or a date (its midnight).
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.with_timezone(&Utc));
    }
    let naive = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
    ];
    if let Some(time) = naive
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    {
        return Some(time.and_utc());
    }
    if let Ok(time) = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z") {
        return Some(time.with_timezone(&Utc));
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::parse_time;

    #[test]
    fn a_naive_time_is_utc_and_a_date_is_its_midnight() {
        for (text, expected) in [
            ("2026-11-22", Some("2026-11-22T00:00:00+00:00")),
            ("2026-11-22T08:30:00", Some("2026-11-22T08:30:00+00:00")),
            (
                "2026-11-22 08:30:00.25",
                Some("2026-11-22T08:30:00.250+00:00"),
            ),
            (
                "2026-11-22T08:30:00+02:00",
                Some("2026-11-22T06:30:00+00:00"),
            ),
            ("2026-11-22 08:30:00+02", Some("2026-11-22T06:30:00+00:00")),
            ("2026-11-22T08:30:00Z", Some("2026-11-22T08:30:00+00:00")),
            ("22.11.2026", None),
            ("2026-02-30", None),
            ("", None),
        ] {
            let read = parse_time(text).map(|time| time.to_rfc3339());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
