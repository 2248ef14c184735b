//! What is loaded is fixed before the first job is submitted: the parts, with their keys and hashes.
//!
//! Apart from the loading, because this is what a resumed run is held to: other bytes never complete an
//! old load.

use std::path::Path;

use super::{
    super::{Ledger, Load, Note, Part},
    failure::unknown,
    parts,
    proof::Progress,
};
use crate::{
    error::{Error, Result},
    table_file::FileFacts,
};

/// The parts as the ledger has them, or the whole as the only one. What was fixed is held against the
/// bytes that are here.
pub async fn parts(
    load: &Load,
    staged: &Path,
    facts: &FileFacts,
    ledger: &dyn Ledger,
) -> Result<Vec<Progress>> {
    let earlier = ledger.earlier();
    let noted = earlier.iter().rev().find_map(|note| match note {
        Note::Parts { parts } => Some(parts.clone()),
        _ => None,
    });
    let is_divided = noted.as_ref().is_some_and(|parts| parts.len() > 1);
    let here = if is_divided {
        divide(load, staged, facts).await?
    } else {
        vec![parts::whole(facts)]
    };
    let was_submitted = earlier
        .iter()
        .any(|note| matches!(note, Note::Submitting { .. }));
    match noted {
        Some(noted) if noted == here => {}
        Some(_) if was_submitted => return Err(other_bytes(load)),
        _ => ledger.note(Note::Parts {
            parts: here.clone(),
        })?,
    }
    Ok(here
        .iter()
        .map(|part| Progress::of(part, earlier))
        .collect())
}

fn other_bytes(load: &Load) -> Error {
    unknown("the rows that are to be loaded are not those that the load began with")
        .because(format!(
            "load {} of {} has submitted other bytes, and other bytes never complete an old load",
            load.load_number, load.run_date
        ))
        .with_hint(
            "resume it with the same dfpipe that began it and with its folder as it was; else look at \
             the rows of this run in the table before anything else is done",
        )
}

/// Cuts the staged file into its parts.
pub async fn divide(load: &Load, staged: &Path, facts: &FileFacts) -> Result<Vec<Part>> {
    let (file, rows, key) = (staged.to_owned(), facts.rows, load.key.clone());
    let cutting = tokio::task::spawn_blocking(move || parts::divide(&file, rows, &key));
    let cut = cutting.await;
    cut.map_err(|error| Error::bug("cutting a file stopped").because(error))?
}
