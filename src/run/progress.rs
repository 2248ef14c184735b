//! What a run tells while it goes on. The run says what happened; `cli/` decides how it looks.

use std::path::PathBuf;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A step begins.
    Step(&'static str),
    /// A source was read.
    Extracted {
        /// The source.
        source: String,
        /// Rows that were kept.
        rows: u64,
        /// Records that were refused.
        refused: u64,
    },
    /// A model was built.
    Built {
        /// The model.
        model: String,
        /// Its rows.
        rows: u64,
    },
    /// The checks are done.
    Checked {
        /// How many there were.
        checks: usize,
        /// How many of them found bad rows and warn.
        warnings: usize,
        /// How many of them found bad rows and stop the load.
        errors: usize,
    },
    /// The result was loaded.
    Loaded {
        /// Its rows.
        rows: u64,
        /// The table.
        to: String,
    },
    /// The run failed and its folder stays.
    Kept {
        /// The folder.
        folder: PathBuf,
    },
}

/// Listens to a run.
pub trait Progress: Send + Sync {
    /// Takes note of `event`.
    fn report(&self, event: Event);
}
