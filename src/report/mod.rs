//! A run's record becomes something to read. Knows the record and nothing else of a run.

pub mod runs;
mod text;

pub use text::completion;

use crate::run::record::RunRecord;

/// What is written beside the record, by file name.
pub fn documents(_record: &RunRecord) -> Vec<(&'static str, String)> {
    vec![]
}

/// What a run that did not end left, and the one command to go on.
pub fn how_to_go_on(record: &RunRecord) -> String {
    format!(
        "the run did not finish; what it has lies in {}\ngo on with: dfpipe run --resume {}",
        record.folder, record.run_id
    )
}
