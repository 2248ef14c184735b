//! `dfpipe schema`: what dfpipe reads and writes as JSON Schemas, for editors and other programs.

use clap::ValueEnum;

use super::Screen;
use crate::{
    config::schema,
    error::{Error, Result},
    sinks::receipt,
};

/// Print the JSON Schema of dfpipe.yml, for editors, or of a receipt
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Of what
    #[arg(value_enum, default_value = "config")]
    of: Of,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// dfpipe.yml
    Config,
    /// `step4_load_receipt.json`
    Receipt,
}

/// Prints the schema.
pub fn execute(arguments: &Arguments, screen: &Screen) -> Result<()> {
    let schema = match arguments.of {
        Of::Config => schema::file(),
        Of::Receipt => receipt::schema(),
    };
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|error| Error::bug("the schema cannot be printed").because(error))?;
    screen.result(format!("{text}\n").as_bytes())
}
