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
    model::{BuiltinCheck, Severity, builtin::RowCount},
};

/// Earlier runs that are looked through for the rows of a model.
const LOOKED_THROUGH: usize = 12;

impl Execution<'_> {
    /// Looks at the extracts, before any model is built of them.
    pub(super) async fn check_sources(&mut self) -> Result<()> {
        let folder = self.folder.checks();
        remove_folder(&folder)?;
        create_folder(&folder)?;
        let sources = self.pipeline.checked_sources();
        let subjects: Vec<_> = sources.into_iter().map(|(subject, _)| subject).collect();
        let ground = self
            .ground(subjects.iter().flat_map(|subject| &subject.checks))
            .await;
        let found = checks::run_sources(&subjects, &self.pipeline.project, &ground).await?;
        self.keep_rows(&found)?;
        self.judge(found)
    }

    pub(super) async fn check(&mut self) -> Result<()> {
        let found = self.found().await?;
        let judged = self.judge(found);
        let failed = |severity: Severity| {
            let failed = |check: &&CheckRecord| !check.passed() && check.severity == severity;
            self.record.checks.iter().filter(failed).count()
        };
        self.tell(&Event::Checked {
            checks: self.record.checks.len(),
            warnings: failed(Severity::Warn),
            errors: failed(Severity::Error),
        });
        judged
    }

    /// Takes note of what checks found; an error if something of it stops the run.
    fn judge(&mut self, found: Found) -> Result<()> {
        let Found { records, problems } = found;
        let is_loaded = |state: &State| state.receipt.is_some();
        // What a dry run keeps is gone with it.
        let run = self.scratch.is_none().then_some(&*self.record.run_id);
        let verdict = checks::verdict(&records, run);
        self.record.checks.extend(records);
        if self.earlier.as_ref().is_some_and(is_loaded) {
            // It passed when it was loaded; by now nothing can be stopped any more.
            return Ok(());
        }
        let verdict = verdict.iter().flat_map(Error::problems).cloned();
        Error::all(verdict.chain(problems)).map_or(Ok(()), Err)
    }

    async fn found(&self) -> Result<Found> {
        create_folder(&self.folder.checks())?;
        let models = self.pipeline.project.models.iter();
        let models = models.filter(|model| self.selected.contains(&model.name));
        let ground = self
            .ground(models.flat_map(|model| &model.header.checks))
            .await;
        let is_built = |name: &str| self.selected.contains(name);
        let found = checks::run_all(&self.pipeline.project, &is_built, &ground).await?;
        self.keep_rows(&found)?;
        Ok(found)
    }

    async fn ground<'a>(&self, asked: impl Iterator<Item = &'a BuiltinCheck>) -> Ground {
        Ground {
            engine: self.engine.as_ref().clone(),
            parameters: self.parameters.clone(),
            personal: Arc::clone(&self.personal),
            last: Arc::new(self.last_rows(asked).await),
            folder: self.path().to_owned(),
        }
    }

    /// Makes sure of who may read the rows that were kept; no folder stays if none were.
    fn keep_rows(&self, found: &Found) -> Result<()> {
        let kept: Vec<_> = found
            .records
            .iter()
            .filter_map(|one| one.rows_kept.as_ref())
            .collect();
        // Bad rows are the rows that somebody has to look at, and they may be about persons.
        for rows in &kept {
            only_owner(&self.path().join(Path::new(&rows.path)))?;
        }
        let earlier = self.record.checks.iter();
        if kept.is_empty() && earlier.filter(|one| one.rows_kept.is_some()).count() == 0 {
            remove_folder(&self.folder.checks())?;
        }
        Ok(())
    }

    /// How many rows each model or source had in the last successful run that made it; looked up only if one of the
    /// checks that are asked compares.
    async fn last_rows<'a>(&self, mut asked: impl Iterator<Item = &'a BuiltinCheck>) -> LastRows {
        let mut rows = LastRows::new();
        let compares = |check: &BuiltinCheck| {
            let count = check.row_count.as_ref();
            count.is_some_and(RowCount::is_relative)
        };
        if !asked.any(compares) {
            return rows;
        }
        let config = &self.pipeline.config;
        for past in history::previous(&self.record, config, LOOKED_THROUGH).await {
            for (model, count) in past.tables {
                rows.entry(model).or_insert(count);
            }
        }
        rows
    }
}
