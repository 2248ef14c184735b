//! What a run was and did: `run.json`, and all that a report shows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    checks::CheckRecord,
    config::From,
    engine::Spill,
    model::{Materialized, versions},
    sinks::Receipt,
    sources::Partial,
    table_file::FileFacts,
};

/// A run. All that determined its result is in here, beside what came of it. What an earlier version did
/// not write is read as nothing: history outlives versions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
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
    pub failure: Option<Failure>,
    /// The program that ran.
    pub build: Build,
    /// What `dfpipe.yml` says under the profile, variables by name, without secrets.
    pub configuration: serde_json::Value,
    /// What `-s` asked for; empty for all.
    pub select: Vec<String>,
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
    /// The steps so far.
    pub steps: Vec<StepRecord>,
    /// When it went on after it had stopped, and what had to be done again.
    pub resumed: Vec<Resumption>,
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
    /// Pictures that the pipeline's SQL makes.
    pub charts: Vec<Chart>,
    /// The ways that records took, as the pipeline's SQL tells.
    pub flow: Vec<Flow>,
    /// Earlier successful runs of this pipeline and profile, the last one first.
    pub previous: Vec<PastRun>,
    /// What was loaded.
    pub load: Option<LoadRecord>,
    /// Warnings of the run itself, such as an archive that could not be tidied.
    pub warnings: Vec<String>,
    /// The most memory that the process held, in bytes, where the system tells.
    pub peak_memory: Option<u64>,
    /// Where the run's files lie: a folder or a URL.
    pub folder: String,
}

impl RunRecord {
    /// The value of the figure `metric`.
    pub fn figure(&self, metric: &str) -> Option<f64> {
        let mut figures = self.summary.iter();
        figures.find(|figure| figure.metric == metric)?.value
    }

    /// How long the run took, over all its attempts.
    pub fn seconds(&self) -> f64 {
        // Earlier versions did not tell steps.
        if self.steps.is_empty() {
            return seconds(self.started_at, self.finished_at).max(0.0);
        }
        self.steps.iter().map(|step| step.seconds).sum()
    }

    /// What a reader should know: of the sources, of the load, of the run itself. Each once.
    pub fn all_warnings(&self) -> Vec<String> {
        let sources = self.sources.iter().flat_map(SourceRecord::all_warnings);
        let receipts = self.load.iter().flat_map(|load| &load.receipt.warnings);
        let all = sources.chain(receipts.chain(&self.warnings).cloned());
        let unique: BTreeSet<String> = all.collect();
        unique.into_iter().collect()
    }

    /// Whether some source did not come to its end.
    pub fn is_partial(&self) -> bool {
        self.sources.iter().any(|source| source.partial.is_some())
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It goes on, or it died without a word.
    #[default]
    Running,
    /// It ended well.
    Succeeded,
    /// It did all but the load, as it was asked.
    DryRun,
    /// It was asked to stop after a step, and can be resumed.
    Stopped,
    /// It ended with an error.
    Failed,
    /// A person or a scheduler stopped it.
    Interrupted,
    /// It was set aside for a fresh run of its date.
    Abandoned,
}

/// The part of a run that can be asked for, in order.
#[derive(
    Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Sources become raw Parquet.
    Extract,
    /// Models are built and checked.
    Transform,
    /// The result is loaded.
    Load,
    /// The run is written down and archived.
    Finalize,
}

impl Step {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Transform => "transform",
            Self::Load => "load",
            Self::Finalize => "finalize",
        }
    }
}

/// How long a step took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step.
    pub step: Step,
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// How long it took, over all attempts.
    pub seconds: f64,
    /// Whether it is done.
    pub is_done: bool,
}

/// An error as it was shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The step that failed, if one had begun.
    pub step: Option<Step>,
    /// What went wrong.
    pub message: String,
    /// Why.
    pub cause: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The process's exit code.
    pub exit_code: u8,
}

/// A later attempt of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Resumption {
    /// When it began.
    pub at: DateTime<Utc>,
    /// Tables of earlier attempts that were used as they were.
    pub kept: usize,
    /// Tables that were there and had to be made again.
    pub redone: Vec<Redone>,
}

/// A table that was made again.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Redone {
    /// The source or model.
    pub table: String,
    /// Why, in words.
    pub reason: String,
}

/// The program that ran: the same build makes the same bytes of the same inputs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Build {
    /// The version of dfpipe.
    pub version: String,
    /// A hash of all that it was built from.
    pub source: String,
    /// A hash of the functions that SQL may call.
    pub udfs: String,
    /// The version of DataFusion.
    pub datafusion: String,
    /// Tells e-mail keys apart without telling them: hashes under another key are other hashes.
    pub email_key: String,
}

/// An earlier run, for comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PastRun {
    /// The run.
    pub run_id: String,
    /// Its logical date.
    pub run_date: NaiveDate,
    /// How long it took.
    pub seconds: f64,
    /// Rows that it loaded, if it loaded.
    pub rows: Option<u64>,
    /// Its figures.
    pub summary: Vec<Figure>,
    /// The rows of its models and sources: for checks, which compare with them, and not for the record.
    #[serde(skip)]
    pub tables: BTreeMap<String, u64>,
}

/// A picture: bars in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chart {
    /// Its title.
    pub title: String,
    /// The bars.
    pub bars: Vec<Bar>,
}

/// A bar of a picture.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bar {
    /// What it stands for.
    pub label: String,
    /// How long it is.
    pub value: f64,
}

/// Records that went from one place to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flow {
    /// Where they came from.
    pub origin: String,
    /// Where they went.
    pub target: String,
    /// How many.
    pub records: u64,
    /// Whether they are on the way to the output; else they were left out there.
    pub is_kept: bool,
}

/// Memory and parallelism of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineRecord {
    /// Bytes that queries might hold.
    pub memory_limit: usize,
    /// Partitions.
    pub partitions: usize,
    /// The cluster that built the models, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterRecord>,
}

/// A cluster that builds models.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// The address of its scheduler.
    pub scheduler: String,
    /// Its executors when the run began, or went on.
    pub executors: usize,
}

/// How far a query is on a cluster, or was in the end.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Job {
    /// Stages that it was cut into.
    pub stages: usize,
    /// Stages that are done.
    pub stages_done: usize,
    /// Tasks of the stages that were begun.
    pub tasks: usize,
    /// Tasks that are done.
    pub tasks_done: usize,
    /// Executors that had one of them, by where they give rows out.
    pub executors: Vec<String>,
}

/// What a source gave.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
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
    /// The files of its rejects and of its dead letters.
    pub refused: Vec<FileFacts>,
    /// How long reading it took.
    pub seconds: f64,
    /// What a reader should know, such as a window that retention cut.
    pub warnings: Vec<String>,
    /// What did not come of it, if it did not come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
    /// How often a field was missing from a record that became a row, by the name of its column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub missing: BTreeMap<String, u64>,
    /// Where the records came from: an address without secrets.
    pub origin: String,
    /// What was read of it: pages, files, or offsets of partitions.
    pub ranges: Vec<SourceRange>,
    /// Of what of the configuration and the window it came: if that changes, it is read again.
    pub identity: String,
}

impl SourceRecord {
    /// What a reader should know of it.
    pub fn all_warnings(&self) -> Vec<String> {
        let partial = self.partial.as_ref();
        let partial = partial.map(|partial| partial.words(&self.name));
        self.warnings.iter().cloned().chain(partial).collect()
    }
}

/// A piece of a source that was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct SourceRange {
    /// The page group, file or partition.
    pub part: String,
    /// The first page, line or offset.
    pub first: Option<i64>,
    /// The one behind the last.
    pub end: Option<i64>,
    /// When the earliest of its records came in, where the source tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<DateTime<Utc>>,
    /// When the latest did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<DateTime<Utc>>,
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
    /// Whether it is a file, or computed by whoever reads it.
    #[serde(default)]
    pub materialized: Materialized,
    /// Its table; of a view, no rows, no bytes, and its identity in the place of a hash.
    pub file: FileFacts,
    /// What building it spilled.
    #[serde(default)]
    pub spill: Spill,
    /// How long building it took.
    #[serde(default)]
    pub seconds: f64,
    /// The models and tables that it reads.
    #[serde(default)]
    pub reads: Vec<String>,
    /// What its front matter allows, so that the same rows may give other bytes: each with its reason.
    #[serde(default)]
    pub allows: BTreeMap<String, String>,
    /// Its columns.
    #[serde(default)]
    pub columns: Vec<ColumnRecord>,
    /// The most memory that was taken from the limit while it was built, in bytes.
    #[serde(default)]
    pub peak_memory: u64,
    /// Of what it was built: statement, parameters, program, and the hashes of what it reads. As long as
    /// that is the same, so is the table.
    #[serde(default)]
    pub identity: String,
    /// How a cluster built it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

impl ModelRecord {
    /// Whether it has no file.
    pub fn is_view(&self) -> bool {
        self.materialized == Materialized::View
    }

    /// Where the run keeps its SQL, within its folder; a released version stands where its model's file would.
    pub fn kept_as(&self) -> String {
        if self.source.starts_with(versions::FOLDER) {
            format!("sql/{}.sql", self.name)
        } else {
            self.source.clone()
        }
    }
}

/// A column of a table.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ColumnRecord {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
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
