//! Avro records, one at a time: what a column is declared of is found and typed, all else is stepped over.
//!
//! ```text
//! schema text ─▶ parse: Schema ─┬─▶ resolve: names, aliases, defaults of a reader's schema
//!                               └─▶ walk: bytes ─▶ slots of the columns, or the whole record as JSON
//! ```
//!
//! Our own and not `arrow-avro`, because there one bad message spoils its batch, a message without a body
//! takes the bytes of the next one for its own, and unions and maps cannot be looked into by a path.

mod cursor;
mod default;
mod parse;
mod resolve;
mod schema;
mod walk;

#[cfg(test)]
mod tests;

pub use schema::Schema;
