//! A run's record becomes something to read. Knows the record and nothing else of a run.

mod content;
mod html;
mod markdown;
mod notification;
mod numbers;
pub mod runs;
mod text;

pub use notification::{of_refusal as notification_of_refusal, of_run as notification};
pub use text::{completion, how_to_go_on};

use crate::run::record::RunRecord;

/// What is written beside the record, by file name.
pub fn documents(record: &RunRecord) -> Vec<(&'static str, String)> {
    vec![
        ("report.md", markdown::report(record)),
        ("report.html", html::report(record)),
    ]
}
