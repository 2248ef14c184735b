//! Where the result goes. One contract for every kind: look, stage, commit, verify.
//!
//! ```text
//! loads(date) ─▶ stage (a file with the metadata columns) ─▶ commit (put if absent) ─▶ verify
//! ```
//!
//! Append only: nothing that a destination holds is ever changed. No sink knows a source or SQL.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    config::Config,
    error::{Error, Result},
    storage::Location,
    table_file::FileFacts,
};

pub mod metadata;
pub mod parquet;

/// What is to be loaded, and as what.
#[derive(Clone, Debug)]
pub struct Load {
    /// The run.
    pub run_id: String,
    /// When the run began.
    pub run_timestamp: DateTime<Utc>,
    /// The logical date.
    pub run_date: NaiveDate,
    /// Which load of that date this is, from 1.
    pub load_number: u32,
    /// The combined fingerprint of the models.
    pub source_version: String,
    /// The model's rows.
    pub file: PathBuf,
    /// How many they are.
    pub rows: u64,
}

/// A load that the destination holds.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Which load of its date.
    pub load_number: u32,
    /// The run that made it.
    pub run_id: String,
    /// Rows that it has.
    pub rows: u64,
    /// Rows that it says it has.
    pub record_count: u64,
    /// The file.
    pub location: Location,
}

impl Loaded {
    /// Whether all rows are there.
    pub fn is_complete(&self) -> bool {
        self.rows == self.record_count
    }
}

/// What was loaded, provably. Unknown is `null`, never 0.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// The table.
    pub destination: String,
    /// The file or job that holds the rows.
    pub load_id: String,
    /// The run.
    pub run_id: String,
    /// The logical date.
    pub run_date: NaiveDate,
    /// Which load of that date this is.
    pub load_number: u32,
    /// The combined fingerprint of the models.
    pub source_version: String,
    /// Rows that were loaded.
    pub rows: u64,
    /// Bytes of the loaded file.
    pub bytes: u64,
    /// SHA-256 of the loaded file.
    pub sha256: String,
    /// Whether this run's own rows were found there already and not loaded again.
    pub adopted: bool,
    /// Rows that were counted when the load was read back.
    pub verified_rows: Option<u64>,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

/// The contract of every kind of destination.
#[async_trait]
pub trait Sink: Send + Sync {
    /// The table, as people write it.
    fn destination(&self) -> String;

    /// The loads of `date` that the destination holds, in order of their numbers.
    async fn loads(&self, date: NaiveDate) -> Result<Vec<Loaded>>;

    /// The latest complete load of every date.
    async fn latest(&self) -> Result<Vec<Loaded>>;

    /// All complete loads, in order of date and number: for questions. A destination whose rows are no files
    /// of ours says so.
    async fn complete(&self) -> Result<Vec<Loaded>> {
        let message = format!("`{}` cannot be asked from here", self.destination());
        Err(Error::usage(message).with_hint("ask the destination itself, in its own console"))
    }

    /// Makes the file that will be loaded, in `folder`.
    async fn stage(&self, load: &Load, folder: &Path) -> Result<(PathBuf, FileFacts)>;

    /// Loads the staged file, exactly once, and reads it back.
    async fn commit(&self, load: &Load, staged: &Path, facts: &FileFacts) -> Result<Receipt>;
}

/// The sink that the configuration names.
pub fn open(config: &Config) -> Result<Box<dyn Sink>> {
    Ok(Box::new(parquet::Warehouse::new(&config.destination)?))
}
