//! The seven ways from a page to the next.

use super::Asked;

/// How one page leads to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    /// `?page=2&per_page=100`.
    PageNumber,
    /// `?offset=100&limit=100`.
    Offset,
    /// `next_cursor` in the body.
    Cursor,
    /// `X-Next-Cursor` in the head.
    CursorHeader,
    /// `links.next` in the body.
    NextLink,
    /// `Link: <…>; rel="next"`.
    LinkHeader,
    /// All at once.
    SinglePage,
}

impl Paging {
    pub(crate) const ALL: [Self; 7] = [
        Self::PageNumber,
        Self::Offset,
        Self::Cursor,
        Self::CursorHeader,
        Self::NextLink,
        Self::LinkHeader,
        Self::SinglePage,
    ];

    /// Those whose pages are found by counting records, which shift when one comes or goes.
    pub(crate) const COUNTED: [Self; 2] = [Self::PageNumber, Self::Offset];

    /// Those whose pages name the next one.
    pub(crate) const CHAINED: [Self; 4] = [
        Self::Cursor,
        Self::CursorHeader,
        Self::NextLink,
        Self::LinkHeader,
    ];

    /// The parameter with the size of a page.
    pub(crate) fn size_parameter(self) -> &'static str {
        match self {
            Self::PageNumber | Self::LinkHeader => "per_page",
            _ => "limit",
        }
    }

    /// How many records a request wants, where it says so and where it counts.
    pub(super) fn size(self, asked: &Asked, most: usize) -> Option<usize> {
        if self == Self::SinglePage {
            return Some(usize::MAX);
        }
        let size = asked.number(self.size_parameter(), 100)?;
        (size > 0).then_some(size.min(most))
    }
}
