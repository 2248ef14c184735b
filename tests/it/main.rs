//! The real binary on real services: what a user sees and what is left on disk.

mod errors;
mod kafka;
mod support;
