//! dfpipe: customer data from a REST API and a Kafka topic to an analytics table, by plain SQL on
//! Apache DataFusion.
//!
//! ```text
//!  CRM REST API ─┐                                                             ┌─▶ warehouse
//!  Kafka topic  ─┼▶ sources ─▶ raw Parquet ─▶ SQL models + Rust UDFs ─▶ checks ─┤   (exactly once,
//!  files        ─┘                                                             └─▶  with receipt)
//!                   sources      engine          model · udfs          checks       sinks
//!                   └────────────────────────────── run ──────────────────────────────┘
//! ```
//!
//! The rooms, in the order in which data flows; `ARCHITECTURE.md` says which may import which.

pub mod error;

pub mod clock;

/// What `dfpipe.yml` says becomes what will be done.
pub mod config;

/// SQL files: front matter, names read, order, selection, fingerprints. No network, no session.
pub mod model;

/// Signed requests, a rate budget, retries.
pub mod http;

/// Paths and object stores under one kind of address.
pub mod storage;

/// Parquet files whose bytes depend on the rows alone.
pub mod table_file;

/// How columns of Arrow are columns of BigQuery, and back.
pub mod bigquery_types;

/// Where rows come from: REST APIs, Kafka topics, files.
pub mod sources;

/// Where the result goes, exactly once.
pub mod sinks;

/// The only room that makes a DataFusion session.
pub mod engine;

/// Queries for bad rows.
pub mod checks;

/// One execution of the pipeline, from sources to a receipt.
pub mod run;

/// A cluster of machines that builds models.
#[cfg_attr(not(feature = "cluster"), path = "cluster/absent.rs")]
pub mod cluster;

/// Tests of models: made-up rows in, expected rows out, on the engine of every run.
pub mod testing;

/// Would a run get through? Asks everything outside, and writes nothing.
pub mod doctor;

/// A run's record as something to read.
pub mod report;

/// Who asked for it is told how a run ended.
pub mod notify;

/// A run's events for lineage catalogs.
pub mod openlineage;

/// What an edit of a model changes, row by row.
pub mod diff;

/// Questions to runs, sources and the warehouse, by a person or a script.
pub mod shell;

/// The command line: it prints, and so does the shell.
pub mod cli;

/// How properties are tried; only tests have it.
#[cfg(test)]
#[path = "../tests/it/support/properties.rs"]
mod properties;
