//! A cluster of machines that builds models: its two roles, and what a run asks of them.
//!
//! ```text
//! driver (dfpipe run) ── logical plan ──▶ scheduler ── stages, tasks ──▶ executor, executor, …
//!    │  ▲                                                                    │        ▲
//!    │  └────────────── rows of the last stage, in order ────────────────────┘        │
//!    └── extracts, and each table once it is built ──▶ store that all of them read ───┘
//! ```
//!
//! Apache DataFusion's own distributed engine, Ballista, does the work. Here is what it does not know: that all three are
//! the same program with the same functions, where the tables of a run are, and how to tell people what went wrong.

mod executor;
mod hello;
mod scheduler;

pub use executor::{ExecutorSettings, run as run_executor};
pub use hello::{Crew, Hello, Scheduler};
pub use scheduler::{SchedulerSettings, run as run_scheduler};
