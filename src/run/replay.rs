//! An archived run again: its own extract, its own SQL, no network. The bytes must be the same.

use std::collections::BTreeSet;

use super::{
    Event, Progress, RunFolder, extract, history, identity,
    record::{Build, EngineRecord, ModelRecord, RunRecord, seconds},
    resume::is_unchanged,
};
use crate::{
    clock::Clock,
    config::{self, Secret},
    engine::{Engine, engine_tables},
    error::{Error, Kind, Result},
    model::{self, Model, Parameters, Project},
};

/// What a replay found, model by model.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The run.
    pub record: RunRecord,
    /// Models, in the order of building.
    pub models: Vec<Replayed>,
    /// The program that replayed.
    pub build: Build,
}

/// A model that was built again.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The model.
    pub name: String,
    /// What the run made.
    pub then: String,
    /// What this replay made.
    pub now: String,
}

impl Replay {
    /// The error that names the first model whose bytes differ.
    pub fn verdict(&self) -> Result<()> {
        let mut differing = self.models.iter().filter(|model| model.then != model.now);
        let Some(first) = differing.next() else {
            return Ok(());
        };
        let message = format!(
            "`{}` is the first model whose bytes differ: {} then, {} now",
            first.name,
            short(&first.then),
            short(&first.now)
        );
        let mut causes = vec![];
        if self.record.build != self.build {
            causes.push(format!(
                "the run was made by dfpipe {} (build {}), this is {} (build {})",
                self.record.build.version,
                self.record.build.source,
                self.build.version,
                self.build.source
            ));
        }
        let others = differing.count();
        if others > 0 {
            causes.push(format!(
                "{others} more models differ, maybe only because of it"
            ));
        }
        let error = Error::new(Kind::Differences, message);
        Err(if causes.is_empty() {
            error
        } else {
            error.because(causes.join("; "))
        })
    }
}

/// Builds all models of the run in `folder` again, in `scratch`.
pub async fn replay(
    folder: &RunFolder,
    scratch: &std::path::Path,
    email_key: &Secret,
    clock: &Clock,
    progress: &dyn Progress,
) -> Result<Replay> {
    let record = history::record(folder)?;
    let project = project(folder, &record)?;
    let build = identity::build(email_key);
    refuse_other_key(&project, &record, &build)?;
    verify_files(folder, &record).await?;
    for then in &record.models {
        its_model(&project, then)?;
    }
    let engine = Engine::with(&settings(&record.engine), email_key, &scratch.join("spill"))?;
    let names = record.sources.iter().map(|source| source.name.as_str());
    extract::register(&engine, folder, names).await?;
    let parameters = Parameters::of_run(&record.parameters);
    let mut models = vec![];
    for then in &record.models {
        let model = its_model(&project, then)?;
        if then.is_view() {
            let sql = &model.sql;
            engine.register_view(&then.name, sql, &parameters).await?;
            continue;
        }
        let began = clock.now();
        let path = scratch.join(format!("{}.parquet", then.name));
        let table = engine.build(model, &parameters, &path).await?;
        let key = &model.header.key;
        engine.register_model(&then.name, &path, key).await?;
        progress.report(&Event::Built {
            model: then.name.clone(),
            rows: table.file.rows,
            bytes: table.file.bytes,
            seconds: seconds(began, clock.now()),
            kept: false,
            peak_memory: table.peak_memory,
            spilled_bytes: table.spill.bytes,
            view: false,
        });
        models.push(Replayed {
            name: then.name.clone(),
            then: then.file.sha256.clone(),
            now: table.file.sha256,
        });
    }
    Ok(Replay {
        record,
        models,
        build,
    })
}

/// The SQL that the run kept.
fn project(folder: &RunFolder, record: &RunRecord) -> Result<Project> {
    if record.models.is_empty() {
        let message = format!("run `{}` has no models to build again", folder.run_id);
        return Err(Error::usage(message).with_hint("it stopped before it built one"));
    }
    for model in &record.models {
        let name = model.kept_as();
        if !folder.path().join(&name).is_file() {
            return Err(changed(&format!("`{name}` is missing")));
        }
    }
    let sources = record.sources.iter().map(|source| source.name.clone());
    let tables = engine_tables().into_iter().map(|(name, _)| name.to_owned());
    let tables: BTreeSet<String> = sources.chain(tables).collect();
    model::load(folder.path(), &tables)
}

/// A file that was changed in the archive says nothing about the run.
fn changed(what: &str) -> Error {
    let message = format!("the archive is not what the run left: {what}");
    Error::new(Kind::Differences, message)
}

/// The model as the run built it.
fn its_model<'a>(project: &'a Project, then: &ModelRecord) -> Result<&'a Model> {
    let name = then.kept_as();
    let model = project.model(&then.name);
    let model = model.ok_or_else(|| changed(&format!("`{name}` is missing")))?;
    if model.fingerprint == then.fingerprint {
        Ok(model)
    } else {
        Err(changed(&format!("`{name}` is another statement")))
    }
}

/// Under another key, hashes are other hashes; that would be no difference of the run's.
fn refuse_other_key(project: &Project, record: &RunRecord, build: &Build) -> Result<()> {
    let hashes = |model: &Model| model.sql.statement.to_string().contains("email_hash(");
    if build.email_key == record.build.email_key || !project.models.iter().any(hashes) {
        return Ok(());
    }
    let message = "the run hashed addresses under another key";
    Err(Error::usage(message).with_hint("set `EMAIL_HASH_KEY` to the key of that run"))
}

/// The extracts that the models are built from, and the tables that these are compared with.
async fn verify_files(folder: &RunFolder, record: &RunRecord) -> Result<()> {
    let extracts = record.sources.iter();
    let extracts = extracts.flat_map(|source| extract::extract_files(folder, source));
    let models = record.models.iter().filter(|model| !model.is_view());
    let models = models.map(|model| (folder.model(&model.name), &model.file));
    for (path, facts) in extracts.chain(models) {
        if !is_unchanged(path.clone(), facts.clone()).await {
            let file = path.strip_prefix(folder.path()).unwrap_or(&path);
            return Err(changed(&format!(
                "`{}` is missing or changed",
                file.display()
            )));
        }
    }
    Ok(())
}

fn settings(engine: &EngineRecord) -> config::Engine {
    config::Engine {
        memory_limit: engine.memory_limit,
        partitions: engine.partitions,
        spill_dir: None,
        ballista: None,
    }
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
