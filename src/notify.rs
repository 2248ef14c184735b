//! Who asked for it is told how a run ended. Knows the address and nothing of what is said.

use serde_json::Value;

use crate::{
    config::{Notify, NotifyOn},
    error::{Error, Result},
    http,
};

/// Sends `message` if that end is to be told. An error is no more than a warning: a run is not worse
/// because nobody heard of it.
pub async fn send(notify: &Notify, end: NotifyOn, message: &Value) -> Result<()> {
    match &notify.webhook {
        Some(webhook) if notify.on.contains(&end) => http::post_json(webhook, message)
            .await
            .map_err(|error| Error::outside("nobody could be notified").because(error)),
        _ => Ok(()),
    }
}
