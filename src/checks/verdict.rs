//! What the checks' findings mean for the load, in words.

use super::CheckRecord;
use crate::{error::Error, model::Severity};

/// The error of checks that stop the load; `None` if all may go on. `run` is the run whose kept rows can
/// still be asked.
pub fn verdict(records: &[CheckRecord], run: Option<&str>) -> Option<Error> {
    let failed = records
        .iter()
        .filter(|one| !one.passed() && one.severity == Severity::Error);
    Error::all(failed.map(|record| problem(record, run)))
}

fn problem(record: &CheckRecord, run: Option<&str>) -> Error {
    let rows = if record.bad_rows == 1 { "row" } else { "rows" };
    let allowed = match record.allowed {
        0 => String::new(),
        allowed => format!(", of which {allowed} may be"),
    };
    let message = format!(
        "the check `{}` found {} bad {rows}{allowed}",
        record.name, record.bad_rows
    );
    let example = record.examples.first();
    let example = example.map_or_else(String::new, |row| format!("\nfound, for example: {row}"));
    let cause = format!("expected: {}{example}", record.description);
    let error = Error::data(message).because(cause);
    let kept = record.rows_kept.as_ref().zip(run);
    let kept = kept.map(|(kept, run)| {
        let table = &kept.table;
        format!("see them: dfpipe query --run {run} \"select * from {table}\"")
    });
    let hints = record.hint.iter().map(|hint| hint.trim().to_owned());
    let hints: Vec<_> = hints.chain(kept).collect();
    match hints.as_slice() {
        [] => error,
        hints => error.with_hint(hints.join("\n")),
    }
}
