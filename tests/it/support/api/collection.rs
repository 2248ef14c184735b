//! The records that the API has, which may change while they are read.

use chrono::{DateTime, FixedOffset};
use serde_json::Value;

use super::Asked;

/// Records in the order in which they are served.
pub(crate) struct Collection {
    entries: Vec<Entry>,
    numbers: u64,
    /// Cursors of another generation are not taken any more.
    generation: u64,
}

/// A record, or the place where one was: who comes after it is known even then.
#[derive(Clone)]
pub(super) struct Entry {
    /// Its own for ever.
    pub(super) number: u64,
    pub(super) record: Value,
    pub(super) is_gone: bool,
}

impl Collection {
    pub(super) fn new(records: Vec<Value>) -> Self {
        let numbers = records.len() as u64;
        let entries = (1..).zip(records).map(|(number, record)| Entry {
            number,
            record,
            is_gone: false,
        });
        Self {
            entries: entries.collect(),
            numbers,
            generation: 1,
        }
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.all().len()
    }

    /// Puts a record in, so that it has this position.
    pub(crate) fn insert(&mut self, position: usize, record: Value) {
        self.numbers += 1;
        let entry = Entry {
            number: self.numbers,
            record,
            is_gone: false,
        };
        self.entries.insert(self.place(position), entry);
    }

    /// Takes the record at this position away.
    pub(crate) fn remove(&mut self, position: usize) -> Value {
        let place = self.place(position);
        let entry = &mut self.entries[place];
        entry.is_gone = true;
        entry.record.clone()
    }

    /// Where the record at a position stands among those that are gone.
    fn place(&self, position: usize) -> usize {
        let places = self.entries.iter().enumerate();
        let mut there = places.filter(|(_, entry)| !entry.is_gone);
        there
            .nth(position)
            .map_or(self.entries.len(), |(place, _)| place)
    }

    pub(super) fn all(&self) -> Vec<Value> {
        let there = self.entries.iter().filter(|entry| !entry.is_gone);
        there.map(|entry| entry.record.clone()).collect()
    }

    pub(super) fn forget_cursors(&mut self) {
        self.generation += 1;
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// What a request is about: the filter and the order that it names, where this API knows them.
    pub(super) fn wanted(&self, asked: &Asked, knows_end: bool) -> Vec<Entry> {
        let bound = |name| asked.parameter(name).and_then(time);
        let since = bound("updated_since");
        let before = bound("updated_before").filter(|_| knows_end);
        let in_window = |record: &Value| {
            // What has no readable time of change is served, as a careless API would.
            let at = record["updated_at"].as_str().and_then(time);
            at.is_none_or(|at| {
                since.is_none_or(|since| at >= since) && before.is_none_or(|before| at < before)
            })
        };
        let found = self.entries.iter().filter(|entry| in_window(&entry.record));
        let mut found: Vec<_> = found.cloned().collect();
        if let Some(field) = asked.parameter("sort") {
            // What is equal stays in its order.
            found.sort_by_key(|entry| entry.record[field].as_str().map(str::to_owned));
        }
        found
    }
}

/// The fields of a record that a request names; all, if it names none.
pub(super) fn reduced(mut record: Value, asked: &Asked) -> Value {
    if let (Some(fields), Some(members)) = (asked.parameter("fields"), record.as_object_mut()) {
        let fields: Vec<_> = fields.split(',').collect();
        members.retain(|name, _| fields.contains(&name.as_str()));
    }
    record
}

fn time(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).ok()
}
