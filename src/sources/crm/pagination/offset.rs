//! A page begins after so many records. Pages overlap by one record: if it is not the one that it was,
//! something moved.

use url::Url;

use super::{At, Facts, Kind, Request, parameters};
use crate::{config::PageSize, error::Result};

/// Pages behind so many records.
#[derive(Debug)]
pub struct Offset {
    parameter: String,
    /// Records before the next page's first new one.
    behind: u64,
    /// Records of the fullest page so far: an API may give less than it is asked for.
    fullest: u64,
}

impl Offset {
    /// Pages asked for by `parameter`.
    pub fn new(parameter: &str) -> Self {
        Self {
            parameter: parameter.to_owned(),
            behind: 0,
            fullest: 0,
        }
    }

    /// Where the next page begins, one record before the first new one where a page holds several.
    fn start(&self, size: Option<&PageSize>) -> u64 {
        let overlap = self.overlap(size);
        self.behind.saturating_sub(overlap as u64)
    }

    fn page(&self, start: u64, size: Option<&PageSize>) -> Request {
        parameters(size, Some((&self.parameter, start.to_string())))
    }
}

impl Kind for Offset {
    fn request(&self, size: Option<&PageSize>) -> Request {
        self.page(self.start(size), size)
    }

    fn ahead(&self, size: Option<&PageSize>, fullest: u64, left: u64) -> Vec<Request> {
        let stride = fullest.saturating_sub(1).max(1);
        let pages = left.div_ceil(stride);
        let start = self.start(size);
        let behind = (1..pages).map(|page| self.page(start + page * stride, size));
        behind.collect()
    }

    fn overlap(&self, size: Option<&PageSize>) -> usize {
        // A page that can hold one record alone would hold nothing new.
        let is_wide = size.is_some_and(|size| size.records > 1) && self.fullest != 1;
        usize::from(self.behind > 0 && is_wide)
    }

    fn advance(&mut self, page: &Facts<'_>, size: Option<&PageSize>) -> Result<bool> {
        let records = page.records.len() as u64;
        self.behind = self.start(size) + records;
        self.fullest = self.fullest.max(records);
        Ok(true)
    }

    fn rewind(&mut self, size: Option<&PageSize>, pages: u64) -> bool {
        let can = self.behind > 0;
        let records = size.map_or(1, |size| u64::from(size.records));
        self.behind = self.behind.saturating_sub(pages.saturating_mul(records));
        can
    }

    fn know_fullest(&mut self, records: u64) {
        self.fullest = records;
    }

    fn is_numbered(&self) -> bool {
        true
    }

    fn at(&self) -> At {
        At::Offset(self.behind)
    }

    fn go_to(&mut self, at: &At, _collection: &Url) -> bool {
        self.behind = match at {
            At::Start => 0,
            At::Offset(offset) => *offset,
            _ => return false,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Next, testing::Pages};
    use crate::config::PagingKind;

    fn pages() -> Pages {
        let parameter = "offset".into();
        Pages::new(PagingKind::Offset { parameter }).with_size(3)
    }

    #[test]
    fn pages_overlap_by_one_record_which_is_left_out() {
        let mut pages = pages();
        assert_eq!(pages.query(), "limit=3&offset=0");
        assert!(pages.give("{}", &[1, 2, 3]).skipped.is_empty());
        assert_eq!(pages.query(), "limit=3&offset=2");
        assert_eq!(pages.give("{}", &[3, 4, 5]).skipped, [0]);
        assert_eq!(pages.query(), "limit=3&offset=4");
        let step = pages.give("{}", &[5]);
        assert_eq!((step.skipped, step.next), (vec![0], Next::End));
        assert_eq!(pages.delivered(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_total_ends_it_and_an_api_that_gives_less_than_it_is_asked_for_is_followed() {
        let mut pages = pages().with_total("total");
        pages.give(r#"{"total":4}"#, &[1, 2]);
        assert_eq!(pages.query(), "limit=3&offset=1");
        pages.give(r#"{"total":4}"#, &[2, 3]);
        assert_eq!(pages.give(r#"{"total":4}"#, &[3, 4]).next, Next::End);
    }

    #[test]
    fn an_api_that_gives_one_record_whatever_it_is_asked_for_is_read_to_its_end() {
        let mut pages = pages();
        pages.give("{}", &[1]);
        assert_eq!(pages.query(), "limit=3&offset=1");
        pages.give("{}", &[2]);
        assert_eq!(pages.query(), "limit=3&offset=2");
        assert_eq!(pages.give("{}", &[]).next, Next::End);
        assert_eq!(pages.delivered(), [1, 2]);
    }

    #[test]
    fn pages_of_one_record_cannot_overlap() {
        let mut pages = pages().with_size(1);
        pages.give("{}", &[1]);
        assert_eq!(pages.query(), "limit=1&offset=1");
        assert!(pages.give("{}", &[2]).skipped.is_empty());
        assert_eq!(pages.give("{}", &[]).next, Next::End);
    }

    /// Record 2 went away after the first page: without the overlap record 4 would never be read.
    #[test]
    fn a_gap_is_noticed_and_read_again() {
        let mut pages = pages();
        pages.give("{}", &[1, 2, 3]);
        let step = pages.give("{}", &[4, 5, 6]);
        assert_eq!((step.skipped.len(), step.next), (3, Next::More));
        assert_eq!(pages.query(), "limit=3&offset=0");
        assert_eq!(pages.give("{}", &[1, 3, 4]).skipped, [0, 1]);
        assert_eq!(pages.query(), "limit=3&offset=2");
        assert_eq!(pages.give("{}", &[4, 5, 6]).skipped, [0]);
        assert_eq!(pages.give("{}", &[6]).next, Next::End);
        assert_eq!(pages.delivered(), [1, 2, 3, 4, 5, 6]);
    }

    /// Records 8 and 9 came in before record 3, as many as fill a page.
    #[test]
    fn what_came_in_before_a_record_that_was_read_is_no_reason_to_read_that_again() {
        let mut pages = pages().with_size(2);
        pages.give("{}", &[1, 2]);
        pages.give("{}", &[2, 3]);
        assert_eq!(
            pages.give("{}", &[8, 9]).skipped,
            [0, 1],
            "an earlier page is next"
        );
        pages.give("{}", &[1, 2]);
        pages.give("{}", &[2, 8]);
        pages.give("{}", &[8, 9]);
        assert_eq!(pages.give("{}", &[9, 3]).skipped, [0, 1]);
        pages.give("{}", &[3, 4]);
        assert_eq!(pages.delivered(), [1, 2, 3, 8, 9, 4]);
    }

    #[test]
    fn records_that_moved_back_are_not_read_twice() {
        let mut pages = pages();
        pages.give("{}", &[1, 2, 3]);
        assert_eq!(pages.give("{}", &[2, 3, 4]).skipped, [0, 1]);
        assert_eq!(pages.query(), "limit=3&offset=4");
        assert_eq!(pages.give("{}", &[4, 5]).skipped, [0]);
        assert_eq!(pages.delivered(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn an_offset_that_the_api_does_not_know_is_an_error_and_no_end() {
        let mut pages = pages();
        pages.give("{}", &[1, 2, 3]);
        let error = pages.refuse("{}", &[1, 2, 3]);
        assert!(error.message().starts_with("page 2 of the API"), "{error}");
    }

    #[test]
    fn a_smaller_size_goes_on_behind_the_same_record() {
        let mut pages = pages().with_size(120);
        pages.give("{}", &(0..120).collect::<Vec<_>>());
        assert!(pages.pager.shrink());
        assert_eq!(pages.query(), "limit=60&offset=119");
    }

    #[test]
    fn a_resumed_extract_whose_overlap_is_another_record_begins_anew() {
        let mut pages = pages();
        pages.give("{}", &[1, 2, 3]);
        let position = pages.position().unwrap();
        let mut resumed = pages.resumed(&position);
        assert_eq!(resumed.query(), "limit=3&offset=2");
        assert_eq!(resumed.give("{}", &[3, 4]).skipped, [0]);
        assert_eq!(
            pages.resumed(&position).give("{}", &[4, 5]).next,
            Next::Lost
        );
    }

    #[test]
    fn addresses_are_known_in_advance_where_the_api_tells_its_total() {
        let mut pages = pages().with_total("total");
        pages.give(r#"{"total":8}"#, &[1, 2, 3]);
        assert_eq!(pages.ahead(9), ["limit=3&offset=4", "limit=3&offset=6"]);
    }
}
