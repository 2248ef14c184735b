//! `dfpipe check`: everything that can be known without data or network.

use clap::Args;

use super::Context;
use crate::{
    engine::{Checked, RECORDED, record_columns},
    error::{Error, Result},
    run::Pipeline,
};

/// Say all that is wrong, as far as it can be known without data or network
#[derive(Debug, Args)]
pub struct Arguments {
    /// Take notes for errors
    #[arg(long)]
    strict: bool,
    /// Write the loaded model's columns to `sql/destination.schema.yml`, which later checks compare with
    #[arg(long)]
    record_destination: bool,
}

/// Reads configuration and models and types them from declared schemas.
pub async fn execute(arguments: &Arguments, context: &Context) -> Result<()> {
    let mut pipeline = Pipeline::load_as_far_as_possible(context.config()?, &context.clock)?;
    if arguments.record_destination {
        // What is recorded anew is compared with nothing.
        pipeline.allow_lost_columns(true);
    }
    let mut checked = pipeline.looked_at().await?;
    if arguments.strict {
        checked.problems.append(&mut checked.notes);
    }
    for note in &checked.notes {
        context.screen.note_at(note);
    }
    if let Some(error) = Error::all(checked.problems.iter().cloned()) {
        return Err(error);
    }
    for copy in &pipeline.working_copies() {
        context.screen.note(&format!("note: {copy}"));
    }
    if arguments.record_destination {
        record(&pipeline, &checked, context)?;
    }
    let (models, checks) = (pipeline.project.models.len(), pipeline.project.checks.len());
    context
        .screen
        .result(format!("{models} models and {checks} checks are well\n").as_bytes())
}

/// Writes down the columns of the model that is loaded.
fn record(pipeline: &Pipeline, checked: &Checked, context: &Context) -> Result<()> {
    let schema = checked.schemas.get(&pipeline.config.destination.model);
    let schema = schema.ok_or_else(|| Error::bug("the loaded model has no columns"))?;
    let path = pipeline.config.project.join(RECORDED);
    fs_err::write(path, record_columns(schema)).map_err(|error| {
        Error::outside(format!("`{RECORDED}` cannot be written")).because(error)
    })?;
    let columns = schema.fields().len();
    let note = format!("{columns} columns are recorded: commit `{RECORDED}`");
    context.screen.note(&note);
    Ok(())
}
