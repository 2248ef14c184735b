//! One JSON message to one address that is a secret: tried a few times, and never named.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::{Client, StatusCode, header::CONTENT_TYPE};
use serde_json::Value;

use super::plain;
use crate::{
    config::Secret,
    error::{Error, Result},
};

/// How long one try may take: nobody waits for a chat.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tries beyond the first.
const RETRIES: usize = 2;

/// Why a try failed, in words that tell nothing of the address.
struct Refusal {
    words: String,
    is_passing: bool,
}

/// Sends `message` to `address`, three times at most.
pub async fn post_json(address: &Secret, message: &Value) -> Result<()> {
    let client = plain(PATIENCE)?;
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_times(RETRIES)
        .with_jitter();
    let message = message.to_string();
    let attempt = || attempt(&client, address, &message);
    attempt
        .retry(backoff)
        .when(|refusal: &Refusal| refusal.is_passing)
        .await
        .map_err(|refusal| Error::outside(refusal.words))
}

async fn attempt(client: &Client, address: &Secret, message: &str) -> Result<(), Refusal> {
    let request = client
        .post(address.expose())
        .header(CONTENT_TYPE, "application/json")
        .body(message.to_owned());
    let response = request.send().await.map_err(|error| broken(&error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    Err(Refusal {
        words: format!("the address answers {status}"),
        is_passing: status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
    })
}

/// The words of the error itself would name the address, and those of its causes the host.
fn broken(error: &reqwest::Error) -> Refusal {
    let words = if error.is_timeout() {
        "there is no answer in time"
    } else if error.is_connect() {
        "the address cannot be reached"
    } else if error.is_builder() {
        "the address is none"
    } else {
        "the connection broke"
    };
    Refusal {
        words: words.to_owned(),
        is_passing: !error.is_builder(),
    }
}
