//! The real binary on real services: what a user sees and what is left on disk.

mod chaos;
mod crm;
mod deploy;
mod doctor;
mod errors;
mod first_run;
mod kafka;
mod leaks;
mod models;
mod object_store;
mod prod;
mod ranges;
mod records;
mod repeat;
mod replay;
mod resume;
mod safety;
mod same_bytes;
mod scaling;
mod schema;
mod slt;
mod support;
mod versions;
