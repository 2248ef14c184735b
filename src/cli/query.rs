//! `dfpipe query`: statements over the tables of a run, for scripts. Read-only.

use std::{
    io::{IsTerminal, Read},
    path::PathBuf,
};

use super::Context;
use crate::{
    engine::{Answer, Rows},
    error::{Error, Result},
    model::File,
    run::history,
    shell::{
        desk::{Desk, Look},
        format::{Format, Writer},
        reader::{alone, statements},
    },
};

/// Ask the tables of the last run (`show tables` lists them)
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The statements, `;` between them; `-` or nothing reads them from stdin
    #[arg(value_name = "SQL", allow_hyphen_values = true)]
    statement: Option<String>,
    /// Read the statements from this file
    #[arg(short, long, value_name = "FILE", conflicts_with = "statement")]
    file: Option<PathBuf>,
    /// How the rows are printed
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
    /// Ask this run instead of the last finished one: its name, the beginning of it, or `last`
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// A value that the statements read as `$name`
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it so: name=value")?;
    let is_word = |one: char| one.is_ascii_alphanumeric() || one == '_';
    if name.is_empty() || !name.chars().all(is_word) {
        return Err(format!("`{name}` is no name of a parameter"));
    }
    Ok((name.to_lowercase(), value.to_owned()))
}

/// Runs the statements and prints their rows.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let (name, text) = read(&arguments)?;
    let places = statements(&text);
    if places.is_empty() {
        let error = Error::usage("there is no statement");
        return Err(error.with_hint("such as: dfpipe query \"select 1\""));
    }
    if arguments.output == Format::Parquet && places.len() > 1 {
        let error = Error::usage("a Parquet file holds the rows of one statement");
        return Err(error.with_hint("ask one at a time"));
    }
    if arguments.output == Format::Parquet && std::io::stdout().is_terminal() {
        let error = Error::usage("Parquet is no text for a terminal");
        return Err(error.with_hint("write it into a file: … > rows.parquet"));
    }
    let config = context.config()?;
    // Sources can be asked before there is any run.
    let needs_no_run = arguments.run.is_none() && history::names_sources(&text);
    let look = if needs_no_run && history::find(&config, None).await.is_err() {
        Look::Live
    } else {
        Look::Run(arguments.run)
    };
    let mut desk = Desk::open(config, &look, &context.clock).await?;
    for (name, value) in &arguments.parameters {
        desk.set(name, value);
    }
    for place in places {
        let text = alone(&text, &place);
        let file = File {
            path: name.clone().into(),
            name: name.clone(),
            text,
        };
        if let Answer::Rows(rows) = desk.ask(file, false).await?
            && !print(*rows, arguments.output, context).await?
        {
            return Ok(());
        }
        for note in desk.notes()? {
            context.screen.note(&note);
        }
    }
    Ok(())
}

/// The statements, and what errors call the text that they stand in.
fn read(arguments: &Arguments) -> Result<(String, String)> {
    let unreadable =
        |error: std::io::Error| Error::usage("the statements cannot be read").because(error);
    if let Some(file) = &arguments.file {
        let text = fs_err::read_to_string(file).map_err(unreadable)?;
        return Ok((file.display().to_string(), text));
    }
    match arguments.statement.as_deref() {
        Some(statement) if statement != "-" => Ok(("query".to_owned(), statement.to_owned())),
        None if std::io::stdin().is_terminal() => {
            let error = Error::usage("there is no statement");
            Err(error.with_hint("`dfpipe shell` is for typing them"))
        }
        _ => {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(unreadable)?;
            Ok(("stdin".to_owned(), text))
        }
    }
}

/// Prints rows as they come; whether somebody still reads.
async fn print(mut rows: Rows, format: Format, context: &Context) -> Result<bool> {
    let mut writer = Writer::new(format, &rows.schema, false)?;
    while let Some(batch) = rows.next().await {
        let bytes = writer.write(&batch?)?;
        if !context.screen.stream(&bytes)? {
            return Ok(false);
        }
    }
    context.screen.stream(&writer.finish()?)
}
