//! Which records came before, by their fingerprints: so that a page that moved is told from one that follows.
//!
//! Apart because it is the only thing that grows with the extract: up to a bound, beyond which the oldest
//! are forgotten.

use std::collections::{HashMap, VecDeque};

/// Records that are remembered.
const MOST: usize = 100_000;

/// New records in a row behind which what came before is not looked for any more: so many may have come in at once.
const ENOUGH: usize = 1000;

/// What is done about records that moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Earlier pages are asked for, until one begins with a record that came before.
    Searching {
        /// How often an earlier one was asked for.
        rewinds: u32,
    },
    /// Pages are read, and what came before is left out, until nothing of a page did.
    Forward,
}

/// The records that came before.
#[derive(Debug, Default)]
pub struct Seen {
    order: VecDeque<u64>,
    counts: HashMap<u64, u32>,
    /// The last record of the last page.
    last: Option<u64>,
    /// What was known when pages began to be read again, and was not met again since.
    unmet: HashMap<u64, u32>,
    /// The furthest of these: what came in before it is no sign that all of them are passed.
    furthest: Option<u64>,
    /// New records in a row, since pages began to be read again.
    fresh: usize,
    /// What is done at present.
    pub recovery: Option<Recovery>,
    has_forgotten: bool,
    is_resumed: bool,
    is_needed: bool,
}

impl Seen {
    /// Nothing came before. Where records cannot move, nothing is remembered.
    pub fn new(is_needed: bool) -> Self {
        Self {
            is_needed,
            ..Self::default()
        }
    }

    /// Only the last record of those before is known.
    pub fn resume(&mut self, last: Option<u64>) {
        self.last = last;
        self.is_resumed = last.is_some();
        if let Some(last) = last {
            self.remember(last);
        }
    }

    /// The last record of the last page.
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// An earlier page is next, which does not follow the last one.
    pub fn forget_last(&mut self) {
        self.last = None;
    }

    /// Whether the first `count` of `records`, or all if there are fewer, came before.
    pub fn holds(&self, records: &[u64], count: usize) -> bool {
        let mut first = records.iter().take(count);
        !records.is_empty() && first.all(|record| self.counts.contains_key(record))
    }

    /// Whether any of `records` came before.
    pub fn knows_one(&self, records: &[u64]) -> bool {
        records
            .iter()
            .any(|record| self.counts.contains_key(record))
    }

    /// Whether `records` begin with the last record of the page before, where pages overlap by one.
    pub fn follows(&self, records: &[u64], overlap: usize) -> Option<bool> {
        let last = self.last.filter(|_| overlap == 1)?;
        Some(records.first() == Some(&last))
    }

    /// Whether every record is remembered.
    pub fn is_whole(&self) -> bool {
        self.is_needed && !self.has_forgotten && !self.is_resumed
    }

    /// Whether the records before a certain one are not known.
    pub fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Whether hardly any record is known, since reading was resumed just now.
    pub fn is_too_short(&self) -> bool {
        self.is_resumed && self.order.len() <= 1
    }

    /// Pages begin to be read again.
    pub fn recover(&mut self, how: Recovery) {
        if self.recovery.is_none() || self.is_behind() {
            self.furthest = self.last.or(self.furthest);
        }
        self.fresh = 0;
        self.unmet.clone_from(&self.counts);
        self.recovery = Some(how);
    }

    /// Which of `records`, by their index, came before: each as often as it did. The first one may be the
    /// last of the page before, which is not met twice. If nothing did, and the furthest was met, it is over, where it
    /// `may_end`.
    pub fn came_before(&mut self, records: &[u64], overlap: usize, may_end: bool) -> Vec<usize> {
        let is_overlap =
            overlap == 1 && self.last.is_some() && records.first().copied() == self.last;
        let mut met = vec![];
        for (index, record) in records.iter().enumerate() {
            if index == 0 && is_overlap {
                met.push(0);
            } else if let Some(count) = self.unmet.get_mut(record).filter(|count| **count > 0) {
                *count -= 1;
                met.push(index);
            }
        }
        // A page that only repeats the last record of the one before says nothing of those behind it.
        let is_all_new = met.len() <= usize::from(is_overlap);
        let new = records.len() - met.len();
        self.fresh = if is_all_new { self.fresh + new } else { 0 };
        if may_end && !records.is_empty() && is_all_new && self.is_behind() {
            self.recovery = None;
        }
        met
    }

    /// Whether all that came before is passed, as far as it is there still.
    fn is_behind(&self) -> bool {
        let unmet = self.furthest.and_then(|furthest| self.unmet.get(&furthest));
        unmet.is_none_or(|count| *count == 0) || self.fresh >= ENOUGH
    }

    /// Takes note of a page, of which the records at the indices `skipped` came before.
    pub fn take(&mut self, records: &[u64], skipped: &[usize]) {
        if !self.is_needed {
            return;
        }
        for (index, record) in records.iter().enumerate() {
            if skipped.binary_search(&index).is_err() {
                self.remember(*record);
            }
        }
        self.last = records.last().copied().or(self.last);
    }

    fn remember(&mut self, record: u64) {
        if self.order.len() >= MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.has_forgotten = true;
            if let Some(count) = self.counts.get_mut(&oldest) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&oldest);
                }
            }
        }
        self.order.push_back(record);
        *self.counts.entry(record).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Recovery, Seen};

    #[test]
    fn a_record_that_came_twice_is_left_out_twice_and_no_more() {
        let mut seen = Seen::new(true);
        seen.take(&[1, 7, 7], &[]);
        seen.recover(Recovery::Forward);
        assert_eq!(seen.came_before(&[7, 2, 7, 7], 0, true), [0, 2]);
    }

    #[test]
    fn it_is_over_when_nothing_of_a_page_came_before() {
        let mut seen = Seen::new(true);
        seen.take(&[1, 2], &[]);
        seen.recover(Recovery::Forward);
        seen.came_before(&[2, 3], 0, true);
        assert!(seen.recovery.is_some());
        seen.came_before(&[], 0, true);
        assert!(seen.recovery.is_some(), "an empty page tells nothing");
        seen.came_before(&[4], 0, true);
        assert!(seen.recovery.is_none());
    }

    #[test]
    fn what_came_in_before_the_furthest_is_no_end_unless_there_is_much_of_it() {
        let mut seen = Seen::new(true);
        seen.take(&[1, 2], &[]);
        seen.recover(Recovery::Forward);
        seen.came_before(&[1, 3], 0, true);
        seen.came_before(&[4, 5], 0, true);
        assert!(seen.recovery.is_some(), "2 is still to come");
        let many: Vec<_> = (10..2000).collect();
        seen.came_before(&many, 0, true);
        assert!(seen.recovery.is_none(), "2 is gone");
    }

    #[test]
    fn memory_is_bounded_and_what_is_forgotten_is_known_to_be() {
        let mut seen = Seen::new(true);
        let records: Vec<u64> = (0..=MOST as u64).collect();
        seen.take(&records[..MOST], &[]);
        assert!(seen.is_whole() && seen.holds(&[0], 1));
        seen.take(&records[MOST..], &[]);
        assert!(!seen.is_whole() && !seen.holds(&[0], 1));
        assert_eq!(seen.order.len(), MOST);
    }
}
