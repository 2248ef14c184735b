//! Checks: properties of real data. A check is a query for bad rows; none is good.
//!
//! ```text
//! front matter, ─▶ builtin (rows, tables, accounts) ┐
//! of a source                                       │
//! sql/checks/  ─────────────────────────────────────┴▶ task ─▶ count ─▶ keep the first bad rows ─▶ verdict
//! ```
//!
//! All checks run, whatever one of them finds: only then it is decided whether anything is loaded.

use serde::{Deserialize, Serialize};

use crate::{
    model::{Severity, Sql},
    table_file::FileFacts,
};

mod accounts;
mod builtin;
mod keep;
mod names;
mod plan;
mod rows;
mod tables;
mod task;
mod verdict;

pub use builtin::{LastRows, Subject};
pub use names::PREFIX;
pub use plan::{check, check_sources};
pub use task::{Found, Ground, list, list_sources, run_all, run_sources};
pub use verdict::verdict;

/// A query for bad rows.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name: of its file, or what it says of which model.
    pub name: String,
    /// What should hold.
    pub description: String,
    /// Whether bad rows stop the load.
    pub severity: Severity,
    /// What a person should do when there are some.
    pub hint: Option<String>,
    sql: Sql,
    /// The model whose front matter says it, or the source that it is asked of.
    model: Option<String>,
    /// The columns by which bad rows are ordered before all others.
    order: Vec<String>,
    /// How many bad rows are still good.
    tolerance: Tolerance,
    /// The table that its bad rows can be asked as, without its prefix: also the name of their file.
    table: String,
}

impl Check {
    /// The tables that it cannot be asked without, if it is about more than one model: nothing else makes sure
    /// that they are there.
    pub fn needs(&self) -> Vec<&str> {
        let reads = self.sql.reads.iter().map(|read| read.table.as_str());
        let mut tables: Vec<_> = reads.chain(self.model.as_deref()).collect();
        tables.dedup();
        if self.model.is_some() && tables.len() == 1 {
            tables.clear();
        }
        tables
    }
}

/// How many bad rows are still good; of two bounds the smaller counts.
#[derive(Clone, Debug, Default)]
struct Tolerance {
    /// So many.
    rows: Option<u64>,
    /// This share of all rows of the model.
    share: Option<f64>,
    /// A query for all rows of the model.
    of: Option<Sql>,
}

/// What a check found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckRecord {
    /// The check.
    pub name: String,
    /// What should hold.
    pub description: String,
    /// Whether bad rows stop the load.
    pub severity: Severity,
    /// How many bad rows there are.
    pub bad_rows: u64,
    /// How many there may be.
    #[serde(default)]
    pub allowed: u64,
    /// The first of them, as JSON, personal data masked; none if it passed.
    pub examples: Vec<String>,
    /// What a person should do.
    pub hint: Option<String>,
    /// The file with the first of them, by the model's key; none if it passed.
    #[serde(default)]
    pub rows_kept: Option<RowsKept>,
}

/// Bad rows in the run's folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowsKept {
    /// What `dfpipe query` calls them.
    pub table: String,
    /// Their file, relative to the run's folder.
    pub path: String,
    /// What the file is: its `rows` are those that were kept, not all that are bad.
    pub file: FileFacts,
}

impl CheckRecord {
    /// Whether there are no more bad rows than there may be.
    pub fn passed(&self) -> bool {
        self.bad_rows <= self.allowed
    }
}
