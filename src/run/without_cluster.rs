//! What stands for a cluster in a program that was built without: there is none, and no run can have one.

use super::{
    RunFolder,
    history::Past,
    record::{ClusterRecord, Job},
};
use crate::{
    cluster::refused,
    config::Config,
    engine::{Built, Engine},
    error::Result,
    model::{Model, Parameters},
};

/// Nothing is one.
pub enum Cluster {}

#[expect(
    clippy::unused_async,
    reason = "the one that there may be waits for other machines"
)]
impl Cluster {
    /// A configuration that names one is refused.
    pub async fn reach(config: &Config) -> Result<Option<Self>> {
        match &config.engine.ballista {
            None => Ok(None),
            Some(_) => Err(refused()),
        }
    }

    /// What it is.
    pub fn record(&self) -> ClusterRecord {
        match *self {}
    }

    /// Hands over the extracts.
    pub async fn take_extracts(&self, _: &RunFolder, _: impl Iterator<Item = &str>) -> Result<()> {
        match *self {}
    }

    /// Hands over a table.
    pub async fn take_model(&self, _: &RunFolder, _: &Model) -> Result<()> {
        match *self {}
    }

    /// Tells of a view.
    pub async fn take_view(&self, _: &Model, _: &Parameters) -> Result<()> {
        match *self {}
    }

    /// Has a model built.
    pub async fn build(
        &self,
        _: &RunFolder,
        _: &Model,
        _: &Parameters,
    ) -> Result<(Built, Option<Job>)> {
        match *self {}
    }

    /// How far that is.
    pub async fn progress(&self, _: &RunFolder, _: &Model) -> Option<Job> {
        match *self {}
    }

    /// Hands over tables of a run that is over.
    pub async fn take_past(&self, _: &Past, _: &str, _: impl Fn(&str) -> bool) -> Result<()> {
        match *self {}
    }

    /// Its session.
    pub fn engine(&self) -> &Engine {
        match *self {}
    }

    /// Leaves nothing behind.
    pub async fn leave(&self, _: &str) -> Result<()> {
        match *self {}
    }
}
