//! What an answer that is not a success means, and whether asking again can help.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{StatusCode, header::HeaderMap};
use url::Url;

use crate::{
    config::shown,
    error::{Error, Kind},
};

/// Why a request failed.
#[derive(Debug)]
pub struct Failure {
    /// The error, should it be the last word.
    pub error: Error,
    /// Whether asking again can help.
    pub is_passing: bool,
    /// How long the server asks to wait.
    pub wait: Option<Duration>,
}

impl Failure {
    /// A broken connection, a time-out, an unreadable answer.
    pub fn passing(url: &Url, cause: &dyn std::fmt::Display) -> Self {
        let error = Error::outside(format!("`{}` gives no usable answer", shown(url)));
        Self {
            error: error.because(cause),
            is_passing: true,
            wait: None,
        }
    }

    /// An answer with a status that is no success.
    pub fn of_status(
        url: &Url,
        status: StatusCode,
        headers: &HeaderMap,
        now: DateTime<Utc>,
    ) -> Self {
        let says = format!("`{}` answers {status}", shown(url));
        let error = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::outside(says).with_hint(
                "look at `auth` in dfpipe.yml and the variable it reads (CRM_API_KEY in the shipped \
                 project): the key may be wrong, expired, or lack permission",
            ),
            StatusCode::NOT_FOUND => Error::usage(says)
                .with_hint("look at `url` and `path` of the source in dfpipe.yml"),
            status if status.is_redirection() => Error::outside(says).with_hint(
                "redirects are not followed, so that the key is sent nowhere else: put the final \
                 address into dfpipe.yml",
            ),
            _ => Error::outside(says),
        };
        let is_passing = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        Self {
            error,
            is_passing,
            wait: retry_after(headers, now),
        }
    }

    /// The error after `attempts` attempts: what came before the failure is incomplete.
    pub fn last_word(self, attempts: u32) -> Error {
        if !self.is_passing {
            return self.error;
        }
        let message = format!("{} (after {attempts} attempts)", self.error.message());
        let error = Error::new(Kind::Outside, message);
        let error = match self.error.cause() {
            Some(cause) => error.because(cause),
            None => error,
        };
        error.with_hint("the server may be down or overloaded: run again later")
    }
}

/// `Retry-After` in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers
        .get(reqwest::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    (until.with_timezone(&Utc) - now).to_std().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{HeaderMap, RETRY_AFTER};

    use super::retry_after;

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let now = "2026-11-15T00:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("7", Some(7)),
            ("Sun, 15 Nov 2026 00:00:30 GMT", Some(30)),
            ("Sat, 14 Nov 2026 00:00:00 GMT", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{text}");
        }
    }
}
