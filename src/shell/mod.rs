//! The SQL shell: questions to runs, sources and the warehouse, by a person or a script.
//!
//! ```text
//! keys ─▶ terminal (lines, history, completion) ─┐
//! file, pipe ────────────────────────────────────┴▶ reader ─▶ interpreter ─▶ stage (screen, pager, file)
//!                                       statements, \ commands │
//!                                                              ▼
//!                              actions ─▶ desk: a session with the schemas run, warehouse, source, history
//! ```
//!
//! The interpreter knows no terminal, so that a file drives it as a person does.

mod actions;
pub mod desk;
pub mod format;
mod interpreter;
pub mod reader;
mod stage;
mod terminal;
mod words;

pub use interpreter::{Interpreter, Next};
pub use stage::{Plain, Stage};
pub use terminal::{converse, is_possible};
