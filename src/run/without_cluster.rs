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

    pub fn record(&self) -> ClusterRecord {
        match *self {}
    }

    pub async fn take_extracts(&self, _: &RunFolder, _: impl Iterator<Item = &str>) -> Result<()> {
        match *self {}
    }

    pub async fn take_model(&self, _: &RunFolder, _: &Model) -> Result<()> {
        match *self {}
    }

    pub async fn take_view(&self, _: &Model, _: &Parameters) -> Result<()> {
        match *self {}
    }

    pub async fn build(
        &self,
        _: &RunFolder,
        _: &Model,
        _: &Parameters,
    ) -> Result<(Built, Option<Job>)> {
        match *self {}
    }

    pub async fn progress(&self, _: &RunFolder, _: &Model) -> Option<Job> {
        match *self {}
    }

    pub async fn take_past(&self, _: &Past, _: &str, _: impl Fn(&str) -> bool) -> Result<()> {
        match *self {}
    }

    pub fn engine(&self) -> &Engine {
        match *self {}
    }

    pub async fn leave(&self, _: &str) -> Result<()> {
        match *self {}
    }
}
