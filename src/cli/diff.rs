//! `dfpipe diff`: what an edit of a model changes, row by row, on the frozen extract of a run.

use clap::ValueEnum;

use super::Context;
use crate::{
    diff::{self, Request, markdown, text},
    error::{Error, Kind, Result},
    run::history,
};

/// Compare a model's file, or a version of it, with what a run holds: rows added, removed, changed
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The model; alone, its file is compared with the run, and `MODEL@N` with the file
    #[arg(value_name = "MODEL[@VERSION]")]
    model: String,
    /// The other side
    #[arg(value_name = "MODEL[@VERSION]")]
    other: Option<String>,
    /// On the extract of this run, instead of the last finished one
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// How it is printed
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
    /// End with exit code 6 if anything differs
    #[arg(long)]
    fail_if_diff: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

/// Compares, and prints what differs.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let request = Request::parse(&arguments.model, arguments.other.as_deref())?;
    let config = context.config()?;
    let past = history::find(&config, arguments.run.as_deref()).await?;
    let scratch = tempfile::tempdir()
        .map_err(|error| Error::outside("a comparison has no folder").because(error))?;
    let found = diff::diff(&config, &past, &request, scratch.path()).await?;
    let shown = match arguments.output {
        Format::Text => text::render(&found),
        Format::Markdown => markdown::render(&found),
        Format::Json => {
            let json = serde_json::to_string_pretty(&found);
            json.map_err(|error| Error::bug("differences are no JSON").because(error))? + "\n"
        }
    };
    context.screen.result(shown.as_bytes())?;
    if arguments.fail_if_diff && found.differs() {
        let message = format!(
            "`{}` differs: {} against {}",
            found.model, found.after, found.before
        );
        return Err(Error::new(Kind::Differences, message));
    }
    Ok(())
}
