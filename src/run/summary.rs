//! What the report takes from the pipeline's own models: figures, charts, flow, refused records.

use std::collections::BTreeMap;

use datafusion::arrow::{
    array::{ArrayRef, AsArray, RecordBatch},
    compute::{can_cast_types, cast},
    datatypes::{DataType, Float64Type, Int64Type, SchemaRef},
};

use super::{
    Execution, Pipeline,
    record::{Bar, Chart, Figure, Flow, RejectCount},
    transform::quoted,
};
use crate::{
    error::{Error, Result},
    model::{Model, Project},
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

/// What the report reads of the model that holds the bars of the charts.
const CHARTS: &[(&str, DataType)] = &[
    ("chart", DataType::Utf8),
    ("position", DataType::Int64),
    ("label", DataType::Utf8),
    ("value", DataType::Float64),
];

/// What the report reads of the model that holds the flow of records.
const FLOW: &[(&str, DataType)] = &[
    ("position", DataType::Int64),
    ("origin", DataType::Utf8),
    ("target", DataType::Utf8),
    ("records", DataType::Int64),
    ("is_kept", DataType::Boolean),
];

/// What the report reads of the model that holds refused records.
const REFUSED: &[(&str, DataType)] = &[("source", DataType::Utf8), ("reason", DataType::Utf8)];

impl Execution<'_> {
    /// Takes the report's figures and pictures from the models that hold them.
    pub(super) async fn summarize(&mut self) -> Result<()> {
        let report = self.pipeline.config.report.clone();
        for batch in &self.rows_of(report.summary, "position").await? {
            self.record.summary.extend(figures(batch)?);
        }
        for batch in &self.rows_of(report.charts, "chart, position").await? {
            chart(&mut self.record.charts, batch)?;
        }
        for batch in &self.rows_of(report.flow, "position").await? {
            self.record.flow.extend(flow(batch)?);
        }
        let rejects = rejects(&self.pipeline.project);
        if let Some(model) = rejects.filter(|model| self.selected.contains(&model.name)) {
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

    /// All rows of a model that the report names, if it was built.
    async fn rows_of(&self, model: Option<String>, order: &str) -> Result<Vec<RecordBatch>> {
        match model.filter(|model| self.selected.contains(model)) {
            Some(model) => {
                let model = quoted(&model);
                self.rows(&format!("select * from {model} order by {order}"))
                    .await
            }
            None => Ok(vec![]),
        }
    }
}

/// The model whose rows are the refused records.
pub fn rejects(project: &Project) -> Option<&Model> {
    let mut models = project.models.iter();
    models.find(|model| model.header.save_as.as_deref() == Some(REJECTS))
}

/// Columns that the report takes from models and that these, whose shapes are `schemas`, lack.
pub(super) fn lacking(pipeline: &Pipeline, schemas: &BTreeMap<String, SchemaRef>) -> Vec<Error> {
    let report = &pipeline.config.report;
    let model = |name: &Option<String>| pipeline.project.model(name.as_deref()?);
    let wanted = [
        (model(&report.summary), SUMMARY),
        (model(&report.charts), CHARTS),
        (model(&report.flow), FLOW),
        (rejects(&pipeline.project), REFUSED),
    ];
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

/// Adds bars to the charts that they belong to; charts stand in the order of their titles.
fn chart(charts: &mut Vec<Chart>, batch: &RecordBatch) -> Result<()> {
    let (titles, labels) = (texts(batch, "chart")?, texts(batch, "label")?);
    let values = column(batch, "value", &DataType::Float64)?;
    let values = values.as_primitive::<Float64Type>().iter();
    for ((title, label), value) in titles.into_iter().zip(labels).zip(values) {
        let bar = Bar {
            label,
            value: value.unwrap_or_default(),
        };
        match charts.last_mut().filter(|chart| chart.title == title) {
            Some(chart) => chart.bars.push(bar),
            None => charts.push(Chart {
                title,
                bars: vec![bar],
            }),
        }
    }
    Ok(())
}

fn flow(batch: &RecordBatch) -> Result<Vec<Flow>> {
    let (origins, targets) = (texts(batch, "origin")?, texts(batch, "target")?);
    let records = column(batch, "records", &DataType::Int64)?;
    let records = records.as_primitive::<Int64Type>().values().iter();
    let is_kept = column(batch, "is_kept", &DataType::Boolean)?;
    let is_kept = is_kept.as_boolean().iter();
    let flows = origins.into_iter().zip(targets).zip(records).zip(is_kept);
    let flows = flows.map(|(((origin, target), records), is_kept)| Flow {
        origin,
        target,
        records: u64::try_from(*records).unwrap_or(0),
        is_kept: is_kept.unwrap_or(true),
    });
    Ok(flows.collect())
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

fn column(batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef> {
    let missing = || Error::usage(format!("the report needs a column `{name}`"));
    let array = batch.column_by_name(name).ok_or_else(missing)?;
    cast(array, kind).map_err(|error| missing().because(error))
}
