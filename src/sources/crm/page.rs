//! From one page's request to the next: pure, so that every pagination can be tested without a
//! server.

use std::collections::HashSet;

use url::Url;

use crate::{
    config::{Crm, Next},
    error::{Error, Result},
    sources::{Window, record::text_at},
};

/// Follows the pages of one collection.
#[derive(Debug)]
pub struct Pages {
    crm: Crm,
    query: Vec<(String, String)>,
    /// What the page's parameter holds next; `None` asks for the first page of a cursor API.
    next: Option<String>,
    seen: HashSet<String>,
    /// The number of the page that was asked for last, from 1.
    pub number: i32,
    /// Records of all pages so far.
    pub records: u64,
    /// How many records there are in all, if the API says.
    pub total: Option<u64>,
}

impl Pages {
    /// Before the first page.
    pub fn new(crm: &Crm, window: Window) -> Self {
        let query = crm
            .query
            .iter()
            .map(|(name, value)| (name.clone(), fill(value, window)));
        let next = match &crm.pagination.next {
            Next::Number(first) => Some(first.to_string()),
            Next::Cursor(_) => None,
        };
        Self {
            query: query.collect(),
            crm: crm.clone(),
            next,
            seen: HashSet::new(),
            number: 1,
            records: 0,
            total: None,
        }
    }

    /// The address of the page that is next.
    pub fn url(&self) -> Url {
        let paging = &self.crm.pagination;
        let mut url = self.crm.url.clone();
        let mut pairs = url.query_pairs_mut();
        pairs.extend_pairs(&self.query);
        pairs.append_pair(&paging.size_parameter, &paging.size.to_string());
        if let Some(next) = &self.next {
            pairs.append_pair(&paging.parameter, next);
        }
        drop(pairs);
        url
    }

    /// Takes note of a page with `records` records; whether another follows.
    pub fn advance(&mut self, body: &str, records: usize) -> Result<bool> {
        let paging = &self.crm.pagination;
        self.records += records as u64;
        if !paging.total.is_empty() {
            self.total = text_at(body, &paging.total).and_then(|text| text.parse().ok());
        }
        let next = match &paging.next {
            // A short page is the last one; a full one may be, and then the next is empty.
            Next::Number(first) if records >= paging.size as usize => {
                Some((*first + u64::from(self.number.unsigned_abs())).to_string())
            }
            Next::Number(_) => None,
            Next::Cursor(path) => text_at(body, path),
        };
        let Some(next) = next else { return Ok(false) };
        if !self.seen.insert(next.clone()) {
            return Err(Error::outside(format!(
                "the API repeats a cursor after page {}, so its pages would never end",
                self.number
            ))
            .with_hint(
                "look at `pagination.next` in dfpipe.yml, or report it to the API's owner",
            ));
        }
        let all_read = self.total.is_some_and(|total| self.records >= total);
        let is_numbered = matches!(paging.next, Next::Number(_));
        self.next = Some(next);
        self.number += 1;
        Ok(!(is_numbered && all_read))
    }

    /// An error if the API said that there are more records than it gave.
    pub fn complete(&self) -> Result<()> {
        match self.total {
            Some(total) if self.records < total => Err(Error::new(
                crate::error::Kind::Partial,
                format!("the API gave {} of {total} records", self.records),
            )
            .with_hint("run again; if it repeats, ask the API's owner")),
            _ => Ok(()),
        }
    }
}

/// Fills a query parameter's run parameters in.
fn fill(value: &str, window: Window) -> String {
    let time = |time: chrono::DateTime<chrono::Utc>| {
        time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    };
    value
        .replace("${window_start}", &time(window.start))
        .replace("${window_end}", &time(window.end))
        .replace("${as_of}", &time(window.end))
        .replace("${run_date}", &window.run_date().to_string())
}
