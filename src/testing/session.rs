//! One test in a session of its own: given rows become tables, models between are built, and what the
//! model makes of it is held against what is expected.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use datafusion::arrow::{array::RecordBatch, compute::concat_batches, datatypes::SchemaRef};

use super::{
    Suite, Test,
    expect::{Failure, expected, judge},
    parameters::parameters,
    rows::{self, Reader},
};
use crate::{
    config,
    engine::Engine,
    error::{Error, Result, did_you_mean},
    model::{Model, Parameters, Sql, graph::unknown_table},
};

/// Memory of a test: made-up rows are few.
const MEMORY: usize = 256 * 1024 * 1024;

/// Runs `test`; an error says that the test, or the SQL, is wrong.
pub async fn run(suite: &Suite, test: &Test, scratch: &Path) -> Result<Option<Failure>> {
    let model = under_test(suite, test)?;
    let sql = statement(test, model)?;
    let parameters = parameters(suite, test)?;
    let plan = Plan::new(suite, test, &sql)?;
    let engine = plan.engine(suite, test, &parameters, scratch).await;
    let key = match &test.cte {
        Some(_) => &[][..],
        None => &model.header.key,
    };
    let got = match engine {
        Ok(engine) => got(&engine, &sql, key, &parameters).await,
        Err(error) => Err(error),
    };
    let schema = match &got {
        Ok(got) => got.schema(),
        Err(_) => SchemaRef::clone(&suite.schemas[&model.name]),
    };
    let expected = expected(test, &sql_name(test, model), &schema)?;
    judge(test, model, &expected, got)
}

fn under_test<'a>(suite: &'a Suite, test: &Test) -> Result<&'a Model> {
    let (name, place) = &test.model;
    let models = &suite.pipeline.project.models;
    suite.pipeline.project.model(name).ok_or_else(|| {
        let names = models.iter().map(|model| model.name.as_str());
        let hint = match did_you_mean(name, names) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "a test is of a model: a file below `sql/`".to_owned(),
        };
        let problem = Error::usage(format!("there is no model `{name}`"));
        problem.at(place.clone()).with_hint(hint)
    })
}

/// The statement whose rows are looked at.
fn statement(test: &Test, model: &Model) -> Result<Sql> {
    let Some((name, place)) = &test.cte else {
        return Ok(model.sql.clone());
    };
    model.sql.cte(name).ok_or_else(|| {
        let names = model.sql.ctes();
        let hint = match did_you_mean(name, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if names.is_empty() => "it has none".to_owned(),
            None => format!("its CTEs are: {}", names.join(", ")),
        };
        let message = format!("`{}` has no CTE `{name}`", model.sql.file.name);
        Error::usage(message).at(place.clone()).with_hint(hint)
    })
}

fn sql_name(test: &Test, model: &Model) -> String {
    test.cte
        .as_ref()
        .map_or_else(|| model.name.clone(), |(cte, _)| cte.clone())
}

/// What is given, built, and left empty.
struct Plan<'a> {
    given: BTreeMap<&'a str, (SchemaRef, RecordBatch)>,
    /// In the order of building.
    built: Vec<&'a Model>,
    /// Tables that are read and have no rows.
    empty: BTreeSet<&'a str>,
}

impl<'a> Plan<'a> {
    fn new(suite: &'a Suite, test: &'a Test, sql: &Sql) -> Result<Self> {
        let models = &suite.pipeline.project.models;
        let given: BTreeSet<&str> = test
            .given
            .iter()
            .map(|(key, _)| key.name.as_str())
            .collect();
        let mut needed: BTreeSet<&str> = BTreeSet::new();
        let reads = |sql: &Sql| -> Vec<&'a str> {
            let reads = sql.reads.iter();
            let names = reads.filter_map(|read| suite.schemas.get_key_value(&read.table));
            names.map(|(name, _)| name.as_str()).collect()
        };
        let mut waiting = reads(sql);
        while let Some(table) = waiting.pop() {
            if needed.insert(table) && !given.contains(table) {
                waiting.extend(
                    suite
                        .pipeline
                        .project
                        .model(table)
                        .map(|model| reads(&model.sql))
                        .unwrap_or_default(),
                );
            }
        }
        // A model is after all that it reads, so one pass finds those with something given above them.
        let mut filled: BTreeSet<&str> = given.clone();
        let mut built = vec![];
        for model in models
            .iter()
            .filter(|model| needed.contains(model.name.as_str()))
        {
            let is_given = given.contains(model.name.as_str());
            if !is_given
                && model
                    .sql
                    .reads
                    .iter()
                    .any(|read| filled.contains(read.table.as_str()))
            {
                filled.insert(&model.name);
                built.push(model);
            }
        }
        let empty = needed.iter().filter(|table| !filled.contains(*table));
        Ok(Self {
            empty: empty.copied().collect(),
            given: given_rows(suite, test, &needed)?,
            built,
        })
    }

    /// A session that holds all this.
    async fn engine(
        &self,
        suite: &Suite,
        test: &Test,
        parameters: &Parameters,
        scratch: &Path,
    ) -> Result<Engine> {
        let settings = config::Engine {
            memory_limit: MEMORY,
            partitions: 1,
            spill_dir: Some(scratch.to_owned()),
            ballista: None,
        };
        let engine = Engine::with(&settings, &suite.pipeline.config.email_hash_key, scratch)?;
        for table in &self.empty {
            engine.register_shape(table, rows::nullable(&suite.schemas[*table]))?;
        }
        for (table, (schema, rows)) in &self.given {
            engine.register_rows(table, SchemaRef::clone(schema), vec![rows.clone()])?;
        }
        for model in &self.built {
            let rows = got(&engine, &model.sql, &model.header.key, parameters).await;
            let rows = rows.map_err(|error| between(error, model, test))?;
            engine.register_rows(&model.name, rows.schema(), vec![rows])?;
        }
        Ok(engine)
    }
}

fn between(error: Error, model: &Model, test: &Test) -> Error {
    let hint = format!(
        "`{}` is built for the test of `{}`: give its rows instead",
        model.name, test.model.0
    );
    match error.hint() {
        Some(_) => error,
        None => error.with_hint(hint),
    }
}

fn given_rows<'a>(
    suite: &Suite,
    test: &'a Test,
    needed: &BTreeSet<&str>,
) -> Result<BTreeMap<&'a str, (SchemaRef, RecordBatch)>> {
    let mut problems = vec![];
    let mut given = BTreeMap::new();
    for (key, node) in &test.given {
        let project = &suite.pipeline.project;
        let is_known = suite.schemas.contains_key(&key.name) || project.model(&key.name).is_some();
        if is_known && !needed.contains(key.name.as_str()) {
            problems.push(not_read(test, &key.name, needed).at(test.at(key.mark)));
            continue;
        }
        let Some(declared) = suite.schemas.get(&key.name) else {
            let models = project.models.iter().map(|model| &model.name);
            let names: BTreeSet<&str> = models
                .chain(suite.schemas.keys())
                .map(String::as_str)
                .collect();
            problems.push(unknown_table(&key.name, names.iter().copied()).at(test.at(key.mark)));
            continue;
        };
        let schema = rows::nullable(declared);
        let reader = Reader {
            test,
            table: &key.name,
            schema: &schema,
        };
        match reader.read(node) {
            Ok(mut rows) => {
                rows::place(&mut rows, &schema);
                let batch = rows::batch(&rows, &schema)?;
                given.insert(key.name.as_str(), (schema, batch));
            }
            Err(more) => problems.extend(more),
        }
    }
    Error::all(problems).map_or(Ok(given), Err)
}

fn not_read(test: &Test, table: &str, needed: &BTreeSet<&str>) -> Error {
    let what = match &test.cte {
        Some((cte, _)) => format!("the CTE `{cte}`"),
        None => format!("`{}`", test.model.0),
    };
    let names = needed.iter().copied().collect::<Vec<_>>().join(", ");
    let message = format!("{what} does not read `{table}`");
    let hint = format!("it reads: {names} (not what lies above a table that is given)");
    Error::usage(message).with_hint(hint)
}

async fn got(
    engine: &Engine,
    sql: &Sql,
    key: &[String],
    parameters: &Parameters,
) -> Result<RecordBatch> {
    let rows = engine.rows(sql, key, parameters).await?;
    let schema = SchemaRef::clone(&rows.schema);
    let batches = rows.collect().await?;
    concat_batches(&schema, &batches)
        .map_err(|error| Error::bug("rows cannot be put together").because(error))
}
