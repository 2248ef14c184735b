//! The engine: the only room that makes a DataFusion session.
//!
//! ```text
//! catalog: sources (live) · extracts and models (Parquet) · shapes (for `check`)
//!                                  │
//! model ─▶ plan (parameters filled, errors with file and line) ─▶ ordered by key ─▶ table file
//! ```
//!
//! Where a plan executes is decided here alone ([`Engine::execute`]).

mod apart;
mod arrival;
mod browse;
mod build;
mod catalog;
mod check;
mod columns;
mod dates;
mod defaults;
mod diagnostics;
mod distinct;
mod elsewhere;
mod faults;
mod hints;
mod lineage;
mod masking;
mod memory;
mod mentions;
mod messages;
mod named_files;
mod narrow;
mod order;
mod plain_sorts;
mod plan;
mod question;
#[cfg(feature = "cluster")]
mod remote;
mod repeated;
mod run;
mod scaling;
mod session;
mod typing;

pub use browse::FunctionHelp;
pub use build::{Built, part_name};
pub use catalog::{DEAD_LETTERS, EXTRACT_LOG, EXTRACT_REJECTS, engine_tables};
pub use check::{Checked, Followed, Masks, RECORDED, check, record as record_columns, shapes};
pub use columns::place as column_place;
pub use diagnostics::explain;
pub use lineage::{Column, How, Lineage, Sources, Table, TableColumn, TableKind, lineage};
pub use question::{Answer, Asked, Question, Rights};
#[cfg(feature = "cluster")]
pub use remote::{LONGEST_MESSAGE, Stores, functions, planning_state};
pub use run::{Rows, Spill};
pub use session::Engine;
pub use typing::Typer;
