//! `dfpipe plan`: what `run` would do, without doing it.

use chrono::{DateTime, Utc};
use clap::ValueEnum;

use super::Context;
use crate::{
    error::{Error, Result},
    run::{Pipeline, Request, plan},
};

mod text;

/// Say what `run` would do, and what has changed since the last run
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Plan only these models (`+name`: and all it reads, `name+`: and all that read it)
    #[arg(short, long, value_name = "SELECT")]
    select: Vec<String>,
    /// The moment to plan for, in UTC: a date or an RFC 3339 time [default: now]
    #[arg(long, value_name = "TIME", value_parser = super::run::time)]
    as_of: Option<DateTime<Utc>>,
    /// Plan a further load of a date that is loaded already
    #[arg(long)]
    new_load: bool,
    /// How the plan is printed
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Prints the plan. That a run would be refused is part of it, and no error.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let clock = &context.clock;
    let pipeline = Pipeline::load(context.config()?, arguments.as_of, clock)?;
    let request = Request {
        select: arguments.select,
        new_load: arguments.new_load,
        ..Request::default()
    };
    let plan = plan::plan(&pipeline, &request, clock).await?;
    let printed = match arguments.output {
        Format::Text => text::render(&plan),
        Format::Json => {
            serde_json::to_string_pretty(&plan)
                .map_err(|error| Error::bug("the plan cannot be printed").because(error))?
                + "\n"
        }
    };
    context.screen.result(printed.as_bytes())
}
