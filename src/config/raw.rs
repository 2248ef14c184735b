//! What `dfpipe.yml` says, key by key. Its doc comments are the reference that editors show.
//!
//! Apart from what is meant ([`super::Config`]): here everything is still optional text.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    check::BuiltinCheck,
    column::{TYPE_NAMES, TYPE_PATTERN},
    secret::Secret,
};

mod format;
mod rest;

pub use format::{RawAvro, RawMessageFormat, RawRegistry};
pub use rest::{RawAuth, RawCrm, RawFields, RawFilter, RawNamedKey, RawOAuth2, RawPagination};

/// A dfpipe project.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// Name of the pipeline: part of every load's identity.
    pub pipeline: String,
    /// The moment the run is made for, when `--as-of` is not given. Default: now.
    pub as_of: Option<String>,
    /// Days before `as_of` that the window reaches back. Default: 7.
    pub window_days: Option<u32>,
    /// Folder for runs that are not finished. Default: `.dfpipe/work`.
    pub work_dir: Option<String>,
    /// Where finished runs go: a folder, `s3://…` or `gs://…`. Default: `.dfpipe/archive`.
    pub archive: Option<String>,
    /// How many successful runs the archive keeps; the oldest are removed. Default: all.
    pub keep_runs: Option<u32>,
    /// Key of the HMAC-SHA-256 that replaces e-mail addresses.
    pub email_hash_key: Secret,
    /// Whether models may run whose SQL is not that of a released version. Default: `allow`.
    pub working_copies: Option<WorkingCopies>,
    /// Values that models read as `$name`.
    #[serde(default)]
    pub parameters: IndexMap<String, RawParameter>,
    /// Memory and parallelism.
    #[serde(default)]
    pub engine: RawEngine,
    /// Where rows come from, by table name.
    pub sources: IndexMap<String, RawSource>,
    /// Where the result goes.
    pub destination: RawDestination,
    /// What the completion report shows.
    #[serde(default)]
    pub report: RawReport,
    /// Who is told how a run ended.
    #[serde(default)]
    pub notify: RawNotify,
    /// Who gets lineage events (<https://openlineage.io>).
    pub openlineage: Option<RawOpenLineage>,
}

/// Whether models may run whose SQL is not that of a released version.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum WorkingCopies {
    /// They may, and are marked.
    #[default]
    Allow,
    /// They stop a run before anything is read.
    Refuse,
}

/// A value that models read as `$name`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RawParameter {
    /// A boolean.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// Text.
    Text(String),
}

/// Memory and parallelism of the engine.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEngine {
    /// Memory that queries may hold before they spill, such as `512MB`. Default: `2GB`.
    pub memory_limit: Option<String>,
    /// Partitions that a query runs in. Default: one per processor core.
    pub partitions: Option<u32>,
    /// Folder for spill files. Default: the run's own folder.
    pub spill_dir: Option<String>,
    /// The cluster that builds the models. Default: none, they are built here.
    pub ballista: Option<RawBallista>,
}

/// A cluster of machines, `dfpipe cluster`, that builds the models.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBallista {
    /// Where its scheduler listens, such as `df://scheduler:50050`.
    pub scheduler: String,
    /// Where its machines find the tables of a run: `s3://…`, `gs://…`, or a folder that all of them have at this
    /// place. Default: `work_dir`, which all of them have then.
    pub store: Option<String>,
}

/// A table that rows are extracted into.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSource {
    /// One sentence for readers.
    pub description: Option<String>,
    /// The column that names a record in the rejects.
    pub key: Option<String>,
    /// The columns, in order. What is not declared here is not read.
    pub columns: IndexMap<String, RawColumn>,
    /// Largest share of unreadable records before the run fails. Default: 0.01.
    pub max_dead_letters: Option<f64>,
    /// What must hold of the extract, looked at before any model is built: each entry as a check in a model's header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<BuiltinCheck>,
    /// Where the records are; a profile usually says.
    pub from: RawFrom,
}

/// A column of a source.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawColumn {
    /// `text`, `integer`, `double`, `boolean`, `date`, `timestamp` or `decimal(p,s)`.
    #[serde(rename = "type")]
    #[schemars(
        regex(pattern = TYPE_PATTERN),
        extend("patternErrorMessage" = TYPE_NAMES)
    )]
    pub kind: String,
    /// Where the value stands in a record, names joined by dots. Default: the column's name.
    pub path: Option<String>,
    /// For a topic: the part of the message that holds the value, instead of a place in its payload: `key`,
    /// `timestamp`, `partition`, `offset` or `header:NAME`. A profile that reads files instead, which have no
    /// messages, finds it at `path`.
    pub from: Option<String>,
    /// Whether a record without it is refused. Default: false.
    pub required: Option<bool>,
    /// What kind of personal data it is. An e-mail address becomes its hash; the others stay readable
    /// within a run, and `dfpipe check` lets none of them leave it unhashed.
    pub pii: Option<RawPii>,
    /// One sentence for readers.
    pub description: Option<String>,
}

/// Kinds of personal data.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawPii {
    /// An e-mail address: the column holds its hash.
    Email,
    /// A person's name.
    Name,
    /// A phone number.
    Phone,
    /// A postal address.
    Address,
    /// An internet address.
    Ip,
}

/// Where the records of a source are.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RawFrom {
    /// Files, local or in an object store.
    Files(RawFiles),
    /// A REST API.
    Crm(RawCrm),
    /// A Kafka topic.
    Kafka(RawKafka),
}

/// Files, local or in an object store.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFiles {
    /// A path or URL (`s3://…`, `gs://…`, `file://…`); `*` matches within a name.
    pub path: String,
    /// How the files are written. Default: by their extension.
    pub format: Option<RawFormat>,
    /// For `json`: where the list of records stands in the document. Default: the document.
    pub records: Option<String>,
}

/// File formats.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RawFormat {
    /// One document per file.
    Json,
    /// One record per line.
    Ndjson,
    /// A header line, then one record per line.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// A Kafka topic, read once, bounded by the window.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawKafka {
    /// Brokers to begin with, `host:port`, comma separated.
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// The consumer group that the reader names itself by.
    pub group: String,
    /// How its messages are written. Default: `json`.
    #[serde(default)]
    pub format: RawMessageFormat,
    /// Seconds before the window that reading begins, for events that arrived with an earlier
    /// broker time than their own. Default: 3600.
    pub max_lateness_seconds: Option<u32>,
    /// Whether reading ends with the first message that the brokers have stamped
    /// `max_lateness_seconds` after the window, and not with the last one there is. Default: only
    /// where brokers stamp messages as they come in (`message.timestamp.type=LogAppendTime`), since
    /// a producer's times may be out of order. `true` vouches for a producer: no message stands
    /// behind one that is stamped so much later, and no event arrives so late.
    pub ends_by_time: Option<bool>,
    /// What happens where messages of the window are missing: removed by retention, hidden by an
    /// open transaction, or left out by `max_messages`. Default: `warn`.
    pub on_gap: Option<OnGap>,
    /// Messages of a window that are too many: then only its last 3 days are read, and the run says
    /// so. Default: 500000000.
    pub max_messages: Option<u64>,
    /// Seconds to wait for a broker. Default: 30.
    pub timeout_seconds: Option<u64>,
    /// Seconds without progress, while a new leader is elected for example, after which reading is
    /// given up. Default: 120.
    pub stall_timeout_seconds: Option<u64>,
    /// Further settings of librdkafka, such as `security.protocol`.
    #[serde(default)]
    pub options: IndexMap<String, Secret>,
}

/// What happens where messages of a window are missing.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum OnGap {
    /// The receipt and every report say so.
    #[default]
    Warn,
    /// The extract is partial: the run stops, unless `--allow-partial` is given.
    Fail,
}

/// Where the result goes.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RawDestination {
    /// An append-only warehouse of Parquet files.
    Parquet(RawParquet),
    /// A table of BigQuery, appended to by load jobs.
    #[serde(rename = "bigquery")]
    BigQuery(RawBigQuery),
}

/// An append-only warehouse of Parquet files.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawParquet {
    /// The model that is loaded.
    pub model: String,
    /// A folder or object-store URL. Default: `.dfpipe/warehouse`.
    pub path: Option<String>,
    /// The dataset.
    pub dataset: String,
    /// The table.
    pub table: String,
    /// What a second load of a date does. Default: `refuse`.
    pub on_repeat: Option<OnRepeat>,
}

/// A table of BigQuery, appended to by load jobs.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBigQuery {
    /// The model that is loaded.
    pub model: String,
    /// The project that holds the dataset, and whose quota the jobs use.
    pub project: String,
    /// The dataset; it is created by the first load.
    pub dataset: String,
    /// The table, partitioned by `run_date`; it is created by the first load.
    pub table: String,
    /// Where the dataset lies, such as `EU` or `europe-west3`. Default: `US`.
    pub location: Option<String>,
    /// What a second load of a date does. Default: `refuse`.
    pub on_repeat: Option<OnRepeat>,
    /// Who loads. Default: `adc`.
    pub auth: Option<RawGoogleAuth>,
    /// The service's address. Default: `https://bigquery.googleapis.com`.
    pub endpoint: Option<String>,
    /// Up to four columns that rows of a partition lie together by.
    #[serde(default)]
    pub cluster_by: Vec<String>,
    /// Days after which BigQuery removes the rows of a date. Default: never.
    pub partition_expiration_days: Option<u32>,
    /// Whether a load may add columns and let columns be null. Default: true.
    pub schema_changes: Option<bool>,
    /// Mebibytes of a piece of an upload. Default: 100.
    pub chunk_mb: Option<u32>,
    /// A `gs://` folder that large files are put into and loaded from.
    pub staging: Option<String>,
    /// Mebibytes beyond which a file goes through `staging`. Default: 1024.
    pub upload_limit_mb: Option<u32>,
    /// Whether a load that a quota refuses is divided by key range into several jobs. Default: false.
    pub split: Option<bool>,
    /// Minutes that a job is waited for; then it is unknown whether the load happened. Default: 60.
    pub timeout_minutes: Option<u32>,
}

/// Who asks Google's services.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawGoogleAuth {
    /// Whoever the environment names: `GOOGLE_APPLICATION_CREDENTIALS` (a key or a workload identity
    /// federation), `gcloud auth application-default login`, or the machine's own account.
    Adc,
    /// The account of a key or federation file.
    File(String),
    /// Nobody: only for an emulator on this machine.
    None,
}

/// What a second load of a date does.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum OnRepeat {
    /// Stops before anything is extracted.
    #[default]
    Refuse,
    /// Appends a further, numbered load.
    Add,
}

/// What the completion report shows.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawReport {
    /// The model whose rows are the report's figures: `position`, `metric`, `label`, `value`, `unit`.
    pub summary: Option<String>,
    /// The model whose rows are the bars of the report's charts: `chart`, `position`, `label`, `value`.
    pub charts: Option<String>,
    /// The model whose rows are the report's flow of records: `position`, `origin`, `target`, `records`,
    /// `is_kept`.
    pub flow: Option<String>,
}

/// Who is told how a run ended.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawNotify {
    /// Address that gets a JSON message, whose `text` is what Slack and its kin show. Empty: nobody.
    pub webhook: Option<Secret>,
    /// Which ends are told. Default: `[success, failure]`.
    pub on: Option<Vec<NotifyOn>>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum NotifyOn {
    /// Well.
    Success,
    /// With an error.
    Failure,
}

/// Who gets lineage events: a file, an HTTP endpoint, or both.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOpenLineage {
    /// The namespace of the jobs. Default: the pipeline's name.
    pub namespace: Option<String>,
    /// A file that gets one event per line.
    pub file: Option<String>,
    /// An endpoint that gets each event as a POST, such as `https://host/api/v1/lineage`.
    pub url: Option<String>,
    /// Sent to the endpoint as a bearer token.
    pub api_key: Option<Secret>,
}
