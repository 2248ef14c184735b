//! One page, however often it has to be asked for: smaller where it does not come in time, and with an error
//! that says what is missing where it does not come at all.
//!
//! Apart from the scan because it is about one request, and shows to whom it belongs to tell what of it.

use super::{ahead::Ahead, pagination::Pager, secrecy::Secrecy, task::Task};
use crate::{
    config::Crm,
    error::{Error, Kind},
    http::{Client, Failed, Page, Reason, Timeouts},
    sources::record::Document,
};

/// Asks for pages.
#[derive(Debug)]
pub struct Fetch<'a> {
    /// The API.
    pub crm: &'a Crm,
    /// Its client.
    pub client: &'a Client,
    /// What must not be shown.
    pub secrecy: &'a Secrecy,
}

/// A page that does not come.
#[derive(Debug)]
pub struct NoPage {
    /// Why. It is partial if what came before is all that can be had now.
    pub error: Error,
    /// The status of the last answer, if there was one.
    pub status: Option<u16>,
}

impl Fetch<'_> {
    /// The next page, which may have been asked for ahead. If it does not come in time it is asked for with half its
    /// size, which then stays.
    pub async fn next(
        &self,
        task: &Task,
        ahead: &mut Ahead,
        pager: &mut Pager,
    ) -> Result<Page, NoPage> {
        let mut timeouts = Timeouts::Tell;
        loop {
            let address = task.collection.address(&pager.request());
            let failed = match ahead.page(address.clone(), timeouts, task).await {
                Ok(page) => return Ok(page),
                Err(failed) => failed,
            };
            if failed.reason != Reason::TimedOut {
                let status = failed.status;
                let error = self.explain(failed, pager, &address);
                return Err(NoPage { error, status });
            }
            if !pager.shrink() {
                timeouts = Timeouts::Retry;
            }
        }
    }

    /// The page at an address, if it is one.
    pub async fn get(&self, address: &url::Url, timeouts: Timeouts) -> Result<Page, Failed> {
        let is_page = |body: &str| {
            let document = Document::parse(body, &self.crm.records);
            document
                .map(|_| ())
                .map_err(|error| self.secrecy.masked(&error.to_string()))
        };
        self.client.get(address.clone(), &is_page, timeouts).await
    }

    /// The error of a request that was given up.
    pub fn explain(&self, failed: Failed, pager: &Pager, address: &url::Url) -> Error {
        if failed.status == Some(404) && pager.number() == 1 {
            return Error::usage(format!(
                "`{}` answers 404 Not Found",
                self.secrecy.shown(address)
            ))
            .with_hint("look at `url`, `path` and `query` of the source in dfpipe.yml");
        }
        let excerpt = failed
            .excerpt
            .as_deref()
            .map(|body| self.secrecy.excerpt(body));
        let cause = match (failed.error.cause(), excerpt) {
            (Some(cause), Some(excerpt)) => {
                Some(format!("{cause}; the answer begins with: {excerpt}"))
            }
            (cause, _) => cause.map(str::to_owned),
        };
        let error = match failed.reason {
            Reason::Exhausted if pager.number() > 1 => broken_off(&failed.error, pager),
            _ => failed.error,
        };
        match cause {
            Some(cause) => error.because(cause),
            None => error,
        }
    }
}

/// What arrived before the error is there, and the rest is not.
fn broken_off(error: &Error, pager: &Pager) -> Error {
    let (pages, records) = (pager.number() - 1, pager.records());
    let given = match pager.total() {
        Some(total) => format!("the API gave {records} of {total} records in {pages} pages"),
        None => format!("the API gave {records} records in {pages} pages, and no end"),
    };
    let missing = pager
        .missing()
        .map(|missing| format!("{}; ", missing.words()));
    let hint = format!(
        "{}the server may be down or overloaded: run again later",
        missing.unwrap_or_default()
    );
    Error::new(Kind::Partial, format!("{given}: {}", error.message())).with_hint(hint)
}
