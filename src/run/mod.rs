//! A run: one execution of the pipeline, from sources to a receipt.
//!
//! ```text
//! begin ─▶ is the date loaded? ─▶ extract ─▶ transform, checks ─▶ load ─▶ finalize
//!   │         (exit 7)              │              │               │         │
//! lock                        journal and files in the run's folder┴─▶ record, archive
//!   └─ or resume: what the journal says was done and is on disk unchanged is not done again
//! ```

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

use crate::{
    clock::Clock,
    engine::{Engine, Followed},
    error::{Error, Kind, Result},
    model::{Parameters, Use},
    sinks::Sink,
};

pub mod archive;
mod begin;
mod checking;
#[cfg_attr(not(feature = "cluster"), path = "without_cluster.rs")]
mod cluster;
mod columns;
mod committing;
mod extract;
mod finalize;
mod folder;
pub mod history;
mod identity;
mod journal;
mod landing;
mod load;
mod lock;
mod models;
mod pipeline;
pub mod plan;
mod progress;
pub mod record;
pub mod replay;
pub mod resume;
mod scratch;
mod selection;
mod state;
mod summary;
mod transform;

pub use cluster::Cluster;
pub use folder::RunFolder;
pub use identity::build;
pub use pipeline::Pipeline;
pub use progress::{Event, Progress, Several};
use record::{Failure, RunRecord, Status, Step};
use state::State;
pub use summary::rejects as rejects_model;
pub use transform::quoted;

/// What a run is asked to do.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Request {
    /// Which models are built; all if empty.
    pub select: Vec<String>,
    /// Released versions that stand in for files; the pipeline was read with them.
    pub uses: Vec<Use>,
    /// Whether a date that is loaded already gets a further load.
    pub new_load: bool,
    /// Whether columns that the destination has may be missing in the load.
    pub allow_lost_columns: bool,
    /// The last step; all if it is not said.
    pub until: Option<Step>,
    /// The run to go on with, instead of a new one.
    pub resume: Option<RunFolder>,
    /// Whether an unfinished run of the date is set aside.
    pub fresh: bool,
    /// Whether all is done but the load, and nothing is left behind.
    pub dry_run: bool,
    /// Whether the run goes on with what came of a source that did not come to its end.
    pub allow_partial: bool,
}

/// What a run works with that is not its own.
pub struct Around<'a> {
    /// The time.
    pub clock: &'a Clock,
    /// Who is told what happens.
    pub progress: &'a dyn Progress,
    /// What is written beside the record, by file name.
    pub documents: &'a (dyn Fn(&RunRecord) -> Vec<(&'static str, String)> + Sync),
    /// Told when somebody wants the run to stop.
    pub interrupt: &'a Notify,
    /// Hears of every line of the journal that is on disk, by its number in this attempt.
    pub journalled: &'a (dyn Fn(u64) + Sync),
}

/// A run that is over.
#[derive(Debug)]
pub struct Ended {
    /// All about it.
    pub record: RunRecord,
    /// Whether it went well.
    pub outcome: Result<()>,
}

/// Runs the pipeline once, or goes on with a run. An error means that nothing was begun.
pub async fn run(pipeline: &Pipeline, request: &Request, around: &Around<'_>) -> Result<Ended> {
    let cluster = Cluster::reach(&pipeline.config).await?;
    let mut execution = begin::begin(pipeline, request, around).await?;
    execution.employ(cluster);
    let outcome = tokio::select! {
        biased;
        () = around.interrupt.notified() => Err(interrupted()),
        outcome = execution.steps(request.until) => outcome,
    };
    Ok(execution.end(outcome).await)
}

fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "the run was interrupted")
}

/// A run under way.
struct Execution<'a> {
    pipeline: &'a Pipeline,
    around: &'a Around<'a>,
    folder: RunFolder,
    engine: Arc<Engine>,
    /// What builds the models, if not the engine.
    cluster: Option<Arc<Cluster>>,
    parameters: Parameters,
    sink: Box<dyn Sink>,
    journal: Option<Mutex<journal::Journal<'a>>>,
    record: RunRecord,
    /// What earlier attempts did.
    earlier: Option<State>,
    selected: BTreeSet<String>,
    /// The personal data in the tables: no report quotes it.
    personal: Arc<Followed>,
    /// The number of the load; none if nothing is loaded.
    load_number: Option<u32>,
    /// Whether columns that the destination has may be missing in the load.
    allow_lost_columns: bool,
    /// Whether it goes on with what came of a source that did not come to its end.
    allow_partial: bool,
    /// Whether what an earlier attempt has of such a source is enough, and nothing more is asked for.
    takes_partial: bool,
    /// Held until the run is over.
    lock: Option<lock::Lock>,
    /// The folder of a dry run, removed with it.
    scratch: Option<scratch::Scratch>,
}

/// How far the steps went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// To the end.
    End,
    /// To the step that was asked for.
    Asked,
}

impl Execution<'_> {
    /// Has the models built by a cluster from now on.
    fn employ(&mut self, cluster: Option<Cluster>) {
        self.record.engine.cluster = cluster.as_ref().map(Cluster::record);
        self.cluster = cluster.map(Arc::new);
    }

    /// Leaves the cluster with nothing to do and nothing to keep. An attempt that goes on gives it all again.
    async fn dismiss(&mut self) {
        if let Some(cluster) = &self.cluster
            && let Err(error) = cluster.leave(&self.folder.run_id).await
        {
            self.record.warnings.push(error.to_string());
        }
    }

    async fn steps(&mut self, until: Option<Step>) -> Result<Reached> {
        for step in [Step::Extract, Step::Transform, Step::Load, Step::Finalize] {
            if step == Step::Load && self.load_number.is_none() {
                self.tell_not_loaded();
                continue;
            }
            self.step(step).await?;
            if until == Some(step) && step != Step::Finalize {
                return Ok(Reached::Asked);
            }
        }
        Ok(Reached::End)
    }

    /// A dry run says what it does not do.
    fn tell_not_loaded(&self) {
        if let Some(scratch) = &self.scratch {
            self.tell(&Event::NotLoaded {
                reason: format!("this is a dry run; {}", scratch.would_load),
            });
        }
    }

    async fn step(&mut self, step: Step) -> Result<()> {
        let now = self.around.clock.now();
        state::begin_step(&mut self.record.steps, step, now);
        self.journal(journal::Entry::StepBegun { step })?;
        self.tell(&Event::StepStarted { step });
        let kept = match step {
            Step::Extract => self.extract().await?,
            Step::Transform => self.transform().await?,
            Step::Load => self.load().await?,
            Step::Finalize => return self.finalize().await,
        };
        self.finish(step, kept)
    }

    fn finish(&mut self, step: Step, kept: bool) -> Result<()> {
        let now = self.around.clock.now();
        state::end_step(&mut self.record.steps, step, now);
        self.save()?;
        self.journal(journal::Entry::StepEnded { step })?;
        let done = self.record.steps.iter().find(|record| record.step == step);
        let seconds = done.map_or(0.0, |record| record.seconds);
        self.tell(&Event::StepFinished {
            step,
            seconds,
            kept,
        });
        Ok(())
    }

    /// Writes down how the run ended, and lets it go.
    async fn end(mut self, outcome: Result<Reached>) -> Ended {
        self.dismiss().await;
        let (status, outcome) = match outcome {
            Ok(Reached::End) if self.scratch.is_some() => (Status::DryRun, Ok(())),
            Ok(Reached::End) => (Status::Succeeded, Ok(())),
            Ok(Reached::Asked) => (Status::Stopped, Ok(())),
            Err(error) if error.kind() == Kind::Interrupted => (Status::Interrupted, Err(error)),
            Err(error) => (Status::Failed, Err(error)),
        };
        self.record.status = status;
        self.record.finished_at = self.around.clock.now();
        if let Err(error) = &outcome {
            self.record.failure = Some(self.failure(error));
        }
        let now = self.record.finished_at;
        for step in self.record.steps.iter_mut().filter(|step| !step.is_done) {
            // A step that failed took its time as well.
            step.seconds += record::seconds(step.began_at, now);
        }
        if !matches!(status, Status::Succeeded | Status::DryRun) {
            self.keep(status).await;
        }
        self.tell(&Event::RunFinished {
            record: Box::new(self.record.clone()),
            run_id: self.record.run_id.clone(),
            status,
            folder: self.record.folder.clone(),
        });
        drop(self.lock);
        drop(self.scratch);
        Ended {
            record: self.record,
            outcome,
        }
    }

    /// Leaves an unfinished run so that people can read it and go on with it. What fails here says less
    /// than what ended the run, so it is a warning.
    async fn keep(&mut self, status: Status) {
        self.record.folder = self.folder.path().display().to_string();
        let failure = self.record.failure.clone();
        let entry = journal::Entry::Ended { status, failure };
        let kept = folder::remove_folder(&self.folder.spill());
        let kept = kept.and_then(|()| self.journal(entry));
        let kept = kept.and(self.write_documents().await).and(self.save());
        if let Err(error) = kept {
            let message = error.to_string();
            self.tell(&Event::Warning { message });
        }
    }

    fn failure(&self, error: &Error) -> Failure {
        let begun = self.record.steps.iter().rfind(|step| !step.is_done);
        let first = error.problems().next().unwrap_or(error);
        Failure {
            step: begun.map(|record| record.step),
            message: first.message().to_owned(),
            cause: first.cause().map(str::to_owned),
            hint: first.hint().map(str::to_owned),
            exit_code: error.kind().exit_code(),
        }
    }

    fn journal(&self, entry: journal::Entry) -> Result<()> {
        match &self.journal {
            Some(journal) => {
                let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
                journal.append(entry)
            }
            None => Ok(()),
        }
    }

    /// Writes the record as it is by now.
    fn save(&self) -> Result<()> {
        self.folder.write_json(history::RECORD, &self.record)
    }

    fn tell(&self, event: &Event) {
        self.around.progress.report(event);
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}
