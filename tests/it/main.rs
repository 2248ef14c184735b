//! The real binary on real services: what a user sees and what is left on disk.

mod crm;
mod errors;
mod first_run;
mod kafka;
mod leaks;
mod models;
mod notify;
mod object_store;
mod prod;
mod records;
mod repeat;
mod report;
mod safety;
mod same_bytes;
mod schema;
mod slt;
mod support;
