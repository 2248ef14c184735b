//! Models: one `.sql` file, one table. Sync and pure: no network, no session.
//!
//! ```text
//! file ─▶ header (YAML comment) ─▶ sql (parsed) ─▶ reads (names) ─▶ graph (order) ─▶ selection
//! ```

use std::path::PathBuf;

pub mod builtin;
mod cte;
mod fingerprint;
pub mod graph;
mod habits;
pub mod header;
mod load;
pub mod parameters;
pub mod recorded;
mod rules;
pub mod select;
pub mod sql;
pub mod versions;

pub use crate::config::check::Severity;
pub use builtin::BuiltinCheck;
pub use fingerprint::{SOURCE_VERSION, combined, filled as filled_fingerprint};
pub use habits::habits;
pub use header::{Allow, CheckHeader, Materialized, ModelHeader};
pub use load::{Project, load, load_as_far_as_possible, load_with};
pub use parameters::Parameters;
pub use recorded::Recorded;
pub use sql::{Reference, Sql};
pub use versions::{Use, Versions};

/// A `.sql` file whose select becomes a table.
#[derive(Clone, Debug)]
pub struct Model {
    /// The file's stem: the table's name.
    pub name: String,
    /// What its front matter says.
    pub header: ModelHeader,
    /// Its statement.
    pub sql: Sql,
    /// Stands for the statement whatever its comments and white space: 64 hexadecimal digits.
    pub fingerprint: String,
}

/// A `.sql` file whose rows are faults.
#[derive(Clone, Debug)]
pub struct SqlCheck {
    /// The file's stem.
    pub name: String,
    /// What its front matter says.
    pub header: CheckHeader,
    /// Its statement.
    pub sql: Sql,
}

/// A file of the project, as it was read.
#[derive(Clone, Debug)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in messages: relative to the project, with `/`.
    pub name: String,
    /// What stands in it.
    pub text: String,
}
