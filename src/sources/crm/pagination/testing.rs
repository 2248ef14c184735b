//! A collection whose pages a test gives one by one.

use reqwest::header::{HeaderMap, HeaderName};
use url::Url;

use super::{Facts, Next, Pager, Position, Request, Step};
use crate::{
    config::{PageSize, Paging, PagingKind, Total},
    error::Error,
};

/// Pages as a test gives them.
#[derive(Debug)]
pub struct Pages {
    pub pager: Pager,
    paging: Paging,
    url: Url,
    delivered: Vec<u64>,
}

impl Pages {
    /// Pages of 100 records.
    pub fn new(kind: PagingKind) -> Self {
        let size = PageSize {
            parameter: "limit".into(),
            records: 100,
        };
        Self::of(Paging {
            kind,
            size: Some(size),
            total: None,
        })
    }

    fn of(paging: Paging) -> Self {
        Self {
            pager: Pager::new(&paging),
            paging,
            url: "http://crm.test/v1/customers".parse().unwrap(),
            delivered: vec![],
        }
    }

    pub fn with_size(self, records: u32) -> Self {
        let size = self.paging.size.map(|size| PageSize { records, ..size });
        Self::of(Paging {
            size,
            ..self.paging
        })
    }

    pub fn without_size(self) -> Self {
        Self::of(Paging {
            size: None,
            ..self.paging
        })
    }

    pub fn with_total(self, total: &str) -> Self {
        let total = match total.strip_prefix("header:") {
            Some(name) => Total::Header(name.to_owned()),
            None => Total::Body(total.split('.').map(str::to_owned).collect()),
        };
        Self::of(Paging {
            total: Some(total),
            ..self.paging
        })
    }

    pub fn request(&self) -> Request {
        self.pager.request()
    }

    /// What asks for the next page, as text.
    pub fn query(&self) -> String {
        text(&self.request())
    }

    pub fn ahead(&self, count: usize) -> Vec<String> {
        self.pager.ahead(count).iter().map(text).collect()
    }

    pub fn give(&mut self, body: &str, records: &[u64]) -> Step {
        self.give_with(body, &[], records)
    }

    pub fn give_with(
        &mut self,
        body: &str,
        headers: &[(&'static str, &str)],
        records: &[u64],
    ) -> Step {
        let step = self.try_give(body, headers, records).unwrap();
        if step.next != Next::Lost {
            let new = records
                .iter()
                .enumerate()
                .filter(|(index, _)| step.keeps(*index));
            self.delivered.extend(new.map(|(_, record)| *record));
        }
        step
    }

    pub fn refuse(&mut self, body: &str, records: &[u64]) -> Error {
        self.refuse_with(body, &[], records)
    }

    pub fn refuse_with(
        &mut self,
        body: &str,
        headers: &[(&'static str, &str)],
        records: &[u64],
    ) -> Error {
        self.try_give(body, headers, records).unwrap_err()
    }

    fn try_give(
        &mut self,
        body: &str,
        headers: &[(&'static str, &str)],
        records: &[u64],
    ) -> Result<Step, Error> {
        let lines = headers.iter();
        let headers: HeaderMap = lines
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let facts = Facts {
            url: &self.url,
            body,
            headers: &headers,
            records,
        };
        self.pager.advance(&facts)
    }

    /// All records that were new, in the order in which they came.
    pub fn delivered(&self) -> &[u64] {
        &self.delivered
    }

    pub fn position(&self) -> Option<Position> {
        self.pager.position()
    }

    /// The same collection in another process.
    pub fn resumed(&self, position: &Position) -> Self {
        let pager = Pager::resume(&self.paging, &self.url, position);
        Self {
            pager: pager.unwrap(),
            paging: self.paging.clone(),
            url: self.url.clone(),
            delivered: vec![],
        }
    }
}

fn text(request: &Request) -> String {
    match request {
        Request::Link(url) => url.to_string(),
        Request::Parameters(pairs) => {
            let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join("&")
        }
    }
}
