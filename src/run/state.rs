//! How far a run got, as its journal tells. Pure: lines in, state out.

use std::collections::BTreeMap;

use super::{
    journal::{Begun, Entry, Line},
    record::{
        Build, Failure, ModelRecord, Redone, Resumption, SourceRecord, Status, Step, StepRecord,
        seconds,
    },
};
use crate::{
    error::{Error, Result},
    sinks::{Note, Receipt},
    sources::landing::Group,
};

/// How far a run got.
#[derive(Clone, Debug)]
pub struct State {
    /// What the run is.
    pub begun: Begun,
    /// The program of the last attempt.
    pub build: Build,
    /// When the journal was written last.
    pub last_at: chrono::DateTime<chrono::Utc>,
    /// Later attempts.
    pub resumed: Vec<Resumption>,
    /// The steps, in order.
    pub steps: Vec<StepRecord>,
    /// Sources that were read, by name.
    pub sources: BTreeMap<String, SourceRecord>,
    /// Pages that are on disk of sources that were not read to their end, by name.
    pub landed: BTreeMap<String, Landed>,
    /// Models that were built, by name.
    pub models: BTreeMap<String, ModelRecord>,
    /// The load that has begun.
    pub load: Option<BegunLoad>,
    /// The load, once the destination holds it.
    pub receipt: Option<Receipt>,
    /// How the last attempt ended, if it could say so.
    pub ended: Option<(Status, Option<Failure>)>,
}

/// Pages of a source that are on disk.
#[derive(Clone, Debug, Default)]
pub struct Landed {
    /// Of what declaration and window they came.
    pub identity: String,
    /// The pages, in order.
    pub groups: Vec<Group>,
}

/// A load that has begun: whatever is said by now, it is finished as it is.
#[derive(Clone, Debug)]
pub struct BegunLoad {
    /// The destination.
    pub destination: String,
    /// The number within its date.
    pub number: u32,
    /// The values that the models were built with, as SQL.
    pub parameters: BTreeMap<String, String>,
    /// What the destination has noted of it.
    pub notes: Vec<Note>,
}

impl State {
    /// Reads the state from a journal.
    pub fn replay(lines: Vec<Line>) -> Result<Self> {
        let mut lines = lines.into_iter();
        let Some(Line {
            at,
            entry: Entry::Begun(begun),
        }) = lines.next()
        else {
            return Err(Error::outside("the journal of the run has no beginning")
                .with_hint("nothing was read or loaded: remove its folder"));
        };
        let mut state = Self {
            build: begun.build.clone(),
            begun,
            last_at: at,
            resumed: vec![],
            steps: vec![],
            sources: BTreeMap::new(),
            landed: BTreeMap::new(),
            models: BTreeMap::new(),
            load: None,
            receipt: None,
            ended: None,
        };
        for line in lines {
            state.take(line);
        }
        Ok(state)
    }

    /// Whether the destination may hold rows of this run.
    pub fn may_have_loaded(&self) -> bool {
        self.load.is_some()
    }

    /// How the run stands, given whether a process works on it.
    pub fn status(&self, is_running: bool) -> Status {
        match &self.ended {
            Some((status, _)) if !is_running => *status,
            _ if is_running => Status::Running,
            _ => Status::Interrupted,
        }
    }

    /// A group that is there already was not whole any more: it and all behind it were landed anew.
    fn land(&mut self, source: String, identity: String, group: Group) {
        let landed = self.landed.entry(source).or_default();
        let is_same = landed.identity == identity;
        landed
            .groups
            .truncate(if is_same { group.number } else { 0 });
        landed.identity = identity;
        landed.groups.push(group);
    }

    fn take(&mut self, line: Line) {
        let at = line.at;
        self.last_at = at;
        match line.entry {
            Entry::Resumed { build } => {
                self.ended = None;
                self.build = build;
                self.resumed.push(Resumption {
                    at,
                    kept: self.sources.len() + self.models.len(),
                    redone: vec![],
                });
            }
            Entry::StepBegun { step } => begin_step(&mut self.steps, step, at),
            Entry::StepEnded { step } => end_step(&mut self.steps, step, at),
            Entry::Landed {
                source,
                identity,
                group,
            } => self.land(source, identity, *group),
            Entry::LandingDropped { source, .. } => {
                self.landed.remove(&source);
            }
            Entry::Extracted { source, redone } => {
                redo(&mut self.resumed, &source.name, redone);
                if source.partial.is_none() {
                    self.landed.remove(&source.name);
                }
                self.sources.insert(source.name.clone(), *source);
            }
            Entry::Built { model, redone } => {
                redo(&mut self.resumed, &model.name, redone);
                self.models.insert(model.name.clone(), *model);
            }
            Entry::LoadBegun {
                destination,
                load_number,
                parameters,
            } => {
                // Notes of another number are of a load that another run has taken.
                let earlier = self.load.take();
                let earlier = earlier.filter(|earlier| earlier.number == load_number);
                self.load = Some(BegunLoad {
                    destination,
                    number: load_number,
                    parameters,
                    notes: earlier.map_or_else(Vec::new, |earlier| earlier.notes),
                });
            }
            Entry::LoadNoted { noted } => {
                if let Some(load) = &mut self.load {
                    load.notes.push(noted);
                }
            }
            Entry::Begun(_) | Entry::LoadStaged { .. } => {}
            Entry::Loaded { receipt } => self.receipt = Some(*receipt),
            Entry::Ended { status, failure } => self.ended = Some((status, failure)),
        }
    }
}

/// Notes in the present attempt that a table had to be made again.
pub fn redo(resumed: &mut [Resumption], table: &str, reason: Option<String>) {
    if let (Some(last), Some(reason)) = (resumed.last_mut(), reason) {
        last.kept = last.kept.saturating_sub(1);
        last.redone.push(Redone {
            table: table.to_owned(),
            reason,
        });
    }
}

/// Notes that a step begins, for the first time or again.
pub fn begin_step(steps: &mut Vec<StepRecord>, step: Step, at: chrono::DateTime<chrono::Utc>) {
    match steps.iter_mut().find(|record| record.step == step) {
        Some(record) => {
            record.began_at = at;
            record.is_done = false;
        }
        None => steps.push(StepRecord {
            step,
            began_at: at,
            seconds: 0.0,
            is_done: false,
        }),
    }
}

/// Notes that a step is done; what earlier attempts took counts as well.
pub fn end_step(steps: &mut [StepRecord], step: Step, at: chrono::DateTime<chrono::Utc>) {
    if let Some(record) = steps.iter_mut().find(|record| record.step == step) {
        record.seconds += seconds(record.began_at, at);
        record.is_done = true;
    }
}
