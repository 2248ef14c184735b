//! How many records the API says that there are, and whether it gave them.
//!
//! Apart because the number may change while pages are read: the last one said is the one that is held
//! against what came, and every change is told.

use super::Facts;
use crate::{
    config::Total,
    error::{Error, Kind, Result},
    sources::record::text_at,
};

/// What the pages so far said.
#[derive(Debug)]
pub struct Totals {
    place: Option<Total>,
    first: Option<u64>,
    last: Option<u64>,
    most: Option<u64>,
    has_changed: bool,
}

/// How a page's total differs from that of the page before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is the same, or the first.
    Same,
    /// It is smaller.
    Fell,
    /// It is larger.
    Rose,
    /// The API tells none.
    Untold,
}

/// What the API said that there is and did not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Records.
    pub records: u64,
    /// Pages that they would fill, where the size of pages is known.
    pub pages: Option<u64>,
}

impl Totals {
    /// Totals that stand at `place`.
    pub fn new(place: Option<Total>) -> Self {
        Self {
            place,
            first: None,
            last: None,
            most: None,
            has_changed: false,
        }
    }

    /// The total that was said last before reading was resumed.
    pub fn resume(&mut self, total: Option<u64>) {
        (self.first, self.last, self.most) = (total, total, total);
    }

    /// Takes note of what a page says. A page without a total does not make what was promised complete.
    pub fn note(&mut self, page: &Facts<'_>) -> Result<Change> {
        let Some(place) = &self.place else {
            return Ok(Change::Untold);
        };
        let said = match place {
            Total::Body(path) => text_at(page.body, path),
            Total::Header(name) => {
                let value = page.headers.get(name).and_then(|value| value.to_str().ok());
                value.map(|value| value.trim().to_owned())
            }
        };
        let said = said.and_then(|text| text.parse().ok());
        let change = match (said, self.last) {
            (None, None) => return Err(untold(place)),
            (Some(said), Some(last)) if said < last => Change::Fell,
            (Some(said), Some(last)) if said > last => Change::Rose,
            _ => Change::Same,
        };
        self.has_changed |= change != Change::Same;
        self.last = said.or(self.last);
        self.first = self.first.or(said);
        self.most = self.most.max(said);
        Ok(change)
    }

    /// The last one.
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// The largest one.
    pub fn most(&self) -> Option<u64> {
        self.most
    }

    /// Whether it was not always the same.
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }

    /// An error if there are more records than `given`.
    pub fn complete(&self, given: u64, missing: Option<Missing>) -> Result<()> {
        let (Some(total), Some(missing)) = (self.last, missing) else {
            return Ok(());
        };
        let message = format!("the API gave {given} of {total} records");
        Err(Error::new(Kind::Partial, message)
            .because(missing.words())
            .with_hint("run again; if it repeats, ask the API's owner"))
    }

    /// What a person should know.
    pub fn notes(&self) -> Option<String> {
        let (first, last) = (self.first?, self.last?);
        self.has_changed.then(|| {
            format!("the API's total changed while pages were read, from {first} to {last}")
        })
    }
}

impl Missing {
    /// As a part of a sentence, such as `384 records are missing, about 4 pages`.
    pub fn words(&self) -> String {
        let of = |count: u64, what: &str| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        let are = if self.records == 1 { "is" } else { "are" };
        let records = format!("{} {are} missing", of(self.records, "record"));
        match self.pages {
            Some(pages) => format!("{records}, about {}", of(pages, "page")),
            None => records,
        }
    }
}

fn untold(place: &Total) -> Error {
    let what = match place {
        Total::Body(_) => format!("has no whole number at `{}`", place.written()),
        Total::Header(name) => format!("has no header `{name}` with a whole number"),
    };
    Error::usage(format!("the API's first page {what}")).with_hint(
        "look at `pagination.total` of the source in dfpipe.yml: it says where a page says how many \
         records there are in all",
    )
}

#[cfg(test)]
mod tests {
    use super::{super::testing::Pages, Missing};
    use crate::config::PagingKind;

    fn pages(total: &str) -> Pages {
        let kind = PagingKind::PageNumber {
            parameter: "page".into(),
            first: 1,
        };
        Pages::new(kind).with_total(total)
    }

    #[test]
    fn fewer_records_than_the_apis_own_total_are_partial_and_the_rest_is_counted() {
        let mut pages = pages("total").with_size(2);
        pages.give(r#"{"total":10}"#, &[1, 2]);
        pages.give("{}", &[3]);
        pages.give("{}", &[]);
        let error = pages.pager.complete().unwrap_err();
        assert_eq!(error.message(), "the API gave 3 of 10 records");
        assert_eq!(error.cause(), Some("7 records are missing, about 4 pages"));
        assert_eq!(error.kind().exit_code(), 4);
        assert_eq!(
            Missing {
                records: 1,
                pages: None
            }
            .words(),
            "1 record is missing"
        );
    }

    #[test]
    fn the_total_that_is_said_last_counts_and_its_change_is_told() {
        let mut pages = pages("total").with_size(2);
        pages.give(r#"{"total":2}"#, &[1]);
        pages.give(r#"{"total":3}"#, &[2, 3]);
        pages.give(r#"{"total":3}"#, &[]);
        assert!(pages.pager.complete().is_ok());
        let note = "the API's total changed while pages were read, from 2 to 3";
        assert_eq!(pages.pager.notes(), [note]);
    }

    #[test]
    fn a_total_in_a_header_is_read() {
        let mut pages = pages("header:X-Total-Count");
        pages.give_with("[]", &[("x-total-count", "2")], &[1, 2]);
        assert_eq!(pages.pager.total(), Some(2));
    }

    #[test]
    fn a_total_that_the_first_page_does_not_have_is_a_wrong_setting() {
        for (total, body, named) in [
            ("meta.total", "{}", "`meta.total`"),
            ("meta.total", r#"{"meta":{"total":"many"}}"#, "`meta.total`"),
            ("header:X-Total", "{}", "`X-Total`"),
        ] {
            let error = pages(total).refuse(body, &[1]);
            assert_eq!(error.kind().exit_code(), 2);
            assert!(error.message().contains(named), "{error}");
        }
    }

    #[test]
    fn what_is_left_is_foretold_by_the_fullest_page() {
        let mut pages = pages("total");
        assert_eq!(pages.pager.left(), None);
        pages.give(r#"{"total":8}"#, &[1, 2]);
        assert_eq!(pages.pager.left(), Some(3));
        pages.give(r#"{"total":8}"#, &[3]);
        assert_eq!(pages.pager.left(), Some(3));
    }
}
