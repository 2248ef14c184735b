//! All runs as tables: `history.runs`, `history.models`, `history.checks`, `history.sources`, `history.receipts`.

use std::sync::Arc;

use datafusion::arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    json::ReaderBuilder,
};
use serde_json::{Map, Value, json};

use super::HISTORY;
use crate::{
    config::Config,
    engine::Engine,
    error::{Error, Result},
    run::{history, record::RunRecord},
};

/// A table: its name, its columns after the run's, and its rows.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Type)],
    rows: fn(&RunRecord) -> Vec<Value>,
}

#[derive(Clone, Copy)]
enum Type {
    Text,
    Count,
    Number,
    Truth,
    Date,
    Time,
}

const TABLES: [Table; 5] = [
    Table {
        name: "runs",
        columns: &[
            ("pipeline", Type::Text),
            ("profile", Type::Text),
            ("status", Type::Text),
            ("as_of", Type::Time),
            ("window_start", Type::Time),
            ("window_end", Type::Time),
            ("started_at", Type::Time),
            ("finished_at", Type::Time),
            ("seconds", Type::Number),
            ("records", Type::Count),
            ("source_version", Type::Text),
            ("failure", Type::Text),
            ("peak_memory", Type::Count),
            ("folder", Type::Text),
        ],
        rows: runs,
    },
    Table {
        name: "models",
        columns: &[
            ("position", Type::Count),
            ("model", Type::Text),
            ("version", Type::Count),
            ("fingerprint", Type::Text),
            ("rows", Type::Count),
            ("bytes", Type::Count),
            ("sha256", Type::Text),
            ("seconds", Type::Number),
            ("peak_memory", Type::Count),
            ("spilled_bytes", Type::Count),
        ],
        rows: models,
    },
    Table {
        name: "checks",
        columns: &[
            ("check", Type::Text),
            ("description", Type::Text),
            ("severity", Type::Text),
            ("bad_rows", Type::Count),
            ("passed", Type::Truth),
        ],
        rows: checks,
    },
    Table {
        name: "sources",
        columns: &[
            ("source", Type::Text),
            ("kind", Type::Text),
            ("origin", Type::Text),
            ("records", Type::Count),
            ("rows", Type::Count),
            ("rejected", Type::Count),
            ("dead_lettered", Type::Count),
            ("seconds", Type::Number),
        ],
        rows: sources,
    },
    Table {
        name: "receipts",
        columns: &[
            ("destination", Type::Text),
            ("load_id", Type::Text),
            ("load_number", Type::Count),
            ("rows", Type::Count),
            ("verified_rows", Type::Count),
            ("bytes", Type::Count),
            ("sha256", Type::Text),
            ("source_version", Type::Text),
            ("adopted", Type::Truth),
        ],
        rows: receipts,
    },
];

/// The names of the tables.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|table| table.name)
}

/// Opens them: as the runs are now.
pub async fn open(engine: &Engine, config: &Config) -> Result<()> {
    let runs = history::list(config, usize::MAX).await?.runs;
    engine.create_schema(HISTORY)?;
    for table in &TABLES {
        let mut rows = vec![];
        for run in &runs {
            for row in (table.rows)(run) {
                let mut all = Map::new();
                all.insert("run_id".to_owned(), json!(run.run_id));
                all.insert("run_date".to_owned(), json!(run.run_date));
                all.extend(row.as_object().cloned().unwrap_or_default());
                rows.push(Value::Object(all));
            }
        }
        let schema = schema(table);
        let batch = batch(&schema, &rows)?;
        let name = format!("{HISTORY}.{}", table.name);
        engine.register_rows(&name, schema, vec![batch])?;
    }
    Ok(())
}

fn schema(table: &Table) -> SchemaRef {
    let first = [("run_id", Type::Text), ("run_date", Type::Date)];
    let columns = first.iter().chain(table.columns);
    let fields = columns.map(|(name, kind)| {
        let kind = match kind {
            Type::Text => DataType::Utf8,
            Type::Count => DataType::Int64,
            Type::Number => DataType::Float64,
            Type::Truth => DataType::Boolean,
            Type::Date => DataType::Date32,
            Type::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        };
        Field::new(*name, kind, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn batch(schema: &SchemaRef, rows: &[Value]) -> Result<RecordBatch> {
    let odd = |error: datafusion::arrow::error::ArrowError| {
        Error::bug("the history is no table").because(error)
    };
    let mut decoder = ReaderBuilder::new(Arc::clone(schema))
        .with_batch_size(rows.len().max(1))
        .build_decoder()
        .map_err(odd)?;
    decoder.serialize(rows).map_err(odd)?;
    let batch = decoder.flush().map_err(odd)?;
    Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(schema))))
}

fn runs(run: &RunRecord) -> Vec<Value> {
    let records: u64 = run.sources.iter().map(|source| source.records).sum();
    vec![json!({
        "pipeline": run.pipeline,
        "profile": run.profile,
        "status": run.status,
        "as_of": run.as_of,
        "window_start": run.window_start,
        "window_end": run.window_end,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "seconds": run.seconds(),
        "records": records,
        "source_version": run.source_version,
        "failure": run.failure.as_ref().map(|failure| failure.message.as_str()),
        "peak_memory": run.peak_memory,
        "folder": run.folder,
    })]
}

fn models(run: &RunRecord) -> Vec<Value> {
    let models = run.models.iter().zip(1_u64..);
    let models = models.map(|(model, position)| {
        json!({
            "position": position,
            "model": model.name,
            "version": model.version,
            "fingerprint": model.fingerprint,
            "rows": model.file.rows,
            "bytes": model.file.bytes,
            "sha256": model.file.sha256,
            "seconds": model.seconds,
            "peak_memory": model.peak_memory,
            "spilled_bytes": model.spill.bytes,
        })
    });
    models.collect()
}

fn checks(run: &RunRecord) -> Vec<Value> {
    let checks = run.checks.iter().map(|check| {
        json!({
            "check": check.name,
            "description": check.description,
            "severity": check.severity,
            "bad_rows": check.bad_rows,
            "passed": check.passed(),
        })
    });
    checks.collect()
}

fn sources(run: &RunRecord) -> Vec<Value> {
    let sources = run.sources.iter().map(|source| {
        json!({
            "source": source.name,
            "kind": source.kind,
            "origin": source.origin,
            "records": source.records,
            "rows": source.rows,
            "rejected": source.rejected,
            "dead_lettered": source.dead_lettered,
            "seconds": source.seconds,
        })
    });
    sources.collect()
}

fn receipts(run: &RunRecord) -> Vec<Value> {
    let receipts = run.load.iter().map(|load| {
        let receipt = &load.receipt;
        json!({
            "destination": receipt.destination,
            "load_id": receipt.load_id,
            "load_number": receipt.load_number,
            "rows": receipt.rows,
            "verified_rows": receipt.verified_rows,
            "bytes": receipt.bytes,
            "sha256": receipt.sha256,
            "source_version": receipt.source_version,
            "adopted": receipt.adopted,
        })
    });
    receipts.collect()
}
