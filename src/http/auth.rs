//! The header that signs requests.
//!
//! Made once with the client, since a key that cannot be sent is a mistake in the configuration and no
//! failure of the server.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use url::Url;

use crate::{
    config::{Auth, NamedKey, Secret, Way},
    error::{Error, Result},
};

/// How requests are signed.
#[derive(Clone)]
pub enum Signer {
    /// By a header.
    Header(HeaderName, HeaderValue),
    /// By a parameter of the query.
    Query(NamedKey),
}

impl Signer {
    /// Signs as `auth` says.
    pub fn new(auth: &Auth) -> Result<Self> {
        let (name, mut value) = match &auth.way {
            Way::Query(key) => return Ok(Self::Query(key.clone())),
            Way::Bearer(key) => (AUTHORIZATION, bearer(key, "auth.bearer")?),
            Way::Header(header) => {
                let name = HeaderName::try_from(header.name.as_str()).map_err(|_| {
                    Error::usage("`auth.header.name` cannot be the name of a header")
                        .with_hint("a name is made of letters, digits and `-`, such as `X-Api-Key`")
                })?;
                let value = HeaderValue::try_from(header.value.expose());
                (name, value.map_err(|_| unsendable("auth.header.value"))?)
            }
            _ => return Err(Error::bug("unfinished")),
        };
        value.set_sensitive(true);
        Ok(Self::Header(name, value))
    }

    /// Puts the signature into the address, if it belongs there: one that an API put there is replaced.
    pub fn address(&self, url: &Url) -> Url {
        let Self::Query(key) = self else {
            return url.clone();
        };
        let others: Vec<_> = url
            .query_pairs()
            .filter(|(name, _)| *name != key.name)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let mut url = url.clone();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(others)
            .append_pair(&key.name, key.value.expose());
        url
    }
}

fn bearer(key: &Secret, setting: &str) -> Result<HeaderValue> {
    HeaderValue::try_from(format!("Bearer {}", key.expose())).map_err(|_| unsendable(setting))
}

fn unsendable(setting: &str) -> Error {
    Error::usage(format!("`{setting}` cannot be sent in a header")).with_hint(
        "it holds a line break or a character that is not plain ASCII: look at the variable that it \
         reads, whose last character may be a line break",
    )
}
