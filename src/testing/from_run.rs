//! A test out of real rows: what a model made of a few rows of a run, with names made up.
//!
//! The way is simple: rows of the tables that the model reads belong to its rows if they share its key. Where
//! that does not give the same rows again, nothing is written.

use std::{fmt::Write as _, path::Path, sync::Arc};

use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::arrow::{array::RecordBatch, compute::concat_batches, datatypes::SchemaRef};

use super::{
    FOLDER, Outcome, Suite,
    compare::{Cell, rows_of},
    masked::Masked,
    text,
    write::{Table, append, word},
};
use crate::{
    engine::Engine,
    error::{Error, Result},
    model::{File, Model, Parameters},
    run::history::{self, Past},
};

/// Rows that a test expects at most: it is to be read.
const EXPECTED: usize = 20;

/// Rows of a table whose rows belong to none in particular.
const SAMPLE: usize = 20;

/// Rows of a table that belong to the expected ones.
const GIVEN: usize = 200;

/// The table that holds the expected rows while those that belong to them are looked for.
const WANTED: &str = "dfpipe_expected";

/// What is wished for.
#[derive(Debug)]
pub struct Wish<'a> {
    /// The run.
    pub run: &'a Past,
    /// The model.
    pub model: &'a str,
    /// Which of its rows, in SQL.
    pub condition: &'a str,
    /// The sentence.
    pub it: &'a str,
}

/// A test that was written.
#[derive(Debug)]
pub struct Written {
    /// The file.
    pub file: String,
    /// Rows that it expects.
    pub expected: usize,
    /// Rows that it gives.
    pub given: usize,
}

/// Rows of one table of the run.
struct Part {
    name: String,
    schema: SchemaRef,
    rows: Vec<Vec<Cell>>,
    /// How many rows the table has, where only a sample is here.
    sample_of: Option<usize>,
}

/// Writes the test, if it passes.
pub async fn write(suite: &Suite, wish: &Wish<'_>, scratch: &Path) -> Result<Written> {
    let models = &suite.pipeline.project;
    let model = models.model(wish.model).ok_or_else(|| {
        let names = models.models.iter().map(|model| model.name.as_str());
        crate::model::graph::unknown_table(wish.model, names)
    })?;
    let tables = Tables::open(
        suite,
        wish.run,
        Parameters::of_run(&wish.run.record.parameters),
        scratch,
    )
    .await?;
    let expected = tables.expected(model, wish).await?;
    let mut given = vec![];
    for read in &model.sql.reads {
        given.push(tables.belonging(&read.table, model).await?);
    }
    let (document, rows) = document(suite, wish, wish.run.record.as_of, expected, given);
    let file = File {
        path: suite
            .pipeline
            .config
            .project
            .join(FOLDER)
            .join(format!("{}.yml", model.name)),
        name: format!("{FOLDER}/{}.yml", model.name),
        text: document,
    };
    passes(suite, &file, wish, scratch).await?;
    append(&file)?;
    Ok(Written {
        file: file.name,
        expected: rows.0,
        given: rows.1,
    })
}

/// The tables of the run.
struct Tables {
    engine: Engine,
    parameters: Parameters,
}

impl Tables {
    async fn open(
        suite: &Suite,
        run: &Past,
        parameters: Parameters,
        scratch: &Path,
    ) -> Result<Self> {
        let config = &suite.pipeline.config;
        let engine = Engine::new(config, scratch)?;
        history::open(&engine, run).await?;
        Ok(Self { engine, parameters })
    }

    async fn ask(&self, statement: &str) -> Result<RecordBatch> {
        let rows = self.engine.ask(statement, &self.parameters).await?;
        let schema = SchemaRef::clone(&rows.schema);
        let batches = rows.collect().await?;
        concat_batches(&schema, &batches)
            .map_err(|error| Error::bug("rows cannot be put together").because(error))
    }

    async fn expected(&self, model: &Model, wish: &Wish<'_>) -> Result<Part> {
        let run = &wish.run.record.run_id;
        let statement = format!("select * from {} where {}", model.name, wish.condition);
        let found = self
            .ask(&format!("{statement} limit {}", EXPECTED + 1))
            .await?;
        let refused = |message: String, hint: &str| Err(Error::usage(message).with_hint(hint));
        if found.num_rows() == 0 {
            let message = format!(
                "no row of `{}` in run {run} fulfils the condition",
                model.name
            );
            return refused(message, "look with `dfpipe query`");
        }
        if found.num_rows() > EXPECTED {
            let message = format!(
                "more than {EXPECTED} rows of `{}` fulfil the condition",
                model.name
            );
            return refused(message, "narrow it: a test is to be read");
        }
        self.engine
            .register_rows(WANTED, found.schema(), vec![found.clone()])?;
        Ok(part(&model.name, &found, None))
    }

    /// Rows of `table` with the key of an expected row; all, or a sample, where they share no key.
    async fn belonging(&self, table: &str, model: &Model) -> Result<Part> {
        let shape = self
            .ask(&format!("select * from {table} limit 0"))
            .await?
            .schema();
        let shared = model
            .header
            .key
            .iter()
            .filter(|column| shape.index_of(column).is_ok());
        let same: Vec<_> = shared
            .map(|column| format!("wanted.\"{column}\" = here.\"{column}\""))
            .collect();
        if same.is_empty() {
            let all = self
                .ask(&format!("select count(*) as n from {table}"))
                .await?;
            let all = rows_of(&all)
                .into_iter()
                .flatten()
                .flatten()
                .find_map(|count| count.parse().ok());
            let sample = self
                .ask(&format!("select * from {table} order by 1 limit {SAMPLE}"))
                .await?;
            return Ok(part(table, &sample, all.filter(|all| *all > SAMPLE)));
        }
        let condition = same.join(" and ");
        let statement = format!(
            "select here.* from {table} as here left semi join {WANTED} as wanted on {condition} order by 1 limit {}",
            GIVEN + 1
        );
        let rows = self.ask(&statement).await?;
        if rows.num_rows() > GIVEN {
            let message = format!(
                "more than {GIVEN} rows of `{table}` belong to these rows of `{}`",
                model.name
            );
            return Err(Error::usage(message).with_hint("choose other rows: a test is to be read"));
        }
        Ok(part(table, &rows, None))
    }
}

fn part(name: &str, batch: &RecordBatch, sample_of: Option<usize>) -> Part {
    Part {
        name: name.to_owned(),
        schema: batch.schema(),
        rows: rows_of(batch),
        sample_of,
    }
}

/// The text of the test, and how many rows it expects and gives.
fn document(
    suite: &Suite,
    wish: &Wish<'_>,
    as_of: DateTime<Utc>,
    mut expected: Part,
    mut given: Vec<Part>,
) -> (String, (usize, usize)) {
    let mut masked = Masked::new(&suite.pipeline.config);
    for part in given.iter().chain([&expected]) {
        masked.look(&part.schema, &part.rows);
    }
    for part in given.iter_mut().chain([&mut expected]) {
        masked.rows(&part.schema, &mut part.rows);
    }
    let as_of = as_of.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let as_of = as_of.strip_suffix("T00:00:00Z").unwrap_or(&as_of);
    let mut text = format!(
        "model: {}\ntests:\n  # From rows of a run; ids and hashes are made up.\n  - it: {}\n    as_of: {as_of}\n    given:\n",
        wish.model,
        word(&masked.text(wish.it.trim()))
    );
    let mut rows = (expected.rows.len(), 0);
    for part in &given {
        rows.1 += part.rows.len();
        let Part {
            name, schema, rows, ..
        } = part;
        if let Some(all) = part.sample_of {
            let _ = writeln!(text, "      # {} of {all} rows.", rows.len());
        }
        let none = if rows.is_empty() { " []" } else { "" };
        let _ = writeln!(text, "      {name}:{none}");
        Table {
            schema,
            rows,
            says_nulls: false,
        }
        .yaml(8, &mut text);
    }
    text.push_str("    expect:\n");
    let Part {
        schema,
        rows: expected,
        ..
    } = &expected;
    Table {
        schema,
        rows: expected,
        says_nulls: true,
    }
    .yaml(6, &mut text);
    (text, rows)
}

async fn passes(suite: &Suite, file: &File, wish: &Wish<'_>, scratch: &Path) -> Result<()> {
    let hint =
        "nothing was written; write the test by hand, or choose rows that stand for themselves";
    for test in Suite::read(file.clone())? {
        let done = suite.run_one(Arc::clone(&test), scratch).await;
        let cause = match &done.outcome {
            Outcome::Passed => continue,
            Outcome::Failed(_) => {
                let text = text::failed(&done);
                text.lines()
                    .skip(2)
                    .collect::<Vec<_>>()
                    .join("\n")
                    .trim_end()
                    .to_owned()
            }
            Outcome::Wrong(error) => error.to_string(),
        };
        let message = format!(
            "the rows of `{}` do not come out of the rows that belong to them alone",
            wish.model
        );
        return Err(Error::usage(message).because(cause).with_hint(hint));
    }
    Ok(())
}
