//! Pages that would never end: a cursor that comes again, a page that is another one, growth without bound.
//!
//! Apart because an API that runs in circles does so whatever its pagination is.

use std::{
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use crate::error::{Error, Result};

/// Pages without a record, one after the other, that are believed to lead somewhere.
const MOST_EMPTY: u32 = 100;

/// Pages of one record that came before, one after the other, that are believed.
const MOST_SINGLE: u32 = 20;

/// Pages behind all that were read before, one after the other, whose records all came before, that are believed:
/// so many pages may have come in at the front meanwhile.
const MOST_BARREN: u32 = 50;

/// Records beyond twice the total that are believed.
const MOST_SURPLUS: u64 = 10_000;

/// What of the pages so far must not come again.
#[derive(Debug, Default)]
pub struct Guard {
    pages: HashMap<u64, i32>,
    leads: HashSet<u64>,
    empty: u32,
    /// Records that came alone.
    singles: HashSet<u64>,
    /// How many pages in a row held one of them again.
    again: u32,
    /// How many pages in a row, each further than all before, brought nothing.
    barren: u32,
}

impl Guard {
    /// An error if the page with this number is one that came before. A single record may well come twice,
    /// but not again and again.
    pub fn page(&self, number: i32, records: &[u64]) -> Result<()> {
        if self.again >= MOST_SINGLE {
            return Err(Error::outside(format!(
                "the {MOST_SINGLE} pages of the API before page {number} hold records that came before, so its \
                 pages would never end"
            ))
            .with_hint("look at `pagination` of the source in dfpipe.yml, or report it to the API's owner"));
        }
        let before = self.pages.get(&hash(records)).filter(|_| records.len() > 1);
        let Some(before) = before else { return Ok(()) };
        let which = if *before + 1 == number {
            "the page before it".to_owned()
        } else {
            format!("page {before}")
        };
        Err(Error::outside(format!(
            "page {number} of the API holds the same records as {which}, so its pages would never end"
        ))
        .with_hint(
            "look at `pagination` of the source in dfpipe.yml: the API may not know a parameter, or \
             follow another custom",
        ))
    }

    /// Takes note of a page.
    pub fn take(&mut self, number: i32, records: &[u64]) {
        if records.is_empty() {
            self.empty += 1;
        } else {
            self.empty = 0;
        }
        if records.len() > 1 {
            self.pages.insert(hash(records), number);
        }
        match records {
            [single] if !self.singles.insert(*single) => self.again += 1,
            _ => self.again = 0,
        }
    }

    /// An error if page after page brings nothing, each further than all before. What moved is read again and may
    /// well bring nothing, but not without end.
    pub fn barren(&mut self, number: i32, brought_nothing: bool) -> Result<()> {
        self.barren = if brought_nothing { self.barren + 1 } else { 0 };
        if self.barren < MOST_BARREN {
            return Ok(());
        }
        Err(Error::outside(format!(
            "the last {MOST_BARREN} pages of the API, up to page {number}, hold records that came before, so its \
             pages would never end"
        ))
        .with_hint(
            "look at `pagination` of the source in dfpipe.yml: the API may not know a parameter, or \
             follow another custom",
        ))
    }

    /// An error if the API named this page before, or nothing but empty ones for long.
    pub fn lead(&mut self, pages: i32, lead: &str) -> Result<()> {
        if !self.leads.insert(hash(lead)) {
            return Err(Error::outside(format!(
                "the API repeats a cursor after page {pages}, so its pages would never end"
            ))
            .with_hint(
                "look at `pagination` of the source in dfpipe.yml, or report it to the API's owner",
            ));
        }
        if self.empty >= MOST_EMPTY {
            return Err(Error::outside(format!(
                "the last {MOST_EMPTY} pages of the API hold no record, and each names another"
            ))
            .with_hint("report it to the API's owner: its pages would never end"));
        }
        Ok(())
    }

    /// An error if there are far more records than the API says that there are.
    pub fn growth(pages: i32, records: u64, total: Option<u64>) -> Result<()> {
        let Some(total) = total else { return Ok(()) };
        if records <= total.saturating_mul(2).saturating_add(MOST_SURPLUS) {
            return Ok(());
        }
        Err(Error::outside(format!(
            "the API says that there are {total} records, and gave {records} in {pages} pages without an end"
        ))
        .with_hint("look at `pagination.total` of the source in dfpipe.yml, or report it to the API's owner"))
    }
}

fn hash(what: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{Guard, MOST_BARREN, MOST_EMPTY};

    #[test]
    fn a_single_record_may_come_twice_and_a_page_may_not() {
        let mut guard = Guard::default();
        guard.take(1, &[1]);
        guard.take(2, &[1, 2]);
        assert!(guard.page(3, &[1]).is_ok());
        assert!(guard.page(3, &[2, 1]).is_ok());
        assert!(guard.page(3, &[1, 2]).is_err());
    }

    #[test]
    fn a_single_record_does_not_come_again_and_again() {
        let mut guard = Guard::default();
        for page in 0..40 {
            guard.take(page, &[1 + u64::from(page % 2 == 0)]);
        }
        assert!(guard.page(41, &[1]).is_err());
        guard.take(41, &[3]);
        assert!(guard.page(42, &[1]).is_ok());
    }

    #[test]
    fn pages_that_bring_nothing_are_not_followed_for_ever() {
        let mut guard = Guard::default();
        for page in 1..MOST_BARREN {
            assert!(guard.barren(page.try_into().unwrap(), true).is_ok());
        }
        assert!(guard.barren(50, false).is_ok());
        assert!((0..MOST_BARREN).any(|page| guard.barren(page.try_into().unwrap(), true).is_err()));
    }

    #[test]
    fn ever_new_cursors_to_empty_pages_are_an_error() {
        let mut guard = Guard::default();
        for page in 1..MOST_EMPTY {
            guard.take(1, &[]);
            assert!(guard.lead(1, &page.to_string()).is_ok(), "{page}");
        }
        guard.take(1, &[]);
        assert!(guard.lead(1, "another").is_err());
    }

    #[test]
    fn far_more_records_than_there_are_is_an_error() {
        assert!(Guard::growth(1, 10_020, Some(10)).is_ok());
        assert!(Guard::growth(1, 10_021, Some(10)).is_err());
        assert!(Guard::growth(1, 10_021, None).is_ok());
    }
}
