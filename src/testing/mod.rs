//! Tests of models: made-up rows in, expected rows out, on the engine that every run uses.
//!
//! ```text
//! sql/tests/*.yml ─▶ file (places) ─▶ rows (typed by the shapes that `check` finds)
//!                                                               │
//!        a session of its own: given tables · models between · the model ─▶ compare ─▶ verdict
//! ```
//!
//! A table that is given is taken from there. A model that is not given is built if something given lies
//! above it; all else is empty. Nothing is read but the project's files, nothing is written.

pub mod compare;
mod expect;
mod file;
pub mod from_run;
pub mod machine;
mod masked;
mod parameters;
mod rows;
mod session;
mod suite;
pub mod text;
mod value;
pub mod watch;
mod write;

pub use file::Test;
pub use suite::{Done, Outcome, Suite};

/// The folder of test files, below the project.
pub const FOLDER: &str = "sql/tests";
