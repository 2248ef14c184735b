//! `dfpipe check`: everything that can be known without data or network.

use super::Context;
use crate::{error::Result, run::Pipeline};

/// Reads configuration and models and types them from declared schemas.
pub async fn execute(context: &Context) -> Result<()> {
    let pipeline = Pipeline::load(context.config()?, None, &context.clock)?;
    pipeline.check().await?;
    let copies = pipeline.working_copies();
    for copy in &copies {
        context.screen.note(&format!("note: {copy}"));
    }
    let (models, checks) = (pipeline.project.models.len(), pipeline.project.checks.len());
    context
        .screen
        .result(format!("{models} models and {checks} checks are well\n").as_bytes())
}
