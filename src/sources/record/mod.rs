//! One record at a time becomes rows of Arrow, or is refused with a reason. Shared by all sources.
//!
//! ```text
//! bytes ─▶ slots (one raw value per declared column) ─▶ values (typed, e-mail hashed) ─▶ columns
//!   └─ not JSON: dead letter      └─ missing or of another type: reject
//! ```
//!
//! Our own and not arrow-json, because there one bad record poisons its batch, floats pass as
//! integers, and decimals go through floating point.

pub mod avro;
#[cfg(test)]
mod bad_messages;
mod columns;
mod convert;
mod decoder;
mod document;
mod envelope;
mod parquet;
mod refused;
mod slots;
#[cfg(test)]
pub(super) mod testing;
pub(super) mod typed;
pub(super) mod value;

pub use decoder::{Decoder, Origin, broken_batch};
pub use document::{Document, text_at};
pub use envelope::Envelope;
pub use parquet::ParquetDecoder;
pub use refused::{
    Counts, DeadLetter, Refusal, RefusedLog, Reject, dead_letter_schema, reject_schema,
};
