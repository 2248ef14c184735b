//! A pipeline as a run needs it: configuration, models, window, parameters.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    clock::Clock,
    config::Config,
    engine::{Engine, check, engine_tables},
    error::Result,
    model::{self, Parameters, Project},
    sources::Window,
};

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
