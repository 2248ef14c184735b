//! The ways to sign a request, and whether one is signed.

use axum::http::{HeaderValue, Request};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Api, Asked};

/// How requests are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signing {
    /// Not at all.
    None,
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `X-Api-Key: KEY`.
    Header,
    /// `Authorization: Basic …`.
    Basic,
    /// `?api_key=KEY`.
    Query,
    /// A token that is good for so many requests.
    OAuth2(usize),
}

impl Signing {
    /// Each of them; tokens are good for long.
    pub(crate) const ALL: [Self; 6] = [
        Self::None,
        Self::Bearer,
        Self::Header,
        Self::Basic,
        Self::Query,
        Self::OAuth2(1000),
    ];

    /// What `auth:` says.
    pub(super) fn configuration(self) -> Option<Value> {
        let key = "${CRM_API_KEY}";
        Some(match self {
            Self::None => return None,
            Self::Bearer => json!({"bearer": key}),
            Self::Header => json!({"header": {"name": "X-Api-Key", "value": key}}),
            Self::Basic => json!({"basic": {"user": "dfpipe", "password": key}}),
            Self::Query => json!({"query": {"name": "api_key", "value": key}}),
            Self::OAuth2(_) => json!({"oauth2": {
                "token_url": format!("${{CRM_API_URL}}{}", Api::TOKENS),
                "client_id": "dfpipe",
                "client_secret": key,
                "scope": "customers.read customers.list",
            }}),
        })
    }

    /// Whether a request is signed as it must be.
    pub(super) fn is_signed(self, asked: &Asked, tokens: &mut Tokens) -> bool {
        let authorization = asked.header("authorization").unwrap_or_default();
        match self {
            Self::None => authorization.is_empty(),
            Self::Bearer => authorization == format!("Bearer {}", Api::KEY),
            Self::Header => asked.header("x-api-key") == Some(Api::KEY),
            // `dfpipe:key-of-the-test-crm`.
            Self::Basic => authorization == "Basic ZGZwaXBlOmtleS1vZi10aGUtdGVzdC1jcm0=",
            Self::Query => asked.parameter("api_key") == Some(Api::KEY),
            Self::OAuth2(uses) => tokens.take(authorization, uses),
        }
    }
}

/// The tokens that were given.
#[derive(Default)]
pub(super) struct Tokens {
    given: usize,
    used: usize,
}

impl Tokens {
    /// What every token begins with.
    pub(super) const PREFIX: &str = "token-of-the-test-crm";

    /// A new token for who names itself rightly; the one before is void.
    pub(super) fn give(&mut self, asked: &Request<()>, body: &[u8]) -> Option<Value> {
        let form: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
        let said = |name: &str| {
            let mut all = form.iter();
            all.find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let basic = "Basic ZGZwaXBlOmtleS1vZi10aGUtdGVzdC1jcm0=";
        let header = asked.headers().get("authorization");
        let is_known = header == Some(&HeaderValue::from_static(basic))
            || (said("client_id"), said("client_secret")) == (Some("dfpipe"), Some(Api::KEY));
        let is_meant = said("grant_type") == Some("client_credentials")
            && said("scope") == Some("customers.read customers.list");
        if !is_known || !is_meant {
            return None;
        }
        self.given += 1;
        self.used = 0;
        Some(json!({
            "access_token": format!("{}-{}", Self::PREFIX, self.given),
            "token_type": "Bearer",
            "expires_in": 3600,
        }))
    }

    fn take(&mut self, authorization: &str, uses: usize) -> bool {
        let expected = format!("Bearer {}-{}", Self::PREFIX, self.given);
        self.used += 1;
        authorization == expected && self.used <= uses
    }
}
