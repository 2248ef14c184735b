//! A run whose models a cluster builds: what it hands over, and where.
//!
//! Everything else of a run stays where it is. The extracts and the tables are files of the run's folder as ever, with
//! their hashes and their journal; the cluster is given copies that its machines can read, and gives rows back. So a
//! run may go on without a cluster that was begun with one, and the other way round.

use std::path::{Path, PathBuf};

use super::{
    RunFolder,
    history::{self, Past},
    record::{Build, ClusterRecord, Job},
};
use crate::{
    cluster::Scheduler,
    config::Config,
    engine::{Built, DEAD_LETTERS, EXTRACT_LOG, EXTRACT_REJECTS, Engine},
    error::{Error, Result},
    model::{Model, Parameters},
    storage::Location,
};

/// How often a model is asked for whose rows are lost with the machine that held them.
const ATTEMPTS: usize = 3;

/// A cluster that builds the models of a run.
pub struct Cluster {
    engine: Engine,
    /// Where its machines find tables; none if they have the folder of runs.
    store: Option<Location>,
    scheduler: Scheduler,
    ours: Build,
    /// Its executors when the run began.
    executors: usize,
}

impl Cluster {
    /// The cluster that the configuration names, if it names one: reached, and of the same program.
    pub async fn reach(config: &Config) -> Result<Option<Self>> {
        let Some(ballista) = &config.engine.ballista else {
            return Ok(None);
        };
        let scheduler = Scheduler::at(&ballista.scheduler);
        let ours = super::build(&config.email_hash_key);
        let hello = scheduler.greet("driver", &ours).await?;
        if hello.executors.is_empty() {
            let message = format!("the scheduler `{}` has no executors", scheduler.display());
            let hint = "start some: `dfpipe cluster executor`";
            return Err(Error::outside(message).with_hint(hint));
        }
        let engine = Engine::on_cluster(&config.engine, &config.email_hash_key, &scheduler.url())?;
        let store = ballista.store.as_deref().map(Location::parse).transpose()?;
        Ok(Some(Self {
            engine,
            store,
            scheduler,
            ours,
            executors: hello.executors.len(),
        }))
    }

    /// What it is, for the record of the run.
    pub fn record(&self) -> ClusterRecord {
        ClusterRecord {
            scheduler: self.scheduler.display(),
            executors: self.executors,
        }
    }

    /// Hands over the extracts, and what the engine noted while reading.
    pub async fn take_extracts(
        &self,
        folder: &RunFolder,
        sources: impl Iterator<Item = &str>,
    ) -> Result<()> {
        for (name, files) in table_files(folder, sources)? {
            self.take(folder, &name, &files, &[]).await?;
        }
        Ok(())
    }

    /// Hands over the table of a model.
    pub async fn take_model(&self, folder: &RunFolder, model: &Model) -> Result<()> {
        let file = folder.model(&model.name);
        self.take(folder, &model.name, &[file], &model.header.key)
            .await
    }

    /// Tells of a model whose rows are computed by whoever reads it.
    pub async fn take_view(&self, model: &Model, parameters: &Parameters) -> Result<()> {
        self.engine
            .register_view(&model.name, &model.sql, parameters)
            .await
    }

    /// Has a model built; its rows go into the file at `path`.
    ///
    /// What an executor had computed when it was lost, the scheduler has computed again. What it had not given out
    /// yet when the query was done is lost to us, so the query is asked once more.
    pub async fn build(
        &self,
        folder: &RunFolder,
        model: &Model,
        parameters: &Parameters,
    ) -> Result<(Built, Option<Job>)> {
        let path = folder.model(&model.name);
        let engine = self.engine.as_job(&job_name(folder, model));
        let mut attempt = 1;
        loop {
            let error = match engine.build(model, parameters, &path).await {
                Ok(built) => return Ok((built, self.progress(folder, model).await)),
                Err(error) => error,
            };
            // A scheduler that is lost says so better than a query that broke off.
            self.scheduler.greet("driver", &self.ours).await?;
            if !is_of_machines(&error) {
                return Err(error);
            }
            if attempt == ATTEMPTS {
                let message = format!("the cluster cannot build `{}`", model.name);
                return Err(Error::outside(message).because(error.message()));
            }
            attempt += 1;
        }
    }

    /// How far the building of a model is.
    pub async fn progress(&self, folder: &RunFolder, model: &Model) -> Option<Job> {
        self.scheduler.job(&job_name(folder, model)).await
    }

    async fn take(
        &self,
        folder: &RunFolder,
        name: &str,
        files: &[PathBuf],
        key: &[String],
    ) -> Result<()> {
        let mut places = Vec::with_capacity(files.len());
        for file in files {
            let within = file.strip_prefix(folder.path()).unwrap_or(file);
            let within = within.to_string_lossy();
            places.push(self.shared(file, &folder.run_id, &within).await?);
        }
        self.engine.forget(name)?;
        self.engine.register_parts(name, &places, key).await
    }

    /// Where the machines of the cluster find `file`: the place `within` of what is called `of`.
    async fn shared(&self, file: &Path, of: &str, within: &str) -> Result<Location> {
        let Some(store) = &self.store else {
            return Location::file(file);
        };
        let place = store.join(&[of, within]);
        let copied = place.upload(file).await;
        copied.map_err(|error| {
            let message = format!("`{}` cannot be handed to the cluster", place.display());
            place.refused(message, &*error)
        })?;
        Ok(place)
    }

    /// Hands over those tables of a run that is over which are wanted; `of` tells who wants them.
    pub async fn take_past(
        &self,
        past: &Past,
        of: &str,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let share = async |file: Location| match file.local_file() {
            Some(path) => {
                let within = file.path.prefix_match(&past.location.path);
                let within: object_store::path::Path = within.into_iter().flatten().collect();
                self.shared(&path, of, within.as_ref()).await
            }
            None => Ok(file),
        };
        history::open_shared(&self.engine, past, is_wanted, share).await
    }

    /// The session whose queries it executes.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Ends what still goes on for a run, or for somebody else, and takes back what was handed over.
    pub async fn leave(&self, of: &str) -> Result<()> {
        self.scheduler.cancel(of).await;
        let Some(store) = &self.store else {
            return Ok(());
        };
        let copies = store.join(&[of]);
        let removed = copies.remove_folder().await;
        removed.map_err(|error| {
            let message = format!("`{}` cannot be removed", copies.display());
            copies.refused(message, &*error)
        })
    }
}

/// The files of all tables that models start from, in their order.
fn table_files<'a>(
    folder: &RunFolder,
    sources: impl Iterator<Item = &'a str>,
) -> Result<Vec<(String, Vec<PathBuf>)>> {
    let extracts = sources.map(|source| (source, folder.extract(source)));
    let own = [
        (EXTRACT_LOG, folder.extract_log()),
        (EXTRACT_REJECTS, folder.rejects()),
        (DEAD_LETTERS, folder.dead_letters()),
    ];
    let tables = extracts.chain(own);
    let tables = tables.map(|(name, path)| Ok((name.to_owned(), files_of(path)?)));
    tables.collect()
}

/// The file itself, or those of the folder.
fn files_of(path: PathBuf) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path]);
    }
    let unreadable = |error: std::io::Error| {
        Error::outside(format!("`{}` cannot be read", path.display())).because(error)
    };
    let files = fs_err::read_dir(&path).map_err(unreadable)?;
    let files = files.map(|file| file.map(|file| file.path()).map_err(unreadable));
    let mut files = files.collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

/// What the scheduler calls the query that builds a model.
fn job_name(folder: &RunFolder, model: &Model) -> String {
    format!("{}/{}", folder.run_id, model.name)
}

/// Whether an error is about the machines and their network, and neither about the SQL nor about the data. Ballista
/// gives its errors as text only.
fn is_of_machines(error: &Error) -> bool {
    const WORDS: [&str; 7] = [
        "FetchFailed",
        "GrpcConnectionError",
        "GrpcError",
        "transport error",
        "tcp connect error",
        "Stream closed without job completing",
        "no executors",
    ];
    let text = error.to_string();
    WORDS.iter().any(|word| text.contains(word))
}
