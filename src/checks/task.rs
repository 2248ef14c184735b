//! All checks of a project, some at a time. Each is asked, whatever the others find or whether they fail.

use std::{path::PathBuf, sync::Arc};

use datafusion::arrow::{array::AsArray, datatypes::Int64Type};
use futures::StreamExt;

use super::{
    Check, CheckRecord, Tolerance,
    builtin::{self, LastRows, Predicate},
    keep::Place,
    names::Names,
};
use crate::{
    engine::{Engine, Followed},
    error::{Error, Result},
    model::{Model, Parameters, Project, SqlCheck},
};

/// What checks work with.
#[derive(Clone)]
pub struct Ground {
    /// Where the tables are known.
    pub engine: Engine,
    /// The run's parameters.
    pub parameters: Parameters,
    /// The personal data in the tables.
    pub personal: Arc<Followed>,
    /// How many rows the models had.
    pub last: Arc<LastRows>,
    /// The run's folder: bad rows are kept in its `checks/`, which is there.
    pub folder: PathBuf,
}

/// What all checks found.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of the checks.
    pub records: Vec<CheckRecord>,
    /// Of checks that could not be answered.
    pub problems: Vec<Error>,
}

/// What is checked in one go.
enum Task {
    /// All that a model's front matter asks for: of single rows, and of rows together.
    FrontMatter(Box<Model>, Vec<Predicate>, Vec<Check>),
    /// One file of `sql/checks/`.
    File(Box<Check>),
}

/// Runs all checks of a project that only read models which `is_built`.
pub async fn run_all(
    project: &Project,
    is_built: &(dyn Fn(&str) -> bool + Sync),
    ground: &Ground,
) -> Result<Found> {
    let width = std::thread::available_parallelism().map_or(1, usize::from);
    let running = tasks(project, is_built, &ground.last)?.into_iter();
    let running = running.map(|task| {
        let ground = ground.clone();
        tokio::spawn(async move { task.run(&ground).await })
    });
    let mut finished = futures::stream::iter(running).buffered(width);
    let mut found = Found::default();
    while let Some(answers) = finished.next().await {
        let answers = answers.map_err(|error| Error::bug("a check stopped").because(error))?;
        for answer in answers {
            match answer {
                Ok(record) => found.records.push(record),
                Err(error) => found.problems.push(error),
            }
        }
    }
    Ok(found)
}

/// All checks of a project that only read models which `is_built`, in their order.
pub fn list(project: &Project, is_built: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<Check>> {
    let mut checks = vec![];
    for task in tasks(project, is_built, &LastRows::new())? {
        match task {
            Task::File(check) => checks.push(*check),
            Task::FrontMatter(_, predicates, others) => {
                checks.extend(predicates.into_iter().map(|predicate| predicate.check));
                checks.extend(others);
            }
        }
    }
    Ok(checks)
}

fn tasks(
    project: &Project,
    is_built: &(dyn Fn(&str) -> bool + Sync),
    last: &LastRows,
) -> Result<Vec<Task>> {
    let can_be_asked = |check: &Check| {
        let mut reads = check.sql.reads.iter().map(|read| read.table.as_str());
        reads.all(|table| project.model(table).is_none() || is_built(table))
    };
    let mut names = Names::new(project);
    let mut tasks = vec![];
    for model in &project.models {
        let (mut predicates, mut others) = builtin::of_model(model, last)?;
        // Names are given to all, so that they do not depend on the selection.
        let checks = predicates.iter_mut().map(|predicate| &mut predicate.check);
        for check in checks.chain(&mut others) {
            check.table = names.give(&check.name);
        }
        if is_built(&model.name) {
            others.retain(can_be_asked);
            let model = Box::new(model.clone());
            tasks.push(Task::FrontMatter(model, predicates, others));
        }
    }
    for file in &project.checks {
        let check = of_file(file, &mut names);
        if can_be_asked(&check) {
            tasks.push(Task::File(Box::new(check)));
        }
    }
    Ok(tasks)
}

fn of_file(file: &SqlCheck, names: &mut Names<'_>) -> Check {
    Check {
        name: file.name.clone(),
        description: file.header.description.clone(),
        severity: file.header.severity,
        hint: file.header.hint.clone(),
        sql: file.sql.clone(),
        model: None,
        order: vec![],
        tolerance: Tolerance::default(),
        table: names.give(&file.name),
    }
}

impl Task {
    async fn run(self, ground: &Ground) -> Vec<Result<CheckRecord>> {
        let place = Place {
            engine: &ground.engine,
            parameters: &ground.parameters,
            personal: &ground.personal,
            folder: &ground.folder,
        };
        let (model, predicates, others) = match self {
            Self::File(check) => return vec![place.ask(&check).await],
            Self::FrontMatter(model, predicates, others) => (model, predicates, others),
        };
        let mut answers = Vec::with_capacity(predicates.len() + others.len());
        // Where they cannot be counted together, each is asked alone: only one may be to blame.
        let counts = counts(&model, &predicates, &place).await.ok();
        for (number, predicate) in predicates.iter().enumerate() {
            let counted = counts.as_ref().and_then(|counts| counts.get(number));
            answers.push(match counted {
                Some(bad_rows) => place.judge(&predicate.check, *bad_rows).await,
                None => place.ask(&predicate.check).await,
            });
        }
        for check in others {
            answers.push(place.ask(&check).await);
        }
        answers
    }
}

/// The bad rows of all properties of single rows, in one pass over the model.
async fn counts(model: &Model, predicates: &[Predicate], place: &Place<'_>) -> Result<Vec<u64>> {
    if predicates.is_empty() {
        return Ok(vec![]);
    }
    let sql = builtin::count(model, predicates)?;
    let counted = place.engine.query(&sql, place.parameters).await?;
    let batches = counted.collect().await?;
    let count = |number: usize| {
        let columns = batches.iter().map(|batch| batch.column(number));
        let counts = columns.filter_map(|column| column.as_primitive_opt::<Int64Type>());
        let counts = counts.flat_map(|column| column.values().iter().copied());
        counts.map(|count| u64::try_from(count).unwrap_or(0)).sum()
    };
    Ok((0..predicates.len()).map(count).collect())
}
