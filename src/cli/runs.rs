//! `dfpipe runs`: the history, and one run of it.

use clap::{Subcommand, ValueEnum, value_parser};
use serde::Serialize;

use super::Context;
use crate::{
    error::{Error, Result},
    report,
    run::history,
};

/// List the runs, the newest first
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// How many runs
    #[arg(
        short = 'n',
        long,
        value_name = "COUNT",
        default_value_t = 20,
        value_parser = value_parser!(u32).range(1..)
    )]
    count: u32,
    /// How they are printed
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show all about one run
    Show(Show),
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The run: its name, the beginning of it, `last`, or the `source_version` of a row that it made
    #[arg(value_name = "RUN")]
    run: String,
    /// How it is printed
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

/// How records of runs are printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Prints the history, or one run.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let config = context.config()?;
    let text = if let Some(Command::Show(show)) = arguments.command {
        let run = history::find(&config, Some(&show.run)).await?;
        match show.output {
            Format::Text => report::runs::show(&run.record),
            Format::Json => json(&run.record)?,
        }
    } else {
        let count = usize::try_from(arguments.count).unwrap_or(usize::MAX);
        let history = history::list(&config, count).await?;
        for note in &history.notes {
            context.screen.note(&format!("note: {note}"));
        }
        match arguments.output {
            Format::Text => report::runs::lines(&history.runs),
            Format::Json => json(&history.runs)?,
        }
    };
    context.screen.result(text.as_bytes())
}

fn json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| Error::bug("a record is no JSON").because(error))?;
    Ok(text + "\n")
}
