//! Types the whole pipeline from declared schemas: no data, no network, all problems at once.
//!
//! Apart, one rule a file: what makes bytes depend on [`chance`] and on [`floats`], what of the
//! [`loaded`] columns does not reach the destination, which parts of times ([`moments`]) there are not, where
//! [`personal`] data would leave the run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use datafusion::{
    arrow::datatypes::{Schema, SchemaRef},
    logical_expr::LogicalPlan,
};

use super::{
    Engine,
    catalog::engine_tables,
    columns,
    diagnostics::explain,
    order::ordered,
    typing::{Typer, Typing},
};
use crate::{
    config::Config,
    error::{Error, Result, did_you_mean},
    model::{
        BuiltinCheck, Model, Parameters, Project, Sql, SqlCheck, habits, select::with_ancestors,
    },
    sources::source_schema,
    table_file::stored,
};

mod chance;
mod floats;
mod loaded;
mod moments;
mod personal;
#[cfg(test)]
mod tests;

pub use loaded::{RECORDED, record};
pub use personal::{Followed, Masks};

/// What a checked pipeline is: the shapes of its models, and what is wrong with the others.
#[derive(Debug)]
pub struct Checked {
    /// The columns of each model that is well, by its name.
    pub schemas: BTreeMap<String, SchemaRef>,
    /// All that is wrong.
    pub problems: Vec<Error>,
    /// What is to be said, and stops nothing.
    pub notes: Vec<Error>,
    /// The personal data in the tables.
    pub personal: Followed,
}

/// Checks all models of `project` and the files of its checks.
pub async fn check(
    config: &Config,
    project: &Project,
    parameters: &Parameters,
    engine: &Engine,
) -> Result<Checked> {
    register_declared(config, engine)?;
    let mut checking = Checking {
        parameters,
        engine,
        typer: Typer::new(engine),
        must_repeat: with_ancestors(&project.models, &config.destination.model),
        broken: project.left_out.iter().map(String::as_str).collect(),
        followed: Followed::new(config),
        schemas: BTreeMap::new(),
        planned: vec![],
        problems: vec![],
    };
    for model in &project.models {
        checking.model(model).await;
    }
    for check in &project.checks {
        checking.file(check).await;
    }
    checking.type_to_the_end().await;
    let Checking {
        followed,
        schemas,
        mut problems,
        ..
    } = checking;
    problems.extend(followed.problems(config, project));
    let mut notes = vec![];
    // What files that cannot be read would use, nobody knows.
    if project.left_out.is_empty() {
        problems.extend(settings(config, project));
        let (wrong, said) = habits(project, config, |model| schemas.contains_key(model));
        problems.extend(wrong);
        notes = said;
    }
    let loaded = project.model(&config.destination.model);
    if let Some((model, schema)) = loaded.and_then(|it| Some((it, schemas.get(&it.name)?))) {
        problems.extend(loaded::problems(model, schema));
        if let Some(recorded) = &project.recorded {
            let (wrong, new) = loaded::compare(model, schema, recorded);
            problems.extend(wrong);
            notes.extend(new);
        }
    }
    Ok(Checked {
        schemas,
        problems,
        notes,
        personal: followed,
    })
}

/// The columns of `models` alone, each after all that it reads: for who asks few of them and wants to know soon.
pub async fn shapes<'a>(
    config: &Config,
    models: impl IntoIterator<Item = &'a Model>,
    parameters: &Parameters,
    engine: &Engine,
) -> Result<BTreeMap<String, SchemaRef>> {
    register_declared(config, engine)?;
    let mut schemas = BTreeMap::new();
    for model in models {
        let (schema, _) = shape(engine, model, parameters).await?;
        engine.register_shape(&model.name, SchemaRef::clone(&schema))?;
        schemas.insert(model.name.clone(), schema);
    }
    Ok(schemas)
}

/// Registers what models are made of, without rows.
fn register_declared(config: &Config, engine: &Engine) -> Result<()> {
    for source in config.sources.values() {
        engine.register_shape(&source.name, source_schema(source).into())?;
    }
    for (name, schema) in engine_tables() {
        engine.register_shape(name, schema)?;
    }
    Ok(())
}

/// What is known so far.
struct Checking<'a> {
    parameters: &'a Parameters,
    engine: &'a Engine,
    typer: Typer,
    /// The loaded model and all that it reads: their bytes must not depend on chance.
    must_repeat: BTreeSet<String>,
    broken: BTreeSet<&'a str>,
    followed: Followed,
    schemas: BTreeMap<String, SchemaRef>,
    /// The plans that could be made.
    planned: Vec<Planned<'a>>,
    problems: Vec<Error>,
}

/// A plan that is still to be typed to its end.
struct Planned<'a> {
    sql: &'a Sql,
    /// The model that it makes.
    model: Option<&'a str>,
    typing: Typing,
    /// How many problems were known before it: those of its own stand there.
    before: usize,
}

impl<'a> Checking<'a> {
    async fn model(&mut self, model: &'a Model) {
        // A model above a broken one would only repeat its problem.
        if self.reads_broken(&model.sql) {
            self.broken.insert(&model.name);
            return;
        }
        let must_repeat = self.must_repeat.contains(&model.name);
        let state = self.engine.context.state_ref();
        let mut chance = vec![];
        if must_repeat {
            chance.extend(chance::problems(model, &state.read()));
        }
        let checked = check_model(self.engine, model, self.parameters).await;
        if let (true, Ok(checked)) = (must_repeat, &checked) {
            chance.extend(floats::problems(model, &checked.written, &state.read()));
        }
        chance.sort_by_key(|problem| problem.place().map(|place| (place.line, place.column)));
        self.problems.extend(chance);
        match checked {
            Ok(CheckedModel {
                schema,
                written,
                plan,
            }) => {
                if !self.followed.is_empty() {
                    self.followed.follow(&model.name, &written);
                }
                self.problems
                    .extend(moments::problems(&model.sql, &written));
                self.schemas.insert(model.name.clone(), schema);
                self.planned.push(Planned {
                    sql: &model.sql,
                    model: Some(&model.name),
                    typing: self.typer.begin(plan),
                    before: self.problems.len(),
                });
            }
            Err(error) => {
                self.broken.insert(&model.name);
                self.problems.push(error);
            }
        }
    }

    async fn file(&mut self, check: &'a SqlCheck) {
        if self.reads_broken(&check.sql) {
            return;
        }
        let plan = match self.engine.plan(&check.sql, self.parameters).await {
            Ok(plan) => plan,
            Err(error) => return self.problems.push(error),
        };
        // Bad rows are kept in a file as models are.
        let schema = stored(plan.schema().as_arrow());
        self.problems.extend(columns::problems(&check.sql, &schema));
        self.problems.extend(moments::problems(&check.sql, &plan));
        if !self.followed.is_empty() {
            let quoted = self.followed.quoted(&check.name, &check.sql, &plan);
            self.problems.extend(quoted);
        }
        self.planned.push(Planned {
            sql: &check.sql,
            model: None,
            typing: self.typer.begin(plan),
            before: self.problems.len(),
        });
    }

    /// Hears what came of the plans, which are typed while others are made.
    async fn type_to_the_end(&mut self) {
        // From the last on, so that the places of the others stay.
        for one in std::mem::take(&mut self.planned).into_iter().rev() {
            let Err(error) = one.typing.verdict().await else {
                continue;
            };
            let error = self.engine.refused(&error, one.sql, self.parameters).await;
            self.problems.insert(one.before, error);
            if let Some(model) = one.model {
                self.schemas.remove(model);
            }
        }
    }

    fn reads_broken(&self, sql: &Sql) -> bool {
        let mut reads = sql.reads.iter();
        reads.any(|read| self.broken.contains(read.table.as_str()))
    }
}

/// A model that could be planned.
struct CheckedModel {
    schema: SchemaRef,
    /// Its plan as it is written.
    written: LogicalPlan,
    /// The same with its rows in order.
    plan: LogicalPlan,
}

/// Plans `model`, and makes its columns known to those that read it.
async fn check_model(
    engine: &Engine,
    model: &Model,
    parameters: &Parameters,
) -> Result<CheckedModel> {
    let (schema, written) = shape(engine, model, parameters).await?;
    if let Some(error) = Error::all(unknown_columns(model, &schema)) {
        return Err(error);
    }
    let plan =
        ordered(written.clone(), &model.header.key).map_err(|error| explain(&error, &model.sql))?;
    engine.register_shape(&model.name, SchemaRef::clone(&schema))?;
    Ok(CheckedModel {
        schema,
        written,
        plan,
    })
}

/// The columns that `model` gives, and its plan as it is written.
async fn shape(
    engine: &Engine,
    model: &Model,
    parameters: &Parameters,
) -> Result<(SchemaRef, LogicalPlan)> {
    let written = engine.plan(&model.sql, parameters).await?;
    let schema: SchemaRef = Arc::new(stored(written.schema().as_arrow()));
    match Error::all(columns::problems(&model.sql, &schema)) {
        Some(error) => Err(error),
        None => Ok((schema, written)),
    }
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
