//! Records that came or went while pages are read: whether a page follows the one before it, and what is done if not.
//!
//! ```text
//!            ┌─ its first records came before ─▶ forward: what came before is left out, until nothing of a page did
//! a page ────┼─ what should be there is not ───▶ backward: earlier pages, until one begins with a record that came
//! that moved └─ at the end, too few came ──────▶ all pages once more
//! ```

use super::{
    super::{At, Facts, seen::Recovery, totals::Change},
    Pager,
};

/// How often pages may be read again because records moved, before it is only told.
const MOST_RECOVERIES: u32 = 20;

/// What a page means for the records before it.
pub(super) enum Verdict {
    /// It follows them; these of its records came before.
    Follows(Vec<usize>),
    /// There may be a gap before it: an earlier page is asked for again.
    GoesBack,
    /// What came before is not known well enough to tell.
    Lost,
}

impl Pager {
    /// Whether the page follows those before it. `change` is that of the API's total.
    pub(super) fn judge(&mut self, page: &Facts<'_>, change: Change) -> Verdict {
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
            let is_back = self.seen.holds(records, 1)
                || (change == Change::Rose && self.seen.knows_one(records));
            if follows != Some(true) && is_back {
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
    pub(super) fn looks_again(&mut self) -> bool {
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

    fn note_move(&mut self) {
        self.until = self.until.max(self.place());
        self.has_moved = true;
        self.note("records moved from page to page while they were read: the pages were compared, and read again where it was needed");
    }
}
