//! From one page to the next, for every kind of pagination: pure, so that each can be tried without a server.
//!
//! ```text
//! Pager ─▶ Request ─▶ (someone asks) ─▶ Facts ─▶ Pager: which records are new, and what is asked next
//!   ├─ kind        numbers, offsets, cursors, links, one page: what asks for a page, what leads to the next
//!   ├─ totals      what the API says that there is
//!   ├─ seen        which records came before: a shift is found, a gap is read again
//!   └─ guard       pages that would never end
//! ```

use std::fmt;

use cursor::{Cursor, Stands};
use links::Links;
use reqwest::header::HeaderMap;
use url::Url;

use crate::{
    config::{PageSize, Paging, PagingKind},
    error::Result,
};

mod cursor;
mod guard;
mod link;
mod links;
mod offset;
mod page_number;
mod pager;
mod position;
#[cfg(test)]
mod properties;
mod seen;
mod single_page;
#[cfg(test)]
mod testing;
mod totals;

pub use pager::Pager;
pub use position::{At, Position};
pub use totals::Missing;

/// What asks for one page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// The collection, with these parameters beside its own.
    Parameters(Vec<(String, String)>),
    /// An address that the API gave. It may hold a key, and is never shown.
    Link(Url),
}

/// What is known of a page that came.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The address that it came from; links are relative to it.
    pub url: &'a Url,
    /// Its text.
    pub body: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// A fingerprint of each of its records, in order: equal for equal records.
    pub records: &'a [u64],
}

/// What a page was worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Records of the page, by their index, that came before. They are not to be read again.
    pub skipped: Vec<usize>,
    /// What follows.
    pub next: Next,
}

impl Step {
    /// Whether the record with this index is new.
    pub fn keeps(&self, index: usize) -> bool {
        self.skipped.binary_search(&index).is_err()
    }
}

/// What follows a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another page: [`Pager::request`] asks for it.
    More,
    /// Nothing.
    End,
    /// The position that was resumed does not fit what the API gives now: the extract begins anew.
    Lost,
}

/// What differs between the kinds of pagination.
trait Kind: fmt::Debug + Send + Sync {
    /// What asks for the page that is next.
    fn request(&self, size: Option<&PageSize>) -> Request;

    /// What asks for the pages behind it, if nothing changes: `left` records in pages of `fullest`.
    fn ahead(&self, _size: Option<&PageSize>, _fullest: u64, _left: u64) -> Vec<Request> {
        vec![]
    }

    /// Records at the start of the next page that came before, by what this kind asks.
    fn overlap(&self, _size: Option<&PageSize>) -> usize {
        0
    }

    /// Goes behind a page; whether it names another. A numbered kind always does.
    fn advance(&mut self, page: &Facts<'_>, size: Option<&PageSize>) -> Result<bool>;

    /// The page size changes from `from` to `to` before the next page; `false` if it cannot here.
    fn resize(&mut self, _from: &PageSize, _to: u32) -> bool {
        true
    }

    /// Goes back by `pages` pages, or to the first; `false` if this kind cannot, or is there already.
    fn rewind(&mut self, _size: Option<&PageSize>, _pages: u64) -> bool {
        false
    }

    /// Whether pages are asked for by a number, so that an empty one is behind the last.
    fn is_numbered(&self) -> bool {
        false
    }

    /// What leads to the next page, where that has no number: it must never come twice.
    fn lead(&self) -> Option<&str> {
        None
    }

    /// Where the next page is.
    fn at(&self) -> At;

    /// Goes to where a page was; `false` if that is another kind's place.
    fn go_to(&mut self, at: &At, collection: &Url) -> bool;

    /// How many records the fullest page before held.
    fn know_fullest(&mut self, _records: u64) {}
}

/// The kind that `paging` asks for.
fn kind(paging: &Paging) -> Box<dyn Kind> {
    match &paging.kind {
        PagingKind::PageNumber { parameter, first } => {
            Box::new(page_number::PageNumber::new(parameter, *first))
        }
        PagingKind::Offset { parameter } => Box::new(offset::Offset::new(parameter)),
        PagingKind::Cursor { parameter, next } => {
            let stands = Stands::InBody(next.clone());
            Box::new(Cursor::new(parameter, stands))
        }
        PagingKind::CursorHeader { parameter, header } => {
            let stands = Stands::InHeader(header.clone());
            Box::new(Cursor::new(parameter, stands))
        }
        PagingKind::NextLink { next } => Box::new(Links::in_body(next)),
        PagingKind::LinkHeader => Box::new(Links::in_header()),
        PagingKind::SinglePage => Box::new(single_page::SinglePage),
    }
}

/// The parameters of a page, its size first.
fn parameters(size: Option<&PageSize>, page: Option<(&str, String)>) -> Request {
    let size = size.map(|size| (size.parameter.clone(), size.records.to_string()));
    let page = page.map(|(name, value)| (name.to_owned(), value));
    Request::Parameters(size.into_iter().chain(page).collect())
}
