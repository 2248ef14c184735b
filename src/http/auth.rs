//! What signs requests: a header, a parameter, or a token that is fetched.
//!
//! Made once with the client, since a key that cannot be sent is a mistake in the configuration and no
//! failure of the server.

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use url::Url;

use super::{failure::Failure, token::Tokens};
use crate::{
    config::{Auth, Crm, NamedKey, Secret, Way},
    error::{Error, Result},
};

/// How requests are signed.
#[derive(Debug)]
pub enum Signer {
    /// By a header.
    Header(HeaderName, HeaderValue),
    /// By a parameter of the query.
    Query(NamedKey),
    /// By a token that is fetched.
    Token(Box<Tokens>),
}

/// What a request bears.
#[derive(Debug)]
pub struct Signature {
    /// A header.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// The number of the token that it holds, if it is one that was fetched.
    pub token: Option<u64>,
}

impl Signer {
    /// Signs as `auth` of `crm` says.
    pub fn new(auth: &Auth, crm: &Crm) -> Result<Self> {
        let (name, mut value) = match &auth.way {
            Way::Query(key) => return Ok(Self::Query(key.clone())),
            Way::OAuth2(client) => {
                let patience = (crm.timeout, crm.retries);
                let allowed = crm.requests_per_minute;
                let tokens = Tokens::new(client, &auth.setting, patience, allowed)?;
                return Ok(Self::Token(Box::new(tokens)));
            }
            Way::Bearer(key) => (AUTHORIZATION, bearer(key, "auth.bearer")?),
            Way::Basic { user, password } => (AUTHORIZATION, basic(user, password)?),
            Way::Header(header) => named(header)?,
        };
        value.set_sensitive(true);
        Ok(Self::Header(name, value))
    }

    /// Puts the signature into the address, if it belongs there; one that an API put there is replaced.
    pub fn address(&self, url: &Url) -> Url {
        let Self::Query(key) = self else {
            return url.clone();
        };
        let mut signed = without(url, &key.name);
        let mut pairs = signed.query_pairs_mut();
        pairs.append_pair(&key.name, key.value.expose());
        drop(pairs);
        signed
    }

    /// The signature that does not belong into the address.
    pub async fn sign(&self) -> Result<Signature, Failure> {
        let (header, token) = match self {
            Self::Query(_) => (None, None),
            Self::Header(name, value) => (Some((name.clone(), value.clone())), None),
            Self::Token(tokens) => {
                let (number, value) = tokens.get().await?;
                (Some((AUTHORIZATION, value)), Some(number))
            }
        };
        Ok(Signature { header, token })
    }

    /// The token with this number was refused; whether another one can be had.
    pub async fn renew(&self, number: Option<u64>) -> bool {
        match (self, number) {
            (Self::Token(tokens), Some(number)) => {
                tokens.drop_token(number).await;
                true
            }
            _ => false,
        }
    }
}

/// The address without the parameter `name`.
fn without(url: &Url, name: &str) -> Url {
    if !url.query_pairs().any(|(other, _)| other == name) {
        return url.clone();
    }
    let others: Vec<_> = url
        .query_pairs()
        .filter(|(other, _)| other != name)
        .map(|(other, value)| (other.into_owned(), value.into_owned()))
        .collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(others);
    url
}

/// A key as a bearer token.
pub fn bearer(key: &Secret, setting: &str) -> Result<HeaderValue> {
    sendable(&format!("Bearer {}", key.expose()), setting)
}

/// A user and a password.
pub fn basic(user: &Secret, password: &Secret) -> Result<HeaderValue> {
    let pair = format!("{}:{}", user.expose(), password.expose());
    sendable(
        &format!("Basic {}", BASE64_STANDARD.encode(pair)),
        "auth.basic",
    )
}

fn named(header: &NamedKey) -> Result<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(header.name.as_str()).map_err(|_| {
        Error::usage("`auth.header.name` cannot be the name of a header")
            .with_hint("a name is made of letters, digits and `-`, such as `X-Api-Key`")
    })?;
    Ok((name, sendable(header.value.expose(), "auth.header.value")?))
}

fn sendable(text: &str, setting: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        Error::usage(format!("`{setting}` cannot be sent in a header")).with_hint(
            "it holds a line break or a character that is not plain ASCII: look at the variable that it \
             reads, whose last character may be a line break",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::Signer;
    use crate::{
        config::{Auth, Crm, NamedKey, Paging, PagingKind, Secret, Way},
        error::Error,
    };

    fn signer(way: Way) -> Result<Signer, Error> {
        let paging = Paging {
            kind: PagingKind::SinglePage,
            size: None,
            total: None,
        };
        let setting = "`auth`".into();
        Signer::new(&Auth { way, setting }, &Crm::plain("http://c.test", paging))
    }

    fn named(name: &str, value: &str) -> NamedKey {
        let (name, value) = (name.into(), Secret::new(value));
        NamedKey { name, value }
    }

    fn header(way: Way) -> (String, String) {
        match signer(way).unwrap() {
            Signer::Header(name, value) => {
                assert!(value.is_sensitive());
                (name.to_string(), value.to_str().unwrap().to_owned())
            }
            other => panic!("a header was meant: {other:?}"),
        }
    }

    #[test]
    fn a_key_that_no_header_can_hold_is_a_usage_error_that_does_not_show_it() {
        for (way, setting) in [
            (Way::Bearer(Secret::new("hunter2\n")), "`auth.bearer`"),
            (Way::Bearer(Secret::new("hunter2é\0")), "`auth.bearer`"),
            (
                Way::Header(named("X-Key", "hunter2\r\n")),
                "`auth.header.value`",
            ),
            (Way::Header(named("hunter2 key", "k")), "`auth.header.name`"),
        ] {
            let error = signer(way).unwrap_err();
            assert_eq!(error.kind().exit_code(), 2);
            assert!(error.message().starts_with(setting), "{error}");
            assert!(!format!("{error:?} {:?}", error.hint()).contains("hunter2"));
        }
    }

    #[test]
    fn a_key_is_sent_as_it_is() {
        let bearer = header(Way::Bearer(Secret::new(" k ")));
        assert_eq!(bearer, ("authorization".into(), "Bearer  k ".into()));
        let own = header(Way::Header(named("X-Key", "k")));
        assert_eq!(own, ("x-key".into(), "k".into()));
        let basic = header(Way::Basic {
            user: Secret::new("user"),
            password: Secret::new("pass:word"),
        });
        assert_eq!(
            basic,
            ("authorization".into(), "Basic dXNlcjpwYXNzOndvcmQ=".into())
        );
    }

    #[test]
    fn a_key_in_the_query_replaces_one_that_an_api_put_there() {
        let signer = signer(Way::Query(named("api_key", "a b"))).unwrap();
        for (url, expected) in [
            ("http://c.test/?page=2", "http://c.test/?page=2&api_key=a+b"),
            (
                "http://c.test/?api_key=x&page=2",
                "http://c.test/?page=2&api_key=a+b",
            ),
            ("http://c.test/", "http://c.test/?api_key=a+b"),
        ] {
            assert_eq!(signer.address(&url.parse().unwrap()).as_str(), expected);
        }
        assert!(!format!("{signer:?}").contains("a b"));
    }
}
