//! Checks: properties of real data. A check is a query for bad rows; none is good.

use datafusion::arrow::{array::AsArray, datatypes::Int64Type};
use serde::{Deserialize, Serialize};

use crate::{
    engine::Engine,
    error::{Error, Result},
    model::{Model, Parameters, Project, Severity, Sql},
};

mod builtin;

use builtin::Predicate;

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

/// Runs all checks of a project that only read models which `is_built`.
pub async fn run_all(
    project: &Project,
    is_built: &(dyn Fn(&str) -> bool + Sync),
    parameters: &Parameters,
    engine: &Engine,
) -> Result<Vec<CheckRecord>> {
    let mut records = vec![];
    for model in project.models.iter().filter(|model| is_built(&model.name)) {
        let (predicates, others) = builtin::of_model(model)?;
        records.extend(run_predicates(model, &predicates, parameters, engine).await?);
        for check in others {
            records.push(run(&check, parameters, engine).await?);
        }
    }
    for check in &project.checks {
        let mut models = check
            .sql
            .reads
            .iter()
            .filter(|read| project.model(&read.table).is_some());
        if models.all(|read| is_built(&read.table)) {
            let check = Check {
                name: check.name.clone(),
                description: check.header.description.clone(),
                severity: check.header.severity,
                hint: check.header.hint.clone(),
                sql: check.sql.clone(),
            };
            records.push(run(&check, parameters, engine).await?);
        }
    }
    Ok(records)
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
