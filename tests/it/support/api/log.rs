//! Every request as it came.

use std::time::{Duration, Instant};

use axum::{
    extract::Request,
    http::{HeaderMap, Method, Version},
};
use url::form_urlencoded;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    pub(crate) version: Version,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The query as it was written.
    pub(crate) text: Option<String>,
    /// Its parameters.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let text = request.uri().query();
        let parsed = form_urlencoded::parse(text.unwrap_or_default().as_bytes());
        Self {
            at: Instant::now(),
            version: request.version(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            text: text.map(str::to_owned),
            query: parsed.into_owned().collect(),
            headers: request.headers().clone(),
        }
    }

    /// Such as `GET /v1/customers?page=1`.
    pub(crate) fn line(&self) -> String {
        let query = self.text.as_ref().map(|text| format!("?{text}"));
        format!("{} {}{}", self.method, self.path, query.unwrap_or_default())
    }

    /// The value of a parameter; of one that is there twice, the last.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.query.iter().rev();
        all.find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter that is a number; `default` if it is not there.
    pub(super) fn number(&self, name: &str, default: usize) -> Option<usize> {
        match self.parameter(name) {
            Some(text) => text.parse().ok(),
            None => Some(default),
        }
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// All requests, in their order.
#[derive(Default)]
pub(super) struct Log {
    all: Vec<Asked>,
    pages: usize,
    /// Requests that are not answered yet, and the most that ever were.
    under_way: usize,
    most_together: usize,
}

impl Log {
    /// Writes a request down; its number among those for records, from 1.
    pub(super) fn add(&mut self, asked: Asked) -> usize {
        self.pages += usize::from(asked.path == super::Api::PATH);
        self.all.push(asked);
        self.pages
    }

    /// A request for records is being answered.
    pub(super) fn begin(&mut self) {
        self.under_way += 1;
        self.most_together = self.most_together.max(self.under_way);
    }

    /// It is answered.
    pub(super) fn end(&mut self) {
        self.under_way -= 1;
    }

    pub(super) fn most_together(&self) -> usize {
        self.most_together
    }

    pub(super) fn all(&self) -> &[Asked] {
        &self.all
    }
}

/// The most of these requests that came within any stretch of this length.
pub(super) fn busiest(asked: &[Asked], period: Duration) -> usize {
    let within = |first: &Asked| {
        let later = asked.iter().filter(|one| one.at >= first.at);
        later.filter(|one| one.at - first.at < period).count()
    };
    asked.iter().map(within).max().unwrap_or(0)
}
