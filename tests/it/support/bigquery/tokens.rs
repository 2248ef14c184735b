//! Who may ask: tokens as the token endpoint and the metadata server give them out.

use axum::{Json, extract::State as Shared, http::HeaderMap};
use serde_json::{Value, json};

use super::{Service, state::State};

/// What every token begins with: it must be found nowhere but in a request's header.
pub(crate) const PREFIX: &str = "ya29.token-of-the-test-";

/// For whoever asks.
pub(super) async fn give(Shared(service): Shared<Service>) -> Json<Value> {
    let token = issue(&service);
    Json(
        json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}),
    )
}

/// A token of the account that somebody may act as.
pub(super) async fn impersonate(Shared(service): Shared<Service>) -> Json<Value> {
    let token = issue(&service);
    Json(json!({"accessToken": token, "expireTime": "2099-01-01T00:00:00Z"}))
}

/// A token that nobody had before.
fn issue(service: &Service) -> String {
    let mut state = service.lock();
    let token = format!("{PREFIX}{}", state.next());
    state.tokens.insert(token.clone());
    token
}

/// Whether the request shows a token that was given out.
pub(super) fn is_known(state: &State, headers: &HeaderMap) -> bool {
    let shown = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let token = shown.and_then(|value| value.strip_prefix("Bearer "));
    token.is_some_and(|token| state.tokens.contains(token))
}
