//! What an API says beside the body: its time, and how many requests it allows.
//!
//! Apart from the client, because there are several customs for the same thing, and reading them needs
//! no network.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap};

use super::client::Page;
use crate::error::Result;

/// One answer, a refusal as well.
#[derive(Debug)]
pub struct Answer {
    /// Its status, such as 200.
    pub status: u16,
    /// When the server says that it is.
    pub date: Option<DateTime<Utc>>,
    /// How many requests the server says that it allows.
    pub allowance: Option<Allowance>,
    /// What it holds, or why that is no success.
    pub page: Result<Page>,
}

/// How many requests a server allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests in one period.
    pub limit: u64,
    /// Seconds of the period, where they are told.
    pub seconds: Option<u64>,
    /// Requests that are left of the present period, where they are told.
    pub remaining: Option<u64>,
}

/// Headers that hold limits: those of the IETF's drafts, and those that came before them.
const LIMITS: [&str; 4] = [
    "ratelimit-policy",
    "ratelimit-limit",
    "x-ratelimit-limit",
    "x-rate-limit-limit",
];

/// Headers that hold what is left.
const REMAINING: [&str; 4] = [
    "ratelimit",
    "ratelimit-remaining",
    "x-ratelimit-remaining",
    "x-rate-limit-remaining",
];

/// Headers that hold when what is left is renewed.
const RENEWED: [&str; 4] = [
    "ratelimit",
    "ratelimit-reset",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
];

/// Periods that some gateways add to the name of a header, and their seconds.
const PERIODS: [(&str, u64); 4] = [
    ("second", 1),
    ("minute", 60),
    ("hour", 3600),
    ("day", 86_400),
];

/// All that a server tells of its limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The limits, each of another period.
    pub limits: Vec<Allowance>,
    /// Requests that are left of the one that is used up first.
    pub remaining: Option<u64>,
    /// How long until it is renewed.
    pub renewed_in: Option<Duration>,
}

impl Told {
    /// What `headers` tell, `now`: by the server's clock where they tell that too.
    pub fn of(headers: &HeaderMap, now: DateTime<Utc>) -> Self {
        Self {
            limits: Allowance::all(headers),
            remaining: remaining(headers),
            renewed_in: renewed_in(headers, date(headers).unwrap_or(now)),
        }
    }

    /// How long nothing is allowed, where nothing is left.
    pub fn exhausted_for(&self) -> Option<Duration> {
        self.renewed_in.filter(|_| self.remaining == Some(0))
    }
}

impl Allowance {
    /// The strictest limit that `headers` tell.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let all = Self::all(headers).into_iter();
        all.min_by(|one, other| one.per_minute().total_cmp(&other.per_minute()))
    }

    /// All limits that `headers` tell.
    fn all(headers: &HeaderMap) -> Vec<Self> {
        let plain = LIMITS.iter().flat_map(|name| items(headers, name));
        let period = |item: &str| parameter(item, "w").filter(|seconds| *seconds > 0);
        let plain = plain.filter_map(|item| Some((number(&item, "q")?, period(&item))));
        let named = PERIODS.iter().filter_map(|(period, seconds)| {
            let [item] = &items(headers, &format!("x-ratelimit-limit-{period}"))[..] else {
                return None;
            };
            Some((number(item, "q")?, Some(*seconds)))
        });
        let all: Vec<_> = plain.chain(named).collect();
        // The same limit is often told twice, once without its period.
        let is_told = all.iter().any(|(_, seconds)| seconds.is_some());
        let limits = all.into_iter().map(|(limit, seconds)| Self {
            limit,
            seconds,
            remaining: remaining(headers),
        });
        limits
            .filter(|limit| !is_told || limit.seconds.is_some())
            .collect()
    }

    /// Requests in a minute; a period that is not told is taken for a minute.
    pub fn per_minute(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "nobody allows 2^52 requests")]
        let (limit, seconds) = (self.limit as f64, self.seconds.unwrap_or(60) as f64);
        limit * 60.0 / seconds
    }
}

/// The server's time.
pub fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    Some(DateTime::parse_from_rfc2822(text).ok()?.to_utc())
}

fn remaining(headers: &HeaderMap) -> Option<u64> {
    let plain = REMAINING.iter().flat_map(|name| items(headers, name));
    let named = PERIODS
        .iter()
        .flat_map(|(period, _)| items(headers, &format!("x-ratelimit-remaining-{period}")));
    plain
        .chain(named)
        .filter_map(|item| number(&item, "r"))
        .min()
}

/// Seconds from now, or a moment in seconds or milliseconds since 1970: nobody waits for thirty years.
fn renewed_in(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let told = RENEWED.iter().flat_map(|name| items(headers, name));
    let told = told.filter_map(|item| match parameter(&item, "t") {
        Some(seconds) => Some(seconds),
        // What is left stands there, and no time.
        None if item.contains("r=") => None,
        None => number(&item, "t"),
    });
    let until = |moment: Option<DateTime<Utc>>| (moment? - now).to_std().ok();
    let waits = told.filter_map(|number| match number {
        0..1_000_000_000 => Some(Duration::from_secs(number)),
        1_000_000_000..1_000_000_000_000 => {
            until(DateTime::from_timestamp(i64::try_from(number).ok()?, 0))
        }
        _ => until(DateTime::from_timestamp_millis(i64::try_from(number).ok()?)),
    });
    waits.max()
}

/// The members of a header that holds a list.
fn items(headers: &HeaderMap, name: &str) -> Vec<String> {
    let values = headers.get_all(name).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts
        .flat_map(|text| text.split(','))
        .map(|item| item.trim().to_owned())
        .collect()
}

/// The number that a member is, or that its parameter `name` has.
fn number(item: &str, name: &str) -> Option<u64> {
    let first = item.split(';').next().unwrap_or_default();
    parameter(item, name).or_else(|| first.trim().parse().ok())
}

fn parameter(item: &str, name: &str) -> Option<u64> {
    let parameters = item
        .split(';')
        .filter_map(|parameter| parameter.split_once('='));
    let mut found = parameters.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found.next()?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName};

    use std::time::Duration;

    use super::{Allowance, Told, date};

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let lines = lines.iter();
        let parsed =
            lines.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        parsed.collect()
    }

    #[test]
    fn every_custom_of_telling_a_limit_is_understood() {
        for (lines, expected) in [
            (
                &[
                    ("ratelimit-policy", "\"default\";q=100;w=60"),
                    ("ratelimit", "\"default\";r=50;t=30"),
                ][..],
                Some((100, Some(60), Some(50))),
            ),
            (
                &[
                    ("ratelimit-limit", "10, 10;w=1, 200;w=60"),
                    ("ratelimit-remaining", "9"),
                ],
                Some((200, Some(60), Some(9))),
            ),
            (
                &[("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "0")],
                Some((60, None, Some(0))),
            ),
            (
                &[
                    ("x-ratelimit-limit-minute", "50"),
                    ("x-ratelimit-limit-hour", "1000"),
                ],
                Some((1000, Some(3600), None)),
            ),
            (&[("x-rate-limit-limit", "7")], Some((7, None, None))),
            (&[("x-ratelimit-limit", "many")], None),
            (&[("ratelimit-policy", "5;w=0")], Some((5, None, None))),
            (&[], None),
        ] {
            let found = Allowance::of(&headers(lines));
            let found = found.map(|found| (found.limit, found.seconds, found.remaining));
            assert_eq!(found, expected, "{lines:?}");
        }
    }

    #[test]
    fn a_limit_that_is_used_up_says_when_it_is_renewed_in_seconds_or_as_a_moment() {
        let now = "2026-11-15T00:00:00Z".parse().unwrap();
        for (lines, expected) in [
            (&[("ratelimit", "\"default\";r=0;t=30")][..], Some(30)),
            (
                &[("ratelimit-remaining", "0"), ("ratelimit-reset", "7")],
                Some(7),
            ),
            (
                &[
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1794700860"),
                ],
                Some(60),
            ),
            (
                &[
                    ("x-rate-limit-remaining", "0"),
                    ("x-rate-limit-reset", "1794700805000"),
                ],
                Some(5),
            ),
            (
                &[
                    ("date", "Sun, 15 Nov 2026 00:00:30 GMT"),
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1794700860"),
                ],
                Some(30),
            ),
            (
                &[("ratelimit-remaining", "1"), ("ratelimit-reset", "7")],
                None,
            ),
            (
                &[
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "soon"),
                ],
                None,
            ),
            (&[("x-ratelimit-remaining", "0")], None),
        ] {
            let told = Told::of(&headers(lines), now);
            assert_eq!(
                told.exhausted_for(),
                expected.map(Duration::from_secs),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn limits_of_several_periods_are_all_heeded() {
        let lines = [("ratelimit-policy", "10;w=1, 200;w=60")];
        let told = Told::of(&headers(&lines), "2026-11-15T00:00:00Z".parse().unwrap());
        let limits: Vec<_> = told
            .limits
            .iter()
            .map(|it| (it.limit, it.seconds))
            .collect();
        assert_eq!(limits, [(10, Some(1)), (200, Some(60))]);
    }

    #[test]
    fn a_limit_of_another_period_is_compared_by_the_minute() {
        let allowance = |limit, seconds| Allowance {
            limit,
            seconds,
            remaining: None,
        };
        for (limit, seconds, expected) in [(10, Some(1), 600.0), (120, Some(3600), 2.0)] {
            let found = allowance(limit, seconds).per_minute();
            assert!((found - expected).abs() < 1e-9, "{limit} in {seconds:?}");
        }
        assert!((allowance(30, None).per_minute() - 30.0).abs() < 1e-9);
    }

    #[test]
    fn the_servers_time_is_read_where_it_is_told() {
        let told = headers(&[("date", "Sun, 15 Nov 2026 00:00:30 GMT")]);
        let expected = "2026-11-15T00:00:30Z".parse().ok();
        assert_eq!(date(&told), expected);
        assert_eq!(date(&headers(&[("date", "yesterday")])), None);
    }
}
