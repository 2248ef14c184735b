//! The real binary on real services: what a user sees and what is left on disk.

mod archive;
mod chaos;
mod crm;
mod errors;
mod first_run;
mod kafka;
mod leaks;
mod models;
mod object_store;
mod prod;
mod records;
mod repeat;
mod replay;
mod resume;
mod runs;
mod safety;
mod same_bytes;
mod schema;
mod slt;
mod support;
