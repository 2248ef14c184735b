//! The client under all others. Apart because redirects must be nobody's default: a key would follow them.

use std::time::Duration;

use reqwest::redirect::Policy;

use crate::error::{Error, Result};

/// Nobody who is there needs longer to be reached.
const CONNECTING: Duration = Duration::from_secs(30);

/// A client that signs nothing and follows no redirect; an answer must be whole within `timeout`.
pub fn plain(timeout: Duration) -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(CONNECTING)
        .timeout(timeout)
        .redirect(Policy::none())
        .user_agent(concat!("dfpipe/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::outside("no HTTPS client can be made").because(error))
}
