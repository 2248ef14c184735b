//! One HTTP request to BigQuery: signed, within the rate, and what came back.
//!
//! Beside the client library and not through it, for what that cannot do: uploads, `parquetOptions`,
//! columns of any type, and the status of answers that are no JSON.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER},
};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use super::{access::Access, auth::Credentials, failure::Failure, pace};
use crate::{
    error::Result,
    http::{Budget, Permit, plain, with_causes},
};

/// Requests in any second, whoever sends them: a plan, a doctor and a run of one process share them. It makes
/// 900 in 100 seconds, so it keeps to 1000 there as well.
const PER_SECOND: u32 = 9;

/// How often a request that changes nothing is tried.
const TRIES: u32 = 6;

/// How long an answer may take, to a piece of an upload as well.
const PATIENCE: Duration = Duration::from_mins(5);

/// Sends requests to one address.
#[derive(Clone, Debug)]
pub struct Rest {
    http: reqwest::Client,
    budget: Arc<Budget>,
    credentials: Credentials,
    base: Url,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET` and others.
    pub method: Method,
    /// To where.
    pub url: Url,
    /// What else is sent along.
    pub headers: Vec<(HeaderName, String)>,
    /// The body.
    pub body: Bytes,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// What was sent along.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Rest {
    /// Sends to `base`, signed by `credentials`.
    pub fn new(base: Url, credentials: Credentials) -> Result<Self> {
        let http = plain(PATIENCE)?;
        Ok(Self {
            http,
            budget: Budget::per_second(&base, PER_SECOND),
            credentials,
            base,
        })
    }

    /// The address of a resource: `prefix` and then the names, whatever they hold.
    pub fn url(&self, prefix: &str, names: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.set_path(prefix);
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(names);
        }
        url
    }

    /// The client for the library's own requests.
    pub fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// Who asks.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Where requests go.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Waits until a request may go out. It counts until the permit is dropped, when its answer is there.
    pub async fn turn(&self) -> Permit {
        self.budget.take().await
    }

    /// Sends once, and takes whatever comes back.
    pub async fn exchange(&self, access: &Access, mut request: Request) -> Result<Reply, Failure> {
        let body = std::mem::take(&mut request.body);
        self.exchange_with(access, request, body).await
    }

    /// The same with another body than the request's, which need not be in memory. Its length is a header's to tell.
    pub async fn exchange_with(
        &self,
        access: &Access,
        request: Request,
        body: impl Into<reqwest::Body>,
    ) -> Result<Reply, Failure> {
        let token = self.credentials.token().await?;
        let _permit = self.turn().await;
        let headers = request.headers.into_iter();
        let sending = headers.fold(
            self.http.request(request.method, request.url),
            |sending, (name, value)| sending.header(name, value),
        );
        let sent = sending.bearer_auth(token).body(body).send().await;
        let reply = sent.map_err(|error| broken(access, error))?;
        let (status, headers) = (reply.status(), reply.headers().clone());
        let body = reply.bytes().await.map_err(|error| broken(access, error))?;
        Ok(Reply {
            status,
            headers,
            body,
        })
    }

    /// Sends once; what is no success is a failure.
    pub async fn once<T: DeserializeOwned>(
        &self,
        access: &Access,
        request: Request,
    ) -> Result<T, Failure> {
        self.exchange(access, request).await?.read(access)
    }

    /// Sends what may be sent again, until it works or cannot.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        access: &Access,
        request: Request,
    ) -> Result<T, Failure> {
        patiently(|| self.once(access, request.clone())).await
    }
}

/// Does again what may be done again, until it works or cannot.
pub async fn patiently<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut pace = pace::Pace::new(PATIENCE);
    let mut failed = 0;
    loop {
        let failure = match attempt().await {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        failed += 1;
        if !failure.is_passing() || failed == TRIES || pace.is_over() {
            return Err(failure.after(failed));
        }
        let wait = failure.wait.unwrap_or_else(|| pace::back_off(failed));
        pace.wait(pace.within(wait)).await;
    }
}

impl Request {
    /// A question.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A request without a body.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: vec![],
            body: Bytes::new(),
        }
    }

    /// A request with a resource.
    ///
    /// # Panics
    ///
    /// Never: keys of our resources are text.
    pub fn with_json(method: Method, url: Url, resource: &impl Serialize) -> Self {
        let body = serde_json::to_vec(resource).expect("resources have keys of text alone");
        Self {
            headers: vec![(CONTENT_TYPE, "application/json".to_owned())],
            body: body.into(),
            ..Self::new(method, url)
        }
    }

    /// The same with a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Reply {
    /// The resource, or why there is none.
    pub fn read<T: DeserializeOwned>(&self, access: &Access) -> Result<T, Failure> {
        if !self.status.is_success() {
            return Err(self.failure(access));
        }
        serde_json::from_slice(&self.body)
            .map_err(|_| Failure::broken(access, "the service's answer is not what it promises"))
    }

    /// What an answer that is no success means.
    pub fn failure(&self, access: &Access) -> Failure {
        let wait = self.headers.get(RETRY_AFTER);
        let seconds = wait.and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
        let wait = seconds.map(|seconds: u64| Duration::from_secs(seconds.min(300)));
        Failure::answered(access, self.status.as_u16(), &self.body, wait)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request without an answer.
pub fn broken(access: &Access, error: reqwest::Error) -> Failure {
    Failure::broken(access, with_causes(error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::{StatusCode, header::RETRY_AFTER};

    use super::{super::access::Access, Reply};

    #[test]
    fn the_service_says_how_long_to_wait_but_not_for_hours() {
        for (said, expected) in [("7", Some(7)), ("86400", Some(300)), ("soon", None)] {
            let reply = Reply {
                status: StatusCode::SERVICE_UNAVAILABLE,
                headers: [(RETRY_AFTER, said.parse().unwrap())].into_iter().collect(),
                body: "<html>".into(),
            };
            let failure = reply.failure(&Access::query("p", None));
            assert!(failure.is_passing());
            assert_eq!(failure.wait, expected.map(Duration::from_secs), "{said}");
        }
    }
}
