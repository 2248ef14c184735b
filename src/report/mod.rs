//! A run's record becomes something to read. Knows the record and nothing else of a run.

mod text;

pub use text::completion;
