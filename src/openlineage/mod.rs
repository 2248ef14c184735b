//! Lineage events for catalogs, as <https://openlineage.io> says them: what a run read, what it wrote, and
//! which column came from which.
//!
//! ```text
//! run ─(tells)─▶ Listener ─▶ events (pure: record, schemas, lineage ─▶ JSON) ─▶ send ─┬▶ file
//!                                                                                     └▶ endpoint
//! ```
//!
//! Apart from `run/`, which knows nothing of catalogs: a run never waits for one and never fails for one.

mod dataset;
mod event;
mod facet;
mod listener;
mod run_id;
mod send;

pub use listener::Listener;
