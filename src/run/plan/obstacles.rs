//! What would stop a run before it reads anything. It is looked for and told, and nothing is taken.

use serde::Serialize;

use crate::{
    clock::Clock,
    error::{Error, Kind},
    run::{Pipeline, Request, load, lock, resume},
    sinks::Sink,
};

/// Something that would stop a run.
#[derive(Clone, Debug, Serialize)]
pub struct Obstacle {
    /// What it is.
    pub obstacle: Obstructed,
    /// What the run would say.
    pub message: String,
    /// Why.
    pub cause: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What the run would end with.
    pub exit_code: u8,
}

/// What is in the way of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstructed {
    /// Another run of the pipeline is under way.
    LockHeld,
    /// A run of the date is not finished.
    UnfinishedRun,
    /// The date is loaded already.
    DateLoaded,
    /// The destination cannot be asked.
    Destination,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// What is in the way, in the order in which a run would meet it.
    pub obstacles: Vec<Obstacle>,
    /// The number that a load would get.
    pub load_number: Option<u32>,
}

/// Looks for what is in the way of a run that `loads` or not.
pub async fn find(
    pipeline: &Pipeline,
    request: &Request,
    loads: bool,
    sink: &dyn Sink,
    clock: &Clock,
) -> Found {
    let mut found = Found::default();
    let held = lock::look(&pipeline.config, clock);
    let is_held = held.is_some();
    found.add(Obstructed::LockHeld, held);
    if !loads {
        return found;
    }
    // The run that is under way is not finished either, but that is no second obstacle.
    if !is_held {
        let unfinished = resume::refuse_unfinished(pipeline, false, clock);
        found.add(Obstructed::UnfinishedRun, unfinished.err());
    }
    match load::next_load(pipeline, request.new_load, sink).await {
        Ok(number) => found.load_number = Some(number),
        Err(error) if error.kind() == Kind::NothingDone => {
            found.add(Obstructed::DateLoaded, Some(error));
            found.load_number = load::next_load(pipeline, true, sink).await.ok();
        }
        Err(error) => found.add(Obstructed::Destination, Some(error)),
    }
    found
}

impl Found {
    fn add(&mut self, obstacle: Obstructed, error: Option<Error>) {
        self.obstacles.extend(error.map(|error| Obstacle {
            obstacle,
            message: error.message().to_owned(),
            cause: error.cause().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            exit_code: error.kind().exit_code(),
        }));
    }
}
