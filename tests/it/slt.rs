//! What SQL and functions mean: every file of `tests/sql/`.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use datafusion::{
    arrow::{
        array::RecordBatch,
        datatypes::DataType,
        util::display::{ArrayFormatter, FormatOptions},
    },
    error::DataFusionError,
    prelude::SessionContext,
};
use dfpipe_udfs::{UdfSettings, register_all};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner, runner::strict_column_validator};

use crate::support::artefacts;

#[tokio::test]
async fn every_file_says_what_sql_means() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql");
    let mut complaints = vec![];
    for file in sql_files(&folder) {
        let mut runner = Runner::new(async || Ok(Session::new()));
        runner.with_column_validator(strict_column_validator);
        if let Err(complaint) = runner.run_file_async(&file).await {
            complaints.push(complaint.display(false).to_string());
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn sql_files(folder: &Path) -> Vec<PathBuf> {
    let is_sql = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "slt");
    let files: Vec<_> = artefacts::files(folder)
        .into_iter()
        .filter(is_sql)
        .collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// A session with all functions, and the key that the files are written for.
struct Session(SessionContext);

impl Session {
    fn new() -> Self {
        let mut context = SessionContext::new();
        let settings = UdfSettings::new("dfpipe-fixtures-key");
        register_all(&mut context, &settings).expect("functions can be registered");
        Self(context)
    }
}

#[async_trait]
impl AsyncDB for Session {
    type Error = DataFusionError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, DataFusionError> {
        let frame = self.0.sql(sql).await?;
        let fields = frame.schema().fields().iter();
        let types: Vec<_> = fields.map(|field| column_type(field.data_type())).collect();
        let batches = frame.collect().await?;
        if types.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let mut rows = vec![];
        for batch in &batches {
            rows.extend(texts(batch)?);
        }
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}
}

fn column_type(kind: &DataType) -> DefaultColumnType {
    match kind {
        kind if kind.is_integer() => DefaultColumnType::Integer,
        kind if kind.is_numeric() => DefaultColumnType::FloatingPoint,
        kind if kind.is_string() => DefaultColumnType::Text,
        _ => DefaultColumnType::Any,
    }
}

fn texts(batch: &RecordBatch) -> Result<Vec<Vec<String>>, DataFusionError> {
    let options = FormatOptions::default().with_null("NULL");
    let columns = batch.columns().iter();
    let columns = columns.map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let cell = |column: &ArrayFormatter<'_>, row| match column.value(row).to_string() {
        text if text.is_empty() => "(empty)".to_owned(),
        text => text,
    };
    let rows = 0..batch.num_rows();
    Ok(rows
        .map(|row| columns.iter().map(|column| cell(column, row)).collect())
        .collect())
}
