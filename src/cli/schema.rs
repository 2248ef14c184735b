//! `dfpipe schema`: the JSON Schema of `dfpipe.yml`, for editors.

use super::Screen;
use crate::{
    config::schema,
    error::{Error, Result},
};

/// Prints the schema.
pub fn execute(screen: &Screen) -> Result<()> {
    let text = serde_json::to_string_pretty(&schema::file())
        .map_err(|error| Error::bug("the schema cannot be printed").because(error))?;
    screen.result(format!("{text}\n").as_bytes())
}
