//! Tokens for brokers that want them (`OAUTHBEARER`): fetched by client credentials, as for any API.
//!
//! Apart because the client library brings no HTTP of its own: it asks for a token, and this fetches it.
//! The options have the names that the library's users know.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use chrono::{DateTime, Duration, Utc};

use crate::{
    clock::Clock,
    config::{Kafka, OAuth2, Secret},
    error::{Error, Result},
    http::Tokens,
};

/// The options that say where tokens are to be had: no others may go to the library in their stead.
pub const OURS: [&str; 5] = [
    "sasl.oauthbearer.method",
    URL,
    CLIENT,
    SECRET,
    "sasl.oauthbearer.scope",
];

const URL: &str = "sasl.oauthbearer.token.endpoint.url";
const CLIENT: &str = "sasl.oauthbearer.client.id";
const SECRET: &str = "sasl.oauthbearer.client.secret";

/// How long a token is taken to be good for if the server does not tell.
const LIFE: Duration = Duration::minutes(5);

/// Further tries after one that failed for a passing reason.
const RETRIES: u32 = 2;

/// Requests for tokens in any 60 seconds, of all consumers together: one is enough for as long as a token lives.
const PER_MINUTE: u32 = 100;

/// Tokens that were fetched: all consumers of a topic log in by the same.
static FETCHED: Mutex<Vec<(OAuth2, Token)>> = Mutex::new(vec![]);

/// How to log in.
#[derive(Debug)]
pub struct Login {
    oauth: OAuth2,
    timeout: std::time::Duration,
}

/// A token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token itself.
    pub text: Secret,
    /// When it has to be another.
    pub good_until: DateTime<Utc>,
}

impl Login {
    /// How to log in to the brokers of `kafka`, if they want tokens.
    pub fn of(kafka: &Kafka) -> Result<Option<Self>> {
        let is_wanted = ["sasl.mechanism", "sasl.mechanisms"].iter().any(|name| {
            let mechanism = option(kafka, name).map(|value| value.expose().to_ascii_uppercase());
            mechanism.is_some_and(|mechanism| mechanism == "OAUTHBEARER")
        });
        if !is_wanted {
            return Ok(None);
        }
        let needed = |name| {
            option(kafka, name)
                .cloned()
                .ok_or_else(|| missing(kafka, name))
        };
        let url = needed(URL)?;
        let token_url = url.expose().parse().map_err(|_| {
            let message = format!("`{URL}` of topic `{}` is no address", kafka.topic);
            Error::usage(message).with_hint("it begins with `https://`")
        })?;
        let scope = option(kafka, "sasl.oauthbearer.scope");
        Ok(Some(Self {
            oauth: OAuth2 {
                token_url,
                client_id: needed(CLIENT)?,
                client_secret: needed(SECRET)?,
                scope: scope.map(|scope| scope.expose().to_owned()),
                audience: None,
            },
            timeout: kafka.timeout,
        }))
    }

    /// Who logs in.
    pub fn principal(&self) -> &str {
        self.oauth.client_id.expose()
    }

    /// A token that is good for a while: one of before, or a new one. Blocks.
    pub fn token(&self) -> Result<Token> {
        let mut fetched = FETCHED.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Clock::system().now();
        fetched.retain(|(_, token)| token.good_until > now);
        if let Some((_, token)) = fetched.iter().find(|(oauth, _)| *oauth == self.oauth) {
            return Ok(token.clone());
        }
        let token = self.fetch(now)?;
        fetched.push((self.oauth.clone(), token.clone()));
        Ok(token)
    }

    fn fetch(&self, now: DateTime<Utc>) -> Result<Token> {
        let setting = format!("`{URL}`");
        let patience = (self.timeout, RETRIES);
        let tokens = Tokens::new(&self.oauth, &setting, patience, PER_MINUTE)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::outside("no token can be fetched").because(error))?;
        let (text, stale_at) = runtime.block_on(tokens.lease())?;
        let life = stale_at.map(|at| at.saturating_duration_since(Instant::now()));
        let life = life.and_then(|life| Duration::from_std(life).ok());
        Ok(Token {
            text,
            good_until: now + life.unwrap_or(LIFE),
        })
    }
}

fn option<'a>(kafka: &'a Kafka, name: &str) -> Option<&'a Secret> {
    let mut options = kafka.options.iter().rev();
    let (_, value) =
        options.find(|(option, value)| option == name && !value.expose().is_empty())?;
    Some(value)
}

fn missing(kafka: &Kafka, name: &str) -> Error {
    let message = format!("`options` of topic `{}` lack `{name}`", kafka.topic);
    Error::usage(message).with_hint(format!(
        "`sasl.mechanism: OAUTHBEARER` needs `{URL}`, `{CLIENT}` and `{SECRET}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::{super::settings::tests::kafka, Login};

    #[test]
    fn tokens_need_an_address_a_client_and_its_secret() {
        let mechanism = ("sasl.mechanism", "OAUTHBEARER");
        let url = (
            "sasl.oauthbearer.token.endpoint.url",
            "https://login.example/token",
        );
        let client = ("sasl.oauthbearer.client.id", "dfpipe");
        let secret = ("sasl.oauthbearer.client.secret", "hunter2");
        assert!(Login::of(&kafka(&[])).unwrap().is_none());
        assert!(
            Login::of(&kafka(&[mechanism, url, client, secret]))
                .unwrap()
                .is_some()
        );
        for (options, message) in [
            (
                vec![mechanism],
                "`options` of topic `customer-events` lack `sasl.oauthbearer.token.endpoint.url`",
            ),
            (
                vec![mechanism, url, client],
                "`options` of topic `customer-events` lack `sasl.oauthbearer.client.secret`",
            ),
            (
                vec![
                    mechanism,
                    ("sasl.oauthbearer.token.endpoint.url", "nowhere"),
                    client,
                    secret,
                ],
                "`sasl.oauthbearer.token.endpoint.url` of topic `customer-events` is no address",
            ),
        ] {
            assert_eq!(Login::of(&kafka(&options)).unwrap_err().message(), message);
        }
    }
}
