//! One page of the collection, as it is asked for, before it is written down.

use serde_json::Value;

use super::{
    Asked, Collection, Endless, Paging, Setup,
    collection::{Entry, reduced},
};

/// A page.
pub(super) struct Page {
    /// Records before it.
    pub(super) start: usize,
    pub(super) records: Vec<Value>,
    /// Records of all pages.
    pub(super) total: usize,
    /// What leads to the next page, where it is named and there is one.
    pub(super) next: Option<String>,
    /// How many records were wanted.
    pub(super) size: usize,
}

/// Behind the end, cursors name records that there will never be.
const BEHIND: u64 = 1_000_000_000;

/// The page that a request is about; or the status that says what is wrong with the request.
pub(super) fn page(collection: &Collection, asked: &Asked, setup: &Setup) -> Result<Page, u16> {
    let all = collection.wanted(asked, setup.knows_updated_before);
    let size = setup.paging.size(asked, setup.most).ok_or(400_u16)?;
    let after = after(collection, asked, setup)?;
    let start = match (setup.paging, after) {
        (Paging::PageNumber, _) => {
            let page = asked.number("page", 1).filter(|page| *page > 0);
            (page.ok_or(400_u16)? - 1).saturating_mul(size)
        }
        (Paging::Offset, _) => asked.number("offset", 0).ok_or(400_u16)?,
        (_, Some(after)) => behind(&all, after),
        (_, None) => 0,
    };
    let found: Vec<_> = all.into_iter().filter(|entry| !entry.is_gone).collect();
    let is_again = start >= found.len() && setup.endless == Some(Endless::Same);
    let start = if is_again {
        found.len().saturating_sub(size)
    } else {
        start
    };
    let cut: Vec<_> = found.iter().skip(start).take(size).collect();
    let end = start + cut.len();
    let is_more = end < found.len()
        || (setup.ends_with_an_empty_page && !cut.is_empty())
        || setup.endless.is_some();
    let last = match cut.last().filter(|_| !is_again) {
        Some(entry) => entry.number,
        None => after.unwrap_or(0).max(BEHIND) + 1,
    };
    let is_chained = Paging::CHAINED.contains(&setup.paging);
    let records = cut
        .into_iter()
        .map(|entry| reduced(entry.record.clone(), asked));
    Ok(Page {
        start,
        total: found.len(),
        next: (is_chained && is_more).then(|| cursor(last, setup, collection)),
        records: records.collect(),
        size,
    })
}

/// How many records there are up to the one with this number, even if it is gone.
fn behind(all: &[Entry], number: u64) -> usize {
    let place = all.iter().position(|entry| entry.number == number);
    let before = place.map_or(all, |place| &all[..=place]);
    before.iter().filter(|entry| !entry.is_gone).count()
}

/// The number of the record that the page comes after, where the request says so by a cursor.
fn after(collection: &Collection, asked: &Asked, setup: &Setup) -> Result<Option<u64>, u16> {
    let cursor = asked.parameter("cursor");
    let cursor = cursor.filter(|_| Paging::CHAINED.contains(&setup.paging));
    let read = |cursor| {
        let number = read_cursor(cursor, setup, collection);
        number.ok_or(setup.status_of_forgotten_cursors)
    };
    cursor.map(read).transpose()
}

/// Opaque to who gets it: which record was the last one, and what this API likes to tell.
fn cursor(number: u64, setup: &Setup, collection: &Collection) -> String {
    let generation = collection.generation();
    format!("{}~{generation}~{number}", setup.tells_in_cursors)
}

fn read_cursor(cursor: &str, setup: &Setup, collection: &Collection) -> Option<u64> {
    let rest = cursor.strip_prefix(setup.tells_in_cursors)?;
    let (generation, number) = rest.strip_prefix('~')?.split_once('~')?;
    let is_known = generation == collection.generation().to_string();
    number.parse().ok().filter(|_| is_known)
}
