//! Before anything is read: whether the destination can take the columns that would be loaded.
//!
//! What it holds is kept, so a column that is lost or of another type harms whoever reads it. The destination is
//! asked and no file believed: it may have been loaded from another machine, by another version of the SQL.

use datafusion::arrow::datatypes::Schema;

use super::Pipeline;
use crate::{
    error::{Error, Result},
    sinks::{
        Sink,
        compare::{Difference, table},
    },
};

/// What a reader should know of the columns of a load of the model's columns `own`; an error if the destination's
/// readers would be harmed. With `allow_lost`, columns that it has may be missing.
pub async fn compared(
    pipeline: &Pipeline,
    own: &Schema,
    allow_lost: bool,
    sink: &dyn Sink,
) -> Result<Vec<String>> {
    let differences = sink.differences(own).await?;
    let may_be = |one: &Difference| one.is_safe() || (allow_lost && one.is_lost());
    if differences.iter().all(may_be) {
        let mut notes = sink.examine(own).await?;
        notes.extend(differences.iter().map(|one| note(one, sink)));
        return Ok(notes);
    }
    let model = &pipeline.config.destination.model;
    let message = format!(
        "`{model}` does not fit the destination `{}` any more",
        sink.destination()
    );
    let harmful = || differences.iter().filter(|one| !may_be(one));
    let lost = harmful().any(Difference::is_lost).then_some(LOST);
    let retyped = harmful().any(|one| !one.is_lost()).then_some(RETYPED);
    let hints: Vec<_> = lost.into_iter().chain(retyped).chain([ELSEWHERE]).collect();
    Err(Error::data(message)
        .because(format!(
            "its columns differ\n\n{}",
            table(&differences, |kind| sink.type_name(kind))
        ))
        .with_hint(hints.join("; ")))
}

const LOST: &str =
    "a column that is lost: give it back, or load without it by `--allow-lost-columns`";

const RETYPED: &str =
    "a column of another type: cast it to what it is there, or give the new values another name";

const ELSEWHERE: &str = "or load into a new table: `destination.table` in dfpipe.yml";

fn note(difference: &Difference, sink: &dyn Sink) -> String {
    let (column, destination) = (&difference.column, sink.destination());
    if difference.is_lost() {
        format!(
            "the column `{column}` of `{destination}` gets no values: it was allowed to be lost"
        )
    } else {
        format!(
            "the column `{column}` is new to `{destination}`: rows that are there have no value of it"
        )
    }
}
