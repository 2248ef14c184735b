//! Each page holds the address of the next in its body, absolute or relative.

use url::Url;

use super::{At, Facts, Kind, Request, link, parameters};
use crate::{config::PageSize, error::Result, sources::record::text_at};

/// Addresses in the body.
#[derive(Debug)]
pub struct NextLink {
    path: Vec<String>,
    links: Links,
}

impl NextLink {
    /// Addresses at `path`.
    pub fn new(path: &[String]) -> Self {
        Self {
            path: path.to_vec(),
            links: Links::default(),
        }
    }
}

impl Kind for NextLink {
    fn request(&self, size: Option<&PageSize>) -> Request {
        self.links.request(size)
    }

    fn overlap(&self, _size: Option<&PageSize>) -> usize {
        self.links.before.overlap
    }

    fn advance(&mut self, page: &Facts<'_>, _size: Option<&PageSize>) -> Result<bool> {
        let text = text_at(page.body, &self.path);
        self.links.advance(page.url, text.as_deref())
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

/// Links, wherever they stand.
#[derive(Debug, Default)]
pub struct Links {
    pub next: Option<Url>,
    /// What came before it.
    pub before: link::Before,
}

impl Links {
    /// What asks for the next page.
    pub fn request(&self, size: Option<&PageSize>) -> Request {
        match &self.next {
            Some(url) => Request::Link(url.clone()),
            None => parameters(size, None),
        }
    }

    /// Goes to the page that `text` names.
    pub fn advance(&mut self, from: &Url, text: Option<&str>) -> Result<bool> {
        let pages = match self.before.pages {
            _ if self.next.is_none() => Some(1),
            pages => pages.map(|pages| pages + 1),
        };
        self.before = link::Before { pages, overlap: 0 };
        self.next = text.map(|text| link::follow(from, text)).transpose()?;
        Ok(self.next.is_some())
    }

    /// Asks for another size, where that can be said of the next page.
    pub fn resize(&mut self, from: &PageSize, to: u32) -> bool {
        let Some(next) = &self.next else { return true };
        let Some((url, before)) = link::resized(next, self.before, from, to) else {
            return false;
        };
        self.next = Some(url);
        self.before = before;
        true
    }

    /// Where the next page is.
    pub fn at(&self) -> At {
        let next = self.next.as_ref();
        next.map_or(At::Start, |url| At::Link(link::kept(url)))
    }

    /// Goes to where a page was.
    pub fn go_to(&mut self, at: &At, collection: &Url) -> bool {
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
    use super::super::{At, Next, testing::Pages};
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

    #[test]
    fn what_is_written_down_of_a_link_holds_no_key() {
        let mut pages = pages();
        pages.give(r#"{"links":{"next":"?after=a&api_key=hunter2"}}"#, &[1]);
        let position = pages.position().unwrap();
        assert_eq!(position.at, At::Link("/v1/customers?after=a".into()));
        assert_eq!(
            pages.resumed(&position).query(),
            "http://crm.test/v1/customers?after=a"
        );
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
}
