//! From one page's request to the next: pure, so that every pagination can be tested without a
//! server.

use std::collections::HashSet;

use url::Url;

use crate::{
    config::{Crm, Next},
    error::{Error, Result},
    sources::{ReadRange, Window, record::text_at},
};

/// A page as it came.
#[derive(Debug)]
pub struct Page {
    /// Its text.
    pub body: String,
    /// How many records it holds.
    pub records: usize,
    /// Equal for pages with the same records.
    pub fingerprint: u64,
}

/// Follows the pages of one collection.
#[derive(Debug)]
pub struct Pages {
    crm: Crm,
    query: Vec<(String, String)>,
    /// What the page's parameter holds next; `None` asks for the first page of a cursor API.
    next: Option<String>,
    seen: HashSet<String>,
    /// The fingerprint of the last page's records.
    last: Option<u64>,
    /// The number of the page that was asked for last, from 1.
    pub number: i32,
    /// Records of all pages so far.
    pub records: u64,
    /// How many records there are in all: the most that the API has said.
    pub total: Option<u64>,
    /// Records of the fullest page: an API may give less at a time than it is asked for.
    fullest: usize,
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
            last: None,
            number: 1,
            records: 0,
            total: None,
            fullest: 0,
        }
    }

    /// The same collection in a question as small as can be.
    pub fn small(crm: &Crm, window: Window) -> Self {
        let mut pages = Self::new(crm, window);
        pages.crm.pagination.size = 1;
        pages
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

    /// Takes note of a page; whether another follows.
    pub fn advance(&mut self, page: &Page) -> Result<bool> {
        let Page { body, records, .. } = page;
        self.records += *records as u64;
        self.fullest = self.fullest.max(*records);
        self.note_total(body)?;
        let paging = &self.crm.pagination;
        let is_more = *records > 0 && self.total.is_none_or(|total| self.records < total);
        let next = match &paging.next {
            Next::Number(_) if is_more && self.is_again(page) => return Err(self.stands_still()),
            Next::Number(first) if is_more => {
                Some((*first + u64::from(self.number.unsigned_abs())).to_string())
            }
            Next::Number(_) => None,
            Next::Cursor(path) => text_at(body, path),
        };
        let Some(next) = next else { return Ok(false) };
        if !self.seen.insert(next.clone()) {
            return Err(self.repeats());
        }
        self.last = Some(page.fingerprint);
        self.next = Some(next);
        self.number += 1;
        Ok(true)
    }

    /// How many further pages there are at least, where the API says how many records there are.
    pub fn left(&self) -> Option<u64> {
        let records = self.total?.saturating_sub(self.records);
        Some(records.div_ceil(self.fullest.max(1) as u64))
    }

    /// The pages up to the one that was asked for last.
    pub fn range(&self) -> ReadRange {
        ReadRange {
            part: "pages".to_owned(),
            first: Some(1),
            end: Some(i64::from(self.number) + 1),
        }
    }

    /// Takes note of the total that a page says. One that is smaller than before, or missing, does
    /// not make what was promised complete.
    pub fn note_total(&mut self, body: &str) -> Result<()> {
        let path = &self.crm.pagination.total;
        if path.is_empty() {
            return Ok(());
        }
        let said = text_at(body, path).and_then(|text| text.parse().ok());
        self.total = self.total.max(said);
        match self.total {
            Some(_) => Ok(()),
            None => Err(Error::usage(format!(
                "the API's first page has no whole number at `{}`",
                path.join(".")
            ))
            .with_hint(
                "look at `pagination.total` of the source in dfpipe.yml: it says where a page says \
                 how many records there are in all",
            )),
        }
    }

    /// Whether a page holds the records of the one before it. A single record may well come twice.
    fn is_again(&self, page: &Page) -> bool {
        page.records > 1 && self.last == Some(page.fingerprint)
    }

    fn stands_still(&self) -> Error {
        Error::outside(format!(
            "page {} of the API holds the same records as the page before it",
            self.number
        ))
        .with_hint("look at `pagination.parameter` in dfpipe.yml: the API may not know it")
    }

    fn repeats(&self) -> Error {
        Error::outside(format!(
            "the API repeats a cursor after page {}, so its pages would never end",
            self.number
        ))
        .with_hint("look at `pagination.next` in dfpipe.yml, or report it to the API's owner")
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Page, Pages};
    use crate::{
        config::{Crm, Next, Paging},
        sources::Window,
    };

    fn pages(next: Next, total: &str) -> Pages {
        let pagination = Paging {
            parameter: "page".into(),
            size_parameter: "per_page".into(),
            size: 2,
            total: total
                .split('.')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
            next,
        };
        let crm = Crm {
            url: "https://crm.test/v1/customers".parse().unwrap(),
            query: vec![("since".into(), "${window_start}".into())],
            auth: None,
            records: vec!["data".into()],
            pagination,
            requests_per_minute: 100,
            timeout: Duration::from_secs(1),
            retries: 0,
        };
        Pages::new(
            &crm,
            Window::before("2026-11-15T00:00:00Z".parse().unwrap(), 7),
        )
    }

    /// A page with `records` records, not those of a page with another number of them.
    fn page(body: &str, records: usize) -> Page {
        Page {
            body: body.to_owned(),
            records,
            fingerprint: records as u64,
        }
    }

    #[test]
    fn the_window_is_filled_into_the_query() {
        let url = pages(Next::Number(1), "").url();
        assert_eq!(
            url.query(),
            Some("since=2026-11-08T00%3A00%3A00Z&per_page=2&page=1")
        );
    }

    #[test]
    fn numbered_pages_without_a_total_end_with_an_empty_one_and_never_with_a_short_one() {
        let mut pages = pages(Next::Number(0), "");
        assert!(pages.advance(&page("{}", 2)).unwrap());
        assert!(pages.url().as_str().ends_with("page=1"), "{}", pages.url());
        assert!(pages.advance(&page("{}", 1)).unwrap());
        assert!(!pages.advance(&page("{}", 0)).unwrap());
        assert!(pages.complete().is_ok());
    }

    #[test]
    fn a_total_overrules_short_pages_and_too_few_records_are_partial() {
        let mut pages = pages(Next::Number(1), "total");
        assert!(pages.advance(&page(r#"{"total":4}"#, 1)).unwrap());
        assert!(pages.advance(&page(r#"{"total":4}"#, 2)).unwrap());
        assert!(!pages.advance(&page(r#"{"total":4}"#, 0)).unwrap());
        let error = pages.complete().unwrap_err();
        assert_eq!(error.message(), "the API gave 3 of 4 records");
        assert_eq!(error.kind().exit_code(), 4);
    }

    #[test]
    fn what_is_left_is_foretold_by_the_fullest_page() {
        let mut pages = pages(Next::Number(1), "total");
        assert_eq!(pages.left(), None);
        assert!(pages.advance(&page(r#"{"total":8}"#, 2)).unwrap());
        assert_eq!(pages.left(), Some(3));
        assert!(pages.advance(&page(r#"{"total":8}"#, 1)).unwrap());
        assert_eq!(pages.left(), Some(3));
    }

    #[test]
    fn the_range_ends_with_the_page_that_was_asked_for_last() {
        let mut pages = pages(Next::Number(0), "");
        assert_eq!((pages.range().first, pages.range().end), (Some(1), Some(2)));
        assert!(pages.advance(&page("{}", 2)).unwrap());
        assert_eq!((pages.range().first, pages.range().end), (Some(1), Some(3)));
    }

    #[test]
    fn a_small_question_asks_for_one_record_of_the_same_collection() {
        let crm = pages(Next::Number(1), "total").crm;
        let window = Window::before("2026-11-15T00:00:00Z".parse().unwrap(), 7);
        let query = Pages::small(&crm, window).url();
        assert_eq!(
            query.query(),
            Some("since=2026-11-08T00%3A00%3A00Z&per_page=1&page=1")
        );
    }

    #[test]
    fn a_total_that_was_said_once_is_not_lost_on_a_page_without_it() {
        let mut pages = pages(Next::Number(1), "total");
        assert!(pages.advance(&page(r#"{"total":10}"#, 2)).unwrap());
        assert!(pages.advance(&page(r#"{"total":4}"#, 1)).unwrap());
        assert!(!pages.advance(&page("{}", 0)).unwrap());
        let error = pages.complete().unwrap_err();
        assert_eq!(error.message(), "the API gave 3 of 10 records");
    }

    #[test]
    fn a_total_that_the_first_page_does_not_have_is_a_wrong_path() {
        for body in ["{}", r#"{"meta":{"total":"many"}}"#] {
            let mut pages = pages(Next::Number(1), "meta.total");
            let error = pages.advance(&page(body, 2)).unwrap_err();
            assert_eq!(error.kind().exit_code(), 2);
            assert!(error.message().contains("`meta.total`"), "{error}");
        }
    }

    #[test]
    fn an_api_that_gives_the_same_page_again_and_again_is_an_error_and_no_endless_loop() {
        let mut pages = pages(Next::Number(1), "");
        assert!(pages.advance(&page("{}", 2)).unwrap());
        let error = pages.advance(&page("{}", 2)).unwrap_err();
        assert!(error.message().starts_with("page 2 of the API"), "{error}");
    }

    #[test]
    fn cursors_are_followed_until_there_is_none() {
        let mut pages = pages(Next::Cursor(vec!["next".into()]), "");
        assert!(!pages.url().as_str().contains("&page="));
        assert!(pages.advance(&page(r#"{"next":"a b"}"#, 2)).unwrap());
        assert!(pages.url().as_str().ends_with("page=a+b"));
        assert!(!pages.advance(&page(r#"{"next":null}"#, 2)).unwrap());
    }

    #[test]
    fn a_repeated_cursor_is_an_error_and_no_endless_loop() {
        let mut pages = pages(Next::Cursor(vec!["next".into()]), "");
        assert!(pages.advance(&page(r#"{"next":"a"}"#, 2)).unwrap());
        assert!(pages.advance(&page(r#"{"next":"a"}"#, 2)).is_err());
    }
}
