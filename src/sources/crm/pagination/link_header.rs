//! Each page holds the address of the next in a `Link` header with `rel="next"` (RFC 8288).

use reqwest::header::LINK;
use url::Url;

use super::{At, Facts, Kind, Request, link, next_link::Links};
use crate::{config::PageSize, error::Result};

/// Addresses in a header.
#[derive(Debug, Default)]
pub struct LinkHeader {
    links: Links,
}

impl Kind for LinkHeader {
    fn request(&self, size: Option<&PageSize>) -> Request {
        self.links.request(size)
    }

    fn overlap(&self, _size: Option<&PageSize>) -> usize {
        self.links.before.overlap
    }

    fn advance(&mut self, page: &Facts<'_>, _size: Option<&PageSize>) -> Result<bool> {
        let values = page.headers.get_all(LINK).iter();
        let mut texts = values.filter_map(|value| value.to_str().ok());
        let next = texts.find_map(link::next_of);
        self.links.advance(page.url, next)
    }

    fn resize(&mut self, from: &PageSize, to: u32) -> bool {
        self.links.resize(from, to)
    }

    fn lead(&self) -> Option<&str> {
        self.links.next.as_ref().map(Url::as_str)
    }

    fn at(&self) -> At {
        self.links.at()
    }

    fn go_to(&mut self, at: &At, collection: &Url) -> bool {
        self.links.go_to(at, collection)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Next, testing::Pages};
    use crate::config::PagingKind;

    #[test]
    fn the_next_link_of_the_header_is_followed_until_there_is_none() {
        let mut pages = Pages::new(PagingKind::LinkHeader);
        let link =
            r#"<http://crm.test/v1/customers?page=2&limit=100>; rel="next", <?page=9>; rel="last""#;
        assert_eq!(
            pages.give_with("[]", &[("link", link)], &[1]).next,
            Next::More
        );
        assert_eq!(
            pages.query(),
            "http://crm.test/v1/customers?page=2&limit=100"
        );
        let last = r#"<?page=1>; rel="first""#;
        assert_eq!(
            pages.give_with("[]", &[("link", last)], &[2]).next,
            Next::End
        );
    }

    #[test]
    fn a_smaller_size_before_the_first_page_is_that_of_all() {
        let mut pages = Pages::new(PagingKind::LinkHeader);
        assert!(pages.pager.shrink());
        assert_eq!(pages.query(), "limit=50");
    }

    #[test]
    fn a_smaller_size_midway_aims_a_numbered_link_again() {
        let mut pages = Pages::new(PagingKind::LinkHeader);
        let records: Vec<_> = (0..100).collect();
        pages.give_with(
            "[]",
            &[("link", r#"<?page=2&limit=100>; rel="next""#)],
            &records,
        );
        assert!(pages.pager.shrink());
        assert_eq!(
            pages.query(),
            "http://crm.test/v1/customers?page=3&limit=50"
        );
    }

    #[test]
    fn a_link_to_another_server_is_refused() {
        let mut pages = Pages::new(PagingKind::LinkHeader);
        let link = r#"<https://crm.test/v1>; rel="next""#;
        let error = pages.refuse_with("[]", &[("link", link)], &[1]);
        assert!(error.message().contains("another server"), "{error}");
    }
}
