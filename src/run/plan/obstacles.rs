//! What would stop a run before it reads anything. It is looked for and told, and nothing is taken.

use datafusion::arrow::datatypes::Schema;
use serde::Serialize;

use crate::{
    clock::Clock,
    error::{Error, Kind},
    run::{Cluster, Pipeline, Request, columns, load, lock, resume},
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
    /// The cluster that builds the models cannot be worked with.
    Cluster,
    /// Another run of the pipeline is under way.
    LockHeld,
    /// A run of the date is not finished.
    UnfinishedRun,
    /// The date is loaded already.
    DateLoaded,
    /// The destination cannot be asked.
    Destination,
    /// The destination has columns that the load has not, or of other types.
    Columns,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// What is in the way, in the order in which a run would meet it.
    pub obstacles: Vec<Obstacle>,
    /// The number that a load would get.
    pub load_number: Option<u32>,
    /// What a reader should know, and stops nothing.
    pub notes: Vec<String>,
}

/// Looks for what is in the way of a run that loads the columns `loaded`, or nothing.
pub async fn find(
    pipeline: &Pipeline,
    request: &Request,
    loaded: Option<&Schema>,
    sink: &dyn Sink,
    clock: &Clock,
) -> Found {
    let mut found = Found::default();
    let cluster = Cluster::reach(&pipeline.config).await;
    found.add(Obstructed::Cluster, cluster.err());
    let held = lock::look(&pipeline.config, clock);
    let is_held = held.is_some();
    found.add(Obstructed::LockHeld, held);
    let Some(loaded) = loaded else {
        return found;
    };
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
        Err(error) => {
            found.add(Obstructed::Destination, Some(error));
            return found;
        }
    }
    match columns::compared(pipeline, loaded, request.allow_lost_columns, sink).await {
        Ok(notes) => found.notes = notes,
        Err(error) if error.kind() == Kind::Data => found.add(Obstructed::Columns, Some(error)),
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
