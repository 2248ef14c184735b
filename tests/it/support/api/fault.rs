//! What goes wrong, and when.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::Collection;

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// An error, and what its `Retry-After` says: seconds or a date.
    Status(u16, Option<&'static str>),
    /// Too many requests; `Retry-After` is a date so far from now, in whole seconds.
    TooManyUntil(Duration),
    /// The answer ends in the middle, earlier than its `Content-Length` promised.
    Truncated,
    /// Half of the answer, sent as if it were whole.
    HalfSent,
    /// The connection is reset before a word is said.
    Reset,
    /// Nothing is said until the asker gives up.
    Silence,
    /// Nothing is said to who wants more than so many records at a time; others are answered.
    SilenceAbove(usize),
    /// A page for people where data was asked for, as a proxy likes to answer.
    NotJson,
    /// JSON without the list of records, which says this.
    NoRecords(&'static str),
    /// Go there instead.
    Redirect(String),
    /// The page points to itself.
    SameCursor,
    /// The answer is well, but says that there are so many records in all.
    Total(usize),
}

/// A change of the records.
type Change = Box<dyn FnOnce(&mut Collection) + Send>;

/// What is going to go wrong.
#[derive(Default)]
pub(super) struct Plan {
    next: VecDeque<Fault>,
    numbered: BTreeMap<usize, Fault>,
    behind: Option<(usize, Fault)>,
    changes: BTreeMap<usize, Vec<Change>>,
}

impl Plan {
    pub(super) fn fail(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.next.extend(faults);
    }

    pub(super) fn fail_at(&mut self, number: usize, fault: Fault) {
        self.numbered.insert(number, fault);
    }

    pub(super) fn fail_behind(&mut self, position: usize, fault: Fault) {
        self.behind = Some((position, fault));
    }

    pub(super) fn change_at(&mut self, number: usize, change: Change) {
        self.changes.entry(number).or_default().push(change);
    }

    /// What changes before the request with this number is answered.
    pub(super) fn changes(&mut self, number: usize) -> Vec<Change> {
        self.changes.remove(&number).unwrap_or_default()
    }

    /// What goes wrong with the request with this number, whose records end before position `end`.
    pub(super) fn fault(&mut self, number: usize, end: usize) -> Option<Fault> {
        let behind = self.behind.as_ref();
        let behind = behind.filter(|(position, _)| end > *position);
        let behind = behind.map(|(_, fault)| fault.clone());
        let next = self.next.pop_front();
        next.or_else(|| self.numbered.remove(&number)).or(behind)
    }
}
