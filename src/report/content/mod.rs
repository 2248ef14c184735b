//! What a report says, whatever it looks like: one verdict, what needs a human, and tables.
//!
//! ```text
//! RunRecord ─▶ content ─┬─▶ text          (the terminal)
//!                       ├─▶ markdown      (report.md)
//!                       ├─▶ html          (report.html, with pictures)
//!                       └─▶ notification  (a chat, and machines)
//! ```

mod attention;
mod past;
mod tables;
mod verdict;

pub use attention::{Concern, attention};
pub use past::{checks, inputs, models, receipt, repeat, resumed};
pub use tables::{figures, left_out, missing, records, steps, took};
pub use verdict::{Mood, Verdict, data, next_step, verdict, way_on};

/// Rows under a title.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it shows.
    pub title: &'static str,
    /// A sentence before it.
    pub lead: Option<String>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, a text for every column.
    pub rows: Vec<Vec<String>>,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// What stands in it.
    pub name: &'static str,
    /// What kind of text that is.
    pub kind: Kind,
}

/// What kind of text a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Words,
    /// Numbers, which are compared digit by digit.
    Number,
    /// Names, paths and hashes: to be copied, not read.
    Code,
}

impl Table {
    fn new(title: &'static str, columns: &[(&'static str, Kind)]) -> Self {
        let columns = columns
            .iter()
            .map(|(name, kind)| Column { name, kind: *kind });
        Self {
            title,
            lead: None,
            columns: columns.collect(),
            rows: vec![],
        }
    }

    fn with(mut self, rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        self.rows.extend(rows);
        self
    }

    fn led_by(mut self, lead: impl Into<String>) -> Self {
        self.lead = Some(lead.into());
        self
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
