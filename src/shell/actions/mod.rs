//! What the `\` commands do.

mod describe;
mod look;
mod set;
mod why;

pub(super) use describe::{describe, functions, models};
pub(super) use look::{diff, edit, explain, lineage, rejects, runs, use_run};
pub(super) use set::{format, output, switched};
pub(super) use why::why;
