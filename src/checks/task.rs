//! All checks of a project, some at a time. Each is asked, whatever the others find or whether they fail.

use std::{path::PathBuf, sync::Arc};

use datafusion::arrow::{array::AsArray, datatypes::Int64Type};
use futures::StreamExt;

use super::{
    Check, CheckRecord, Tolerance,
    builtin::{self, LastRows, Predicate, Subject},
    keep::Place,
    names::Names,
};
use crate::{
    engine::{Engine, Followed},
    error::{Error, Result},
    model::{Parameters, Project, SqlCheck},
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
    /// All that is asked of a model in its front matter, or of a source: of single rows, and of rows together.
    Of(Box<Subject>, Vec<Predicate>, Vec<Check>),
    /// One file of `sql/checks/`.
    File(Box<Check>),
}

/// Runs all checks of a project that only read models which `is_built`.
pub async fn run_all(
    project: &Project,
    is_built: &(dyn Fn(&str) -> bool + Sync),
    ground: &Ground,
) -> Result<Found> {
    run(tasks(project, is_built, &ground.last)?, ground).await
}

/// Runs all checks of sources.
pub async fn run_sources(sources: &[Subject], project: &Project, ground: &Ground) -> Result<Found> {
    let mut names = Names::new(project);
    let tasks = sources.iter().map(|source| {
        let (predicates, others) = named(source, &mut names, &ground.last)?;
        Ok(Task::Of(Box::new(source.clone()), predicates, others))
    });
    run(tasks.collect::<Result<_>>()?, ground).await
}

async fn run(tasks: Vec<Task>, ground: &Ground) -> Result<Found> {
    let width = std::thread::available_parallelism().map_or(1, usize::from);
    let running = tasks.into_iter().map(|task| {
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
            Task::Of(_, predicates, others) => {
                checks.extend(predicates.into_iter().map(|predicate| predicate.check));
                checks.extend(others);
            }
        }
    }
    Ok(checks)
}

/// All checks of sources, in their order.
pub fn list_sources(sources: &[Subject], project: &Project) -> Result<Vec<Check>> {
    let mut names = Names::new(project);
    let mut checks = vec![];
    for source in sources {
        let (predicates, others) = named(source, &mut names, &LastRows::new())?;
        checks.extend(predicates.into_iter().map(|predicate| predicate.check));
        checks.extend(others);
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
        let subject = Subject::from(model);
        // Names are given to all, so that they do not depend on the selection.
        let (predicates, mut others) = named(&subject, &mut names, last)?;
        if is_built(&model.name) {
            others.retain(can_be_asked);
            tasks.push(Task::Of(Box::new(subject), predicates, others));
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

/// All checks of `subject`, each with the name of its table.
fn named(
    subject: &Subject,
    names: &mut Names<'_>,
    last: &LastRows,
) -> Result<(Vec<Predicate>, Vec<Check>)> {
    let (mut predicates, mut others) = builtin::of_subject(subject, last)?;
    let checks = predicates.iter_mut().map(|predicate| &mut predicate.check);
    for check in checks.chain(&mut others) {
        check.table = names.give(&check.name);
    }
    Ok((predicates, others))
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
        let (subject, predicates, others) = match self {
            Self::File(check) => return vec![place.ask(&check).await],
            Self::Of(subject, predicates, others) => (subject, predicates, others),
        };
        let mut answers = Vec::with_capacity(predicates.len() + others.len());
        // Where they cannot be counted together, each is asked alone: only one may be to blame.
        let counts = counts(&subject, &predicates, &place).await.ok();
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

/// The bad rows of all properties of single rows, in one pass over the table.
async fn counts(
    subject: &Subject,
    predicates: &[Predicate],
    place: &Place<'_>,
) -> Result<Vec<u64>> {
    if predicates.is_empty() {
        return Ok(vec![]);
    }
    let sql = builtin::count(subject, predicates)?;
    let batches = place.engine.collect(&sql, place.parameters).await?;
    let count = |number: usize| {
        let columns = batches.iter().map(|batch| batch.column(number));
        let counts = columns.filter_map(|column| column.as_primitive_opt::<Int64Type>());
        let counts = counts.flat_map(|column| column.values().iter().copied());
        counts.map(|count| u64::try_from(count).unwrap_or(0)).sum()
    };
    Ok((0..predicates.len()).map(count).collect())
}
