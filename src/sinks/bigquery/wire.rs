//! BigQuery's REST resources, as far as they are read or written here.
//!
//! Our own, because the client library's load configuration lacks `parquetOptions`, and its closed list
//! of column types cannot read a table that has others.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// A job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Job {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_reference: Option<JobReference>,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<JobConfiguration>,
    /// How it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<JobStatus>,
    /// What it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<JobStatistics>,
}

impl Job {
    /// Its id, if it tells.
    pub fn id(&self) -> &str {
        let reference = self.job_reference.as_ref();
        reference.map_or("", |reference| reference.job_id.as_str())
    }

    /// The label `name`.
    pub fn label(&self, name: &str) -> Option<&str> {
        let labels = &self.configuration.as_ref()?.labels;
        labels.get(name).map(String::as_str)
    }

    /// `PENDING`, `RUNNING` or `DONE`.
    pub fn state(&self) -> &str {
        self.status.as_ref().map_or("", |status| &status.state)
    }

    /// Why it failed, if it did.
    pub fn error(&self) -> Option<&ErrorProto> {
        self.status.as_ref()?.error_result.as_ref()
    }

    /// What a load did.
    pub fn load(&self) -> Option<&LoadStatistics> {
        self.statistics.as_ref()?.load.as_ref()
    }
}

/// The name of a job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobReference {
    /// The project.
    pub project_id: String,
    /// The job.
    pub job_id: String,
    /// Where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// What a job does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobConfiguration {
    /// Whose it is.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// A load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadConfiguration>,
}

/// A load.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadConfiguration {
    /// Into which table.
    pub destination_table: TableReference,
    /// With which columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<TableSchema>,
    /// From which files, unless they are uploaded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_uris: Vec<String>,
    /// `PARQUET`.
    pub source_format: String,
    /// `WRITE_APPEND`.
    pub write_disposition: String,
    /// `CREATE_NEVER`.
    pub create_disposition: String,
    /// How the table's columns may change with the load.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schema_update_options: Vec<String>,
    /// What decimals may become.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decimal_target_types: Vec<String>,
    /// How Parquet is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parquet_options: Option<ParquetOptions>,
}

/// How Parquet is read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ParquetOptions {
    /// Without it, lists arrive empty.
    pub enable_list_inference: bool,
}

/// How a job stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobStatus {
    /// `PENDING`, `RUNNING` or `DONE`.
    pub state: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_result: Option<ErrorProto>,
    /// All that was odd; alone it means no failure.
    pub errors: Vec<ErrorProto>,
}

/// Something that went wrong.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorProto {
    /// Its short name, which decides what is done.
    pub reason: String,
    /// Where, such as a column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// In words.
    pub message: String,
}

/// What a job did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobStatistics {
    /// When it was made, in milliseconds since 1970.
    #[serde(deserialize_with = "count", skip_serializing_if = "Option::is_none")]
    pub creation_time: Option<u64>,
    /// When it began.
    #[serde(deserialize_with = "count", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<u64>,
    /// When it ended.
    #[serde(deserialize_with = "count", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<u64>,
    /// What a load did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadStatistics>,
}

/// What a load did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadStatistics {
    /// Rows that it appended.
    #[serde(deserialize_with = "count", skip_serializing_if = "Option::is_none")]
    pub output_rows: Option<u64>,
    /// Bytes that it appended.
    #[serde(deserialize_with = "count", skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
}

/// The name of a table.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct TableReference {
    /// The project.
    pub project_id: String,
    /// The dataset.
    pub dataset_id: String,
    /// The table.
    pub table_id: String,
}

/// A table or view.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Table {
    /// Its name.
    pub table_reference: TableReference,
    /// `TABLE`, `VIEW` and others.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Changes with every change of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Where it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// For readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<TableSchema>,
    /// How it is partitioned by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_partitioning: Option<TimePartitioning>,
    /// How it is partitioned by numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_partitioning: Option<Value>,
    /// How rows lie together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clustering: Option<Clustering>,
    /// The query of a view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// Rows that it has.
    #[serde(deserialize_with = "count", skip_serializing_if = "Option::is_none")]
    pub num_rows: Option<u64>,
}

/// The columns of a table.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct TableSchema {
    /// The columns, in order.
    pub fields: Vec<FieldSchema>,
}

/// A column. What is not known here is kept as it came, so that sending a schema back loses nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct FieldSchema {
    /// Its name.
    pub name: String,
    /// Its type, such as `INTEGER`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `NULLABLE`, `REQUIRED` or `REPEATED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// For readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Digits of a decimal.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// Digits behind its point.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub scale: Option<String>,
    /// The columns of a record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldSchema>,
    /// All else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How a table is partitioned by time.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct TimePartitioning {
    /// `DAY` and others.
    #[serde(rename = "type")]
    pub kind: String,
    /// By which column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Milliseconds after which a partition is removed.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub expiration_ms: Option<String>,
}

/// How rows lie together.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Clustering {
    /// By which columns.
    pub fields: Vec<String>,
}

/// The query of a view.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct View {
    /// The query.
    pub query: String,
    /// Whether it is not standard SQL.
    pub use_legacy_sql: bool,
}

/// A 64-bit number, which JSON carries as text.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = text(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) => Some(text),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Job, Table};

    #[test]
    fn a_column_keeps_what_is_not_known_here() {
        let said = json!({
            "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "t"},
            "schema": {"fields": [{
                "name": "period", "type": "RANGE", "mode": "NULLABLE",
                "rangeElementType": {"type": "DATE"}, "policyTags": {"names": ["x"]},
            }]},
        });
        let table: Table = serde_json::from_value(said.clone()).unwrap();
        assert_eq!(serde_json::to_value(table).unwrap(), said);
    }

    #[test]
    fn numbers_are_read_from_text_and_absent_ones_are_not_zero() {
        let job: Job = serde_json::from_value(json!({
            "status": {"state": "DONE"},
            "statistics": {"load": {"outputRows": "4"}},
        }))
        .unwrap();
        assert_eq!(job.load().unwrap().output_rows, Some(4));
        assert_eq!(job.load().unwrap().output_bytes, None);
        assert_eq!((job.state(), job.id()), ("DONE", ""));
    }
}
