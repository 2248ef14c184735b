//! Where rows come from. One folder per kind, the same furniture in each; what they share is here.
//!
//! ```text
//! config::Source ─▶ SourceTable (DataFusion table) ─▶ plan: partitions ─▶ scan: records
//!                                                          │                 │
//!                                  files · crm · kafka ────┘      record ────┴─▶ rows, refusals
//!                                                                   └─▶ landing: pages that need not be asked for again
//! ```
//!
//! No source knows a sink, and none knows SQL.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hasher},
};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use dfpipe_udfs::{EmailHasher, mask::Masker};

use crate::config::{Column, Secret, Source};

mod bounds;
pub mod crm;
pub mod files;
pub mod kafka;
pub mod landing;
mod meter;
mod partial;
mod partition;
pub mod record;
mod survey;
mod table;
pub mod words;

pub use bounds::Bounds;
pub use files::locations;
pub use kafka::problems;
pub use meter::{Meter, ReadRange, Reading, Times};
pub use partial::Partial;
pub use partition::external;
pub use record::{Counts, RefusedLog};
pub use survey::{Examined, Survey, SurveyPart, examine, survey};
pub use table::{Scan, SourceTable};

use record::value::Value;

/// The column that says which page, file or partition a row came from.
pub const PART: &str = "_part";

/// The column that says which record, line or offset it was there.
pub const POSITION: &str = "_position";

/// The time that a run looks at: `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first moment inside.
    pub start: DateTime<Utc>,
    /// The first moment after: the run's `as_of`.
    pub end: DateTime<Utc>,
}

impl Window {
    /// The window of `days` before `as_of`.
    pub fn before(as_of: DateTime<Utc>, days: u32) -> Self {
        Self {
            start: as_of - Duration::days(i64::from(days)),
            end: as_of,
        }
    }

    /// The logical date of the run.
    pub fn run_date(&self) -> NaiveDate {
        self.end.date_naive()
    }
}

/// Keeps personal data out of everything behind the decoders.
#[derive(Clone, Debug)]
pub struct Privacy {
    hasher: EmailHasher,
    masker: Masker,
    /// Begins every fingerprint, so that nobody without the key can look records up by theirs.
    salt: String,
}

impl Privacy {
    /// Hashes and masks with `key`.
    pub fn new(key: &Secret) -> Self {
        let hasher = EmailHasher::new(key.expose().as_bytes());
        Self {
            masker: Masker::new(hasher.clone()),
            salt: hasher
                .hash("fingerprint@dfpipe.invalid")
                .unwrap_or_default(),
            hasher,
        }
    }

    /// A number that is equal for equal bytes under the same key, and tells nothing of them.
    pub fn fingerprint(&self, bytes: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(self.salt.as_bytes());
        hasher.write(bytes);
        hasher.finish()
    }

    /// Text without addresses.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.masker.mask_text(text)
    }

    fn mask_cow<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        match text {
            Cow::Borrowed(text) => self.mask(text),
            Cow::Owned(text) => Cow::Owned(self.mask(&text).into_owned()),
        }
    }

    /// Bytes without addresses.
    pub fn mask_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        self.masker.mask_bytes(bytes)
    }

    /// A value as it may leave the decoder: a declared address as its hash, other text masked.
    fn protect<'a>(&self, value: Value<'a>, column: &Column) -> Value<'a> {
        match value {
            Value::Text(text) if column.is_email => match self.hasher.hash(&text) {
                Some(hash) => Value::Text(hash.into()),
                None => Value::Null,
            },
            Value::Text(text) => Value::Text(self.mask_cow(text)),
            other => other,
        }
    }
}

/// The schema of the table of `source`: its columns, then where each row came from.
pub fn source_schema(source: &Source) -> Schema {
    let place = [
        Field::new(PART, DataType::Int32, false),
        Field::new(POSITION, DataType::Int64, false),
    ];
    Schema::new(
        source
            .columns
            .iter()
            .map(Column::field)
            .chain(place)
            .collect::<Vec<_>>(),
    )
}
