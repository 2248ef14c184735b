//! Each page names the next by an opaque cursor, in its body or in a header. The size may change at any page.

use url::Url;

use super::{At, Facts, Kind, Request, parameters};
use crate::{config::PageSize, error::Result, sources::record::text_at};

/// Cursors.
#[derive(Debug)]
pub struct Cursor {
    parameter: String,
    stands: Stands,
    next: Option<String>,
}

/// Where a page holds the next cursor.
#[derive(Debug)]
pub enum Stands {
    /// At this path of its body.
    InBody(Vec<String>),
    /// In this header.
    InHeader(String),
}

impl Cursor {
    /// Cursors that stand there, sent back as `parameter`.
    pub fn new(parameter: &str, stands: Stands) -> Self {
        Self {
            parameter: parameter.to_owned(),
            stands,
            next: None,
        }
    }
}

impl Stands {
    fn cursor(&self, page: &Facts<'_>) -> Option<String> {
        match self {
            Self::InBody(path) => text_at(page.body, path),
            Self::InHeader(name) => {
                let text = page.headers.get(name)?.to_str().ok()?.trim();
                (!text.is_empty()).then(|| text.to_owned())
            }
        }
    }
}

impl Kind for Cursor {
    fn request(&self, size: Option<&PageSize>) -> Request {
        let cursor = self.next.clone();
        parameters(size, cursor.map(|cursor| (self.parameter.as_str(), cursor)))
    }

    fn advance(&mut self, page: &Facts<'_>, _size: Option<&PageSize>) -> Result<bool> {
        self.next = self.stands.cursor(page);
        Ok(self.next.is_some())
    }

    fn lead(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn at(&self) -> At {
        self.next.clone().map_or(At::Start, At::Cursor)
    }

    fn go_to(&mut self, at: &At, _collection: &Url) -> bool {
        self.next = match at {
            At::Start => None,
            At::Cursor(cursor) => Some(cursor.clone()),
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
        Pages::new(PagingKind::Cursor {
            parameter: "cursor".into(),
            next: vec!["meta".into(), "next".into()],
        })
    }

    #[test]
    fn cursors_are_followed_until_there_is_none_even_through_an_empty_page() {
        let mut pages = pages();
        assert_eq!(pages.query(), "limit=100");
        assert_eq!(
            pages.give(r#"{"meta":{"next":"a b"}}"#, &[1, 2]).next,
            Next::More
        );
        assert_eq!(pages.query(), "limit=100&cursor=a b");
        assert_eq!(pages.give(r#"{"meta":{"next":7}}"#, &[]).next, Next::More);
        assert_eq!(pages.query(), "limit=100&cursor=7");
        assert_eq!(
            pages.give(r#"{"meta":{"next":null}}"#, &[3]).next,
            Next::End
        );
    }

    #[test]
    fn a_repeated_cursor_is_an_error_and_no_endless_loop() {
        let mut pages = pages();
        pages.give(r#"{"meta":{"next":"a"}}"#, &[1]);
        pages.give(r#"{"meta":{"next":"b"}}"#, &[2]);
        let error = pages.refuse(r#"{"meta":{"next":"a"}}"#, &[3]);
        assert!(error.message().contains("repeats a cursor"), "{error}");
    }

    #[test]
    fn a_smaller_size_is_sent_with_the_same_cursor() {
        let mut pages = pages();
        pages.give(r#"{"meta":{"next":"a"}}"#, &[1]);
        assert!(pages.pager.shrink());
        assert_eq!(pages.query(), "limit=50&cursor=a");
        assert!(!pages.pager.shrink(), "50 is the least");
    }

    #[test]
    fn reading_goes_on_at_the_cursor_that_was_written_down() {
        let mut pages = pages();
        pages.give(r#"{"meta":{"next":"a"}}"#, &[1]);
        let position = pages.position().unwrap();
        assert_eq!(position.at, At::Cursor("a".into()));
        assert_eq!(pages.resumed(&position).query(), "limit=100&cursor=a");
    }

    fn pages_with_a_header() -> Pages {
        Pages::new(PagingKind::CursorHeader {
            parameter: "after".into(),
            header: "X-Next-Cursor".into(),
        })
    }

    #[test]
    fn a_cursor_in_a_header_is_followed_until_it_is_missing_or_empty() {
        for last in [&[][..], &[("x-next-cursor", " ")]] {
            let mut pages = pages_with_a_header();
            let step = pages.give_with("[]", &[("x-next-cursor", "abc")], &[1]);
            assert_eq!(step.next, Next::More);
            assert_eq!(pages.query(), "limit=100&after=abc");
            assert_eq!(pages.give_with("[]", last, &[2]).next, Next::End);
        }
    }

    #[test]
    fn a_repeated_cursor_in_a_header_is_an_error() {
        let mut pages = pages_with_a_header();
        pages.give_with("[]", &[("x-next-cursor", "abc")], &[1]);
        let error = pages.refuse_with("[]", &[("x-next-cursor", "abc")], &[2]);
        assert!(error.message().contains("repeats a cursor"), "{error}");
    }
}
