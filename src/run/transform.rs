//! The step that builds the models, and what the report takes from them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use datafusion::arrow::{
    array::{AsArray, RecordBatch},
    compute::{can_cast_types, cast},
    datatypes::{DataType, Float64Type, Int64Type, SchemaRef},
};
use serde_json::{Value, json};

use super::{
    Event, Execution, Pipeline,
    record::{Figure, ModelRecord, RejectCount, seconds},
};
use crate::{
    engine::DEAD_LETTERS,
    error::{Error, Result},
    model::{File, Model, Sql},
};

/// The copy that holds refused records; the report counts them by reason.
const REJECTS: &str = "rejects.parquet";

/// What the report reads of the summary's model.
const SUMMARY: &[(&str, DataType)] = &[
    ("position", DataType::Int64),
    ("metric", DataType::Utf8),
    ("label", DataType::Utf8),
    ("value", DataType::Float64),
    ("unit", DataType::Utf8),
];

/// What the report reads of the model that holds refused records.
const REFUSED: &[(&str, DataType)] = &[("source", DataType::Utf8), ("reason", DataType::Utf8)];

/// The copy that holds unreadable records.
const DEAD_LETTERS_FILE: &str = "dead_letters.parquet";

impl Execution<'_> {
    /// Builds the selected models, each after all that it reads.
    pub(super) async fn transform(&mut self, selected: &BTreeSet<String>) -> Result<()> {
        self.progress.report(Event::Step("transform"));
        let pipeline = self.pipeline;
        for model in pipeline
            .project
            .models
            .iter()
            .filter(|model| selected.contains(&model.name))
        {
            let record = self.build(model).await?;
            self.progress.report(Event::Built {
                model: model.name.clone(),
                rows: record.file.rows,
            });
            self.record.models.push(record);
        }
        self.copy_dead_letters().await?;
        self.save_copies(selected).await?;
        self.summarize(selected).await
    }

    async fn build(&self, model: &Model) -> Result<ModelRecord> {
        let began = self.clock.now();
        let path = self.folder.model(&model.name);
        let (file, spill) = self.engine.build(model, &self.parameters, &path).await?;
        self.engine.register_parquet(&model.name, &path).await?;
        Ok(ModelRecord {
            name: model.name.clone(),
            source: model.sql.file.name.clone(),
            version: model.header.version,
            fingerprint: model.fingerprint.clone(),
            save_as: model.header.save_as.clone(),
            file,
            spill,
            seconds: seconds(began, self.clock.now()),
        })
    }

    async fn copy_dead_letters(&self) -> Result<()> {
        let target = self.folder.path().join(DEAD_LETTERS_FILE);
        let query = format!("select * from {DEAD_LETTERS} order by source, part, position");
        let mut rows = self.engine.query(&sql(&query)?, &self.parameters).await?;
        let mut file = crate::table_file::ParquetFile::create(&target, &rows.schema, &[])?;
        while let Some(batch) = rows.next().await {
            file.write(&batch?)?;
        }
        file.finish()?;
        only_owner(&target)
    }

    async fn save_copies(&self, selected: &BTreeSet<String>) -> Result<()> {
        for model in &self.pipeline.project.models {
            let Some(name) = &model.header.save_as else {
                continue;
            };
            if !selected.contains(&model.name) {
                continue;
            }
            if Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let document = self.decisions(model).await?;
                self.folder.write_json(name, &document)?;
            } else {
                let target = self.folder.path().join(name);
                link(&self.folder.model(&model.name), &target).map_err(|error| {
                    Error::outside(format!("`{name}` cannot be written")).because(error)
                })?;
            }
        }
        Ok(())
    }

    /// The rows of `model` in their order, and by which SQL they came about.
    async fn decisions(&self, model: &Model) -> Result<Value> {
        let order = match model.header.key.as_slice() {
            [] => String::new(),
            key => {
                let key: Vec<_> = key.iter().map(|column| quoted(column)).collect();
                format!(" order by {}", key.join(", "))
            }
        };
        let rows = self
            .rows(&format!("select * from {}{order}", quoted(&model.name)))
            .await?;
        let mut decisions: Vec<Value> = vec![];
        for batch in &rows {
            decisions.extend(as_json(batch)?);
        }
        let models = self.pipeline.project.models.iter().map(|model| {
            json!({
                "model": model.name,
                "file": model.sql.file.name,
                "version": model.header.version,
                "fingerprint": model.fingerprint,
                "formula": model.header.formula,
            })
        });
        Ok(json!({
            "pipeline": self.record.pipeline,
            "run_date": self.record.run_date,
            "as_of": self.record.as_of,
            "window_start": self.record.window_start,
            "source_version": self.record.source_version,
            "decisions": decisions,
            "models": models.collect::<Vec<_>>(),
        }))
    }

    /// Takes the report's figures from the models that hold them.
    async fn summarize(&mut self, selected: &BTreeSet<String>) -> Result<()> {
        let built = |name: &&String| selected.contains(*name);
        if let Some(summary) = self.pipeline.config.summary_model.as_ref().filter(built) {
            let rows = self
                .rows(&format!(
                    "select * from {} order by position",
                    quoted(summary)
                ))
                .await?;
            for batch in &rows {
                self.record.summary.extend(figures(batch)?);
            }
        }
        let rejects = rejects(self.pipeline);
        if let Some(model) = rejects.filter(|model| selected.contains(&model.name)) {
            let query = format!(
                "select source, reason, count(*) as records from {} group by source, reason \
                 order by source, reason",
                quoted(&model.name)
            );
            for batch in &self.rows(&query).await? {
                self.record.rejects.extend(reject_counts(batch)?);
            }
        }
        Ok(())
    }

    async fn rows(&self, query: &str) -> Result<Vec<RecordBatch>> {
        self.engine
            .query(&sql(query)?, &self.parameters)
            .await?
            .collect()
            .await
    }
}

/// The model whose rows are the refused records.
fn rejects(pipeline: &Pipeline) -> Option<&Model> {
    let mut models = pipeline.project.models.iter();
    models.find(|model| model.header.save_as.as_deref() == Some(REJECTS))
}

/// Columns that the report takes from models and that these, whose shapes are `schemas`, lack.
pub(super) fn lacking(pipeline: &Pipeline, schemas: &BTreeMap<String, SchemaRef>) -> Vec<Error> {
    let summary = pipeline.config.summary_model.as_ref();
    let summary = summary.and_then(|name| pipeline.project.model(name));
    let wanted = [(summary, SUMMARY), (rejects(pipeline), REFUSED)];
    let mut problems = vec![];
    for (model, columns) in wanted {
        let Some(model) = model else { continue };
        let Some(schema) = schemas.get(&model.name) else {
            continue;
        };
        for (name, kind) in columns {
            let found = schema.column_with_name(name);
            if found.is_none_or(|(_, field)| !can_cast_types(field.data_type(), kind)) {
                let message = format!("the report needs a column `{name}` of `{}`", model.name);
                let names = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>();
                let hint = format!("it reads: {}", names.join(", "));
                let place = model.sql.begin();
                problems.push(Error::usage(message).at(place).with_hint(hint));
            }
        }
    }
    problems
}

/// Gives a finished file a second name. Never writes through a file that exists: it may be the same.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    match fs_err::hard_link(from, to) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::Unsupported
                    | io::ErrorKind::CrossesDevices
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::TooManyLinks
            ) =>
        {
            let mut source = fs_err::File::open(from)?;
            let mut target = fs_err::File::create_new(to)?;
            io::copy(&mut source, &mut target)?;
            target.sync_all()
        }
        linked => linked,
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A query of the engine's own.
fn sql(query: &str) -> Result<Sql> {
    Sql::parse(File {
        path: "dfpipe".into(),
        name: "dfpipe".into(),
        text: query.to_owned(),
    })
}

fn figures(batch: &RecordBatch) -> Result<Vec<Figure>> {
    let (metrics, labels) = (texts(batch, "metric")?, texts(batch, "label")?);
    let units = texts(batch, "unit")?;
    let values = column(batch, "value", &DataType::Float64)?;
    let values = values.as_primitive::<Float64Type>().iter();
    let names = metrics.into_iter().zip(labels).zip(units);
    let figures = names
        .zip(values)
        .map(|(((metric, label), unit), value)| Figure {
            metric,
            label,
            value,
            unit,
        });
    Ok(figures.collect())
}

fn reject_counts(batch: &RecordBatch) -> Result<Vec<RejectCount>> {
    let (sources, reasons) = (texts(batch, "source")?, texts(batch, "reason")?);
    let records = column(batch, "records", &DataType::Int64)?;
    let records = records.as_primitive::<Int64Type>().values().iter();
    let counts =
        sources
            .into_iter()
            .zip(reasons)
            .zip(records)
            .map(|((source, reason), records)| RejectCount {
                source,
                reason,
                records: u64::try_from(*records).unwrap_or(0),
            });
    Ok(counts.collect())
}

fn texts(batch: &RecordBatch, name: &str) -> Result<Vec<String>> {
    let array = column(batch, name, &DataType::Utf8)?;
    Ok(array
        .as_string::<i32>()
        .iter()
        .map(|text| text.unwrap_or_default().to_owned())
        .collect())
}

fn column(
    batch: &RecordBatch,
    name: &str,
    kind: &DataType,
) -> Result<datafusion::arrow::array::ArrayRef> {
    let missing = || Error::usage(format!("the report needs a column `{name}`"));
    let array = batch.column_by_name(name).ok_or_else(missing)?;
    cast(array, kind).map_err(|error| missing().because(error))
}

fn as_json(batch: &RecordBatch) -> Result<Vec<Value>> {
    let odd = |error: &dyn std::fmt::Display| Error::bug("rows cannot be JSON").because(error);
    let mut writer = datafusion::arrow::json::ArrayWriter::new(Vec::new());
    writer
        .write(batch)
        .and_then(|()| writer.finish())
        .map_err(|error| odd(&error))?;
    let bytes = writer.into_inner();
    if bytes.is_empty() {
        return Ok(vec![]);
    }
    serde_json::from_slice(&bytes).map_err(|error| odd(&error))
}

#[cfg(unix)]
fn only_owner(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|error| Error::outside("a file cannot be protected").because(error))
}

#[cfg(not(unix))]
fn only_owner(_path: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn a_copy_never_writes_through_a_file_that_exists() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs_err::write(path("a"), "first").unwrap();
        fs_err::write(path("b"), "second").unwrap();
        link(&path("a"), &path("copy")).unwrap();
        let error = link(&path("b"), &path("copy")).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(fs_err::read_to_string(path("a")).unwrap(), "first");
    }
}
