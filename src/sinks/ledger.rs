//! What a sink writes down while it loads, on disk before it goes on, and reads again when a run is
//! resumed.
//!
//! Apart from the sinks, because the run keeps the book: a sink knows neither journal nor folder.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Receipt, receipt::KeyRange};
use crate::error::Result;

/// The book of one load.
pub trait Ledger: Send + Sync {
    /// The present moment.
    fn now(&self) -> DateTime<Utc>;

    /// What earlier attempts noted of this load, in order.
    fn earlier(&self) -> &[Note];

    /// Writes `note` down; once this returns, it outlives the process.
    fn note(&self, note: Note) -> Result<()>;

    /// Writes the receipt as far as it is known.
    fn draft(&self, receipt: &Receipt) -> Result<()>;

    /// Tells how far the load is.
    fn tell(&self, stage: Stage);
}

/// A line of the book.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// What is loaded is fixed: no other bytes complete this load any more. A later line replaces an
    /// earlier one, of which nothing was loaded then.
    Parts {
        /// The whole file, or all its pieces.
        parts: Vec<Part>,
    },
    /// A job is about to be submitted.
    Submitting {
        /// Of which part.
        part: u32,
        /// Which attempt, from 0.
        attempt: u32,
        /// The job.
        job_id: String,
    },
    /// The service said that the submission was refused, so there is no such job.
    Refused {
        /// Of which part.
        part: u32,
        /// Which attempt.
        attempt: u32,
        /// The job.
        job_id: String,
        /// Why.
        reason: String,
    },
    /// A job has ended.
    Ended {
        /// Of which part.
        part: u32,
        /// Which attempt.
        attempt: u32,
        /// The job.
        job_id: String,
        /// Why it failed; none if it went well.
        reason: Option<String>,
        /// Rows that it says it has appended.
        rows: Option<u64>,
    },
}

/// A piece of what is loaded.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Part {
    /// 0 for the whole file, from 1 for its pieces.
    pub number: u32,
    /// Rows.
    pub rows: u64,
    /// Bytes of its file.
    pub bytes: u64,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Which rows they are, where it is a piece.
    pub keys: Option<KeyRange>,
}

/// How far a load is.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// A file is on its way.
    Uploading {
        /// Bytes that have arrived.
        bytes: u64,
        /// Bytes that it has.
        expected: u64,
    },
    /// A job is waited for.
    Waiting {
        /// The job.
        job_id: String,
        /// What the service calls its state.
        state: String,
    },
    /// Something is tried again.
    Retrying {
        /// What went wrong, in words.
        cause: String,
        /// Seconds until then.
        seconds: u64,
    },
    /// The next part of a divided load is held back: a table takes few changes in a while.
    Pausing {
        /// Seconds until then.
        seconds: u64,
    },
    /// The loaded rows are counted.
    Verifying,
}
