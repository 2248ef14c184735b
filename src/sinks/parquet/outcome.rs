//! Whether a load happened, whatever the store has answered to it.
//!
//! The name of a load is put if it is absent, and then read: what stands there decides, not the
//! answer, which may be lost on its way or belong to another run's file.

use object_store::Error as StoreError;

use super::{
    super::{Load, Loaded},
    footer, upload,
};
use crate::{
    error::{Error, Kind, Result},
    storage::Location,
    table_file::FileFacts,
};

/// This run's load at `target`, or why it is not there.
pub async fn settle(
    put: object_store::Result<()>,
    target: &Location,
    load: &Load,
) -> Result<Loaded> {
    match (footer::find(target, load.load_number).await, put) {
        (Ok(Some(found)), _) if found.run_id == load.run_id => Ok(found),
        (Ok(Some(found)), _) => Err(taken(load, &found)),
        (Ok(None), Ok(())) => Err(unknown(target).because("it is not there although it was put")),
        (Ok(None), Err(error)) if may_still_happen(target, &error) => {
            Err(unknown(target).because(target.refused("", &error).cause().unwrap_or_default()))
        }
        (Ok(None), Err(error)) => {
            let message = format!("`{}` cannot be written", target.display());
            Err(target.refused(message, &error))
        }
        (Err(error), _) => Err(unknown(target).because(error)),
    }
}

/// Reads back what the load holds, and gives its hash.
pub async fn verify(found: &Loaded, load: &Load, facts: &FileFacts) -> Result<String> {
    let sha256 = upload::hash(&found.location).await.map_err(|error| {
        let message = format!("`{}` cannot be read back", found.location.display());
        found.location.refused(message, &error)
    })?;
    if sha256 == facts.sha256 && found.rows == load.rows {
        return Ok(sha256);
    }
    let place = found.location.display();
    Err(
        Error::data(format!("`{place}` is not what was loaded into it"))
            .because(format!(
                "{} rows and hash {sha256}, not {} and {}",
                found.rows, load.rows, facts.sha256
            ))
            .with_hint("look at the disk; the file counts as incomplete until its rows are right"),
    )
}

/// Another run was faster with the same number.
fn taken(load: &Load, found: &Loaded) -> Error {
    Error::outside(format!(
        "load {} of {} was taken by the run `{}` in the meantime",
        load.load_number, load.run_date, found.run_id
    ))
    .with_hint("nothing of this run was loaded; run again to append it as a further load")
}

/// A store that says no has not done it; one that says nothing may do it yet.
fn may_still_happen(target: &Location, error: &StoreError) -> bool {
    target.local_file().is_none() && matches!(error, StoreError::Generic { .. })
}

fn unknown(target: &Location) -> Error {
    let message = format!("it is unknown whether `{}` was loaded", target.display());
    Error::new(Kind::UnknownOutcome, message)
        .with_hint("do not run again before you know: look whether that file is there")
}
