//! Where the result goes. One contract for every kind: look, stage, commit, verify.
//!
//! ```text
//! columns, loads(date) ─▶ stage (a file with the metadata columns) ─▶ commit (put if absent) ─▶ verify
//! ```
//!
//! Append only: nothing that a destination holds is ever changed. No sink knows a source or SQL.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};

use crate::{
    config::{Config, To},
    error::Result,
    storage::Location,
    table_file::{FileFacts, kind_name},
};

pub mod bigquery;
pub mod compare;
mod ledger;
pub mod metadata;
pub mod parquet;
pub mod receipt;
mod staging;

pub use ledger::{Ledger, Note, Part, Stage};
pub use receipt::Receipt;

use compare::{Difference, compare};

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
    /// The columns that they are ordered by.
    pub key: Vec<String>,
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
    /// The file or job that holds it, as people write it.
    pub load_id: String,
    /// Its file, if it is one.
    pub file: Option<Location>,
}

impl Loaded {
    /// Whether the run `run_id` made it. A label of a job has small letters only.
    pub fn is_of(&self, run_id: &str) -> bool {
        self.run_id.eq_ignore_ascii_case(run_id)
    }

    /// Whether all rows are there.
    pub fn is_complete(&self) -> bool {
        self.rows == self.record_count
    }
}

/// The contract of every kind of destination.
#[async_trait]
pub trait Sink: Send + Sync {
    /// The table, as people write it.
    fn destination(&self) -> String;

    /// What kind of destination it is, as the configuration calls it.
    fn kind(&self) -> &'static str;

    /// The loads of `date` that the destination holds, in order of their numbers.
    async fn loads(&self, date: NaiveDate) -> Result<Vec<Loaded>>;

    /// The latest complete load of every date.
    async fn latest(&self) -> Result<Vec<Loaded>>;

    /// All complete loads, in order of date and number, if they are files: for questions.
    async fn complete(&self) -> Result<Vec<Loaded>> {
        Ok(vec![])
    }

    /// The columns that the destination has by now, the metadata columns among them; none if there is no table yet.
    async fn columns(&self) -> Result<Option<SchemaRef>>;

    /// How the columns of a load of the model's columns `model` would differ from those that it has.
    async fn differences(&self, model: &Schema) -> Result<Vec<Difference>> {
        let here = metadata::schema(model);
        let there = self.columns().await?;
        Ok(there.map_or_else(Vec::new, |there| compare(&here, &there)))
    }

    /// What it calls a type.
    fn type_name(&self, kind: &DataType) -> String {
        kind_name(kind)
    }

    /// What limits the number of loads.
    fn quota(&self) -> Option<&'static str> {
        None
    }

    /// Whether it can take such a load otherwise, and what a reader should know of it. Nothing is changed.
    async fn examine(&self, _model: &Schema) -> Result<Vec<String>> {
        Ok(vec![])
    }

    /// Makes the file that will be loaded, in `folder`.
    async fn stage(&self, load: &Load, folder: &Path) -> Result<(PathBuf, FileFacts)>;

    /// Loads the staged file, exactly once, and reads it back. What must outlive the process goes into
    /// the ledger before it is done.
    async fn commit(
        &self,
        load: &Load,
        staged: &Path,
        facts: &FileFacts,
        ledger: &dyn Ledger,
    ) -> Result<Receipt>;
}

/// The sink that the configuration names.
pub fn open(config: &Config) -> Result<Box<dyn Sink>> {
    let destination = &config.destination;
    Ok(match &destination.to {
        To::Parquet(parquet) => Box::new(parquet::Warehouse::new(destination, &parquet.path)?),
        To::BigQuery(to) => Box::new(bigquery::BigQuery::new(&config.pipeline, destination, to)?),
    })
}
