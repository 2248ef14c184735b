//! The real binary on real services: what a user sees and what is left on disk.

mod errors;
mod first_run;
mod kafka;
mod leaks;
mod object_store;
mod prod;
mod repeat;
mod same_bytes;
mod schema;
mod slt;
mod support;
