//! What the `\` commands do.

mod describe;
mod functions;
mod look;
mod rejects;
mod set;
mod why;

pub(super) use describe::{describe, models};
pub(super) use functions::functions;
pub(super) use look::{diff, edit, explain, lineage, runs, use_run};
pub(super) use rejects::{UNREADABLE, rejects};
pub(super) use set::{engine, format, output, switched};
pub(super) use why::why;
