//! The columns that every loaded row gets: which run, which date, which load, which SQL.

use std::sync::Arc;

use datafusion::arrow::{
    array::{
        ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field, Schema, TimeUnit},
    error::ArrowError,
};

use super::Load;

/// Names of the metadata columns, in their order behind the model's own.
pub const COLUMNS: [&str; 6] = [
    "run_id",
    "run_timestamp",
    "run_date",
    "load_number",
    "source_version",
    "record_count",
];

/// The schema of loaded rows.
pub fn schema(model: &Schema) -> Schema {
    let moment = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let kinds = [
        DataType::Utf8,
        moment,
        DataType::Date32,
        DataType::Int64,
        DataType::Utf8,
        DataType::Int64,
    ];
    let own = model.fields().iter().map(|field| field.as_ref().clone());
    let added = COLUMNS
        .iter()
        .zip(kinds)
        .map(|(name, kind)| Field::new(*name, kind, false));
    Schema::new(own.chain(added).collect::<Vec<_>>())
}

/// `batch` with its metadata columns.
pub fn extend(
    batch: &RecordBatch,
    schema: &Arc<Schema>,
    load: &Load,
) -> Result<RecordBatch, ArrowError> {
    let rows = batch.num_rows();
    let days = load
        .run_date
        .signed_duration_since(chrono::NaiveDate::default())
        .num_days();
    let days = i32::try_from(days).map_err(|error| ArrowError::CastError(error.to_string()))?;
    let count = i64::try_from(load.rows).unwrap_or(i64::MAX);
    let moment = TimestampMicrosecondArray::from(vec![load.run_timestamp.timestamp_micros(); rows]);
    let added: [ArrayRef; 6] = [
        Arc::new(StringArray::from(vec![load.run_id.as_str(); rows])),
        Arc::new(moment.with_timezone("UTC")),
        Arc::new(Date32Array::from(vec![days; rows])),
        Arc::new(Int64Array::from(vec![i64::from(load.load_number); rows])),
        Arc::new(StringArray::from(vec![load.source_version.as_str(); rows])),
        Arc::new(Int64Array::from(vec![count; rows])),
    ];
    let columns = batch.columns().iter().cloned().chain(added).collect();
    RecordBatch::try_new(Arc::clone(schema), columns)
}
