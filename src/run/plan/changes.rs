//! What is other than it was in an earlier run: sources by their declaration, models by all that
//! determines their tables. Pure.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::datatypes::SchemaRef;
use serde::Serialize;

use super::columns::{self, Columns};
use crate::{
    model::{Model, Parameters, filled_fingerprint},
    run::{
        Pipeline, identity,
        record::{Build, ModelRecord, RunRecord},
    },
    sources::Window,
};

/// Parameters that every run sets anew: that they differ is no change of the pipeline.
const OF_THE_RUN: [&str; 5] = ["as_of", "window_start", "window_end", "run_date", "run_id"];

/// Whether something is other than it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there.
    New,
    /// It is other than it was.
    Changed,
    /// It is what it was.
    Unchanged,
    /// It cannot be told: the earlier run did not build it, or another program did.
    Unknown,
}

/// Why a model's table may be other than it was, whatever the records are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// Its SQL.
    Sql,
    /// The key that its front matter names.
    Key,
    /// The columns that it gives.
    Columns(Columns),
    /// Parameters that it reads.
    Parameters {
        /// Which.
        names: Vec<String>,
    },
    /// Models or sources that it reads.
    Reads {
        /// Which.
        tables: Vec<String>,
    },
    /// The functions of `udfs/`.
    Functions,
    /// dfpipe or DataFusion.
    Dfpipe,
    /// The key that e-mail addresses are hashed under.
    EmailKey,
}

/// What changed, in the order of the configuration and of the models.
#[derive(Debug)]
pub struct Changes {
    pub sources: Vec<Change>,
    pub models: Vec<(Change, Vec<Reason>)>,
    pub removed: Vec<String>,
}

/// Compares `pipeline`, whose models give `schemas`, with the run `last`.
pub fn changes(
    pipeline: &Pipeline,
    schemas: &BTreeMap<String, SchemaRef>,
    build: &Build,
    last: Option<&RunRecord>,
) -> Changes {
    let project = &pipeline.project;
    let Some(last) = last else {
        return Changes {
            sources: vec![Change::New; pipeline.config.sources.len()],
            models: vec![(Change::New, vec![]); project.models.len()],
            removed: vec![],
        };
    };
    let mut comparison = Comparison::new(pipeline, build, last);
    let sources = comparison.sources();
    let models = project.models.iter();
    let models = models.map(|model| comparison.model(model, schemas.get(&model.name)));
    let models = models.collect();
    let names = last.models.iter().map(|model| model.name.clone());
    Changes {
        sources,
        models,
        removed: names.filter(|name| project.model(name).is_none()).collect(),
    }
}

struct Comparison<'a> {
    pipeline: &'a Pipeline,
    build: &'a Build,
    last: &'a RunRecord,
    /// The parameters then, and those that the same run would have now.
    then: Parameters,
    now: Parameters,
    /// The hashes of the tables then.
    inputs: BTreeMap<String, String>,
    /// Tables that are other than they were, as far as it is known by now.
    changed: BTreeSet<String>,
}

impl<'a> Comparison<'a> {
    fn new(pipeline: &'a Pipeline, build: &'a Build, last: &'a RunRecord) -> Self {
        let now = pipeline.parameters("plan");
        let own = now.iter().filter(|(name, _)| !OF_THE_RUN.contains(name));
        let mut values: BTreeMap<_, _> = own
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for name in OF_THE_RUN {
            let value = last.parameters.get(name);
            values.extend(value.map(|value| (name.to_owned(), value.clone())));
        }
        let mut inputs = identity::extracts(&last.sources);
        let tables = last.models.iter();
        inputs.extend(tables.map(|table| (table.name.clone(), table.file.sha256.clone())));
        Self {
            pipeline,
            build,
            last,
            then: Parameters::of_run(&last.parameters),
            now: Parameters::of_run(&values),
            inputs,
            changed: BTreeSet::new(),
        }
    }

    /// Whether both were made by one program: only then can identities be compared.
    fn is_same_program(&self) -> bool {
        let (then, now) = (&self.last.build, self.build);
        then.source == now.source && then.datafusion == now.datafusion
    }

    fn sources(&mut self) -> Vec<Change> {
        let window = Window {
            start: self.last.window_start,
            end: self.last.window_end,
        };
        let mut changes = vec![];
        for source in self.pipeline.config.sources.values() {
            let mut sources = self.last.sources.iter();
            let then = sources.find(|then| then.name == source.name);
            let change = match then {
                None => Change::New,
                // The same declaration is spelled otherwise by another program.
                Some(_) if !self.is_same_program() => Change::Unknown,
                Some(then) => {
                    let email_key = &self.last.build.email_key;
                    let now = identity::of_source(source, window, email_key);
                    if now == then.identity {
                        Change::Unchanged
                    } else {
                        Change::Changed
                    }
                }
            };
            if matches!(change, Change::New | Change::Changed) {
                self.changed.insert(source.name.clone());
            }
            changes.push(change);
        }
        let is_gone = |name: &String| !self.pipeline.config.sources.contains_key(name);
        if !self.changed.is_empty() || self.last.sources.iter().any(|then| is_gone(&then.name)) {
            // What the engine counts and refuses comes of all sources together.
            let tables = identity::extracts(&[]);
            self.changed.extend(tables.into_keys());
        }
        changes
    }

    fn model(&mut self, model: &Model, schema: Option<&SchemaRef>) -> (Change, Vec<Reason>) {
        let then = self.last.models.iter().find(|then| then.name == model.name);
        let Some(then) = then else {
            self.changed.insert(model.name.clone());
            let change = if self.last.select.is_empty() {
                Change::New
            } else {
                Change::Unknown
            };
            return (change, vec![]);
        };
        let reasons = self.reasons(model, then, schema);
        if reasons.is_empty() {
            return (Change::Unchanged, reasons);
        }
        self.changed.insert(model.name.clone());
        (Change::Changed, reasons)
    }

    fn reasons(
        &self,
        model: &Model,
        then: &ModelRecord,
        schema: Option<&SchemaRef>,
    ) -> Vec<Reason> {
        let mut reasons = vec![];
        let is_same_sql = then.fingerprint == model.fingerprint;
        if !is_same_sql {
            reasons.push(Reason::Sql);
        }
        if is_same_sql && self.is_other_key(model, then) {
            reasons.push(Reason::Key);
        }
        let columns = schema.and_then(|schema| columns::differences(&then.columns, schema));
        reasons.extend(columns.map(Reason::Columns));
        let names = self.parameters(model);
        if !names.is_empty() {
            reasons.push(Reason::Parameters { names });
        }
        let reads = model.sql.reads.iter().map(|read| &read.table);
        let tables: BTreeSet<_> = reads
            .filter(|table| self.changed.contains(*table))
            .collect();
        if !tables.is_empty() {
            let tables = tables.into_iter().cloned().collect();
            reasons.push(Reason::Reads { tables });
        }
        reasons.extend(self.program());
        reasons
    }

    /// Whether the same statement, with all else as it was, makes another table.
    fn is_other_key(&self, model: &Model, then: &ModelRecord) -> bool {
        let build = &self.last.build;
        let identity = identity::of_model(model, &self.then, &self.inputs, build);
        self.is_same_program() && identity.is_ok_and(|identity| identity != then.identity)
    }

    /// The parameters that make another statement of the model than they did.
    fn parameters(&self, model: &Model) -> Vec<String> {
        let before: BTreeMap<&str, &str> = self.then.iter().collect();
        let filled = filled_fingerprint(&model.sql, &self.then);
        let differing = self.now.iter().filter(|(name, now)| {
            let mut values = self.last.parameters.clone();
            values.insert((*name).to_owned(), (*now).to_owned());
            let is_read = || filled_fingerprint(&model.sql, &Parameters::of_run(&values)) != filled;
            // One that was not there cannot have been read: then it is the SQL that has changed.
            before.get(name).is_some_and(|then| then != now) && is_read()
        });
        differing.map(|(name, _)| name.to_owned()).collect()
    }

    fn program(&self) -> Vec<Reason> {
        let (then, now) = (&self.last.build, self.build);
        let mut reasons = vec![];
        if then.udfs != now.udfs {
            reasons.push(Reason::Functions);
        } else if !self.is_same_program() {
            reasons.push(Reason::Dfpipe);
        }
        if then.email_key != now.email_key {
            reasons.push(Reason::EmailKey);
        }
        reasons
    }
}
