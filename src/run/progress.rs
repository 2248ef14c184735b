//! What a run tells while it goes on. The run says what happened; `cli/` decides how it looks, and
//! lineage is made of it too.

use std::collections::BTreeMap;

use serde::Serialize;

use super::record::{Job, RunRecord, Status, Step};
use crate::sinks::Stage;

/// Something that happened. The names of events and their fields are promises to those who read
/// `--log-format json`: there every line of stderr is an object of these fields.
///
/// - `time`: when it was told, RFC 3339 in UTC.
/// - `level`: `info`, `warning` or `error`.
/// - `event`: the name of a variant of this type in snake case, with its fields beside it; what is
///   not known is `null`. `extracting` comes at most every five seconds per source, with `-v` always;
///   so do `loading` with the stage `uploading`, and `computing` per model.
///
/// Two objects are no events of a run:
///
/// - `note`, a sentence for people: `message`.
/// - `error`, one per problem, always of level `error`: `message`, `cause`, `hint`, `place` (`file`,
///   `line`, `column`, `length`, `text`; or `null`), `exit_code` (that of the process).
///
/// `-q` leaves only `error`. Results, such as the report, go to stdout as ever.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run has a folder and a name.
    RunStarted {
        /// What is known of it by now.
        #[serde(skip)]
        record: Box<RunRecord>,
        /// The run.
        run_id: String,
        /// Whether it goes on with an earlier attempt.
        resumed: bool,
        /// The sources, in the order of the configuration.
        sources: Vec<String>,
        /// The models that are built, in that order.
        models: Vec<String>,
    },
    /// A step begins.
    StepStarted {
        /// The step.
        step: Step,
    },
    /// A step is done.
    StepFinished {
        /// The step.
        step: Step,
        /// How long it took.
        seconds: f64,
        /// Whether an earlier attempt had done it.
        kept: bool,
    },
    /// A source is being read.
    Extracting {
        /// The source.
        source: String,
        /// Records so far.
        records: u64,
        /// Records that there will be, where the source tells.
        expected: Option<u64>,
        /// Seconds that the rest takes at least, by the rate limit.
        seconds_left: Option<f64>,
    },
    /// A source was read.
    Extracted {
        /// The source.
        source: String,
        /// Rows that were kept.
        rows: u64,
        /// Records that were refused.
        refused: u64,
        /// How often a field was missing from a record that was kept, by the name of its column.
        missing: BTreeMap<String, u64>,
        /// Whether it did not come to its end.
        partial: bool,
        /// How long it took.
        seconds: f64,
        /// Whether an earlier attempt had read it.
        kept: bool,
    },
    /// A model is being built.
    Building {
        /// The model.
        model: String,
    },
    /// A cluster is building a model.
    Computing {
        /// The model.
        model: String,
        /// How far that is.
        #[serde(flatten)]
        job: Job,
    },
    /// A model was built.
    Built {
        /// The model.
        model: String,
        /// Its rows.
        rows: u64,
        /// Its bytes.
        bytes: u64,
        /// How long it took.
        seconds: f64,
        /// Whether an earlier attempt had built it.
        kept: bool,
        /// The most memory that was taken from the limit while it was built, in bytes.
        peak_memory: u64,
        /// What building it put on disk because memory was short, in bytes.
        spilled_bytes: u64,
        /// Whether it is a view: planned, and computed by whoever reads it.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        view: bool,
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
    /// The result is being loaded.
    Loading {
        /// How far that is.
        #[serde(flatten)]
        stage: Stage,
    },
    /// The result was loaded.
    Loaded {
        /// Its rows.
        rows: u64,
        /// The table.
        to: String,
    },
    /// Nothing was loaded: the run is a dry one.
    NotLoaded {
        /// Why, and what a real run would do.
        reason: String,
    },
    /// The run's files lie in the archive.
    Archived {
        /// Where.
        to: String,
    },
    /// Something that a person should know.
    Warning {
        /// What.
        message: String,
    },
    /// The run is over, one way or another.
    RunFinished {
        /// All about it.
        #[serde(skip)]
        record: Box<RunRecord>,
        /// The run.
        run_id: String,
        /// How it ended.
        status: Status,
        /// Where its files lie.
        folder: String,
    },
}

/// Listens to a run.
pub trait Progress: Send + Sync {
    /// Takes note of `event`.
    fn report(&self, event: &Event);
}

/// Several listeners, told one after the other.
pub struct Several<'a>(pub Vec<&'a dyn Progress>);

impl Progress for Several<'_> {
    fn report(&self, event: &Event) {
        for listener in &self.0 {
            listener.report(event);
        }
    }
}
