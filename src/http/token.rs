//! Tokens of `OAuth2` client credentials: fetched once, and again before they expire or when one is refused.
//!
//! Apart from the signer because it asks a server of its own, under the budget of that host (which is the API's, where
//! it is the same), and because many requests wait for one token.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::{
    StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE},
};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::form_urlencoded::byte_serialize;

use super::{
    auth::{basic, bearer},
    budget::Budget,
    client::LONGEST_WAIT,
    failure::Failure,
    plain,
};
use crate::{
    config::{OAuth2, Secret, shown},
    error::{Error, Result},
};

/// A token is fetched anew so long before it expires, or a tenth of its life if that is less.
const AHEAD: Duration = Duration::from_mins(1);

/// Fetches tokens and keeps the last one.
#[derive(Debug)]
pub struct Tokens {
    client: reqwest::Client,
    oauth: OAuth2,
    setting: String,
    budget: std::sync::Arc<Budget>,
    retries: u32,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    token: Option<Token>,
    fetched: u64,
    /// The server wants the client's secret in a header, and not in the body.
    is_in_header: bool,
}

#[derive(Debug)]
struct Token {
    value: HeaderValue,
    stale_at: Option<Instant>,
}

/// Why no token was given.
struct Refused {
    failure: Failure,
    /// The server knows clients by another way.
    wants_basic: bool,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let wants_basic = false;
        Self {
            failure,
            wants_basic,
        }
    }
}

/// What a server answers.
#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    expires_in: Option<serde_json::Value>,
}

impl Tokens {
    /// Fetches tokens as `oauth` says, with no more requests a minute than their host allows; nothing is asked yet.
    pub fn new(
        oauth: &OAuth2,
        setting: &str,
        (timeout, retries): (Duration, u32),
        requests_per_minute: u32,
    ) -> Result<Self> {
        let client = plain(timeout)?;
        Ok(Self {
            client,
            oauth: oauth.clone(),
            setting: setting.to_owned(),
            budget: Budget::shared(&oauth.token_url, requests_per_minute),
            retries,
            held: Mutex::default(),
        })
    }

    /// The present token and its number.
    pub async fn get(&self) -> Result<(u64, HeaderValue), Failure> {
        let mut held = self.held.lock().await;
        let now = Instant::now();
        if let Some(token) = held.token.as_ref().filter(|token| token.is_fresh(now)) {
            return Ok((held.fetched, token.value.clone()));
        }
        let token = self.fetch(&mut held).await?;
        let value = token.value.clone();
        held.token = Some(token);
        held.fetched += 1;
        Ok((held.fetched, value))
    }

    /// A new token for who does not speak HTTP, and when it is to be fetched anew, if that is told.
    pub async fn lease(&self) -> Result<(Secret, Option<Instant>)> {
        let token = self.fetch(&mut Held::default()).await;
        let token = token.map_err(|failure| failure.error)?;
        let text = token.value.to_str().unwrap_or_default();
        let text = text.strip_prefix("Bearer ").unwrap_or(text);
        Ok((Secret::new(text), token.stale_at))
    }

    /// The token with this number is good for nothing.
    pub async fn drop_token(&self, number: u64) {
        let mut held = self.held.lock().await;
        if held.fetched == number {
            held.token = None;
        }
    }

    async fn fetch(&self, held: &mut Held) -> Result<Token, Failure> {
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(32))
            .with_max_times(self.retries as usize)
            .with_jitter()
            .build();
        loop {
            let failure = match self.ask(held.is_in_header).await {
                Ok(token) => return Ok(token),
                Err(failure) => failure,
            };
            if failure.wants_basic && !held.is_in_header {
                held.is_in_header = true;
                continue;
            }
            let failure = failure.failure;
            let is_too_long = failure.wait.is_some_and(|wait| wait > LONGEST_WAIT);
            let delay = delays.next().filter(|_| failure.is_passing && !is_too_long);
            let Some(delay) = delay else {
                return Err(Failure {
                    is_passing: false,
                    error: self.named(&failure.error),
                    ..failure
                });
            };
            tokio::time::sleep(failure.wait.unwrap_or(delay)).await;
        }
    }

    async fn ask(&self, is_in_header: bool) -> Result<Token, Refused> {
        let url = &self.oauth.token_url;
        let permit = self.budget.take().await;
        let mut form = vec![("grant_type", "client_credentials")];
        let optional = [
            ("scope", &self.oauth.scope),
            ("audience", &self.oauth.audience),
        ];
        form.extend(
            optional
                .iter()
                .filter_map(|(name, value)| Some((*name, value.as_deref()?))),
        );
        let mut request = self.client.post(url.clone());
        if is_in_header {
            let signature = self.signature().map_err(Failure::lasting)?;
            request = request.header(AUTHORIZATION, signature);
        } else {
            form.push(("client_id", self.oauth.client_id.expose()));
            form.push(("client_secret", self.oauth.client_secret.expose()));
        }
        let response = request.form(&form).send().await;
        drop(permit);
        let response = response.map_err(|error| Failure::broken(url, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let failure = Failure::of_status(url, status, &headers, Some(&self.setting));
            let wants_basic = wants_basic(status, &headers);
            return Err(Refused {
                failure,
                wants_basic,
            });
        }
        let body = response
            .bytes()
            .await
            .map_err(|error| Failure::broken(url, error))?;
        // What is wrong with the answer would be said in its own words, and these are a key.
        let granted: Granted = serde_json::from_slice(&body)
            .map_err(|_| Failure::passing(url, &"the answer holds no `access_token`"))?;
        Ok(self.token(&granted).map_err(Failure::lasting)?)
    }

    /// The client's name and secret, each encoded like a form: RFC 6749, 2.3.1.
    fn signature(&self) -> Result<HeaderValue> {
        let encoded = |secret: &Secret| {
            let bytes = secret.expose().as_bytes();
            Secret::new(byte_serialize(bytes).collect::<String>())
        };
        basic(
            &encoded(&self.oauth.client_id),
            &encoded(&self.oauth.client_secret),
        )
    }

    fn token(&self, granted: &Granted) -> Result<Token> {
        let value = bearer(&granted.access_token, "auth.oauth2").map_err(|_| {
            let url = shown(&self.oauth.token_url);
            Error::outside(format!("`{url}` gives a token that no header can hold"))
        })?;
        let life = granted.expires_in.as_ref().and_then(seconds);
        let now = Instant::now();
        let stale_at =
            life.and_then(|life| now.checked_add(life.saturating_sub(AHEAD.min(life / 10))));
        Ok(Token { value, stale_at })
    }

    /// The error says that it is about the token.
    fn named(&self, error: &Error) -> Error {
        let message = format!("no token can be fetched: {}", error.message());
        let cause = error.cause().map(str::to_owned);
        let hint = match error.hint() {
            Some(hint) if error.kind() == crate::error::Kind::Outside => hint.to_owned(),
            _ => format!(
                "look at {}: `token_url` is the address that gives tokens",
                self.setting
            ),
        };
        let named = Error::new(error.kind(), message).with_hint(hint);
        match cause {
            Some(cause) => named.because(cause),
            None => named,
        }
    }
}

impl Token {
    fn is_fresh(&self, now: Instant) -> bool {
        self.stale_at.is_none_or(|stale_at| now < stale_at)
    }
}

/// Servers know one of two ways to name a client, and tell which only by refusing the other.
fn wants_basic(status: StatusCode, headers: &HeaderMap) -> bool {
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
    let mut texts = challenges.filter_map(|value| value.to_str().ok());
    let names_basic = texts.any(|text| text.to_ascii_lowercase().contains("basic"));
    status == StatusCode::BAD_REQUEST || (status == StatusCode::UNAUTHORIZED && names_basic)
}

/// Seconds as a number or as text; servers do both.
fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let seconds: f64 = text.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::seconds;

    #[test]
    fn the_life_of_a_token_is_read_as_a_number_and_as_text() {
        for (value, expected) in [
            (json!(3600), Some(3600)),
            (json!("60"), Some(60)),
            (json!(-1), None),
            (json!("soon"), None),
            (json!(null), None),
        ] {
            assert_eq!(
                seconds(&value),
                expected.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}
