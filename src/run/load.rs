//! The step that loads the result, and the question before all steps: is the date loaded already?

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    Event, Execution, Pipeline, archive, columns, folder,
    journal::Entry,
    record::{LoadRecord, ModelRecord},
    state::State,
};
use crate::{
    checks::{self, Check},
    config::OnRepeat,
    error::{Error, Kind, Result},
    model::{Severity, select::with_ancestors},
    sinks::{Ledger, Load, Note, Receipt, Sink, Stage},
};

/// The proof of a load, in the run's folder.
const RECEIPT: &str = "step4_load_receipt.json";

/// The result is loaded only if its model, all that it needs, and all that the checks need which can
/// stop a load are built.
pub fn loads_result(pipeline: &Pipeline, selected: &BTreeSet<String>) -> bool {
    let project = &pipeline.project;
    let Ok(checks) = checks::list(project, &|_| true) else {
        return false;
    };
    let stopping = checks
        .iter()
        .filter(|check| check.severity == Severity::Error);
    let needed = stopping.flat_map(Check::needs);
    let models = needed.filter(|table| project.model(table).is_some());
    let loaded = std::iter::once(pipeline.config.destination.model.as_str());
    let mut needed = loaded.chain(models);
    needed.all(|model| with_ancestors(&project.models, model).is_subset(selected))
}

/// An error behind a load must not read as if nothing was loaded.
pub fn is_loaded(receipt: &Receipt, error: &Error) -> Error {
    let hint = "do not load this date again: its rows are complete";
    let more = error.hint().map(|more| format!("; {more}"));
    Error::outside(format!(
        "load {} of {} is in `{}`, but the run could not be finished",
        receipt.load_number, receipt.run_date, receipt.destination
    ))
    .because(error)
    .with_hint(format!("{hint}{}", more.unwrap_or_default()))
}

/// The number of a new load, or the error that the date is loaded.
pub async fn next_load(pipeline: &Pipeline, new_load: bool, sink: &dyn Sink) -> Result<u32> {
    let date = pipeline.window.run_date();
    let loads = sink.loads(date).await?;
    let last = loads.last();
    let adds = new_load || pipeline.config.destination.on_repeat == OnRepeat::Add;
    match last {
        Some(last) if !adds => Err(Error::new(
            Kind::NothingDone,
            match last.rows {
                0 => format!("{date} is being loaded by the run `{}`", last.run_id),
                rows => format!(
                    "{date} is loaded already: run `{}`, {rows} rows",
                    last.run_id
                ),
            },
        )
        .because(format!(
            "`{}` holds it as load {}{}",
            last.load_id,
            last.load_number,
            receipt_of(pipeline, &last.run_id)
        ))
        .with_hint("`dfpipe run --new-load` appends a further load of that date")),
        last => Ok(last.map_or(0, |last| last.load_number) + 1),
    }
}

/// The number of a load that an earlier attempt has begun: its own, unless another run has taken that
/// meanwhile. Then the destination holds nothing of this run.
pub async fn settled_number(
    pipeline: &Pipeline,
    run_id: &str,
    state: &State,
    sink: &dyn Sink,
) -> Result<u32> {
    let Some(begun) = &state.load else {
        return next_load(pipeline, state.begun.new_load, sink).await;
    };
    if begun.destination != sink.destination() {
        let message = format!(
            "the load of this run has begun into `{}`",
            begun.destination
        );
        return Err(Error::usage(message)
            .because(format!("`dfpipe.yml` now says `{}`", sink.destination()))
            .with_hint("resume it with the destination that it had"));
    }
    let loads = sink.loads(pipeline.window.run_date()).await?;
    let holder = loads.iter().find(|load| load.load_number == begun.number);
    match holder {
        Some(holder) if !holder.is_of(run_id) => {
            next_load(pipeline, state.begun.new_load, sink).await
        }
        _ => Ok(begun.number),
    }
}

/// Where the receipt of an earlier run lies, if this machine has it.
fn receipt_of(pipeline: &Pipeline, run_id: &str) -> String {
    let place = archive::place(&pipeline.config, pipeline.window.run_date(), run_id);
    let folder = place.ok().and_then(|place| place.local_file());
    match folder.map(|folder| folder.join(RECEIPT)) {
        Some(receipt) if receipt.is_file() => format!("; its receipt is `{}`", receipt.display()),
        _ => String::new(),
    }
}

/// The run's journal and folder, as the sink's ledger.
struct Book<'b, 'a> {
    execution: &'b Execution<'a>,
    earlier: Vec<Note>,
}

impl Ledger for Book<'_, '_> {
    fn now(&self) -> DateTime<Utc> {
        self.execution.around.clock.now()
    }

    fn earlier(&self) -> &[Note] {
        &self.earlier
    }

    fn note(&self, noted: Note) -> Result<()> {
        self.execution.journal(Entry::LoadNoted { noted })
    }

    fn draft(&self, receipt: &Receipt) -> Result<()> {
        self.execution.folder.write_json(RECEIPT, receipt)
    }

    fn tell(&self, stage: Stage) {
        self.execution.tell(&Event::Loading { stage });
    }
}

impl Execution<'_> {
    /// Loads the destination's model. Whether an earlier attempt had done it.
    pub(super) async fn load(&mut self) -> Result<bool> {
        let earlier = self.earlier.as_ref();
        if let Some(receipt) = earlier.and_then(|state| state.receipt.clone()) {
            self.loaded(receipt).await?;
            return Ok(true);
        }
        let load = self.what_to_load()?;
        self.look_again().await?;
        self.journal(Entry::LoadBegun {
            destination: self.sink.destination(),
            load_number: load.load_number,
            parameters: self.record.parameters.clone(),
        })?;
        let (staged, file) = self.sink.stage(&load, self.folder.path()).await?;
        self.journal(Entry::LoadStaged { file: file.clone() })?;
        let book = Book {
            execution: self,
            earlier: self.earlier_notes(load.load_number),
        };
        let mut receipt = self.sink.commit(&load, &staged, &file, &book).await?;
        receipt.warnings.extend(self.record.all_warnings());
        let journalled = self.journal(Entry::Loaded {
            receipt: Box::new(receipt.clone()),
        });
        let written = match journalled.and_then(|()| folder::remove_file(&staged)) {
            Ok(()) => self.loaded(receipt.clone()).await,
            Err(error) => Err(error),
        };
        written.map_err(|error| is_loaded(&receipt, &error))?;
        Ok(false)
    }

    /// What the destination has may be other than it was before the extract. A load that has begun is not
    /// stopped any more.
    async fn look_again(&self) -> Result<()> {
        let earlier = self.earlier.as_ref();
        if earlier.is_some_and(|state| state.load.is_some()) {
            return Ok(());
        }
        let schemas = self.pipeline.checked().await?.schemas;
        let Some(own) = schemas.get(&self.pipeline.config.destination.model) else {
            return Ok(());
        };
        let looked = columns::compared(self.pipeline, own, self.allow_lost_columns, &*self.sink);
        looked.await.map(drop)
    }

    /// What earlier attempts have noted of the load of that number.
    fn earlier_notes(&self, load_number: u32) -> Vec<Note> {
        let begun = self.earlier.as_ref().and_then(|state| state.load.as_ref());
        let same = begun.filter(|begun| begun.number == load_number);
        same.map_or_else(Vec::new, |begun| begun.notes.clone())
    }

    fn key_of(&self, model: &str) -> Vec<String> {
        let model = self.pipeline.project.model(model);
        model.map_or_else(Vec::new, |model| model.header.key.clone())
    }

    fn what_to_load(&self) -> Result<Load> {
        let name = &self.pipeline.config.destination.model;
        let model = self.record.models.iter().find(|model| model.name == *name);
        let rows = model.map(|model: &ModelRecord| model.file.rows);
        let rows = rows.ok_or_else(|| Error::bug("the loaded model was not built"))?;
        if rows == 0 {
            return Err(
                Error::data(format!("`{name}` has no rows, so nothing is loaded"))
                    .with_hint("look at the extracts and the rejects of this run"),
            );
        }
        let load_number = self.load_number;
        Ok(Load {
            run_id: self.folder.run_id.clone(),
            run_timestamp: self.record.started_at,
            run_date: self.pipeline.window.run_date(),
            load_number: load_number.ok_or_else(|| Error::bug("a load without a number"))?,
            source_version: self.record.source_version.clone(),
            file: self.folder.model(name),
            key: self.key_of(name),
            rows,
        })
    }

    /// Commits what was read, writes the receipt and says what it holds. A run that died before comes
    /// here again.
    async fn loaded(&mut self, mut receipt: Receipt) -> Result<()> {
        receipt.warnings.extend(self.commit_offsets().await);
        self.folder.write_json(RECEIPT, &receipt)?;
        self.tell(&Event::Loaded {
            rows: receipt.rows,
            to: receipt.destination.clone(),
        });
        self.record.load = Some(LoadRecord { receipt });
        Ok(())
    }
}
