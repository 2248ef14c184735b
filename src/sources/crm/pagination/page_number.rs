//! Pages are numbered. A smaller size midway aims again by arithmetic, and what came before is left out.

use url::Url;

use super::{At, Facts, Kind, Request, parameters};
use crate::{config::PageSize, error::Result};

/// Numbered pages.
#[derive(Debug)]
pub struct PageNumber {
    parameter: String,
    first: u64,
    /// Of the next page, from 0.
    index: u64,
    /// Records of the fullest page of the present size: an API may give less than it is asked for.
    fullest: u64,
    /// Records of the next page that came before.
    overlap: usize,
}

impl PageNumber {
    /// Pages from `first` on, asked for by `parameter`.
    pub fn new(parameter: &str, first: u64) -> Self {
        Self {
            parameter: parameter.to_owned(),
            first,
            index: 0,
            fullest: 0,
            overlap: 0,
        }
    }

    fn page(&self, index: u64, size: Option<&PageSize>) -> Request {
        let number = self.first.saturating_add(index).to_string();
        parameters(size, Some((&self.parameter, number)))
    }
}

impl Kind for PageNumber {
    fn request(&self, size: Option<&PageSize>) -> Request {
        self.page(self.index, size)
    }

    fn ahead(&self, size: Option<&PageSize>, fullest: u64, left: u64) -> Vec<Request> {
        let pages = left.div_ceil(fullest.max(1));
        let behind = (1..pages).map(|page| self.page(self.index + page, size));
        behind.collect()
    }

    fn overlap(&self, _size: Option<&PageSize>) -> usize {
        self.overlap
    }

    fn advance(&mut self, page: &Facts<'_>, _size: Option<&PageSize>) -> Result<bool> {
        self.fullest = self.fullest.max(page.records.len() as u64);
        self.index += 1;
        self.overlap = 0;
        Ok(true)
    }

    /// The page of the new size that holds the first record that did not come yet. If the API gives less
    /// than it is asked for, what it gives is the size that counts.
    fn resize(&mut self, from: &PageSize, to: u32) -> bool {
        let (from, to) = (u64::from(from.records), u64::from(to));
        let real = if (1..from).contains(&self.fullest) {
            self.fullest
        } else {
            from
        };
        let records = self.index * real + self.overlap as u64;
        let size = real.min(to).max(1);
        self.index = records / size;
        self.overlap = usize::try_from(records % size).unwrap_or_default();
        self.fullest = if real <= to { real } else { 0 };
        true
    }

    fn rewind(&mut self, _size: Option<&PageSize>, pages: u64) -> bool {
        self.overlap = 0;
        let can = self.index > 0;
        self.index = self.index.saturating_sub(pages);
        can
    }

    fn is_numbered(&self) -> bool {
        true
    }

    fn at(&self) -> At {
        At::Page(self.index)
    }

    fn go_to(&mut self, at: &At, _collection: &Url) -> bool {
        self.index = match at {
            At::Start => 0,
            At::Page(index) => *index,
            _ => return false,
        };
        self.overlap = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Next, testing::Pages};
    use crate::config::PagingKind;

    fn pages() -> Pages {
        Pages::new(PagingKind::PageNumber {
            parameter: "page".into(),
            first: 1,
        })
    }

    #[test]
    fn without_a_total_pages_end_with_an_empty_one_and_never_with_a_short_one() {
        let mut pages = pages();
        assert_eq!(pages.query(), "limit=100&page=1");
        assert_eq!(pages.give("{}", &[1, 2]).next, Next::More);
        assert_eq!(pages.query(), "limit=100&page=2");
        assert_eq!(pages.give("{}", &[3]).next, Next::More);
        assert_eq!(pages.give("{}", &[]).next, Next::End);
    }

    #[test]
    fn a_total_saves_the_empty_page_and_overrules_short_pages() {
        let mut pages = pages().with_total("total");
        assert_eq!(pages.give(r#"{"total":3}"#, &[1]).next, Next::More);
        assert_eq!(pages.give(r#"{"total":3}"#, &[2, 3]).next, Next::End);
        assert_eq!(pages.pager.missing(), None);
    }

    #[test]
    fn a_smaller_size_begins_with_the_page_that_holds_the_next_record() {
        for (size, pages_before, expected) in [
            (200, 1, "limit=100&page=3"),
            (100, 3, "limit=50&page=7"),
            // 75 records came: page 2 of 50 begins with 25 of them.
            (75, 1, "limit=50&page=2"),
            (60, 0, "limit=50&page=1"),
        ] {
            let mut pages = pages().with_size(size);
            for page in 0..pages_before {
                let first = u64::from(page * size);
                let records: Vec<_> = (first..first + u64::from(size)).collect();
                pages.give("{}", &records);
            }
            assert!(pages.pager.shrink());
            assert_eq!(pages.query(), expected, "{size}");
        }
    }

    #[test]
    fn a_size_may_change_twice_before_a_page_comes() {
        let mut pages = pages().with_size(250);
        pages.give("{}", &(0..250).collect::<Vec<_>>());
        assert!(pages.pager.shrink() && pages.pager.shrink());
        // 62 of 250: page 5 begins with 2 that came.
        assert_eq!(pages.query(), "limit=62&page=5");
        let step = pages.give("{}", &(248..310).collect::<Vec<_>>());
        assert_eq!(step.skipped, [0, 1]);
    }

    #[test]
    fn records_that_a_smaller_size_repeats_are_left_out() {
        let mut pages = pages().with_size(75);
        pages.give("{}", &(0..75).collect::<Vec<_>>());
        assert!(pages.pager.shrink());
        let step = pages.give("{}", &(50..100).collect::<Vec<_>>());
        assert_eq!(step.skipped, (0..25).collect::<Vec<_>>());
        assert_eq!(pages.query(), "limit=50&page=3");
    }

    #[test]
    fn an_api_that_gives_the_same_page_again_is_an_error_and_no_endless_loop() {
        let mut pages = pages();
        pages.give("{}", &[1, 2]);
        let error = pages.refuse("{}", &[1, 2]);
        assert!(error.message().starts_with("page 2 of the API"), "{error}");
    }

    #[test]
    fn pages_that_begin_again_behind_the_last_are_an_error() {
        let mut pages = pages();
        pages.give("{}", &[1, 2]);
        pages.give("{}", &[3, 4]);
        let error = pages.refuse("{}", &[1, 2]);
        assert!(
            error.message().contains("the same records as page 1"),
            "{error}"
        );
    }

    #[test]
    fn addresses_are_known_in_advance_where_the_api_tells_its_total() {
        let mut pages = pages().with_total("total");
        assert!(pages.pager.ahead(3).is_empty());
        let records: Vec<_> = (0..100).collect();
        pages.give(r#"{"total":450}"#, &records);
        assert_eq!(pages.query(), "limit=100&page=2");
        assert_eq!(
            pages.ahead(9),
            ["limit=100&page=3", "limit=100&page=4", "limit=100&page=5"]
        );
        assert_eq!(pages.ahead(1), ["limit=100&page=3"]);
    }

    /// Of 6 records the second went away after page 1 was read, so that the third moved to page 1.
    #[test]
    fn a_total_that_falls_lets_the_page_before_be_read_again_for_what_moved_to_it() {
        let mut pages = pages().with_total("total").with_size(2);
        pages.give(r#"{"total":6}"#, &[1, 2]);
        let step = pages.give(r#"{"total":5}"#, &[4, 5]);
        assert_eq!((step.skipped.len(), step.next), (2, Next::More));
        assert_eq!(pages.query(), "limit=2&page=1");
        assert_eq!(pages.give(r#"{"total":5}"#, &[1, 3]).skipped, [0]);
        assert_eq!(pages.query(), "limit=2&page=2");
        assert!(pages.give(r#"{"total":5}"#, &[4, 5]).skipped.is_empty());
        assert_eq!(pages.give(r#"{"total":5}"#, &[6]).next, Next::More);
        assert_eq!(pages.give(r#"{"total":5}"#, &[]).next, Next::End);
        assert_eq!(pages.pager.missing(), None);
        assert_eq!(pages.delivered(), [1, 2, 3, 4, 5, 6]);
        assert!(!pages.pager.notes().is_empty());
    }

    /// A record came in at the front: all move back by one, and it is read at the end.
    #[test]
    fn records_that_moved_back_are_not_read_twice_and_the_new_one_is_read() {
        let mut pages = pages().with_total("total").with_size(2);
        pages.give(r#"{"total":4}"#, &[1, 2]);
        let step = pages.give(r#"{"total":5}"#, &[2, 3]);
        assert_eq!(step.skipped, [0]);
        pages.give(r#"{"total":5}"#, &[4]);
        pages.give(r#"{"total":5}"#, &[]);
        assert_eq!(
            pages.query(),
            "limit=2&page=1",
            "one is missing: a second look"
        );
        pages.give(r#"{"total":5}"#, &[9, 1]);
        assert_eq!(pages.delivered(), [1, 2, 3, 4, 9]);
        assert_eq!(pages.pager.missing(), None);
    }

    /// A record came in at the front, then another one, and one just before what both had pushed.
    #[test]
    fn records_that_moved_back_while_others_were_left_out_are_not_read_twice() {
        let mut pages = pages().with_total("total").with_size(3);
        pages.give(r#"{"total":6}"#, &[1, 2, 3]);
        assert_eq!(pages.give(r#"{"total":7}"#, &[3, 4, 5]).skipped, [0]);
        assert_eq!(pages.give(r#"{"total":9}"#, &[10, 5, 6]).skipped, [1]);
        assert_eq!(pages.delivered(), [1, 2, 3, 4, 5, 10, 6]);
    }

    /// The same customer may be there twice, word for word.
    #[test]
    fn equal_records_of_two_pages_are_both_read_while_nothing_moves() {
        let mut pages = pages().with_total("total").with_size(2);
        pages.give(r#"{"total":4}"#, &[1, 7]);
        assert!(pages.give(r#"{"total":4}"#, &[7, 2]).skipped.is_empty());
    }

    #[test]
    fn reading_goes_on_at_the_page_that_was_written_down() {
        let mut pages = pages();
        pages.give("{}", &[1, 2]);
        let position = pages.position().unwrap();
        let written = serde_json::to_string(&position).unwrap();
        let mut resumed = pages.resumed(&serde_json::from_str(&written).unwrap());
        assert_eq!(resumed.query(), "limit=100&page=2");
        assert_eq!(resumed.pager.number(), 2);
        assert_eq!(resumed.give("{}", &[]).next, Next::End);
    }
}
