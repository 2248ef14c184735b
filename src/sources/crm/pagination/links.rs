//! Each page holds the address of the next, absolute or relative: in its body, or in a `Link` header with
//! `rel="next"` (RFC 8288).

use reqwest::header::LINK;
use url::Url;

use super::{At, Facts, Kind, Request, link, parameters};
use crate::{config::PageSize, error::Result, sources::record::text_at};

/// Addresses of next pages.
#[derive(Debug)]
pub struct Links {
    /// The path in the body; none where they stand in a header.
    path: Option<Vec<String>>,
    next: Option<Url>,
    /// What came before it.
    before: link::Before,
}

impl Links {
    /// Addresses at `path` of the body.
    pub fn in_body(path: &[String]) -> Self {
        Self::new(Some(path.to_vec()))
    }

    /// Addresses in the header.
    pub fn in_header() -> Self {
        Self::new(None)
    }

    fn new(path: Option<Vec<String>>) -> Self {
        Self {
            path,
            next: None,
            before: link::Before::default(),
        }
    }

    /// The address as the page gives it.
    fn text(&self, page: &Facts<'_>) -> Option<String> {
        if let Some(path) = &self.path {
            return text_at(page.body, path);
        }
        let values = page.headers.get_all(LINK).iter();
        let mut texts = values.filter_map(|value| value.to_str().ok());
        texts.find_map(link::next_of).map(str::to_owned)
    }
}

impl Kind for Links {
    fn request(&self, size: Option<&PageSize>) -> Request {
        match &self.next {
            Some(url) => Request::Link(url.clone()),
            None => parameters(size, None),
        }
    }

    fn overlap(&self, _size: Option<&PageSize>) -> usize {
        self.before.overlap
    }

    fn advance(&mut self, page: &Facts<'_>, _size: Option<&PageSize>) -> Result<bool> {
        let text = self.text(page);
        let pages = match self.before.pages {
            _ if self.next.is_none() => Some(1),
            pages => pages.map(|pages| pages + 1),
        };
        self.before = link::Before { pages, overlap: 0 };
        let follow = |text: String| link::follow(page.url, &text);
        self.next = text.map(follow).transpose()?;
        Ok(self.next.is_some())
    }

    /// Asks for another size, where that can be said of the next page.
    fn resize(&mut self, from: &PageSize, to: u32) -> bool {
        let Some(next) = &self.next else { return true };
        let Some((url, before)) = link::resized(next, self.before, from, to) else {
            return false;
        };
        self.next = Some(url);
        self.before = before;
        true
    }

    fn lead(&self) -> Option<&str> {
        self.next.as_ref().map(Url::as_str)
    }

    fn at(&self) -> At {
        let next = self.next.as_ref();
        next.map_or(At::Start, |url| At::Link(link::kept(url)))
    }

    fn go_to(&mut self, at: &At, collection: &Url) -> bool {
        self.before = link::Before::default();
        self.next = match at {
            At::Start => None,
            At::Link(text) => match link::follow(collection, text) {
                Ok(url) => Some(url),
                Err(_) => return false,
            },
            _ => return false,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Next, testing::Pages};
    use crate::config::PagingKind;

    fn pages() -> Pages {
        Pages::new(PagingKind::NextLink {
            next: vec!["links".into(), "next".into()],
        })
    }

    #[test]
    fn links_in_the_body_are_followed_absolute_and_relative_until_there_is_none() {
        let mut pages = pages();
        assert_eq!(pages.query(), "limit=100");
        let step = pages.give(r#"{"links":{"next":"/v1/customers?after=a"}}"#, &[1]);
        assert_eq!(step.next, Next::More);
        assert_eq!(pages.query(), "http://crm.test/v1/customers?after=a");
        pages.give(r#"{"links":{"next":"http://crm.test/other?b"}}"#, &[2]);
        assert_eq!(pages.query(), "http://crm.test/other?b");
        assert_eq!(pages.give(r#"{"links":{}}"#, &[3]).next, Next::End);
    }

    #[test]
    fn a_link_to_another_server_is_refused() {
        let error = pages().refuse(r#"{"links":{"next":"http://evil.test/?k=1"}}"#, &[1]);
        assert!(error.message().contains("another server"), "{error}");
    }

    #[test]
    fn a_link_that_comes_again_is_an_error() {
        let mut pages = pages();
        pages.give(r#"{"links":{"next":"?after=a"}}"#, &[1]);
        let error = pages.refuse(r#"{"links":{"next":"?after=a"}}"#, &[2]);
        assert!(error.message().contains("repeats"), "{error}");
    }

    /// What looks like a key may be what leads to the page.
    #[test]
    fn a_link_is_gone_on_with_word_for_word() {
        for link in ["/v1/customers?after=a%20b&key=c&sig=d", "/other"] {
            let mut pages = pages();
            pages.give(&json!({"links": {"next": link}}).to_string(), &[1]);
            let position = pages.position().unwrap();
            let resumed = pages.resumed(&position).query();
            assert_eq!(resumed, format!("http://crm.test{link}"));
        }
    }

    #[test]
    fn a_smaller_size_leaves_out_what_came_before() {
        let mut pages = pages().with_size(75);
        let records: Vec<_> = (0..100).collect();
        pages.give(r#"{"links":{"next":"?page=2&limit=75"}}"#, &records[..75]);
        assert!(pages.pager.shrink());
        assert_eq!(
            pages.query(),
            "http://crm.test/v1/customers?page=2&limit=50"
        );
        let step = pages.give(r#"{"links":{"next":"?page=3&limit=50"}}"#, &records[50..]);
        assert_eq!(step.skipped, (0..25).collect::<Vec<_>>());
    }

    #[test]
    fn a_link_that_does_not_say_its_size_keeps_it() {
        let mut pages = pages();
        pages.give(r#"{"links":{"next":"?after=a"}}"#, &[1]);
        assert!(!pages.pager.shrink());
        assert_eq!(pages.query(), "http://crm.test/v1/customers?after=a");
    }

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
    fn a_link_of_the_header_to_another_server_is_refused() {
        let mut pages = Pages::new(PagingKind::LinkHeader);
        let link = r#"<https://crm.test/v1>; rel="next""#;
        let error = pages.refuse_with("[]", &[("link", link)], &[1]);
        assert!(error.message().contains("another server"), "{error}");
    }
}
