//! `dfpipe shell`: a conversation on a terminal, or the statements and commands of stdin.

use std::io::{BufRead, stdin};

use super::Context;
use crate::{
    error::{Error, Result},
    shell::{
        Interpreter, Next, Plain,
        desk::{Desk, Look},
        reader::Reader,
    },
};

/// Ask runs, sources and the warehouse, statement by statement
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Look at this run instead of the last finished one: its name, the beginning of it, or `last`
    #[arg(long, value_name = "RUN", conflicts_with = "live")]
    run: Option<String>,
    /// Look at no run: tables are the sources themselves, live
    #[arg(long)]
    live: bool,
}

/// Converses until there is nothing more to say.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let look = if arguments.live {
        Look::Live
    } else {
        Look::Run(arguments.run)
    };
    let mut desk = Desk::open(context.config()?, &look, &context.clock).await?;
    desk.open_run().await?;
    let interpreter = Interpreter::new(desk);
    if crate::shell::is_possible() {
        return crate::shell::converse(interpreter, &context.screen).await;
    }
    script(interpreter, context).await
}

/// Does what stdin says, to its end; ends with the first error that there was.
async fn script(mut interpreter: Interpreter, context: &Context) -> Result<()> {
    let mut stage = Plain(context.screen.clone());
    let mut reader = Reader::default();
    for line in stdin().lock().lines() {
        let line = line.map_err(|error| Error::usage("stdin cannot be read").because(error))?;
        for input in reader.take(&line) {
            if interpreter.take(&input, &mut stage).await == Next::Leave {
                return ended(interpreter).await;
            }
        }
    }
    if let Some(input) = reader.finish() {
        interpreter.take(&input, &mut stage).await;
    }
    ended(interpreter).await
}

/// The errors were told when they came: only the exit code is left to say.
async fn ended(mut interpreter: Interpreter) -> Result<()> {
    interpreter.close().await?;
    match interpreter.into_failure() {
        None => Ok(()),
        Some(error) => Err(Error::new(error.kind(), "the script had errors")),
    }
}
