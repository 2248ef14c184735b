//! One client per API: signs, waits for the budget, asks, and asks again where that can help.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use reqwest::{Response, header::HeaderMap, redirect::Policy};
use url::Url;

use super::{
    answer::{Allowance, Answer, date},
    auth::Signer,
    budget::Budget,
    failure::Failure,
};
use crate::{
    config::Crm,
    error::{Error, Result},
};

/// The longest wait between two attempts, whatever a server asks for.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// An answer that is a success.
#[derive(Debug)]
pub struct Page {
    /// The address that was asked, without the signature.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

/// A client of one API.
#[derive(Clone)]
pub struct Client {
    inner: reqwest::Client,
    signer: Option<Signer>,
    budget: Arc<Budget>,
    retries: u32,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the API that `crm` describes.
    pub fn new(crm: &Crm) -> Result<Self> {
        let signer = crm.auth.as_deref().map(Signer::new).transpose()?;
        let inner = reqwest::Client::builder()
            .timeout(crm.timeout)
            .redirect(Policy::none())
            .user_agent(concat!("dfpipe/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::outside("no HTTPS client can be made").because(error))?;
        let budget = Arc::new(Budget::per_minute(crm.requests_per_minute));
        Ok(Self {
            inner,
            signer,
            budget,
            retries: crm.retries,
        })
    }

    /// The page at `url`, once `is_usable` accepts its body.
    pub async fn get(
        &self,
        url: Url,
        is_usable: &(dyn Fn(&str) -> Result<(), String> + Send + Sync),
    ) -> Result<Page> {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(32))
            .with_max_times(self.retries as usize)
            .with_jitter();
        let attempt = || self.attempt(&url, is_usable);
        attempt
            .retry(backoff)
            .when(|failure: &Failure| failure.is_passing)
            .adjust(|failure, delay| {
                // What the server asks for wins over our own back-off.
                delay.map(|delay| failure.wait.map_or(delay, |wait| wait.min(LONGEST_WAIT)))
            })
            .await
            .map_err(|failure| failure.last_word(self.retries.saturating_add(1)))
    }

    async fn attempt(
        &self,
        url: &Url,
        is_usable: &(dyn Fn(&str) -> Result<(), String> + Send + Sync),
    ) -> Result<Page, Failure> {
        let response = self.send(url).await?;
        let page = page(url, response).await?;
        is_usable(&page.body).map_err(|cause| Failure::passing(url, &cause))?;
        Ok(page)
    }

    /// Asks once, to look at the API and not to read it: what it says beside the body counts as well,
    /// and a refusal is an answer.
    pub async fn ask(&self, url: &Url) -> Result<Answer> {
        let response = self.send(url).await.map_err(|failure| failure.error)?;
        let headers = response.headers();
        Ok(Answer {
            status: response.status().as_u16(),
            date: date(headers),
            allowance: Allowance::of(headers),
            page: page(url, response).await.map_err(|failure| failure.error),
        })
    }

    /// How long it takes at least until so many further requests have gone out.
    pub fn least_wait(&self, requests: usize) -> Duration {
        self.budget.least_wait(requests)
    }

    async fn send(&self, url: &Url) -> Result<Response, Failure> {
        self.budget.take().await;
        let signed = self.signer.as_ref().map(|signer| signer.address(url));
        let mut request = self.inner.get(signed.unwrap_or_else(|| url.clone()));
        if let Some(Signer::Header(name, value)) = &self.signer {
            request = request.header(name, value);
        }
        request.send().await.map_err(|error| broken(url, error))
    }
}

/// What a success holds; anything else is a failure.
async fn page(url: &Url, response: Response) -> Result<Page, Failure> {
    let status = response.status();
    if !status.is_success() {
        return Err(Failure::of_status(
            url,
            status,
            response.headers(),
            wall_clock(),
        ));
    }
    let headers = response.headers().clone();
    let body = response.bytes().await.map_err(|error| broken(url, error))?;
    let body = text(&body).map_err(|cause| Failure::passing(url, &cause))?;
    let url = url.clone();
    Ok(Page { url, headers, body })
}

/// A body as text, strictly: what a lenient decoder replaces would be loaded as if it had been sent.
fn text(body: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not UTF-8")?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
}

/// A request that broke; one that could not even be made will not get better.
fn broken(url: &Url, error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let is_passing = !error.is_builder();
    let mut cause = error.to_string();
    let mut deeper = std::error::Error::source(&error);
    while let Some(source) = deeper {
        cause = format!("{cause}: {source}");
        deeper = source.source();
    }
    Failure {
        is_passing,
        ..Failure::passing(url, &cause)
    }
}

/// A `Retry-After` date is about the servers' present, which is no run's injected time.
fn wall_clock() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "see above")]
    SystemTime::now().into()
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn what_is_not_utf_8_is_refused_and_never_repaired() {
        assert_eq!(
            text("\u{feff}{\"a\":\"é\"}".as_bytes()).unwrap(),
            "{\"a\":\"é\"}"
        );
        assert_eq!(text(b"{\"a\":\"\xe9\"}"), Err("the answer is not UTF-8"));
    }
}
