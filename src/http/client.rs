//! One client per API: signs, waits for the budget, asks, and asks again where that can help.

use std::{fmt, sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue, LOCATION},
};
use url::Url;

use super::{
    answer::{Allowance, Answer, Told, date},
    auth::Signer,
    budget::{Budget, Permit},
    failure::{Failed, Failure, Reason, wall_clock},
    plain,
};
use crate::{
    config::Crm,
    error::{Error, Result},
};

/// The longest wait that a server can ask for: who asks for more is not waited for at all.
pub const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Redirects that are followed for one request.
const MOST_REDIRECTS: u32 = 5;

/// An answer that is a success.
#[derive(Debug)]
pub struct Page {
    /// The address that answered, without the signature.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

/// What is done when there is no answer in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeouts {
    /// The same is asked again, as after any other failure.
    Retry,
    /// Who asks is told at once: a smaller question may be answered.
    Tell,
}

/// Whether a body is what was asked for; if not, why.
pub type IsUsable<'a> = &'a (dyn Fn(&str) -> Result<(), String> + Send + Sync);

/// A client of one API.
#[derive(Clone)]
pub struct Client {
    inner: reqwest::Client,
    headers: HeaderMap,
    signer: Option<Arc<Signer>>,
    /// The setting that holds the key.
    key: Option<String>,
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
    /// A client of the API that `crm` describes. All clients of a host share one budget.
    pub fn new(crm: &Crm) -> Result<Self> {
        let auth = crm.auth.as_deref();
        let signer = auth.map(|auth| Signer::new(auth, crm)).transpose()?;
        let inner = plain(crm.timeout)?;
        Ok(Self {
            inner,
            headers: headers(crm)?,
            signer: signer.map(Arc::new),
            key: auth.map(|auth| auth.setting.clone()),
            budget: Budget::shared(&crm.url, crm.requests_per_minute),
            retries: crm.retries,
        })
    }

    /// The page at `url`, once `is_usable` accepts its body.
    pub async fn get(
        &self,
        url: Url,
        is_usable: IsUsable<'_>,
        timeouts: Timeouts,
    ) -> Result<Page, Failed> {
        let mut delays = self.delays();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let failure = match self.attempt(&url, is_usable).await {
                Ok(page) => return Ok(page),
                Err(failure) => failure,
            };
            if failure.is_timeout && timeouts == Timeouts::Tell {
                return Err(failure.last_word(attempts, Reason::TimedOut));
            }
            if !failure.is_passing {
                return Err(failure.last_word(attempts, Reason::Refused));
            }
            let is_too_long = failure.wait.is_some_and(|wait| wait > LONGEST_WAIT);
            let Some(delay) = delays.next().filter(|_| !is_too_long) else {
                return Err(failure.last_word(attempts, Reason::Exhausted));
            };
            self.back_off(&failure, delay).await;
        }
    }

    fn delays(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(32))
            .with_max_times(self.retries as usize)
            .with_jitter()
            .build()
    }

    /// What the server asks for wins over our own back-off, and is about all requests.
    async fn back_off(&self, failure: &Failure, delay: Duration) {
        match failure.wait {
            Some(wait) => self.budget.pause(wait),
            None if failure.status == Some(StatusCode::TOO_MANY_REQUESTS.as_u16()) => {
                self.budget.pause(delay);
            }
            None => tokio::time::sleep(delay).await,
        }
    }

    async fn attempt(&self, url: &Url, is_usable: IsUsable<'_>) -> Result<Page, Failure> {
        let (url, response, permit) = self.follow(url).await?;
        let page = self.page(&url, response).await;
        drop(permit);
        let page = page?;
        is_usable(&page.body)
            .map_err(|cause| Failure::passing(&url, &cause).of_body(page.body.as_bytes()))?;
        Ok(page)
    }

    /// Asks once, to look at the API and not to read it: what it says beside the body counts as well,
    /// and a refusal is an answer.
    pub async fn ask(&self, url: &Url) -> Result<Answer> {
        let asked = self.follow(url).await;
        let (url, response, _permit) = asked.map_err(|failure| failure.error)?;
        let headers = response.headers().clone();
        Ok(Answer {
            status: response.status().as_u16(),
            date: date(&headers),
            allowance: Allowance::of(&headers),
            page: self
                .page(&url, response)
                .await
                .map_err(|failure| failure.error),
        })
    }

    /// How long it takes at least until so many further requests have gone out.
    pub fn least_wait(&self, requests: usize) -> Duration {
        self.budget.least_wait(requests)
    }

    /// The answer to a request, behind redirects on the same server: each is a request of its own.
    async fn follow(&self, url: &Url) -> Result<(Url, Response, Permit), Failure> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let (response, permit) = self.authorized(&url).await?;
            match target(&url, &response) {
                Some(target) if target.origin() == url.origin() => url = target,
                _ => return Ok((url, response, permit)),
            }
        }
        let cause = format!("it redirects more than {MOST_REDIRECTS} times");
        Err(Failure::passing(&url, &cause))
    }

    /// The answer to a signed request. A fetched token that is refused is renewed once.
    async fn authorized(&self, url: &Url) -> Result<(Response, Permit), Failure> {
        let (response, permit, token) = self.send(url).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(signer) = &self.signer
            && signer.renew(token).await
        {
            drop((response, permit));
            let (response, permit, _) = self.send(url).await?;
            return Ok((response, permit));
        }
        Ok((response, permit))
    }

    /// Asks once, and heeds what the answer tells of limits.
    async fn send(&self, url: &Url) -> Result<(Response, Permit, Option<u64>), Failure> {
        let mut request = self.inner.get(match &self.signer {
            Some(signer) => signer.address(url),
            None => url.clone(),
        });
        let mut token = None;
        if let Some(signer) = &self.signer {
            let signature = signer.sign().await?;
            token = signature.token;
            if let Some((name, value)) = signature.header {
                request = request.header(name, value);
            }
        }
        let permit = self.budget.take().await;
        let response = request.headers(self.headers.clone()).send().await;
        let response = response.map_err(|error| Failure::broken(url, error))?;
        self.budget
            .heed(&Told::of(response.headers(), wall_clock()));
        Ok((response, permit, token))
    }

    /// What a success holds; anything else is a failure.
    async fn page(&self, url: &Url, mut response: Response) -> Result<Page, Failure> {
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let failure = Failure::of_status(url, status, &headers, self.key.as_deref());
            // What is not there may be told in words that its reader knows.
            let is_told = status == StatusCode::NOT_FOUND;
            let told = if is_told {
                response.chunk().await.ok()
            } else {
                None
            };
            return Err(match told.flatten() {
                Some(told) => failure.of_body(&told),
                None => failure,
            });
        }
        let mut body = vec![];
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Err(Failure::broken(url, error).of_body(&body)),
            }
        }
        let body =
            text(body).map_err(|(body, cause)| Failure::passing(url, &cause).of_body(&body))?;
        let url = url.clone();
        Ok(Page { url, headers, body })
    }
}

/// The further headers of every request.
fn headers(crm: &Crm) -> Result<HeaderMap> {
    let unsendable = |name: &str| {
        Error::usage(format!("the header `{name}` of `headers` cannot be sent"))
            .with_hint("a header is one line of plain ASCII")
    };
    let lines = crm.headers.iter().map(|(name, value)| {
        let key = HeaderName::try_from(name.as_str()).map_err(|_| unsendable(name))?;
        let value = HeaderValue::try_from(value.as_str()).map_err(|_| unsendable(name))?;
        Ok((key, value))
    });
    lines.collect()
}

/// Where a redirect leads.
fn target(url: &Url, response: &Response) -> Option<Url> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| is_redirect)?;
    let mut target = url.join(location.to_str().ok()?).ok()?;
    target.set_username("").ok()?;
    target.set_password(None).ok()?;
    target.set_fragment(None);
    Some(target)
}

/// A body as text, strictly: what a lenient decoder replaces would be loaded as if it had been sent.
fn text(body: Vec<u8>) -> Result<String, (Vec<u8>, &'static str)> {
    let text = String::from_utf8(body);
    let text = text.map_err(|error| (error.into_bytes(), "the answer is not UTF-8"))?;
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Ok(rest.to_owned()),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn what_is_not_utf_8_is_refused_and_never_repaired() {
        let read = text("\u{feff}{\"a\":\"é\"}".as_bytes().to_vec());
        assert_eq!(read.unwrap(), "{\"a\":\"é\"}");
        let (body, cause) = text(b"{\"a\":\"\xe9\"}".to_vec()).unwrap_err();
        assert_eq!(cause, "the answer is not UTF-8");
        assert_eq!(body, b"{\"a\":\"\xe9\"}");
    }
}
