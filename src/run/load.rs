//! The step that loads the result, and the question before all steps: is the date loaded already?

use std::collections::BTreeSet;

use super::{
    Event, Execution, Pipeline, Request, folder,
    record::{LoadRecord, ModelRecord},
};
use crate::{
    config::OnRepeat,
    error::{Error, Kind, Result},
    model::{Severity, select::select},
    sinks::{Load, Receipt, Sink},
};

/// The proof of a load, in the run's folder.
const RECEIPT: &str = "step4_load_receipt.json";

/// The result is loaded only if its model, all that it needs, and all that the checks need which can
/// stop a load are built.
pub fn loads_result(pipeline: &Pipeline, selected: &BTreeSet<String>) -> bool {
    let project = &pipeline.project;
    let checks = project.checks.iter();
    let stopping = checks.filter(|check| check.header.severity == Severity::Error);
    let reads = stopping
        .flat_map(|check| &check.sql.reads)
        .map(|read| read.table.as_str());
    let models = reads.filter(|table| project.model(table).is_some());
    let loaded = std::iter::once(pipeline.config.destination.model.as_str());
    let needed: Vec<_> = loaded
        .chain(models)
        .map(|model| format!("+{model}"))
        .collect();
    select(&project.models, &needed).is_ok_and(|needed| needed.is_subset(selected))
}

/// What can fail behind a load is made sure of before anything is extracted.
pub fn prepare_archive(pipeline: &Pipeline) -> Result<()> {
    let archive = folder::archived_on(&pipeline.config, pipeline.window.run_date());
    let probe = archive.join(format!(".probe-{}", std::process::id()));
    fs_err::create_dir_all(&archive)
        .and_then(|()| fs_err::write(&probe, b""))
        .and_then(|()| fs_err::remove_file(&probe))
        .map_err(|error| {
            Error::outside("finished runs cannot be archived")
                .because(error)
                .with_hint("look at `archive` in dfpipe.yml: nothing was extracted or loaded")
        })
}

/// An error behind a load must not read as if nothing was loaded.
pub fn is_loaded(receipt: &Receipt, error: &Error) -> Error {
    Error::outside(format!(
        "load {} of {} is in `{}`, but the run could not be finished",
        receipt.load_number, receipt.run_date, receipt.destination
    ))
    .because(error)
    .with_hint("do not load this date again: its rows are complete")
}

/// The number of this run's load, or the error that the date is loaded.
pub async fn next_load(pipeline: &Pipeline, request: &Request, sink: &dyn Sink) -> Result<u32> {
    let date = pipeline.window.run_date();
    let loads = sink.loads(date).await?;
    let last = loads.last();
    let adds = request.new_load || pipeline.config.destination.on_repeat == OnRepeat::Add;
    match last {
        Some(last) if !adds => Err(Error::new(
            Kind::NothingDone,
            format!(
                "{date} is loaded already: run `{}`, {} rows",
                last.run_id, last.rows
            ),
        )
        .because(format!(
            "`{}` holds it as load {}{}",
            last.location.display(),
            last.load_number,
            receipt_of(pipeline, &last.run_id)
        ))
        .with_hint("`dfpipe run --new-load` appends a further load of that date")),
        last => Ok(last.map_or(0, |last| last.load_number) + 1),
    }
}

/// Where the receipt of an earlier run lies, if this machine has it.
fn receipt_of(pipeline: &Pipeline, run_id: &str) -> String {
    let archive = folder::archived_on(&pipeline.config, pipeline.window.run_date());
    let receipt = archive.join(run_id).join(RECEIPT);
    if receipt.is_file() {
        format!("; its receipt is `{}`", receipt.display())
    } else {
        String::new()
    }
}

impl Execution<'_> {
    /// Loads the destination's model as load `load_number` of its date.
    pub(super) async fn load(&mut self, load_number: u32) -> Result<()> {
        self.progress.report(Event::Step("load"));
        let name = &self.pipeline.config.destination.model;
        let model = self.record.models.iter().find(|model| model.name == *name);
        let rows = model.map(|model: &ModelRecord| model.file.rows);
        let load = Load {
            run_id: self.folder.run_id.clone(),
            run_timestamp: self.record.started_at,
            run_date: self.pipeline.window.run_date(),
            load_number,
            source_version: self.record.source_version.clone(),
            file: self.folder.model(name),
            rows: rows.ok_or_else(|| Error::bug("the loaded model was not built"))?,
        };
        if load.rows == 0 {
            return Err(
                Error::data(format!("`{name}` has no rows, so nothing is loaded"))
                    .with_hint("look at the extracts and the rejects of this run"),
            );
        }
        let (staged, facts) = self.sink.stage(&load, self.folder.path()).await?;
        let mut receipt = self.sink.commit(&load, &staged, &facts).await?;
        let warnings = self
            .record
            .sources
            .iter()
            .flat_map(|source| source.warnings.clone());
        receipt.warnings.extend(warnings);
        folder::remove_file(&staged)
            .and_then(|()| self.folder.write_json(RECEIPT, &receipt))
            .map_err(|error| is_loaded(&receipt, &error))?;
        self.progress.report(Event::Loaded {
            rows: receipt.rows,
            to: receipt.destination.clone(),
        });
        self.record.load = Some(LoadRecord { receipt });
        Ok(())
    }
}
