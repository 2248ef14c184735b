//! A collection that is one page: nothing is said of its size, and nothing follows.

use url::Url;

use super::{At, Facts, Kind, Request, parameters};
use crate::{config::PageSize, error::Result};

/// The first page is the last.
#[derive(Debug)]
pub struct SinglePage;

impl Kind for SinglePage {
    fn request(&self, _size: Option<&PageSize>) -> Request {
        parameters(None, None)
    }

    fn advance(&mut self, _page: &Facts<'_>, _size: Option<&PageSize>) -> Result<bool> {
        Ok(false)
    }

    fn resize(&mut self, _from: &PageSize, _to: u32) -> bool {
        false
    }

    fn at(&self) -> At {
        At::Start
    }

    fn go_to(&mut self, at: &At, _collection: &Url) -> bool {
        *at == At::Start
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Next, Request, testing::Pages};
    use crate::config::PagingKind;

    #[test]
    fn one_page_is_asked_for_without_a_size_and_is_the_last() {
        let mut pages = Pages::new(PagingKind::SinglePage).without_size();
        assert_eq!(pages.request(), Request::Parameters(vec![]));
        assert_eq!(pages.give("{}", &[1, 2]).next, Next::End);
    }

    #[test]
    fn a_single_page_that_holds_fewer_records_than_its_total_is_partial() {
        let mut pages = Pages::new(PagingKind::SinglePage)
            .without_size()
            .with_total("total");
        pages.give(r#"{"total":3}"#, &[1, 2]);
        assert_eq!(pages.pager.missing().map(|it| it.records), Some(1));
    }
}
