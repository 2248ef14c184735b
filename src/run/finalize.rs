//! The last step: the run is written down, and its files go where finished runs stay.

use super::{
    Event, Execution, archive, folder, history, load,
    record::{Status, Step},
};
use crate::error::Result;

/// Earlier runs that a report compares with.
const PREVIOUS: usize = 12;

impl Execution<'_> {
    pub(super) async fn finalize(&mut self) -> Result<()> {
        let finalized = self.write_and_archive().await;
        if finalized.is_err() {
            let mut steps = self.record.steps.iter_mut();
            if let Some(step) = steps.find(|record| record.step == Step::Finalize) {
                step.is_done = false;
            }
        }
        match &self.record.load {
            Some(load) => finalized.map_err(|error| load::is_loaded(&load.receipt, &error)),
            None => finalized,
        }
    }

    async fn write_and_archive(&mut self) -> Result<()> {
        folder::remove_folder(&self.folder.spill())?;
        folder::remove_folder(&self.folder.landings())?;
        if self.scratch.is_some() {
            self.record.status = Status::DryRun;
            return self.finish(Step::Finalize, false);
        }
        let config = &self.pipeline.config;
        let target = archive::place(config, self.record.run_date, &self.record.run_id)?;
        self.record.folder = target.display();
        self.record.status = Status::Succeeded;
        self.record.finished_at = self.around.clock.now();
        self.record.peak_memory = peak_memory();
        self.finish(Step::Finalize, false)?;
        self.write_documents().await?;
        self.save()?;
        archive::store(&self.folder, &target).await?;
        self.tell(&Event::Archived {
            to: target.display(),
        });
        for warning in archive::tidy(config, &self.record.run_id).await {
            self.tell(&Event::Warning {
                message: warning.clone(),
            });
            self.record.warnings.push(warning);
        }
        Ok(())
    }

    /// Writes what people read beside the record.
    pub(super) async fn write_documents(&mut self) -> Result<()> {
        self.record.previous =
            history::previous(&self.record, &self.pipeline.config, PREVIOUS).await;
        for (name, text) in (self.around.documents)(&self.record) {
            self.folder.write(name, &text)?;
        }
        Ok(())
    }
}

/// The most memory that this process has held, in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
