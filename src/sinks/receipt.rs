//! What was loaded, provably: one form for every kind of destination.
//!
//! Apart from the sinks, because it outlives them: `step4_load_receipt.json` is read by people, by other
//! programs (`receipt.schema.json` says what they may count on) and by later runs. Unknown is `null`,
//! never 0. Fields that older receipts lack have a default, so that those can still be read.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What was loaded, provably. Unknown is `null`, never 0.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The kind of the destination.
    #[serde(default)]
    pub kind: DestinationKind,
    /// How far the load is. A receipt is written before the first job is submitted, and completed after.
    #[serde(default)]
    pub state: LoadState,
    /// The table: its full path.
    pub destination: String,
    /// Where people look at the table; `null` if there is no such place.
    #[serde(default)]
    pub console: Option<String>,
    /// The file or job that holds the rows: of several jobs, the first; `null` before there is one.
    pub load_id: Option<String>,
    /// The run.
    pub run_id: String,
    /// The logical date.
    #[schemars(with = "String", extend("format" = "date"))]
    pub run_date: NaiveDate,
    /// Which load of that date this is.
    pub load_number: u32,
    /// The combined fingerprint of the models.
    pub source_version: String,
    /// The partition that the rows are in, such as `run_date=2026-11-15`.
    #[serde(default)]
    pub partition: Option<String>,
    /// Rows of the loaded file. Whether the destination has as many is said by `verification`.
    pub rows: u64,
    /// Bytes of the loaded file.
    pub bytes: u64,
    /// SHA-256 of the loaded file.
    pub sha256: String,
    /// Whether this run's own rows were found there already and not loaded again; `null` until it is
    /// known.
    pub adopted: Option<bool>,
    /// The load jobs: of BigQuery one, or as many as the load was divided into.
    #[serde(default)]
    pub jobs: Vec<JobReceipt>,
    /// What the load changed in the table's schema; `null` if the destination has none of its own.
    #[serde(default)]
    pub schema_changes: Option<Vec<SchemaChange>>,
    /// Rows that were counted when the load was read back.
    pub verified_rows: Option<u64>,
    /// What the numbers of rows were compared with.
    #[serde(default)]
    pub verification: Verification,
    /// What it took.
    #[serde(default)]
    pub timings: Timings,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

impl Receipt {
    /// What the rows of a load are known by.
    pub fn holder(&self) -> &'static str {
        match self.kind {
            DestinationKind::Parquet => "file",
            DestinationKind::BigQuery => "job",
        }
    }
}

/// The kind of a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DestinationKind {
    /// An append-only warehouse of Parquet files.
    #[default]
    Parquet,
    /// A table of BigQuery.
    BigQuery,
}

/// How far a load is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadState {
    /// All is fixed (name, number, bytes); whether anything is loaded is not known yet.
    Begun,
    /// The destination holds the rows.
    #[default]
    Loaded,
    /// The destination refused the rows, or not all of the jobs got through.
    Failed,
    /// It could not be learned; `dfpipe run --resume` finds out.
    Unknown,
}

/// A load job, with all its attempts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobReceipt {
    /// Which part of the load it is, from 1.
    pub part: u32,
    /// How far it is.
    pub state: LoadState,
    /// The job that holds the rows, or the last that was to; `null` before one was submitted.
    pub job_id: Option<String>,
    /// Every job id that was used, in order.
    pub attempts: Vec<Attempt>,
    /// Whether the job was submitted by this process or found there; `null` until it is known.
    pub how: Option<How>,
    /// The rows' keys, if the load was divided: which rows are in this part.
    pub keys: Option<KeyRange>,
    /// Rows of the part's file.
    pub rows: u64,
    /// Bytes of the part's file.
    pub bytes: u64,
    /// SHA-256 of the part's file.
    pub sha256: String,
    /// Rows that the job says it has loaded.
    pub job_rows: Option<u64>,
}

/// One job id that was used, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// The job.
    pub job_id: String,
    /// What came of it.
    pub state: LoadState,
    /// BigQuery's word for why it failed, such as `backendError`; `null` if it did not.
    pub reason: Option<String>,
    /// What BigQuery said of it.
    pub message: Option<String>,
}

/// How a job came to be this run's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// This process submitted it.
    Submitted,
    /// It was there, from an earlier attempt of the same run.
    Adopted,
}

/// The first and the last key of a part, both included, as text: one value per column of the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyRange {
    /// The columns.
    pub columns: Vec<String>,
    /// The values of the first row.
    pub first: Vec<Option<String>>,
    /// The values of the last row.
    pub last: Vec<Option<String>>,
}

/// A change of the table's schema that happens with the load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchemaChange {
    /// The column; of a column within a record, its path.
    pub column: String,
    /// What happens to it.
    pub change: ChangeKind,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A change that loses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A column that may be null is new.
    Added,
    /// A column that had to have a value may be null.
    Relaxed,
}

/// Three counts that must be one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// Rows of the file.
    pub file_rows: Option<u64>,
    /// Rows that the jobs say they have loaded, in all.
    pub job_rows: Option<u64>,
    /// Rows of this run and load that the destination counted afterwards.
    pub counted_rows: Option<u64>,
    /// Whether all that are known are equal; `null` before any was asked for.
    pub is_equal: Option<bool>,
}

impl Verification {
    /// Compares what is known: nothing is equal to one count alone.
    pub fn of(file_rows: u64, job_rows: Option<u64>, counted_rows: Option<u64>) -> Self {
        let told = [job_rows, counted_rows];
        let mut told = told.into_iter().flatten().peekable();
        let is_equal = told
            .peek()
            .is_some()
            .then(|| told.all(|it| it == file_rows));
        Self {
            file_rows: Some(file_rows),
            job_rows,
            counted_rows,
            is_equal,
        }
    }
}

/// When and how long. Seconds of what this process has waited for; `null` for what it did not do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    /// When the first job was submitted, or the file began to be put in place.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub submitted_at: Option<DateTime<Utc>>,
    /// When the destination had the rows.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub loaded_at: Option<DateTime<Utc>>,
    /// Sending the bytes.
    pub upload_seconds: Option<f64>,
    /// Waiting for the jobs.
    pub job_seconds: Option<f64>,
    /// Reading back.
    pub verify_seconds: Option<f64>,
}

/// The JSON Schema of a receipt as it is written.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<Receipt>()
        .to_value();
    schema["$id"] = json!("receipt.schema.json");
    schema
}

#[cfg(test)]
mod tests {
    use super::{
        Attempt, ChangeKind, DestinationKind, How, JobReceipt, KeyRange, LoadState, Receipt,
        SchemaChange, Timings, Verification, schema,
    };
    use crate::config::{
        conform::conform,
        yaml::{Text, parse},
    };

    /// Every problem of a receipt that is written, by the walker that knows unknown keys from missing ones.
    fn problems(written: &str) -> Vec<String> {
        let text = Text {
            file: "step4_load_receipt.json",
            source: written,
            lines_before: 0,
        };
        let node = parse(&text).unwrap();
        match conform(&node, &schema(), &text) {
            Ok(_) => vec![],
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    fn written(receipt: &Receipt) -> String {
        serde_json::to_string_pretty(receipt).unwrap()
    }

    fn of_bigquery() -> Receipt {
        let attempt = |number: u32, state, reason: Option<&str>| Attempt {
            job_id: format!("dfpipe_00_a{number}"),
            state,
            reason: reason.map(str::to_owned),
            message: reason.map(|_| "Try again".to_owned()),
        };
        let job = JobReceipt {
            part: 1,
            state: LoadState::Loaded,
            job_id: Some("dfpipe_00_a1".to_owned()),
            attempts: vec![
                attempt(0, LoadState::Failed, Some("backendError")),
                attempt(1, LoadState::Loaded, None),
            ],
            how: Some(How::Adopted),
            keys: Some(KeyRange {
                columns: vec!["customer_id".to_owned()],
                first: vec![Some("c1".to_owned())],
                last: vec![None],
            }),
            rows: 2,
            bytes: 100,
            sha256: "00".to_owned(),
            job_rows: Some(2),
        };
        Receipt {
            kind: DestinationKind::BigQuery,
            destination: "p.d.t".to_owned(),
            console: Some("https://console.cloud.google.com/bigquery?project=p".to_owned()),
            load_id: Some("dfpipe_00_a1".to_owned()),
            run_id: "r".to_owned(),
            load_number: 1,
            partition: Some("run_date=2026-11-15".to_owned()),
            rows: 2,
            adopted: Some(true),
            jobs: vec![job],
            schema_changes: Some(vec![SchemaChange {
                column: "tier".to_owned(),
                change: ChangeKind::Added,
                kind: "STRING".to_owned(),
            }]),
            verified_rows: Some(2),
            verification: Verification::of(2, Some(2), Some(2)),
            timings: Timings {
                submitted_at: Some(chrono::DateTime::UNIX_EPOCH),
                upload_seconds: Some(0.25),
                ..Timings::default()
            },
            warnings: vec!["odd".to_owned()],
            ..Receipt::default()
        }
    }

    #[test]
    fn a_receipt_of_each_kind_is_what_its_schema_says() {
        let of_files = Receipt {
            adopted: Some(false),
            verification: Verification::of(2, None, Some(2)),
            ..Receipt::default()
        };
        let begun = Receipt {
            state: LoadState::Begun,
            adopted: None,
            verified_rows: None,
            ..of_bigquery()
        };
        for receipt in [of_files, begun, of_bigquery()] {
            assert_eq!(problems(&written(&receipt)), [""; 0]);
        }
        let wrong = written(&of_bigquery()).replacen("\"rows\": 2", "\"rows\": \"two\"", 1);
        assert_eq!(problems(&wrong).len(), 1);
        let more = written(&of_bigquery()).replacen("\"kind\"", "\"sort\"", 1);
        assert_eq!(
            problems(&more).len(),
            2,
            "an unknown key, and one that is missing"
        );
    }

    #[test]
    fn what_is_unknown_is_null_and_never_0() {
        let begun = serde_json::to_value(Receipt {
            state: LoadState::Begun,
            ..Receipt::default()
        });
        let begun = begun.unwrap();
        for pointer in [
            "/load_id",
            "/adopted",
            "/verified_rows",
            "/verification/job_rows",
            "/verification/counted_rows",
            "/verification/is_equal",
            "/timings/job_seconds",
            "/console",
            "/schema_changes",
        ] {
            let value = begun.pointer(pointer);
            assert!(value.is_some_and(serde_json::Value::is_null), "{pointer}");
        }
    }

    #[test]
    fn counts_are_equal_only_if_all_that_are_known_are() {
        for (jobs, counted, expected) in [
            (None, None, None),
            (Some(2), None, Some(true)),
            (Some(2), Some(2), Some(true)),
            (Some(2), Some(1), Some(false)),
            (Some(3), None, Some(false)),
        ] {
            let verification = Verification::of(2, jobs, counted);
            assert_eq!(verification.is_equal, expected, "{jobs:?} {counted:?}");
        }
    }

    #[test]
    fn a_receipt_of_an_older_version_is_read() {
        let old = r#"{"destination": "/w/t", "load_id": "/w/1", "run_id": "r", "run_date": "2020-01-01",
            "load_number": 7, "source_version": "", "rows": 2, "bytes": 100, "sha256": "",
            "adopted": false, "verified_rows": null, "warnings": []}"#;
        let receipt: Receipt = serde_json::from_str(old).unwrap();
        assert_eq!(receipt.kind, DestinationKind::Parquet);
        assert_eq!(
            (receipt.state, receipt.adopted),
            (LoadState::Loaded, Some(false))
        );
    }
}
