//! A run: one execution of the pipeline, from sources to a receipt.
//!
//! ```text
//! plan ─▶ is the date loaded? ─▶ extract ─▶ transform ─▶ checks ─▶ load ─▶ finalize
//!            (exit 7)               │           │                   │         │
//!                             journal and files in the run's folder ┴─▶ archive and record
//! ```

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    checks::{self, CheckRecord},
    clock::Clock,
    config::{Config, OnRepeat},
    engine::{Engine, check, engine_tables},
    error::{Error, Kind, Result},
    model::{self, Parameters, Project, Severity, combined, select::select},
    sinks::{self, Load, Sink},
    sources::Window,
};

mod archive;
mod extract;
mod folder;
pub mod history;
mod journal;
mod progress;
pub mod record;
mod transform;

pub use folder::RunFolder;
pub use progress::{Event, Progress};
use record::{LoadRecord, ModelRecord, RunRecord, Status};

/// What a run is asked to do.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Which models are built; all if empty.
    pub select: Vec<String>,
    /// Whether a date that is loaded already gets a further load.
    pub new_load: bool,
}

/// A pipeline that was read and checked, for one moment.
#[derive(Debug)]
pub struct Pipeline {
    /// The configuration.
    pub config: Arc<Config>,
    /// Models and checks.
    pub project: Project,
    /// The time that is looked at.
    pub window: Window,
}

impl Pipeline {
    /// Reads the models and fixes the window.
    pub fn load(config: Config, as_of: Option<DateTime<Utc>>, clock: &Clock) -> Result<Self> {
        let tables = engine_tables().into_iter().map(|(name, _)| name.to_owned());
        let tables: BTreeSet<String> = config.sources.keys().cloned().chain(tables).collect();
        let project = model::load(&config.project, &tables)?;
        let as_of = as_of.or(config.as_of).unwrap_or_else(|| clock.now());
        let window = Window::before(as_of, config.window_days);
        Ok(Self {
            config: Arc::new(config),
            project,
            window,
        })
    }

    /// The parameters of the run `run_id`.
    pub fn parameters(&self, run_id: &str) -> Parameters {
        let mut parameters = Parameters::default();
        for (name, value) in &self.config.parameters {
            parameters.set(name, value);
        }
        parameters.set_time("as_of", self.window.end);
        parameters.set_time("window_start", self.window.start);
        parameters.set_time("window_end", self.window.end);
        parameters.set_date("run_date", self.window.run_date());
        parameters.set_text("run_id", run_id);
        parameters
    }

    /// Types all models and checks from declared schemas.
    pub async fn check(&self) -> Result<()> {
        let spill = std::env::temp_dir();
        let engine = Engine::new(&self.config, &spill)?;
        check(
            &self.config,
            &self.project,
            &self.parameters("check"),
            &engine,
        )
        .await
        .map(|_| ())
    }
}

/// Runs the pipeline once.
pub async fn run(
    pipeline: Pipeline,
    request: &Request,
    clock: &Clock,
    progress: &dyn Progress,
) -> Result<RunRecord> {
    let selected = select(&pipeline.project.models, &request.select)?;
    pipeline.check().await?;
    let sink = sinks::open(&pipeline.config)?;
    let loads = loads_result(&pipeline, &selected);
    let load_number = if loads {
        Some(next_load(&pipeline, request, sink.as_ref()).await?)
    } else {
        None
    };
    let folder = RunFolder::create(&pipeline.config, &pipeline.window, clock.now())?;
    let mut execution = Execution {
        record: record::begin(&pipeline, &folder, clock.now()),
        journal: journal::Journal::create(&folder, clock.clone())?,
        parameters: pipeline.parameters(&folder.run_id),
        engine: Arc::new(Engine::new(&pipeline.config, &folder.spill())?),
        sink,
        pipeline: &pipeline,
        folder,
        clock,
        progress,
    };
    let outcome = execution.steps(&selected, load_number).await;
    execution.end(outcome)
}

/// The result is loaded only if its model and all that it needs are built.
fn loads_result(pipeline: &Pipeline, selected: &BTreeSet<String>) -> bool {
    let needed = format!("+{}", pipeline.config.destination.model);
    select(&pipeline.project.models, &[needed]).is_ok_and(|needed| needed.is_subset(selected))
}

/// The number of this run's load, or the error that the date is loaded.
async fn next_load(pipeline: &Pipeline, request: &Request, sink: &dyn Sink) -> Result<u32> {
    let date = pipeline.window.run_date();
    let loads = sink.loads(date).await?;
    let last = loads.last();
    let adds = request.new_load || pipeline.config.destination.on_repeat == OnRepeat::Add;
    match last {
        Some(last) if !adds => Err(Error::new(
            Kind::NothingDone,
            format!(
                "{date} is loaded already: run `{}`, {} rows",
                last.run_id, last.rows
            ),
        )
        .because(format!(
            "`{}` holds it as load {}",
            last.location.display(),
            last.load_number
        ))
        .with_hint("`dfpipe run --new-load` appends a further load of that date")),
        last => Ok(last.map_or(0, |last| last.load_number) + 1),
    }
}

/// A run under way.
struct Execution<'a> {
    pipeline: &'a Pipeline,
    folder: RunFolder,
    engine: Arc<Engine>,
    parameters: Parameters,
    sink: Box<dyn Sink>,
    journal: journal::Journal,
    record: RunRecord,
    clock: &'a Clock,
    progress: &'a dyn Progress,
}

impl Execution<'_> {
    async fn steps(&mut self, selected: &BTreeSet<String>, load: Option<u32>) -> Result<()> {
        self.journal.begin("extract")?;
        self.extract().await?;
        self.journal.end("extract")?;
        self.journal.begin("transform")?;
        self.transform(selected).await?;
        self.check(selected).await?;
        self.journal.end("transform")?;
        if let Some(load_number) = load {
            self.journal.begin_load(load_number)?;
            self.load(load_number).await?;
            self.journal.end("load")?;
        }
        Ok(())
    }

    async fn check(&mut self, selected: &BTreeSet<String>) -> Result<()> {
        self.progress.report(Event::Step("checks"));
        let is_built = |name: &str| selected.contains(name);
        let project = &self.pipeline.project;
        self.record.checks =
            checks::run_all(project, &is_built, &self.parameters, &self.engine).await?;
        let warned = |check: &&CheckRecord| !check.passed() && check.severity == Severity::Warn;
        let warnings = self.record.checks.iter().filter(warned).count();
        self.progress.report(Event::Checked {
            checks: self.record.checks.len(),
            warnings,
        });
        match checks::verdict(&self.record.checks) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    async fn load(&mut self, load_number: u32) -> Result<()> {
        self.progress.report(Event::Step("load"));
        let name = &self.pipeline.config.destination.model;
        let model = self.record.models.iter().find(|model| model.name == *name);
        let rows = model.map(|model: &ModelRecord| model.file.rows);
        let load = Load {
            run_id: self.folder.run_id.clone(),
            run_timestamp: self.record.started_at,
            run_date: self.pipeline.window.run_date(),
            load_number,
            source_version: self.record.source_version.clone(),
            file: self.folder.model(name),
            rows: rows.ok_or_else(|| Error::bug("the loaded model was not built"))?,
        };
        let (staged, facts) = self.sink.stage(&load, self.folder.path()).await?;
        let receipt = self.sink.commit(&load, &staged, &facts).await?;
        folder::remove_file(&staged)?;
        self.folder
            .write_json("step4_load_receipt.json", &receipt)?;
        self.progress.report(Event::Loaded {
            rows: receipt.rows,
            to: receipt.destination.clone(),
        });
        self.record.load = Some(LoadRecord { receipt });
        Ok(())
    }

    /// Writes the record, moves a good run into the archive, and tells where a bad one lies.
    fn end(mut self, outcome: Result<()>) -> Result<RunRecord> {
        self.record.finished_at = self.clock.now();
        self.record.status = match &outcome {
            Ok(()) => Status::Succeeded,
            Err(_) => Status::Failed,
        };
        self.record.error = outcome
            .as_ref()
            .err()
            .map(|error| error.message().to_owned());
        folder::remove_folder(&self.folder.spill())?;
        match outcome {
            Ok(()) => {
                let archived = folder::archived_on(&self.pipeline.config, self.record.run_date);
                self.record.folder = archived.join(&self.record.run_id);
                self.folder.write_json("run.json", &self.record)?;
                self.journal.end("finalize")?;
                archive::store(&self.folder, &self.record.folder)?;
                Ok(self.record)
            }
            Err(error) => {
                // The run's own error matters more than one about its record.
                let _ = self.folder.write_json("run.json", &self.record);
                self.progress.report(Event::Kept {
                    folder: self.folder.path().to_owned(),
                });
                Err(error)
            }
        }
    }
}

/// The combined fingerprint of a project's models.
fn source_version(project: &Project) -> String {
    combined(&project.models)
}
