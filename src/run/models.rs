//! Builds the models, each as soon as all that it reads is there, a few at a time.
//!
//! Apart from the step, whose other parts go one after the other. What is built at the same time may end in any order,
//! and nobody should see which: it is journalled, recorded and told in the order of the models.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::task::JoinSet;

use super::{
    Event, Execution, RunFolder,
    cluster::Cluster,
    identity,
    journal::Entry,
    record::{ColumnRecord, Job, ModelRecord, seconds},
    state,
    transform::allows,
};
use crate::{
    clock::Clock,
    engine::{Built, Engine},
    error::{Error, Result},
    model::{Model, Parameters},
    table_file::stored,
};

/// Models that are built at a time: while one is planned or written, another one computes.
const AT_A_TIME: usize = 2;

/// With less memory than this for queries, one model has all of it.
const ENOUGH_MEMORY: usize = 256_000_000;

/// How often a cluster is asked how far it is.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// A model's table that is there, before it is recorded.
enum Outcome {
    /// An earlier attempt had it.
    Kept(Box<ModelRecord>),
    /// It was made, again for a reason if there was an earlier one.
    Made(Box<ModelRecord>, Option<String>),
}

/// Where the building stands.
struct Standing<'a> {
    /// The models that are built, in order.
    models: Vec<&'a Model>,
    /// The hashes of the tables that are there.
    inputs: BTreeMap<String, String>,
    /// Those that were begun.
    begun: BTreeSet<usize>,
    /// Tables that were there and are made again.
    made_again: BTreeSet<&'a str>,
    /// Tables that wait for those before them to be recorded.
    finished: BTreeMap<usize, Outcome>,
}

impl<'a> Standing<'a> {
    /// The next model all of whose tables are there.
    fn ready(&self) -> Option<usize> {
        let is_there = |model: &Model| {
            let mut reads = model.sql.reads.iter();
            reads.all(|read| self.inputs.contains_key(&read.table))
        };
        let mut models = self.models.iter().enumerate();
        models
            .find(|(index, model)| !self.begun.contains(index) && is_there(model))
            .map(|(index, _)| index)
    }

    /// Those that were begun and are not there yet.
    fn under_way(&self) -> impl Iterator<Item = &'a Model> {
        let begun = self.begun.iter().map(|index| self.models[*index]);
        begun.filter(|model| !self.inputs.contains_key(&model.name))
    }

    fn finish(&mut self, index: usize, outcome: Outcome) {
        let (Outcome::Kept(record) | Outcome::Made(record, _)) = &outcome;
        let sha256 = record.file.sha256.clone();
        self.inputs.insert(record.name.clone(), sha256);
        self.finished.insert(index, outcome);
    }
}

impl Execution<'_> {
    /// Builds the selected models. Whether nothing had to be built.
    pub(super) async fn build_models(&mut self) -> Result<bool> {
        let models = self.pipeline.project.models.iter();
        let models = models.filter(|model| self.selected.contains(&model.name));
        let mut standing = Standing {
            models: models.collect(),
            inputs: identity::extracts(&self.record.sources),
            begun: BTreeSet::new(),
            made_again: BTreeSet::new(),
            finished: BTreeMap::new(),
        };
        let width = match self.pipeline.config.engine.memory_limit {
            ENOUGH_MEMORY.. => AT_A_TIME,
            _ => 1,
        };
        // Dropped with the run, and then they stop.
        let mut building = JoinSet::new();
        let (mut recorded, mut was_all_kept) = (0, true);
        while recorded < standing.models.len() {
            while building.len() < width
                && let Some(index) = standing.ready()
            {
                if let Some(work) = self.begin(index, &mut standing).await? {
                    was_all_kept = false;
                    building.spawn(async move { (index, work.done().await) });
                }
            }
            while let Some(outcome) = standing.finished.remove(&recorded) {
                self.record_model(standing.models[recorded], outcome)?;
                recorded += 1;
            }
            let done = tokio::select! {
                done = building.join_next() => done,
                never = self.watch_jobs(&standing) => match never {},
            };
            if let Some(done) = done {
                let (index, outcome) = done
                    .map_err(|error| Error::bug("a model's building broke off").because(error))?;
                match outcome {
                    Ok(outcome) => standing.finish(index, outcome),
                    Err(error) => {
                        // Nobody writes into the run's folder any more when the run is told to have failed.
                        building.shutdown().await;
                        return Err(error);
                    }
                }
            } else if recorded < standing.models.len() && standing.ready().is_none() {
                return Err(Error::bug("no model is left whose tables are there"));
            }
        }
        Ok(was_all_kept)
    }

    /// Tells from time to time how far a cluster is with the models that it builds.
    async fn watch_jobs(&self, standing: &Standing<'_>) -> Infallible {
        let Some(cluster) = &self.cluster else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(LOOKS_EVERY).await;
            for model in standing.under_way() {
                if let Some(job) = cluster.progress(&self.folder, model).await {
                    let model = model.name.clone();
                    self.tell(&Event::Computing { model, job });
                }
            }
        }
    }

    /// Keeps the earlier table of a model, or says what there is to do.
    async fn begin(&self, index: usize, standing: &mut Standing<'_>) -> Result<Option<Work>> {
        let model = standing.models[index];
        standing.begun.insert(index);
        let build = &self.record.build;
        let identity = identity::of_model(model, &self.parameters, &standing.inputs, build)?;
        let earlier = self
            .earlier_table(model, &identity, &standing.made_again)
            .await;
        let work = Work {
            engine: Arc::clone(&self.engine),
            cluster: self.cluster.clone(),
            folder: self.folder.clone(),
            model: model.clone(),
            parameters: self.parameters.clone(),
            path: self.folder.model(&model.name),
            clock: self.around.clock.clone(),
            identity,
            redone: None,
        };
        match earlier {
            Ok(record) => {
                work.register().await?;
                standing.finish(index, Outcome::Kept(Box::new(record)));
                Ok(None)
            }
            Err(redone) => {
                if redone.is_some() {
                    standing.made_again.insert(&model.name);
                }
                self.tell(&Event::Building {
                    model: model.name.clone(),
                });
                Ok(Some(Work { redone, ..work }))
            }
        }
    }

    /// Journals what was made, and tells what is there.
    fn record_model(&mut self, model: &Model, outcome: Outcome) -> Result<()> {
        let (record, is_kept) = match outcome {
            Outcome::Kept(record) => (record, true),
            Outcome::Made(record, redone) => {
                self.journal(Entry::Built {
                    model: record.clone(),
                    redone: redone.clone(),
                })?;
                state::redo(&mut self.record.resumed, &record.name, redone);
                (record, false)
            }
        };
        self.tell_built(&record, is_kept);
        let mut record = *record;
        // An earlier attempt may have had other reasons: they are no part of the statement.
        record.allows = allows(model);
        self.record.models.push(record);
        Ok(())
    }
}

/// A model that is to be built, with all that it takes.
struct Work {
    engine: Arc<Engine>,
    cluster: Option<Arc<Cluster>>,
    folder: RunFolder,
    model: Model,
    parameters: Parameters,
    path: PathBuf,
    clock: Clock,
    identity: String,
    redone: Option<String>,
}

impl Work {
    async fn done(self) -> Result<Outcome> {
        let began = self.clock.now();
        let (built, job) = self.table().await?;
        self.register().await?;
        let seconds = seconds(began, self.clock.now());
        let record = ModelRecord {
            job,
            ..record(&self.model, built, self.identity, seconds)
        };
        Ok(Outcome::Made(Box::new(record), self.redone))
    }

    /// The table; of a view, what it would be like. And how a cluster made it.
    async fn table(&self) -> Result<(Built, Option<Job>)> {
        let (model, parameters) = (&self.model, &self.parameters);
        if model.header.is_view() {
            let schema = self.engine.columns(model, parameters).await?;
            return Ok((Built::view(schema, &self.identity), None));
        }
        if let Some(cluster) = &self.cluster {
            return cluster.build(&self.folder, model, parameters).await;
        }
        let built = self.engine.build(model, parameters, &self.path).await?;
        Ok((built, None))
    }

    async fn register(&self) -> Result<()> {
        let (engine, name) = (&self.engine, &self.model.name);
        if self.model.header.is_view() {
            if let Some(cluster) = &self.cluster {
                cluster.take_view(&self.model, &self.parameters).await?;
            }
            let sql = &self.model.sql;
            return engine.register_view(name, sql, &self.parameters).await;
        }
        if let Some(cluster) = &self.cluster {
            cluster.take_model(&self.folder, &self.model).await?;
        }
        let key = &self.model.header.key;
        engine.register_model(name, &self.path, key).await
    }
}

fn record(model: &Model, built: Built, identity: String, seconds: f64) -> ModelRecord {
    let reads = model.sql.reads.iter().map(|read| read.table.clone());
    // As they are in the file: while it is made, text may be held otherwise.
    let schema = stored(&built.schema);
    let columns = schema.fields().iter().map(|field| ColumnRecord {
        name: field.name().clone(),
        kind: field.data_type().to_string(),
    });
    ModelRecord {
        name: model.name.clone(),
        source: model.sql.file.name.clone(),
        version: model.header.version,
        fingerprint: model.fingerprint.clone(),
        save_as: model.header.save_as.clone(),
        materialized: model.header.materialized,
        file: built.file,
        spill: built.spill,
        seconds,
        reads: reads.collect::<BTreeSet<_>>().into_iter().collect(),
        allows: allows(model),
        columns: columns.collect(),
        peak_memory: built.peak_memory,
        job: None,
        identity,
    }
}
