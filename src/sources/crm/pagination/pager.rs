//! Follows the pages of one collection, of whatever kind: the state between two requests.
//!
//! Apart from the kinds because what they share is what is hard: no record is read twice or skipped when
//! records move (`moves`) or the page size changes, and no extract goes on for ever.

use url::Url;

use super::{
    At, Facts, Kind, Missing, Next, Position, Request, Step,
    guard::Guard,
    seen::Seen,
    totals::{Change, Totals},
};
use crate::{
    config::{PageSize, Paging, PagingKind},
    error::Result,
    sources::ReadRange,
};

mod moves;

use moves::Verdict;

/// A page size is not halved below this.
const LEAST: u32 = 50;

/// Follows the pages of one collection.
#[derive(Debug)]
pub struct Pager {
    kind: Box<dyn Kind>,
    size: Option<PageSize>,
    totals: Totals,
    seen: Seen,
    guard: Guard,
    /// Pages that were taken.
    pages: i32,
    /// New records of these.
    records: u64,
    /// Records of the fullest page of the present size.
    fullest: u64,
    /// Records moved while pages were read.
    has_moved: bool,
    /// The page size has changed, and no page of the new one has come.
    is_resized: bool,
    /// All pages are read once more, since records are missing that may have moved.
    is_second_look: bool,
    recoveries: u32,
    /// Where pages begin that were not read before.
    until: u64,
    /// Behind the furthest numbered page that was taken.
    furthest: u64,
    notes: Vec<String>,
}

impl Pager {
    /// Before the first page.
    pub fn new(paging: &Paging) -> Self {
        // A cursor stands where it stands, whatever moves.
        let can_move = !matches!(
            paging.kind,
            PagingKind::Cursor { .. } | PagingKind::CursorHeader { .. } | PagingKind::SinglePage
        );
        Self {
            kind: super::kind(paging),
            size: paging.size.clone(),
            totals: Totals::new(paging.total.clone()),
            seen: Seen::new(can_move),
            guard: Guard::default(),
            pages: 0,
            records: 0,
            fullest: 0,
            has_moved: false,
            is_resized: false,
            is_second_look: false,
            recoveries: 0,
            until: 0,
            furthest: 0,
            notes: vec![],
        }
    }

    /// Before the page at `position` of the collection at `collection`; `None` if it is that of another
    /// kind of pagination.
    pub fn resume(paging: &Paging, collection: &Url, position: &Position) -> Option<Self> {
        let mut pager = Self::new(paging);
        if !pager.kind.go_to(&position.at, collection) {
            return None;
        }
        if let (Some(size), Some(records)) = (&mut pager.size, position.size) {
            size.records = records;
        }
        pager.kind.know_fullest(position.fullest);
        pager.pages = position.pages;
        pager.records = position.records;
        pager.fullest = position.fullest;
        pager.totals.resume(position.total);
        pager.seen.resume(position.last);
        Some(pager)
    }

    /// Where reading goes on; `None` while pages are read again, since nobody could tell there what came before.
    pub fn position(&self) -> Option<Position> {
        let is_settled = self.seen.recovery.is_none() && !self.is_second_look;
        (is_settled && !self.is_resized).then(|| Position {
            pages: self.pages,
            records: self.records,
            size: self.size.as_ref().map(|size| size.records),
            fullest: self.fullest,
            total: self.totals.last(),
            last: self.seen.last(),
            at: self.kind.at(),
        })
    }

    /// What asks for the page that is next.
    pub fn request(&self) -> Request {
        self.kind.request(self.size.as_ref())
    }

    /// What asks for the pages behind it, `count` at most, where that is known: if nothing moves, they will
    /// be asked for just so.
    pub fn ahead(&self, count: usize) -> Vec<Request> {
        let Some(total) = self.totals.last().filter(|_| self.seen.recovery.is_none()) else {
            return vec![];
        };
        // A total of millions of pages must not make millions of addresses, page after page.
        let most = (count as u64 + 1).saturating_mul(self.fullest.max(1));
        let left = total.saturating_sub(self.records).min(most);
        let mut ahead = self.kind.ahead(self.size.as_ref(), self.fullest, left);
        ahead.truncate(count);
        ahead
    }

    /// Halves the page size, since the page did not come in time; `false` if it is small enough.
    pub fn shrink(&mut self) -> bool {
        let Some(size) = &mut self.size else {
            return false;
        };
        let smaller = (size.records / 2).max(LEAST);
        if smaller >= size.records || !self.kind.resize(size, smaller) {
            return false;
        }
        size.records = smaller;
        self.fullest = self.fullest.min(smaller.into());
        self.is_resized = true;
        self.until = 0;
        // Places are counted in pages of the new size from here on.
        self.furthest = 0;
        true
    }

    /// Takes note of a page.
    pub fn advance(&mut self, page: &Facts<'_>) -> Result<Step> {
        let change = self.totals.note(page)?;
        // Records that came in may move a page back as a whole.
        if self.seen.recovery.is_none() && change != Change::Rose {
            self.guard.page(self.number(), page.records)?;
        }
        let skipped = match self.judge(page, change) {
            Verdict::Follows(skipped) => skipped,
            Verdict::GoesBack => return Ok(Step::nothing_of(page, Next::More)),
            Verdict::Lost => return Ok(Step::nothing_of(page, Next::Lost)),
        };
        let overlap = self.kind.overlap(self.size.as_ref());
        self.take(page, &skipped);
        if self.kind.is_numbered() && self.place() >= self.furthest {
            self.furthest = self.place() + 1;
            let brought_nothing = !page.records.is_empty() && skipped.len() == page.records.len();
            self.guard.barren(self.number(), brought_nothing)?;
        }
        let names_next = self.kind.advance(page, self.size.as_ref())?;
        let is_over = if self.kind.is_numbered() {
            self.is_over(page.records.len(), overlap)
        } else {
            !names_next
        };
        if is_over && !self.looks_again() {
            return Ok(Step {
                skipped,
                next: Next::End,
            });
        }
        if let Some(lead) = self.kind.lead() {
            self.guard.lead(self.pages, lead)?;
        }
        Guard::growth(self.pages, self.records, self.totals.most())?;
        Ok(Step {
            skipped,
            next: Next::More,
        })
    }

    fn take(&mut self, page: &Facts<'_>, skipped: &[usize]) {
        let new = (page.records.len() - skipped.len()) as u64;
        self.seen.take(page.records, skipped);
        self.guard.take(self.number(), page.records);
        self.fullest = self.fullest.max(page.records.len() as u64);
        self.records += new;
        self.pages = self.pages.saturating_add(1);
        self.is_resized = false;
    }

    /// Whether a numbered page was the last. While the collection changes, only an empty one is: the
    /// records that are counted may be gone, and others in their place.
    fn is_over(&self, length: usize, overlap: usize) -> bool {
        let is_empty = length <= overlap;
        let total = self
            .totals
            .most()
            .filter(|_| !self.has_moved && !self.totals.has_changed());
        is_empty || total.is_some_and(|total| self.records >= total)
    }

    /// Where a numbered page is.
    fn place(&self) -> u64 {
        match self.kind.at() {
            At::Page(place) | At::Offset(place) => place,
            At::Start | At::Cursor(_) | At::Link(_) => 0,
        }
    }

    fn note(&mut self, what: &str) {
        if !self.notes.iter().any(|note| note == what) {
            self.notes.push(what.to_owned());
        }
    }

    /// The number of the page that is next, from 1.
    pub fn number(&self) -> i32 {
        self.pages.saturating_add(1)
    }

    /// New records of all pages so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many records there are, as the API said last.
    pub fn total(&self) -> Option<u64> {
        self.totals.last()
    }

    /// Takes note of the total that a page says, of which nothing else is wanted.
    pub fn note_total(&mut self, page: &Facts<'_>) -> Result<()> {
        self.totals.note(page).map(|_| ())
    }

    /// How many further pages there are at least, where the API says how many records there are.
    pub fn left(&self) -> Option<u64> {
        let left = self.totals.last()?.saturating_sub(self.records);
        let overlap = u64::from(self.kind.overlap(self.size.as_ref()) > 0);
        let stride = self.fullest.saturating_sub(overlap).max(1);
        Some(left.div_ceil(stride))
    }

    /// What the API said that there is and did not give.
    pub fn missing(&self) -> Option<Missing> {
        let records = self.totals.last()?.checked_sub(self.records)?;
        let pages = self.left().filter(|_| self.fullest > 0);
        (records > 0).then_some(Missing { records, pages })
    }

    /// An error if the API said that there are more records than it gave.
    pub fn complete(&self) -> Result<()> {
        self.totals.complete(self.records, self.missing())
    }

    /// What a person should know of how it went.
    pub fn notes(&self) -> Vec<String> {
        let told = self.totals.notes();
        self.notes.iter().cloned().chain(told).collect()
    }

    /// The pages up to the one that was asked for last.
    pub fn range(&self) -> ReadRange {
        ReadRange {
            part: "pages".to_owned(),
            first: Some(1),
            end: Some(i64::from(self.pages.max(1)) + 1),
            ..ReadRange::default()
        }
    }
}

impl Step {
    /// All records of `page` came before, or will come again.
    fn nothing_of(page: &Facts<'_>, next: Next) -> Self {
        let skipped = (0..page.records.len()).collect();
        Self { skipped, next }
    }
}
