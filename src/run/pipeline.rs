//! A pipeline as a run needs it: configuration, models, window, parameters.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::SchemaRef;

use super::summary::lacking;
use crate::{
    checks::{self, Subject},
    clock::Clock,
    config::{Config, WorkingCopies},
    engine::{Checked, Engine, check, column_place, engine_tables},
    error::{Error, Place, Result},
    model::{self, Parameters, Project, Use, header},
    sinks::metadata,
    sources::{self, Window},
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
        let folder = config.project.clone();
        Self::load_from(config, &folder, &[], as_of, clock)
    }

    /// The same for who wants to know all that is wrong: models that cannot be read are left out, and
    /// [`Pipeline::looked_at`] says why.
    pub fn load_as_far_as_possible(config: Config, clock: &Clock) -> Result<Self> {
        let folder = &config.project;
        let project = model::load_as_far_as_possible(folder, &Self::tables(&config), &[])?;
        Ok(Self::with(config, project, None, clock))
    }

    /// Columns that the destination has, as far as they were recorded, may be missing; they may not be otherwise.
    pub fn allow_lost_columns(&mut self, is_allowed: bool) {
        if is_allowed {
            self.project.recorded = None;
        }
    }

    /// Models and checks of the `sql/` in `folder`; `uses` are released versions that stand in for files.
    pub fn project(config: &Config, folder: &Path, uses: &[Use]) -> Result<Project> {
        model::load_with(folder, &Self::tables(config), uses)
    }

    /// The tables that are no models.
    fn tables(config: &Config) -> BTreeSet<String> {
        let tables = engine_tables().into_iter().map(|(name, _)| name.to_owned());
        config.sources.keys().cloned().chain(tables).collect()
    }

    /// Reads the models of the `sql/` in `folder` and fixes the window.
    pub fn load_from(
        config: Config,
        folder: &Path,
        uses: &[Use],
        as_of: Option<DateTime<Utc>>,
        clock: &Clock,
    ) -> Result<Self> {
        let project = Self::project(&config, folder, uses)?;
        Ok(Self::with(config, project, as_of, clock))
    }

    fn with(config: Config, project: Project, as_of: Option<DateTime<Utc>>, clock: &Clock) -> Self {
        let as_of = as_of.or(config.as_of).unwrap_or_else(|| clock.now());
        let window = Window::before(as_of, config.window_days);
        Self {
            config: Arc::new(config),
            project,
            window,
        }
    }

    /// The parameters of the run `run_id`.
    pub fn parameters(&self, run_id: &str) -> Parameters {
        self.parameters_for(&self.window, run_id)
    }

    /// The same for another window.
    pub fn parameters_for(&self, window: &Window, run_id: &str) -> Parameters {
        let mut parameters = Parameters::default();
        for (name, value) in &self.config.parameters {
            parameters.set(name, value);
        }
        parameters.set_time("as_of", window.end);
        parameters.set_time("window_start", window.start);
        parameters.set_time("window_end", window.end);
        parameters.set_date("run_date", window.run_date());
        parameters.set_text("run_id", run_id);
        parameters
    }

    /// Types all models and checks from declared schemas; what is to be said, and stops nothing.
    pub async fn check(&self) -> Result<Vec<Error>> {
        self.checked().await.map(|checked| checked.notes)
    }

    /// Types all models and checks from declared schemas: their columns, and what is to be said.
    pub async fn checked(&self) -> Result<Checked> {
        let mut checked = self.looked_at().await?;
        match Error::all(std::mem::take(&mut checked.problems)) {
            Some(error) => Err(error),
            None => Ok(checked),
        }
    }

    /// The same, whatever is wrong.
    pub async fn looked_at(&self) -> Result<Checked> {
        let spill = std::env::temp_dir();
        let engine = Engine::new(&self.config, &spill)?;
        let parameters = self.parameters("check");
        let mut checked = check(&self.config, &self.project, &parameters, &engine).await?;
        let is_well = |model: &str| checked.schemas.contains_key(model);
        let unanswerable = checks::check(&self.project, &is_well, &parameters, &engine).await;
        let mut problems = self.project.problems.clone();
        problems.append(&mut checked.problems);
        problems.extend(unanswerable);
        problems.extend(checks::check_sources(&self.checked_sources(), &parameters, &engine).await);
        problems.extend(self.config.sources.values().flat_map(sources::problems));
        problems.extend(self.reserved_columns(&checked.schemas));
        if self.project.left_out.is_empty() {
            problems.extend(lacking(self, &checked.schemas));
        }
        problems.extend(self.refused_copies());
        let problems = problems.into_iter().flat_map(Error::each);
        checked.problems = problems.collect();
        Ok(checked)
    }

    /// What is asked of each source once it is read, and where that is said.
    pub fn checked_sources(&self) -> Vec<(Subject, Vec<Place>)> {
        let sources = self.config.sources.values();
        let sources = sources.filter(|source| !source.checks.is_empty());
        let subjects = sources.map(|source| {
            let checks = source.checks.iter().map(|one| one.check.clone());
            let places = source.checks.iter().map(|one| one.place.clone());
            let subject = Subject {
                name: source.name.clone(),
                key: source.key.iter().cloned().collect(),
                checks: checks.collect(),
            };
            (subject, places.collect())
        });
        subjects.collect()
    }

    /// What to say of models whose SQL is not that of a released version; nothing where none ever was.
    pub fn working_copies(&self) -> Vec<String> {
        let versions = &self.project.versions;
        if versions.is_empty() {
            return vec![];
        }
        let copies = versions.working_copies(&self.project.models);
        copies.into_iter().map(|(_, what)| what).collect()
    }

    fn refused_copies(&self) -> Vec<Error> {
        if self.config.working_copies == WorkingCopies::Allow {
            return vec![];
        }
        let copies = self.project.versions.working_copies(&self.project.models);
        let problems = copies.into_iter().map(|(model, what)| {
            let place = header::place(&model.sql.file, "version", None);
            let hint = format!(
                "`dfpipe release {} -m WHY` closes a version of it",
                model.name
            );
            Error::usage(what).at(place).with_hint(hint)
        });
        problems.collect()
    }

    /// Columns of the loaded model that are called like those which every loaded row gets.
    fn reserved_columns(&self, schemas: &BTreeMap<String, SchemaRef>) -> Vec<Error> {
        let name = &self.config.destination.model;
        let (Some(model), Some(schema)) = (self.project.model(name), schemas.get(name)) else {
            return vec![];
        };
        let is_reserved = |column: &&String| {
            let mut reserved = metadata::COLUMNS.iter();
            reserved.any(|reserved| reserved.eq_ignore_ascii_case(column))
        };
        let columns = schema.fields().iter().map(|field| field.name());
        let problems = columns.filter(is_reserved).map(|column| {
            let message = format!("every loaded row gets a column `{column}` of its own");
            let place = column_place(&model.sql, column);
            Error::usage(message)
                .at(place)
                .with_hint("rename the column in the model that is loaded")
        });
        problems.collect()
    }
}
