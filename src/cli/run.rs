//! `dfpipe run`: the whole pipeline.

use chrono::{DateTime, Utc};

use super::{Context, progress::Lines};
use crate::{
    clock::parse_time,
    error::Result,
    report,
    run::{self, Pipeline, Request},
};

/// Run the whole pipeline: extract, transform, check, load, report
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Build only these models (`+name`: and all it reads, `name+`: and all that read it)
    #[arg(short, long, value_name = "SELECT")]
    select: Vec<String>,
    /// The moment to run for, in UTC: a date or an RFC 3339 time [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    as_of: Option<DateTime<Utc>>,
    /// Append a further load of a date that is loaded already
    #[arg(long)]
    new_load: bool,
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    parse_time(text)
        .ok_or_else(|| "not a time: write 2026-11-22 or 2026-11-22T08:00:00Z".to_owned())
}

/// Runs the pipeline and prints its report.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let config = context.config()?;
    if let (Some(as_of), None) = (config.as_of, arguments.as_of) {
        let profile = &config.profile;
        let moment = as_of.format("%Y-%m-%d %H:%M UTC");
        context
            .screen
            .note(&format!("as of {moment}: fixed by the profile `{profile}`"));
    }
    let pipeline = Pipeline::load(config, arguments.as_of, &context.clock)?;
    let request = Request {
        select: arguments.select,
        new_load: arguments.new_load,
    };
    let progress = Lines(&context.screen);
    let record = run::run(pipeline, &request, &context.clock, &progress).await?;
    context
        .screen
        .result(report::completion(&record).as_bytes())
}
