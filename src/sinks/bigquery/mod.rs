//! A table of BigQuery: each load is one load job, appended exactly once.
//!
//! ```text
//! ensure (dataset, table) ─▶ upload, or staging in a bucket ─▶ load job ─▶ count ─▶ view
//!                                 └─ machine: look, submit, wait, adopt, try again or stop ─┘
//! ```
//!
//! A job's id says which load it is, so BigQuery itself refuses a second one. What was submitted stands
//! in the ledger before it is, so that a run which died finds it again.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::NaiveDate;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{Ledger, Load, Loaded, Receipt, Sink, compare::Difference, metadata};
use crate::{
    bigquery_types,
    config::{self, Destination},
    error::{Error, Result},
    table_file::{FileFacts, kind_name},
};

pub mod access;
mod auth;
mod blame;
mod bucket;
pub mod client;
pub mod failure;
mod fixed;
mod job;
mod judge;
mod load;
pub mod loads;
mod machine;
mod order;
mod pace;
mod parts;
mod proof;
pub mod rest;
mod schema;
pub mod staged;
mod stopped;
pub mod survey;
pub mod table;
pub mod target;
mod upload;
pub mod view;
pub mod wire;

pub use client::Client;
pub use target::Target;

/// A table of BigQuery, and how it is loaded into.
#[derive(Debug)]
pub struct BigQuery {
    client: Client,
    target: Target,
    to: config::BigQuery,
}

impl BigQuery {
    /// The table that `destination` names in `to`. Nobody is asked yet.
    pub fn new(pipeline: &str, destination: &Destination, to: &config::BigQuery) -> Result<Self> {
        Ok(Self {
            client: Client::new(to)?,
            target: Target::new(pipeline, destination, to),
            to: to.clone(),
        })
    }
}

#[async_trait]
impl Sink for BigQuery {
    fn destination(&self) -> String {
        self.target.path()
    }

    fn kind(&self) -> &'static str {
        "bigquery"
    }

    async fn loads(&self, date: NaiveDate) -> Result<Vec<Loaded>> {
        loads::loads(&self.client, &self.target, date).await
    }

    async fn latest(&self) -> Result<Vec<Loaded>> {
        loads::latest(&self.client, &self.target).await
    }

    async fn columns(&self) -> Result<Option<SchemaRef>> {
        table::columns(&self.client, &self.target).await
    }

    async fn differences(&self, model: &Schema) -> Result<Vec<Difference>> {
        let own = metadata::schema(model);
        table::differences(&self.client, &self.target, &own).await
    }

    fn type_name(&self, kind: &DataType) -> String {
        let field = Field::new("", kind.clone(), true);
        bigquery_types::column(&field).map_or_else(|_| kind_name(kind), |it| it.type_name())
    }

    fn quota(&self) -> Option<&'static str> {
        Some("BigQuery takes 1,500 load jobs a day per table, failed ones included")
    }

    async fn examine(&self, model: &Schema) -> Result<Vec<String>> {
        view::examine(&self.client, &self.target).await?;
        let own = metadata::schema(model);
        table::examine(&self.client, &self.target, &self.to, &own).await
    }

    async fn stage(&self, load: &Load, folder: &Path) -> Result<(PathBuf, FileFacts)> {
        let staged = folder.join("step4_load.parquet");
        let (load, path) = (load.clone(), staged.clone());
        let writing = tokio::task::spawn_blocking(move || staged::write(&load, &path));
        let facts = writing.await;
        let facts = facts.map_err(|error| Error::bug("staging stopped").because(error))??;
        Ok((staged, facts))
    }

    async fn commit(
        &self,
        load: &Load,
        staged: &Path,
        facts: &FileFacts,
        ledger: &dyn Ledger,
    ) -> Result<Receipt> {
        load::commit(self, load, staged, facts, ledger).await
    }
}
