//! Types the whole pipeline from declared schemas: no data, no network, all problems at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use datafusion::arrow::datatypes::{Schema, SchemaRef};

use super::{Engine, catalog::engine_tables, columns, diagnostics::explain, plan::ordered};
use crate::{
    config::Config,
    error::{Error, Result, did_you_mean},
    model::{BuiltinCheck, Model, Parameters, Project},
    sources::source_schema,
    table_file::stored,
};

/// What a checked pipeline is: the shapes of its models, and what is wrong with the others.
#[derive(Debug)]
pub struct Checked {
    /// The columns of each model that is well, by its name.
    pub schemas: BTreeMap<String, SchemaRef>,
    /// All that is wrong.
    pub problems: Vec<Error>,
}

/// Checks all models of `project` and the files of its checks.
pub async fn check(
    config: &Config,
    project: &Project,
    parameters: &Parameters,
    engine: &Engine,
) -> Result<Checked> {
    for source in config.sources.values() {
        engine.register_shape(&source.name, source_schema(source).into())?;
    }
    for (name, schema) in engine_tables() {
        engine.register_shape(name, schema)?;
    }
    let mut problems = vec![];
    let mut broken: BTreeSet<&str> = BTreeSet::new();
    let mut schemas = BTreeMap::new();
    for model in &project.models {
        // A model above a broken one would only repeat its problem.
        if model
            .sql
            .reads
            .iter()
            .any(|read| broken.contains(read.table.as_str()))
        {
            broken.insert(&model.name);
            continue;
        }
        match check_model(engine, model, parameters).await {
            Ok(schema) => _ = schemas.insert(model.name.clone(), schema),
            Err(error) => {
                broken.insert(&model.name);
                problems.push(error);
            }
        }
    }
    for check in &project.checks {
        if check
            .sql
            .reads
            .iter()
            .any(|read| broken.contains(read.table.as_str()))
        {
            continue;
        }
        let planned = match engine.plan(&check.sql, parameters).await {
            Ok(plan) => {
                // Bad rows are kept in a file as models are.
                let schema = stored(plan.schema().as_arrow());
                problems.extend(columns::problems(&check.sql, &schema));
                engine.verify(&plan, &check.sql).await
            }
            Err(error) => Err(error),
        };
        problems.extend(planned.err());
    }
    problems.extend(settings(config, project));
    Ok(Checked { schemas, problems })
}

async fn check_model(engine: &Engine, model: &Model, parameters: &Parameters) -> Result<SchemaRef> {
    let plan = engine.plan(&model.sql, parameters).await?;
    let schema: SchemaRef = Arc::new(stored(plan.schema().as_arrow()));
    let problems = columns::problems(&model.sql, &schema);
    let problems = problems.into_iter().chain(unknown_columns(model, &schema));
    if let Some(error) = Error::all(problems) {
        return Err(error);
    }
    let plan = ordered(plan, &model.header.key).map_err(|error| explain(&error, &model.sql))?;
    engine.verify(&plan, &model.sql).await?;
    engine.register_shape(&model.name, SchemaRef::clone(&schema))?;
    Ok(schema)
}

/// Columns that the front matter names and the select does not give.
fn unknown_columns(model: &Model, schema: &Schema) -> Vec<Error> {
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    let checks = model.header.checks.iter();
    let checks = checks.flat_map(BuiltinCheck::columns);
    let mentioned: BTreeSet<&String> = model.header.key.iter().chain(checks).collect();
    let unknown = mentioned
        .into_iter()
        .filter(|column| names().all(|name| name != *column));
    let file = &model.sql.file;
    unknown
        .map(|column| {
            let message = format!(
                "the front matter names a column that the select does not give: `{column}`"
            );
            let hint = match did_you_mean(column, names()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!(
                    "the columns are: {}",
                    names().collect::<Vec<_>>().join(", ")
                ),
            };
            Error::usage(message)
                .at(first_mention(&file.name, &file.text, column))
                .with_hint(hint)
        })
        .collect()
}

fn first_mention(file: &str, text: &str, word: &str) -> crate::error::Place {
    let position = text.find(word).unwrap_or(0);
    let before = &text[..position];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    crate::error::Place::new(file, text, line, column, word.chars().count())
}

/// Models that the configuration names.
fn settings(config: &Config, project: &Project) -> Vec<Error> {
    let names = || project.models.iter().map(|model| model.name.as_str());
    let wanted = [
        ("destination.model", Some(config.destination.model.as_str())),
        ("report.summary", config.report.summary.as_deref()),
        ("report.charts", config.report.charts.as_deref()),
        ("report.flow", config.report.flow.as_deref()),
    ];
    let unknown = wanted
        .into_iter()
        .filter_map(|(key, name)| Some((key, name?)));
    unknown
        .filter(|(_, wanted)| names().all(|name| name != *wanted))
        .map(|(key, name)| {
            let error = Error::usage(format!(
                "`{key}` names a model that does not exist: `{name}`"
            ));
            match did_you_mean(name, names()) {
                Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
                None => error.with_hint("see the files below `sql/`"),
            }
        })
        .collect()
}
