//! What an answer that is not a success means, and whether asking again can help.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use reqwest::{StatusCode, header::HeaderMap};
use url::Url;

use super::answer;
use crate::{
    config::shown,
    error::{Error, Kind},
};

/// Bytes of an unusable answer that are kept, for whoever looks for the reason. More than are shown, so that
/// nothing that has to be masked is cut in two.
const EXCERPT: usize = 400;

/// A request that was given up.
#[derive(Debug)]
pub struct Failed {
    /// The error.
    pub error: Error,
    /// Why it was given up.
    pub reason: Reason,
    /// The status of the last answer, if there was one.
    pub status: Option<u16>,
    /// How the last answer began, if it was not usable. It may hold anything.
    pub excerpt: Option<Vec<u8>>,
}

/// Why a request was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It did not come in time, and who asked wants to know that at once.
    TimedOut,
    /// It was tried as often as may be.
    Exhausted,
    /// Asking again cannot help.
    Refused,
}

/// Why one attempt failed.
#[derive(Debug)]
pub struct Failure {
    /// The error, should it be the last word.
    pub error: Error,
    /// Whether asking again can help.
    pub is_passing: bool,
    /// Whether there was no answer in time.
    pub is_timeout: bool,
    /// How long the server asks to wait.
    pub wait: Option<Duration>,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// How the answer began, if it was not usable.
    pub excerpt: Option<Vec<u8>>,
}

impl Failure {
    /// An error that will not pass.
    pub fn lasting(error: Error) -> Self {
        Self {
            error,
            is_passing: false,
            is_timeout: false,
            wait: None,
            status: None,
            excerpt: None,
        }
    }

    /// A broken connection, a time-out, an unreadable answer.
    pub fn passing(url: &Url, cause: &dyn std::fmt::Display) -> Self {
        let error = Error::outside(format!("`{}` gives no usable answer", shown(url)));
        Self {
            is_passing: true,
            ..Self::lasting(error.because(cause))
        }
    }

    /// A request that broke; one that could not even be made will not get better.
    pub fn broken(url: &Url, error: reqwest::Error) -> Self {
        Self {
            is_passing: !error.is_builder(),
            is_timeout: error.is_timeout(),
            ..Self::passing(url, &with_causes(error))
        }
    }

    /// An answer with a status that is no success.
    pub fn of_status(
        url: &Url,
        status: StatusCode,
        headers: &HeaderMap,
        key: Option<&str>,
    ) -> Self {
        let says = format!("`{}` answers {status}", shown(url));
        let error = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Error::outside(says).with_hint(unauthorized(key))
            }
            StatusCode::NOT_FOUND => Error::usage(says)
                .with_hint("look at `url` and `path` of the source in dfpipe.yml"),
            status if status.is_redirection() => Error::outside(says).with_hint(
                "redirects to another server are not followed, so that the key is sent nowhere else: put \
                 the final address into dfpipe.yml",
            ),
            _ => Error::outside(says),
        };
        let is_passing = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        Self {
            is_passing,
            wait: retry_after(headers, wall_clock()),
            status: Some(status.as_u16()),
            ..Self::lasting(error)
        }
    }

    /// The same with how the answer began.
    #[must_use]
    pub fn of_body(mut self, body: &[u8]) -> Self {
        self.excerpt = Some(body.iter().take(EXCERPT).copied().collect());
        self
    }

    /// The last word after `attempts` attempts.
    pub fn last_word(self, attempts: u32, reason: Reason) -> Failed {
        let error = if reason == Reason::Exhausted {
            exhausted(&self.error, attempts)
        } else {
            self.error
        };
        Failed {
            error,
            reason,
            status: self.status,
            excerpt: self.excerpt,
        }
    }
}

/// Which key is refused: `key` names its setting.
fn unauthorized(key: Option<&str>) -> String {
    match key {
        Some(key) => format!("{key} holds the key: it may be wrong, expired, or lack permission"),
        None => "no key is sent: set `auth` of the source in dfpipe.yml".to_owned(),
    }
}

fn exhausted(error: &Error, attempts: u32) -> Error {
    let times = if attempts == 1 { "attempt" } else { "attempts" };
    let message = format!("{} (after {attempts} {times})", error.message());
    let last = Error::new(Kind::Outside, message);
    let last = match error.cause() {
        Some(cause) => last.because(cause),
        None => last,
    };
    last.with_hint("the server may be down or overloaded: run again later")
}

/// `Retry-After` in seconds or as a date, which is about the server's present.
pub fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = headers.get(reqwest::header::RETRY_AFTER)?;
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::<Utc>::from(httpdate::parse_http_date(text).ok()?);
    let now = answer::date(headers).unwrap_or(now);
    (until - now).to_std().ok()
}

/// What headers say is about the servers' present, which is no run's injected time.
pub fn wall_clock() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "see above")]
    SystemTime::now().into()
}

/// A request that broke, with all its causes and without its address, which may have a key in it.
pub fn with_causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut deeper = std::error::Error::source(&error);
    while let Some(source) = deeper {
        words = format!("{words}: {source}");
        deeper = source.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::{
        StatusCode,
        header::{DATE, HeaderMap, RETRY_AFTER},
    };

    use super::{Failure, Reason, retry_after};

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let now = "2026-11-15T00:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("7", Some(7)),
            ("0", Some(0)),
            ("Sun, 15 Nov 2026 00:00:30 GMT", Some(30)),
            ("Sunday, 15-Nov-26 00:00:30 GMT", Some(30)),
            ("Sun Nov 15 00:00:30 2026", Some(30)),
            ("Sat, 14 Nov 2026 00:00:00 GMT", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{text}");
        }
    }

    #[test]
    fn a_date_to_retry_after_is_one_of_the_servers_clock() {
        let headers = HeaderMap::from_iter([
            (
                RETRY_AFTER,
                "Sun, 15 Nov 2026 00:00:30 GMT".parse().unwrap(),
            ),
            (DATE, "Sun, 15 Nov 2026 00:00:20 GMT".parse().unwrap()),
        ]);
        let ours = "2026-11-15T05:00:00Z".parse().unwrap();
        assert_eq!(retry_after(&headers, ours), Some(Duration::from_secs(10)));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let url = "http://c.test/v1?api_key=hunter2".parse().unwrap();
        for (status, is_passing) in [
            (429, true),
            (500, true),
            (502, true),
            (503, true),
            (504, true),
            (400, false),
            (401, false),
            (403, false),
            (404, false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let failure = Failure::of_status(&url, status, &HeaderMap::new(), None);
            assert_eq!(failure.is_passing, is_passing, "{status}");
            let error = failure.last_word(6, Reason::Exhausted).error;
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_refused_key_is_named_by_its_setting() {
        let url = "http://c.test/v1".parse().unwrap();
        for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
            let key = Some("`auth.bearer` (read from `CRM_API_KEY`)");
            let error = Failure::of_status(&url, status, &HeaderMap::new(), key).error;
            let hint = error.hint().unwrap();
            assert!(
                hint.contains("`CRM_API_KEY`") && hint.contains("expired"),
                "{hint}"
            );
        }
    }
}
