//! The step that loads the result, and the question before all steps: is the date loaded already?

use std::collections::BTreeSet;

use super::{
    Event, Execution, Pipeline, Request, folder,
    record::{LoadRecord, ModelRecord},
};
use crate::{
    config::OnRepeat,
    error::{Error, Kind, Result},
    model::select::select,
    sinks::{Load, Sink},
};

/// The result is loaded only if its model and all that it needs are built.
pub fn loads_result(pipeline: &Pipeline, selected: &BTreeSet<String>) -> bool {
    let needed = format!("+{}", pipeline.config.destination.model);
    select(&pipeline.project.models, &[needed]).is_ok_and(|needed| needed.is_subset(selected))
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
            "`{}` holds it as load {}",
            last.location.display(),
            last.load_number
        ))
        .with_hint("`dfpipe run --new-load` appends a further load of that date")),
        last => Ok(last.map_or(0, |last| last.load_number) + 1),
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
        let (staged, facts) = self.sink.stage(&load, self.folder.path()).await?;
        let receipt = self.sink.commit(&load, &staged, &facts).await?;
        folder::remove_file(&staged)?;
        self.folder
            .write_json("step4_load_receipt.json", &receipt)?;
        self.progress.report(Event::Loaded {
            rows: receipt.rows,
            to: receipt.destination.clone(),
        });
        self.record.load = Some(LoadRecord { receipt });
        Ok(())
    }
}
