//! What a run was and did: `run.json`, and all that a report shows.

use std::{collections::BTreeMap, path::PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{Pipeline, RunFolder};
use crate::{
    checks::CheckRecord, config::From, engine::Spill, model::combined, sinks::Receipt,
    table_file::FileFacts,
};

/// A run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunRecord {
    /// The run.
    pub run_id: String,
    /// The pipeline.
    pub pipeline: String,
    /// The profile.
    pub profile: String,
    /// How it ended.
    pub status: Status,
    /// Why it failed.
    pub error: Option<String>,
    /// The version of dfpipe.
    pub dfpipe_version: String,
    /// The moment it was made for.
    pub as_of: DateTime<Utc>,
    /// Whether the configuration fixes that moment.
    pub is_as_of_fixed: bool,
    /// The first moment of the window.
    pub window_start: DateTime<Utc>,
    /// The first moment after the window.
    pub window_end: DateTime<Utc>,
    /// The logical date.
    pub run_date: NaiveDate,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// The combined fingerprint of the models.
    pub source_version: String,
    /// Values that models read, as SQL.
    pub parameters: BTreeMap<String, String>,
    /// Memory and parallelism.
    pub engine: EngineRecord,
    /// What each source gave.
    pub sources: Vec<SourceRecord>,
    /// What each model became, in the order of building.
    pub models: Vec<ModelRecord>,
    /// What the checks found.
    pub checks: Vec<CheckRecord>,
    /// The report's figures.
    pub summary: Vec<Figure>,
    /// Refused records by source and reason.
    pub rejects: Vec<RejectCount>,
    /// What was loaded.
    pub load: Option<LoadRecord>,
    /// Where the run's files lie.
    pub folder: PathBuf,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Well.
    Succeeded,
    /// With an error.
    Failed,
}

/// Memory and parallelism of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EngineRecord {
    /// Bytes that queries might hold.
    pub memory_limit: usize,
    /// Partitions.
    pub partitions: usize,
}

/// What a source gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The source.
    pub name: String,
    /// `files`, `crm` or `kafka`.
    pub kind: String,
    /// Records that were read.
    pub records: u64,
    /// Records that became rows.
    pub rows: u64,
    /// Records that were rejected.
    pub rejected: u64,
    /// Records that could not be read.
    pub dead_lettered: u64,
    /// The extract's files.
    pub files: Vec<FileFacts>,
    /// How long reading it took.
    pub seconds: f64,
    /// What a reader should know, such as a window that retention cut.
    pub warnings: Vec<String>,
}

/// What a model became.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelRecord {
    /// The model.
    pub name: String,
    /// Its file in the project.
    pub source: String,
    /// The version its front matter names.
    pub version: u32,
    /// The fingerprint of its statement.
    pub fingerprint: String,
    /// The name of its further copy.
    pub save_as: Option<String>,
    /// Its table.
    pub file: FileFacts,
    /// What building it spilled.
    pub spill: Spill,
    /// How long building it took.
    pub seconds: f64,
}

/// A figure of the report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    /// A stable name.
    pub metric: String,
    /// What people call it.
    pub label: String,
    /// Its value, if there is one.
    pub value: Option<f64>,
    /// `count`, `percent` or `money`.
    pub unit: String,
}

/// How many records of a source were refused for a reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RejectCount {
    /// The source.
    pub source: String,
    /// The reason.
    pub reason: String,
    /// How many records.
    pub records: u64,
}

/// What was loaded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoadRecord {
    /// The proof.
    pub receipt: Receipt,
}

/// The record of a run that begins `now`.
pub fn begin(pipeline: &Pipeline, folder: &RunFolder, now: DateTime<Utc>) -> RunRecord {
    let config = &pipeline.config;
    let parameters = pipeline.parameters(&folder.run_id);
    let parameters = parameters
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    RunRecord {
        run_id: folder.run_id.clone(),
        pipeline: config.pipeline.clone(),
        profile: config.profile.clone(),
        status: Status::Failed,
        error: None,
        dfpipe_version: env!("CARGO_PKG_VERSION").to_owned(),
        as_of: pipeline.window.end,
        is_as_of_fixed: config.as_of == Some(pipeline.window.end),
        window_start: pipeline.window.start,
        window_end: pipeline.window.end,
        run_date: pipeline.window.run_date(),
        started_at: now,
        finished_at: now,
        source_version: combined(&pipeline.project.models),
        parameters: parameters.collect(),
        engine: EngineRecord {
            memory_limit: config.engine.memory_limit,
            partitions: config.engine.partitions,
        },
        sources: vec![],
        models: vec![],
        checks: vec![],
        summary: vec![],
        rejects: vec![],
        load: None,
        folder: folder.path().to_owned(),
    }
}

/// Seconds between two moments.
pub fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).as_seconds_f64()
}

/// The name of a kind of source.
pub fn kind_of(from: &From) -> &'static str {
    match from {
        From::Files(_) => "files",
        From::Crm(_) => "crm",
        From::Kafka(_) => "kafka",
    }
}
