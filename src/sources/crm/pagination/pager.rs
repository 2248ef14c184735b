//! Follows the pages of one collection, of whatever kind: the state between two requests.
//!
//! Apart from the kinds because what they share is what is hard: no record is read twice or skipped when
//! records move or the page size changes, and no extract goes on for ever.

use url::Url;

use super::{
    At, Facts, Kind, Missing, Next, Position, Request, Step,
    guard::Guard,
    seen::{Recovery, Seen},
    totals::{Change, Totals},
};
use crate::{
    config::{PageSize, Paging, PagingKind},
    error::Result,
    sources::ReadRange,
};

/// A page size is not halved below this.
const LEAST: u32 = 50;

/// How often pages may be read again because records moved, before it is only told.
const MOST_RECOVERIES: u32 = 20;

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

/// What a page means for the records before it.
enum Verdict {
    /// It follows them; these of its records came before.
    Follows(Vec<usize>),
    /// There may be a gap before it: an earlier page is asked for again.
    GoesBack,
    /// What came before is not known well enough to tell.
    Lost,
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

    /// Where reading goes on. `None` while pages are read again, and where what the API said is not
    /// harmless: `is_harmless` tells whether a text may be written down.
    pub fn position(&self, is_harmless: &dyn Fn(&str) -> bool) -> Option<Position> {
        let at = self.kind.at();
        let is_settled = self.seen.recovery.is_none() && !self.is_second_look;
        let may_be_written = at.foreign().is_none_or(is_harmless);
        (is_settled && !self.is_resized && may_be_written).then(|| Position {
            pages: self.pages,
            records: self.records,
            size: self.size.as_ref().map(|size| size.records),
            fullest: self.fullest,
            total: self.totals.last(),
            last: self.seen.last(),
            at,
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

    fn judge(&mut self, page: &Facts<'_>, change: Change) -> Verdict {
        let overlap = self.kind.overlap(self.size.as_ref());
        if self.seen.recovery.is_some() {
            return self.recover(page.records, overlap, change);
        }
        if let Some(last) = overlap.checked_sub(1) {
            let is_as_before = page.records.get(last).copied() == self.seen.last();
            return if is_as_before {
                Verdict::Follows((0..overlap).collect())
            } else {
                self.moved(page.records, overlap)
            };
        }
        let begins_again_surely = self.seen.holds(page.records, 2);
        let can_go_back = self.kind.is_numbered() && self.pages > 0;
        match change {
            Change::Fell if can_go_back => self.moved_unseen(page.records),
            // What came in may stand at the very beginning of the page, before what it pushed there.
            Change::Rose if self.kind.is_numbered() && self.seen.knows_one(page.records) => {
                self.moved_back(page.records, 0)
            }
            Change::Untold if begins_again_surely && self.kind.is_numbered() => {
                self.moved(page.records, 0)
            }
            _ if self.is_resized && begins_again_surely => self.moved(page.records, 0),
            _ => Verdict::Follows(vec![]),
        }
    }

    /// The page is not the one that follows.
    fn moved(&mut self, records: &[u64], overlap: usize) -> Verdict {
        if self.seen.holds(records, 1) {
            return self.moved_back(records, overlap);
        }
        self.moved_unseen(records)
    }

    /// Records that came before stand on this page now.
    fn moved_back(&mut self, records: &[u64], overlap: usize) -> Verdict {
        self.note_move();
        self.seen.recover(Recovery::Forward);
        self.recover(records, overlap, Change::Same)
    }

    /// Records before the page may have moved to pages that were read already.
    fn moved_unseen(&mut self, records: &[u64]) -> Verdict {
        self.note_move();
        if !self.kind.is_numbered() {
            self.note("a page did not follow the one before it: records may be missing");
            return Verdict::Follows(vec![]);
        }
        if self.seen.is_too_short() {
            return Verdict::Lost;
        }
        self.recoveries += 1;
        if self.recoveries > MOST_RECOVERIES {
            self.note("the collection changes faster than it can be read: records may be missing");
            self.seen.recover(Recovery::Forward);
            return self.recover(records, 0, Change::Same);
        }
        self.seen.recover(Recovery::Searching { rewinds: 0 });
        self.go_back(0)
    }

    fn go_back(&mut self, rewinds: u32) -> Verdict {
        self.kind.rewind(self.size.as_ref(), 1 << rewinds);
        self.seen.recovery = Some(Recovery::Searching {
            rewinds: rewinds + 1,
        });
        self.seen.forget_last();
        Verdict::GoesBack
    }

    /// Pages are read again: backwards until one begins with a record that came before, then forwards.
    fn recover(&mut self, records: &[u64], overlap: usize, change: Change) -> Verdict {
        let is_first = matches!(self.kind.at(), At::Start | At::Page(0) | At::Offset(0));
        if self.seen.recovery == Some(Recovery::Forward) && self.kind.is_numbered() && !is_first {
            let follows = self.seen.follows(records, overlap);
            if follows != Some(true) && self.seen.holds(records, 1) {
                // They moved back once more: what was met since may come again.
                if follows.is_some() || change != Change::Same {
                    self.seen.recover(Recovery::Forward);
                }
            } else if follows == Some(false) || (follows.is_none() && change == Change::Fell) {
                return self.moved_unseen(records);
            }
        }
        if let Some(Recovery::Searching { rewinds }) = self.seen.recovery {
            if !is_first && !self.seen.holds(records, 1) {
                if self.seen.is_resumed() {
                    return Verdict::Lost;
                }
                if rewinds < 8 {
                    return self.go_back(rewinds);
                }
                self.note(
                    "records moved while pages were read, and not all may have been found again",
                );
            }
            self.seen.recovery = Some(Recovery::Forward);
        }
        let may_end = !self.is_second_look && self.place() >= self.until;
        Verdict::Follows(self.seen.came_before(records, overlap, may_end))
    }

    /// Begins to read all pages once more, if records are missing that moved.
    fn looks_again(&mut self) -> bool {
        let is_worth = self.has_moved && !self.is_second_look && self.seen.is_whole();
        let is_short = self.totals.last().is_some_and(|total| self.records < total);
        if !(is_worth && is_short && self.kind.rewind(self.size.as_ref(), u64::MAX)) {
            return false;
        }
        self.is_second_look = true;
        self.seen.recover(Recovery::Forward);
        self.seen.forget_last();
        true
    }

    /// Where a numbered page is.
    fn place(&self) -> u64 {
        match self.kind.at() {
            At::Page(place) | At::Offset(place) => place,
            At::Start | At::Cursor(_) | At::Link(_) => 0,
        }
    }

    fn note_move(&mut self) {
        self.until = self.until.max(self.place());
        self.has_moved = true;
        self.note("records moved from page to page while they were read: the pages were compared, and read again where it was needed");
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
