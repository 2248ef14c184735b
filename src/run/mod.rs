//! A run: one execution of the pipeline, from sources to a receipt.
//!
//! ```text
//! plan ─▶ is the date loaded? ─▶ extract ─▶ transform ─▶ checks ─▶ load ─▶ finalize
//!            (exit 7)               │           │                   │         │
//!                             journal and files in the run's folder ┴─▶ archive and record
//! ```

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    checks::{self, CheckRecord},
    clock::Clock,
    engine::Engine,
    error::Result,
    model::{Parameters, Severity},
    sinks::{self, Sink},
};

mod archive;
mod extract;
mod folder;
pub mod history;
mod journal;
mod load;
mod pipeline;
mod progress;
pub mod record;
mod selection;
mod transform;

pub use folder::RunFolder;
pub use pipeline::Pipeline;
pub use progress::{Event, Progress};
use record::{RunRecord, Status};

/// What a run is asked to do.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Which models are built; all if empty.
    pub select: Vec<String>,
    /// Whether a date that is loaded already gets a further load.
    pub new_load: bool,
}

/// Runs the pipeline once.
pub async fn run(
    pipeline: Pipeline,
    request: &Request,
    clock: &Clock,
    progress: &dyn Progress,
) -> Result<RunRecord> {
    let selected = selection::resolve(&pipeline.project, &request.select)?;
    pipeline.check().await?;
    let sink = sinks::open(&pipeline.config)?;
    let loads = load::loads_result(&pipeline, &selected);
    let load_number = if loads {
        Some(load::next_load(&pipeline, request, sink.as_ref()).await?)
    } else {
        None
    };
    load::prepare_archive(&pipeline)?;
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
        let failed = |severity: Severity| {
            let failed = |check: &&CheckRecord| !check.passed() && check.severity == severity;
            self.record.checks.iter().filter(failed).count()
        };
        let (warnings, errors) = (failed(Severity::Warn), failed(Severity::Error));
        let checks = self.record.checks.len();
        self.progress.report(Event::Checked {
            checks,
            warnings,
            errors,
        });
        match checks::verdict(&self.record.checks) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Writes the record, moves a good run into the archive, and tells where a bad one lies.
    fn end(mut self, outcome: Result<()>) -> Result<RunRecord> {
        let outcome = outcome.and_then(|()| self.finalize());
        let Err(error) = outcome else {
            return Ok(self.record);
        };
        self.record.status = Status::Failed;
        self.record.error = Some(error.to_string());
        self.record.finished_at = self.clock.now();
        self.folder.path().clone_into(&mut self.record.folder);
        // The run's own error matters more than one about its record.
        let _ = self.folder.write_json("run.json", &self.record);
        let folder = self.folder.path().to_owned();
        self.progress.report(Event::Kept { folder });
        Err(error)
    }

    fn finalize(&mut self) -> Result<()> {
        let finalized = self.write_and_archive();
        match &self.record.load {
            Some(load) => finalized.map_err(|error| load::is_loaded(&load.receipt, &error)),
            None => finalized,
        }
    }

    fn write_and_archive(&mut self) -> Result<()> {
        folder::remove_folder(&self.folder.spill())?;
        let archived = folder::archived_on(&self.pipeline.config, self.record.run_date);
        self.record.folder = archived.join(&self.record.run_id);
        self.record.status = Status::Succeeded;
        self.record.finished_at = self.clock.now();
        self.folder.write_json("run.json", &self.record)?;
        self.journal.end("finalize")?;
        archive::store(&self.folder, &self.record.folder)
    }
}
