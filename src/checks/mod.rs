//! Checks: properties of real data. A check is a query for bad rows; none is good.

use datafusion::arrow::{array::AsArray, datatypes::Int64Type};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::{
    engine::Engine,
    error::{Error, Result},
    model::{Model, Parameters, Project, Severity, Sql},
};

mod builtin;
mod plan;

use builtin::Predicate;
pub use plan::check;

/// Bad rows that a result quotes.
const QUOTED: usize = 3;

/// A query for bad rows.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name: of its file, or what it says of which model.
    pub name: String,
    /// What should hold.
    pub description: String,
    /// Whether bad rows stop the load.
    pub severity: Severity,
    /// What a person should do when there are some.
    pub hint: Option<String>,
    sql: Sql,
}

/// What a check found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckRecord {
    /// The check.
    pub name: String,
    /// What should hold.
    pub description: String,
    /// Whether bad rows stop the load.
    pub severity: Severity,
    /// How many bad rows there are.
    pub bad_rows: u64,
    /// The first of them, as JSON.
    pub examples: Vec<String>,
    /// What a person should do.
    pub hint: Option<String>,
}

impl Check {
    fn record(&self, bad_rows: u64, examples: Vec<String>) -> CheckRecord {
        CheckRecord {
            name: self.name.clone(),
            description: self.description.clone(),
            severity: self.severity,
            bad_rows,
            examples,
            hint: self.hint.clone(),
        }
    }
}

impl CheckRecord {
    /// Whether there are no bad rows.
    pub fn passed(&self) -> bool {
        self.bad_rows == 0
    }
}

/// What is checked in one go.
enum Task {
    /// All that a model's front matter asks for.
    FrontMatter(Model),
    /// One file of `sql/checks/`.
    File(Check),
}

/// Runs all checks of a project that only read models which `is_built`, some at a time.
pub async fn run_all(
    project: &Project,
    is_built: &(dyn Fn(&str) -> bool + Sync),
    parameters: &Parameters,
    engine: &Engine,
) -> Result<Vec<CheckRecord>> {
    let width = std::thread::available_parallelism().map_or(1, usize::from);
    let running = tasks(project, is_built).into_iter().map(|task| {
        let (parameters, engine) = (parameters.clone(), engine.clone());
        tokio::spawn(async move { task.run(&parameters, &engine).await })
    });
    let mut finished = futures::stream::iter(running).buffered(width);
    let mut records = vec![];
    while let Some(found) = finished.next().await {
        records.extend(found.map_err(|error| Error::bug("a check stopped").because(error))??);
    }
    Ok(records)
}

/// All checks of a project that only read models which `is_built`, in their order.
pub fn list(project: &Project, is_built: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<Check>> {
    let mut checks = vec![];
    for task in tasks(project, is_built) {
        match task {
            Task::File(check) => checks.push(check),
            Task::FrontMatter(model) => {
                let (predicates, others) = builtin::of_model(&model)?;
                checks.extend(predicates.into_iter().map(|predicate| predicate.check));
                checks.extend(others);
            }
        }
    }
    Ok(checks)
}

fn tasks(project: &Project, is_built: &(dyn Fn(&str) -> bool + Sync)) -> Vec<Task> {
    let models = project.models.iter().filter(|model| is_built(&model.name));
    let is_model = |table: &str| project.model(table).is_some();
    let files = project.checks.iter().filter(|check| {
        let reads = || check.sql.reads.iter().map(|read| read.table.as_str());
        reads().all(|table| !is_model(table) || is_built(table))
    });
    let files = files.map(|check| Check {
        name: check.name.clone(),
        description: check.header.description.clone(),
        severity: check.header.severity,
        hint: check.header.hint.clone(),
        sql: check.sql.clone(),
    });
    models
        .cloned()
        .map(Task::FrontMatter)
        .chain(files.map(Task::File))
        .collect()
}

impl Task {
    async fn run(self, parameters: &Parameters, engine: &Engine) -> Result<Vec<CheckRecord>> {
        let model = match self {
            Self::File(check) => return Ok(vec![run(&check, parameters, engine).await?]),
            Self::FrontMatter(model) => model,
        };
        let (predicates, others) = builtin::of_model(&model)?;
        let mut records = run_predicates(&model, &predicates, parameters, engine).await?;
        for check in others {
            records.push(run(&check, parameters, engine).await?);
        }
        Ok(records)
    }
}

/// Counts the bad rows of all properties of a model in one pass; only where there are some are
/// they asked for one by one.
async fn run_predicates(
    model: &Model,
    predicates: &[Predicate],
    parameters: &Parameters,
    engine: &Engine,
) -> Result<Vec<CheckRecord>> {
    if predicates.is_empty() {
        return Ok(vec![]);
    }
    let counted = engine
        .query(&builtin::count(model, predicates)?, parameters)
        .await?;
    let counts = counted.collect().await?;
    let mut records = Vec::with_capacity(predicates.len());
    for (number, predicate) in predicates.iter().enumerate() {
        let bad_rows: i64 = counts
            .iter()
            .filter_map(|batch| batch.column(number).as_primitive_opt::<Int64Type>())
            .flat_map(|column| column.values().iter())
            .sum();
        records.push(match bad_rows {
            0 => predicate.check.record(0, vec![]),
            _ => run(&predicate.check, parameters, engine).await?,
        });
    }
    Ok(records)
}

/// Runs `check` on the tables of `engine`.
async fn run(check: &Check, parameters: &Parameters, engine: &Engine) -> Result<CheckRecord> {
    let mut rows = engine.query(&check.sql, parameters).await?;
    let mut bad_rows = 0;
    let mut examples = vec![];
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let quoted = QUOTED.saturating_sub(examples.len()).min(batch.num_rows());
        examples.extend(as_json(&batch.slice(0, quoted))?);
        bad_rows += batch.num_rows() as u64;
    }
    Ok(check.record(bad_rows, examples))
}

fn as_json(batch: &datafusion::arrow::array::RecordBatch) -> Result<Vec<String>> {
    let mut writer = datafusion::arrow::json::LineDelimitedWriter::new(Vec::new());
    writer
        .write(batch)
        .and_then(|()| writer.finish())
        .map_err(|error| Error::bug("a bad row cannot be shown").because(error))?;
    let text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    Ok(text.lines().map(str::to_owned).collect())
}

/// The error of checks that stop the load; `None` if all may go on.
pub fn verdict(records: &[CheckRecord]) -> Option<Error> {
    let failed = records
        .iter()
        .filter(|one| !one.passed() && one.severity == Severity::Error);
    let problems = failed.map(|record| {
        let rows = if record.bad_rows == 1 { "row" } else { "rows" };
        let message = format!(
            "the check `{}` found {} bad {rows}",
            record.name, record.bad_rows
        );
        let error = Error::data(message).because(format!("expected: {}", record.description));
        let example = record.examples.first().map(|row| format!("such as {row}"));
        let hint = record
            .hint
            .iter()
            .cloned()
            .chain(example)
            .collect::<Vec<_>>()
            .join("\n");
        if hint.is_empty() {
            error
        } else {
            error.with_hint(hint)
        }
    });
    Error::all(problems)
}
