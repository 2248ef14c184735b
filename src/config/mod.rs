//! `dfpipe.yml`: what the file says becomes what will be done.
//!
//! ```text
//! text ─▶ yaml (tree with places) ─▶ interpolate ─▶ profile ─▶ conform (schema) ─▶ raw ─▶ Config
//! ```
//!
//! After [`load`] nothing can be invalid any more; all problems of a file are told at once.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use indexmap::IndexMap;

use crate::error::{Error, Result};

mod bigquery;
pub mod check;
pub mod column;
pub mod conform;
mod format;
pub mod interpolate;
mod number;
pub mod path;
mod profile;
mod raw;
mod resolve;
mod rest;
mod said;
pub mod schema;
pub mod secret;
mod size;
pub mod yaml;

pub use column::{Column, ColumnType, MessagePart, Personal};
pub use format::{Avro, AvroSchemas, MessageFormat, Registry, SchemaFile};
pub use raw::{
    NotifyOn, OnGap, OnRepeat, RawFormat as FileFormat, RawParameter as Parameter, WorkingCopies,
};
pub use rest::{
    Auth, Crm, Fields, Filter, NamedKey, OAuth2, PageSize, Paging, PagingKind, Total, Way, shown,
};
pub use secret::Secret;

/// The file that makes a folder a project.
pub const FILE: &str = "dfpipe.yml";

/// The profile that is used when none is named.
pub const DEFAULT_PROFILE: &str = "local";

/// A project: its folder and all that its configuration means under one profile.
#[derive(Debug)]
pub struct Config {
    /// The folder with `dfpipe.yml`.
    pub project: PathBuf,
    /// The profile that was laid over the file.
    pub profile: String,
    /// Name of the pipeline.
    pub pipeline: String,
    /// The moment the run is made for, where the configuration fixes it.
    pub as_of: Option<DateTime<Utc>>,
    /// Days before `as_of` that the window reaches back.
    pub window_days: u32,
    /// Folder for runs that are not finished.
    pub work_dir: PathBuf,
    /// Where finished runs go: an absolute path or a URL.
    pub archive: String,
    /// How many successful runs stay there; all if it is not said.
    pub keep_runs: Option<usize>,
    /// Key of the HMAC that replaces e-mail addresses.
    pub email_hash_key: Secret,
    /// Whether models may run whose SQL is not that of a released version.
    pub working_copies: WorkingCopies,
    /// Values that models read as `$name`.
    pub parameters: IndexMap<String, Parameter>,
    /// Memory and parallelism.
    pub engine: Engine,
    /// Where rows come from, by table name.
    pub sources: IndexMap<String, Source>,
    /// Where the result goes.
    pub destination: Destination,
    /// What the report takes from models.
    pub report: Report,
    /// Who is told how a run ended.
    pub notify: Notify,
    /// Who gets lineage events.
    pub openlineage: Option<OpenLineage>,
    /// What the file says under the profile, with variables by name and without secrets: for a run's
    /// record.
    pub said: serde_json::Value,
}

/// The models whose rows a report shows.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The figures.
    pub summary: Option<String>,
    /// The bars of the charts.
    pub charts: Option<String>,
    /// The flow of records.
    pub flow: Option<String>,
}

/// Who is told how a run ended.
#[derive(Clone, Debug)]
pub struct Notify {
    /// The address; it is as good as a key.
    pub webhook: Option<Secret>,
    /// Which ends are told.
    pub on: Vec<NotifyOn>,
}

/// Who gets lineage events.
#[derive(Clone, Debug)]
pub struct OpenLineage {
    /// The namespace of the jobs.
    pub namespace: String,
    /// A file that gets one event per line.
    pub file: Option<PathBuf>,
    /// An endpoint that gets each event.
    pub url: Option<url::Url>,
    /// Its bearer token.
    pub api_key: Option<Secret>,
}

/// Memory and parallelism of the engine.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Bytes that queries may hold before they spill.
    pub memory_limit: usize,
    /// Partitions that a query runs in.
    pub partitions: usize,
    /// Folder for spill files, where the configuration names one.
    pub spill_dir: Option<PathBuf>,
    /// The cluster that builds the models, if one does.
    pub ballista: Option<Ballista>,
}

/// A cluster of machines that builds the models.
#[derive(Clone, Debug)]
pub struct Ballista {
    /// Where its scheduler listens: the host's name or number and the port.
    pub scheduler: String,
    /// Where its machines find the tables of a run; none if they have the folder of runs itself.
    pub store: Option<String>,
}

/// A table that rows are extracted into.
#[derive(Clone, Debug)]
pub struct Source {
    /// The table's name.
    pub name: String,
    /// One sentence for readers.
    pub description: Option<String>,
    /// The column that names a record in the rejects.
    pub key: Option<String>,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// Largest share of unreadable records before the run fails.
    pub max_dead_letters: f64,
    /// What must hold of the extract.
    pub checks: Vec<SourceCheck>,
    /// Where the records are.
    pub from: From,
}

impl Source {
    /// The column that holds the time of a topic's messages, if one does: filters on it bound what is read.
    pub fn message_time(&self) -> Option<&Column> {
        let mut columns = self.columns.iter();
        columns.find(|column| column.from == Some(MessagePart::Timestamp))
    }
}

/// What must hold of an extract, and where that is said.
#[derive(Clone, Debug)]
pub struct SourceCheck {
    /// What.
    pub check: check::BuiltinCheck,
    /// Where.
    pub place: crate::error::Place,
}

/// Where the records of a source are.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are a handful of sources, each read once"
)]
pub enum From {
    /// Files, local or in an object store.
    Files(Files),
    /// A REST API.
    Crm(Crm),
    /// A Kafka topic.
    Kafka(Kafka),
}

/// Files, local or in an object store.
#[derive(Clone, Debug)]
pub struct Files {
    /// An absolute path or a URL; `*` matches within a name.
    pub path: String,
    /// How the files are written.
    pub format: FileFormat,
    /// Where the list of records stands in a JSON document.
    pub records: Vec<String>,
}

/// A Kafka topic, read once, bounded by the window.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// Brokers to begin with.
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// The consumer group that the reader names itself by.
    pub group: String,
    /// How its messages are written.
    pub format: MessageFormat,
    /// How long before the window reading begins.
    pub max_lateness: chrono::Duration,
    /// Whether reading ends with the first message that is so much later than the window; not said,
    /// it depends on who stamps the topic's messages.
    pub ends_by_time: Option<bool>,
    /// What happens where messages of the window are missing.
    pub on_gap: OnGap,
    /// Messages that are too many: then only the last days of the window are read.
    pub max_messages: u64,
    /// How long to wait for a broker.
    pub timeout: std::time::Duration,
    /// How long to wait for anything to go on, once reading has begun.
    pub stall_timeout: std::time::Duration,
    /// Further settings of librdkafka.
    pub options: Vec<(String, Secret)>,
}

/// Where the result goes.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The model that is loaded.
    pub model: String,
    /// The dataset.
    pub dataset: String,
    /// The table.
    pub table: String,
    /// What a second load of a date does.
    pub on_repeat: OnRepeat,
    /// What holds the dataset.
    pub to: To,
}

/// What holds a destination's dataset.
#[derive(Clone, Debug)]
pub enum To {
    /// An append-only warehouse of Parquet files.
    Parquet(Parquet),
    /// BigQuery.
    BigQuery(Box<BigQuery>),
}

/// An append-only warehouse of Parquet files.
#[derive(Clone, Debug)]
pub struct Parquet {
    /// An absolute path or a URL.
    pub path: String,
}

/// A project of BigQuery, and how it is loaded into.
#[derive(Clone, Debug)]
pub struct BigQuery {
    /// The project.
    pub project: String,
    /// Where the dataset lies.
    pub location: String,
    /// Who loads.
    pub auth: GoogleAuth,
    /// The service's address, without a path.
    pub endpoint: url::Url,
    /// Columns that rows of a partition lie together by.
    pub cluster_by: Vec<String>,
    /// Days after which the rows of a date are removed.
    pub partition_expiration_days: Option<u32>,
    /// Whether a load may add columns and let columns be null.
    pub schema_changes: bool,
    /// Bytes of a piece of an upload.
    pub chunk: usize,
    /// A folder of Google Cloud Storage that large files are loaded from.
    pub staging: Option<String>,
    /// Bytes beyond which a file goes through `staging`.
    pub upload_limit: u64,
    /// Whether a load that a quota refuses is divided.
    pub split: bool,
    /// How long a job is waited for.
    pub timeout: std::time::Duration,
}

/// Who asks Google's services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoogleAuth {
    /// Whoever the environment names.
    Adc,
    /// The account of a key or federation file.
    File(PathBuf),
    /// Nobody.
    None,
}

/// Reads the configuration of the project in `project` under `profile`.
pub fn load(
    project: &Path,
    profile: Option<&str>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Config> {
    let path = project.join(FILE);
    let source = fs_err::read_to_string(&path)
        .map_err(|error| Error::usage(format!("`{FILE}` cannot be read")).because(error))?;
    let text = yaml::Text {
        file: FILE,
        source: &source,
        lines_before: 0,
    };
    let mut root = yaml::parse(&text)?;
    let profile = lay_profile(&mut root, profile, &text)?;
    let mut problems = vec![];
    interpolate::interpolate(&mut root, environment, &text, &mut problems);
    let schema = schema::merged();
    let conforming = conform::conform(&root, &schema, &text);
    let value = conforming.map_err(|more| problems.extend(more)).ok();
    if let Some(error) = Error::all(problems) {
        return Err(error);
    }
    let raw = serde_json::from_value(value.unwrap_or_default()).map_err(|error| {
        Error::bug("the configuration conforms but cannot be read").because(error)
    })?;
    resolve::resolve(
        raw,
        project,
        profile,
        &resolve::Places {
            root: &root,
            text: &text,
        },
    )
}

/// Lays the chosen profile over the rest of the file and removes the others.
fn lay_profile(
    root: &mut yaml::Node,
    wanted: Option<&str>,
    text: &yaml::Text<'_>,
) -> Result<String> {
    let name = wanted.unwrap_or(DEFAULT_PROFILE);
    let profiles = root.take("profiles");
    let mut profiles = match profiles {
        Some(profiles) => profiles,
        None if wanted.is_none() => return Ok(name.to_owned()),
        None => {
            return Err(Error::usage(format!(
                "`{FILE}` has no profiles, so no `{name}`"
            )));
        }
    };
    let Some(over) = profiles.take(name) else {
        if wanted.is_none() {
            return Ok(name.to_owned());
        }
        let names = match &profiles.data {
            yaml::Data::Map(entries) => entries
                .iter()
                .map(|(key, _)| key.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
            _ => String::new(),
        };
        return Err(Error::usage(format!("there is no profile `{name}`"))
            .at(text.place(profiles.mark))
            .with_hint(format!("the profiles are: {names}")));
    };
    if !over.is_null() {
        profile::merge(root, over);
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests;
