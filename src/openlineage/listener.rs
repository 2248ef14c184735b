//! Listens to a run, and tells catalogs of it in the background.

use std::sync::{Mutex, PoisonError};

use super::{
    dataset::Datasets,
    event::{Events, Phase, Written, end},
    send::Outbox,
};
use crate::{
    clock::Clock,
    config::OpenLineage,
    engine::{Engine, Lineage, lineage},
    error::Result,
    run::{
        Event, Pipeline, Progress,
        record::{Failure, RunRecord, Status, Step},
    },
    sources::Privacy,
};

/// Tells catalogs what a run does.
pub struct Listener<'a> {
    pipeline: &'a Pipeline,
    lineage: Lineage,
    namespace: String,
    privacy: Privacy,
    clock: Clock,
    heard: Mutex<Heard>,
    outbox: Outbox,
}

/// What was heard so far.
#[derive(Default)]
struct Heard {
    /// The run, as it began.
    record: Option<Box<RunRecord>>,
    /// What has begun and not ended.
    open: Vec<Part>,
    /// Rows that were loaded.
    loaded: Option<u64>,
}

/// A part of a run that is a job of its own.
#[derive(PartialEq, Eq)]
enum Part {
    Model(String),
    Load,
}

impl<'a> Listener<'a> {
    /// A listener, if `dfpipe.yml` names somebody to tell. An error is a mistake in the configuration.
    pub async fn open(pipeline: &'a Pipeline, clock: &Clock) -> Result<Option<Self>> {
        let config = &pipeline.config;
        let Some(settings) = &config.openlineage else {
            return Ok(None);
        };
        let OpenLineage { namespace, .. } = settings;
        let Some(outbox) = Outbox::open(settings)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            // Models that are wrong never start: the run itself says so, with all that is wrong.
            lineage: followed(pipeline).await.unwrap_or_default(),
            namespace: namespace.clone(),
            privacy: Privacy::new(&config.email_hash_key),
            clock: clock.clone(),
            heard: Mutex::default(),
            outbox,
            pipeline,
        }))
    }

    /// Waits until all is told, but not for long. What could not be told, in words.
    pub async fn finish(&self) -> Vec<String> {
        self.outbox.finish().await
    }

    fn with_events(&self, record: &RunRecord, tell: impl FnOnce(&Events<'_>)) {
        let datasets = Datasets {
            config: &self.pipeline.config,
            lineage: &self.lineage,
            namespace: &self.namespace,
        };
        tell(&Events {
            datasets,
            privacy: &self.privacy,
            record,
            at: self.clock.now(),
        });
    }

    fn tell_part(&self, record: &RunRecord, part: &Part, phase: Phase<'_>) {
        self.with_events(record, |events| match part {
            Part::Load => self.outbox.put(&events.load(phase)),
            Part::Model(name) => {
                if let Some(model) = self.pipeline.project.model(name) {
                    self.outbox.put(&events.model(model, phase));
                }
            }
        });
    }

    fn begin(&self, heard: &mut Heard, part: Part) {
        if let Some(record) = &heard.record {
            self.tell_part(record, &part, Phase::Start);
        }
        heard.open.push(part);
    }

    fn complete(&self, heard: &mut Heard, part: &Part, written: Option<Written>) {
        heard.open.retain(|open| open != part);
        if let Some(record) = &heard.record {
            self.tell_part(record, part, Phase::Complete(written));
        }
    }

    /// What was open when the run ended, ended with it; then the run itself.
    fn end(&self, heard: &mut Heard, record: &RunRecord) {
        let message = record.failure.as_ref().map(words).unwrap_or_default();
        for part in std::mem::take(&mut heard.open) {
            let phase = if record.status == Status::Failed {
                Phase::Fail(&message)
            } else {
                Phase::Abort
            };
            self.tell_part(record, &part, phase);
        }
        let written = record.load.as_ref().map(|load| Written {
            rows: load.receipt.rows,
            bytes: Some(load.receipt.bytes),
        });
        let phase = end(record.status, &message, written);
        self.with_events(record, |events| self.outbox.put(&events.run(phase)));
    }
}

impl Progress for Listener<'_> {
    fn report(&self, event: &Event) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::RunStarted {
                record, resumed, ..
            } => {
                let phase = if *resumed {
                    Phase::Running
                } else {
                    Phase::Start
                };
                self.with_events(record, |events| self.outbox.put(&events.run(phase)));
                heard.record = Some(record.clone());
            }
            Event::Building { model } => self.begin(&mut heard, Part::Model(model.clone())),
            Event::Built {
                model,
                rows,
                bytes,
                kept,
                view,
                ..
            } if !kept => {
                let (rows, bytes) = (*rows, Some(*bytes));
                let written = (!view).then_some(Written { rows, bytes });
                self.complete(&mut heard, &Part::Model(model.clone()), written);
            }
            Event::StepStarted { step: Step::Load } => self.begin(&mut heard, Part::Load),
            Event::Loaded { rows, .. } => heard.loaded = Some(*rows),
            Event::StepFinished {
                step: Step::Load, ..
            } => {
                let written = heard.loaded.map(|rows| Written { rows, bytes: None });
                self.complete(&mut heard, &Part::Load, written);
            }
            Event::RunFinished { record, .. } => self.end(&mut heard, record),
            // Nothing that a catalog wants to know; what an earlier attempt built, it told.
            Event::Built { .. }
            | Event::StepStarted { .. }
            | Event::StepFinished { .. }
            | Event::Extracting { .. }
            | Event::Computing { .. }
            | Event::Loading { .. }
            | Event::NotLoaded { .. }
            | Event::Extracted { .. }
            | Event::Checked { .. }
            | Event::Archived { .. }
            | Event::Warning { .. } => {}
        }
    }
}

/// What the models of `pipeline` are made of.
async fn followed(pipeline: &Pipeline) -> Result<Lineage> {
    let spill = std::env::temp_dir();
    let engine = Engine::new(&pipeline.config, &spill)?;
    let parameters = pipeline.parameters("lineage");
    lineage(&pipeline.config, &pipeline.project, &parameters, &engine).await
}

fn words(failure: &Failure) -> String {
    match &failure.cause {
        Some(cause) => format!("{}: {cause}", failure.message),
        None => failure.message.clone(),
    }
}
