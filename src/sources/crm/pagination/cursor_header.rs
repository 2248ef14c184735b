//! Each page names the next by an opaque cursor in a header. The size may change at any page.

use url::Url;

use super::{At, Facts, Kind, Request, parameters};
use crate::{config::PageSize, error::Result};

/// Cursors in a header.
#[derive(Debug)]
pub struct CursorHeader {
    parameter: String,
    header: String,
    next: Option<String>,
}

impl CursorHeader {
    /// Cursors in `header`, sent back as `parameter`.
    pub fn new(parameter: &str, header: &str) -> Self {
        Self {
            parameter: parameter.to_owned(),
            header: header.to_owned(),
            next: None,
        }
    }
}

impl Kind for CursorHeader {
    fn request(&self, size: Option<&PageSize>) -> Request {
        let cursor = self.next.clone();
        parameters(size, cursor.map(|cursor| (self.parameter.as_str(), cursor)))
    }

    fn advance(&mut self, page: &Facts<'_>, _size: Option<&PageSize>) -> Result<bool> {
        let value = page.headers.get(&self.header);
        let text = value.and_then(|value| value.to_str().ok()).map(str::trim);
        self.next = text.filter(|text| !text.is_empty()).map(str::to_owned);
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
    use super::super::{Next, testing::Pages};
    use crate::config::PagingKind;

    fn pages() -> Pages {
        Pages::new(PagingKind::CursorHeader {
            parameter: "after".into(),
            header: "X-Next-Cursor".into(),
        })
    }

    #[test]
    fn a_cursor_in_a_header_is_followed_until_it_is_missing_or_empty() {
        for last in [&[][..], &[("x-next-cursor", " ")]] {
            let mut pages = pages();
            let step = pages.give_with("[]", &[("x-next-cursor", "abc")], &[1]);
            assert_eq!(step.next, Next::More);
            assert_eq!(pages.query(), "limit=100&after=abc");
            assert_eq!(pages.give_with("[]", last, &[2]).next, Next::End);
        }
    }

    #[test]
    fn a_repeated_cursor_in_a_header_is_an_error() {
        let mut pages = pages();
        pages.give_with("[]", &[("x-next-cursor", "abc")], &[1]);
        let error = pages.refuse_with("[]", &[("x-next-cursor", "abc")], &[2]);
        assert!(error.message().contains("repeats a cursor"), "{error}");
    }
}
