//! The end of the transformation: all checks are asked, their bad rows are kept, and only then it is decided
//! whether anything is loaded.

use std::{path::Path, sync::Arc};

use super::{
    Event, Execution, State,
    folder::{create_folder, remove_folder},
    history,
    transform::only_owner,
};
use crate::{
    checks::{self, CheckRecord, Found, Ground, LastRows},
    error::{Error, Result},
    model::Severity,
};

/// Earlier runs that are looked through for the rows of a model.
const LOOKED_THROUGH: usize = 12;

impl Execution<'_> {
    pub(super) async fn check(&mut self) -> Result<()> {
        let Found { records, problems } = self.found().await?;
        self.record.checks = records;
        let failed = |severity: Severity| {
            let failed = |check: &&CheckRecord| !check.passed() && check.severity == severity;
            self.record.checks.iter().filter(failed).count()
        };
        self.tell(&Event::Checked {
            checks: self.record.checks.len(),
            warnings: failed(Severity::Warn),
            errors: failed(Severity::Error),
        });
        let is_loaded = |state: &State| state.receipt.is_some();
        if self.earlier.as_ref().is_some_and(is_loaded) {
            // It passed when it was loaded; by now nothing can be stopped any more.
            return Ok(());
        }
        // What a dry run keeps is gone with it.
        let run = self.scratch.is_none().then_some(&*self.record.run_id);
        let verdict = checks::verdict(&self.record.checks, run);
        let verdict = verdict.iter().flat_map(Error::problems).cloned();
        Error::all(verdict.chain(problems)).map_or(Ok(()), Err)
    }

    async fn found(&self) -> Result<Found> {
        let folder = self.folder.checks();
        remove_folder(&folder)?;
        create_folder(&folder)?;
        let ground = Ground {
            engine: self.engine.as_ref().clone(),
            parameters: self.parameters.clone(),
            personal: Arc::clone(&self.personal),
            last: Arc::new(self.last_rows().await),
            folder: self.path().to_owned(),
        };
        let is_built = |name: &str| self.selected.contains(name);
        let found = checks::run_all(&self.pipeline.project, &is_built, &ground).await?;
        let kept: Vec<_> = found
            .records
            .iter()
            .filter_map(|one| one.rows_kept.as_ref())
            .collect();
        // Bad rows are the rows that somebody has to look at, and they may be about persons.
        for rows in &kept {
            only_owner(&self.path().join(Path::new(&rows.path)))?;
        }
        if kept.is_empty() {
            remove_folder(&folder)?;
        }
        Ok(found)
    }

    /// How many rows each model had in the last successful run that built it; asked only if a check compares.
    async fn last_rows(&self) -> LastRows {
        let models = self.pipeline.project.models.iter();
        let mut checks = models
            .filter(|model| self.selected.contains(&model.name))
            .flat_map(|model| &model.header.checks);
        let mut rows = LastRows::new();
        if !checks.any(|check| {
            check
                .row_count
                .as_ref()
                .is_some_and(super::super::model::builtin::RowCount::is_relative)
        }) {
            return rows;
        }
        let config = &self.pipeline.config;
        for past in history::previous(&self.record, config, LOOKED_THROUGH).await {
            for (model, count) in past.models {
                rows.entry(model).or_insert(count);
            }
        }
        rows
    }
}
