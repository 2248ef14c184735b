//! What the service holds. It lies in the test's process: whatever happens to dfpipe, this stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Instant,
};

use axum::{body::Bytes, http::Method};
use datafusion::arrow::{
    array::{RecordBatch, new_null_array},
    datatypes::SchemaRef,
};
use serde_json::{Value, json};

use super::{
    bucket::Buckets,
    fault::{Call, Fault},
    refusal::Refusal,
    schema::{self, Column, is_same},
};

#[derive(Default)]
pub(super) struct State {
    pub(super) datasets: BTreeMap<(String, String), Value>,
    pub(super) tables: BTreeMap<TableName, Table>,
    pub(super) jobs: BTreeMap<JobName, Job>,
    pub(super) uploads: BTreeMap<String, Upload>,
    pub(super) faults: Vec<Fault>,
    /// What the next load jobs end with, one after the other; `None` is success.
    pub(super) verdicts: std::collections::VecDeque<Option<Refusal>>,
    /// While it is set, no job gets further than `RUNNING`.
    pub(super) holds_jobs: bool,
    pub(super) loses_rows: bool,
    pub(super) buckets: Buckets,
    pub(super) settings: Settings,
    pub(super) requests: Vec<Seen>,
    pub(super) tokens: BTreeSet<String>,
    /// What queries found, by their jobs.
    pub(super) found: BTreeMap<JobName, super::query::Found>,
    counter: u64,
}

/// How this service behaves where the real one is free to.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How often a job that is asked for is still `PENDING`.
    pub(crate) polls_pending: usize,
    /// And how often `RUNNING`.
    pub(crate) polls_running: usize,
    /// Whether a job id that is taken is refused when the upload begins, or only at its end.
    pub(crate) tells_duplicate_early: bool,
    /// How often a job that is there is not found yet.
    pub(crate) late_jobs: usize,
    /// Whether a query is answered by "not complete" first.
    pub(crate) slow_queries: bool,
    /// Whether a request without one of the tokens that were given out is refused.
    pub(crate) needs_token: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            polls_pending: 0,
            polls_running: 1,
            tells_duplicate_early: false,
            late_jobs: 0,
            slow_queries: false,
            needs_token: false,
        }
    }
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) call: Call,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TableName {
    pub(super) project: String,
    pub(super) dataset: String,
    pub(super) table: String,
}

impl TableName {
    /// Reads a `tableReference`.
    pub(super) fn parse(reference: &Value) -> Result<Self, Refusal> {
        let part = |key: &str| {
            let part = reference[key].as_str().filter(|part| !part.is_empty());
            part.map(str::to_owned)
                .ok_or_else(|| Refusal::invalid(format!("Required parameter is missing: {key}")))
        };
        Ok(Self {
            project: part("projectId")?,
            dataset: part("datasetId")?,
            table: part("tableId")?,
        })
    }

    pub(super) fn dataset(&self) -> (String, String) {
        (self.project.clone(), self.dataset.clone())
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}.{}",
            self.project, self.dataset, self.table
        )
    }
}

/// A table or a view.
pub(super) struct Table {
    /// As it was sent, without its columns and what is counted.
    pub(super) resource: Value,
    pub(super) columns: Vec<Column>,
    /// What was loaded, in the columns that the table had then.
    pub(super) loads: Vec<RecordBatch>,
    pub(super) etag: u64,
}

impl Table {
    /// The statement, if it is a view.
    pub(super) fn view(&self) -> Option<&str> {
        self.resource["view"]["query"].as_str()
    }

    pub(super) fn schema(&self) -> SchemaRef {
        schema::arrow(&self.columns)
    }

    pub(super) fn rows(&self) -> usize {
        self.loads.iter().map(RecordBatch::num_rows).sum()
    }

    /// All rows, in the columns that the table has by now.
    pub(super) fn batches(&self) -> Vec<RecordBatch> {
        let schema = self.schema();
        let widen = |batch: &RecordBatch| {
            let column = |field: &std::sync::Arc<datafusion::arrow::datatypes::Field>| {
                let mut held = batch.schema_ref().fields().iter();
                let at = held.position(|held| is_same(held.name(), field.name()));
                at.map_or_else(
                    || new_null_array(field.data_type(), batch.num_rows()),
                    |at| batch.column(at).clone(),
                )
            };
            let columns = schema.fields().iter().map(column).collect();
            RecordBatch::try_new(schema.clone(), columns).expect("columns are only added")
        };
        self.loads.iter().map(widen).collect()
    }

    /// As the service shows it.
    pub(super) fn to_json(&self, name: &TableName, location: &Value) -> Value {
        let mut shown = self.resource.clone();
        let TableName {
            project,
            dataset,
            table,
        } = name;
        shown["kind"] = "bigquery#table".into();
        shown["etag"] = format!("etag-{}", self.etag).into();
        shown["id"] = name.to_string().into();
        shown["selfLink"] = format!("https://bigquery.googleapis.com/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{table}").into();
        shown["schema"] = json!({"fields": schema::to_json(&self.columns)});
        shown["location"] = location.clone();
        if self.view().is_some() {
            shown["type"] = "VIEW".into();
        } else {
            shown["type"] = "TABLE".into();
            shown["numRows"] = self.rows().to_string().into();
            shown["numBytes"] = "0".into();
        }
        shown
    }
}

/// Jobs of different locations may bear the same id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct JobName {
    pub(super) project: String,
    pub(super) location: String,
    pub(super) id: String,
}

impl fmt::Display for JobName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Job {}:{}.{}",
            self.project, self.location, self.id
        )
    }
}

pub(super) struct Job {
    pub(super) configuration: Value,
    pub(super) work: Work,
    pub(super) stage: Stage,
    /// Statistics of a job that is done, or why it failed.
    pub(super) outcome: Option<Result<Value, Refusal>>,
    /// How often it was asked for.
    pub(super) polls: usize,
    /// Jobs are listed by the time of their creation.
    pub(super) number: u64,
    /// In milliseconds.
    pub(super) created_at: i64,
}

pub(super) enum Work {
    /// With what was uploaded; otherwise it lies in buckets.
    Load(Option<Bytes>),
    Query,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Pending,
    Running,
    Done,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Done => "DONE",
        }
    }
}

/// The session of a resumable upload.
pub(super) struct Upload {
    pub(super) project: String,
    /// The job that was sent first.
    pub(super) job: Value,
    pub(super) received: Vec<u8>,
    /// The answer, once all was there.
    pub(super) answer: Option<Value>,
}

impl State {
    /// A number that was not given out before.
    pub(super) fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(super) fn location(&self, dataset: &(String, String)) -> Value {
        let dataset = self.datasets.get(dataset);
        dataset.map_or(Value::Null, |dataset| dataset["location"].clone())
    }
}
