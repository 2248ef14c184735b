//! Where refused records go: rejects (readable, of the wrong shape) and dead letters (unreadable).
//!
//! Apart from the rows because they take another way: rows stream through DataFusion, refusals are
//! few and are written as they come, counted, and never lost: if one cannot be written, the
//! extraction fails.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::arrow::{
    array::{
        ArrayRef, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
};
use datafusion::parquet::arrow::ArrowWriter;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    sources::{Meter, Partial},
};

/// Refusals that are held before they are written.
const BUFFER: usize = 2048;

/// A record that could be read but has not the declared shape.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Reject {
    /// `missing_field` or `wrong_type`.
    pub reason: Cow<'static, str>,
    /// Which field, and what stood there (addresses masked).
    pub detail: String,
    /// Page, file or partition.
    pub part: i32,
    /// Record, line or offset.
    pub position: i64,
    /// Both in words.
    pub place: String,
    /// The value of the source's key column, where it could be read.
    pub record_key: Option<String>,
    /// The record as JSON (addresses masked).
    pub record: String,
}

/// A record that could not be read at all.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct DeadLetter {
    /// Why.
    pub error: String,
    /// Page, file or partition.
    pub part: i32,
    /// Record, line or offset.
    pub position: i64,
    /// Both in words.
    pub place: String,
    /// The topic, where there is one.
    pub topic: Option<String>,
    /// When the message was made or received, in microseconds since 1970.
    pub received_at: Option<i64>,
    /// The message's key (addresses masked).
    pub key: Option<Vec<u8>>,
    /// The message's headers, a list of names and values in JSON (addresses masked).
    #[serde(default)]
    pub headers: Option<String>,
    /// Its bytes (addresses masked).
    pub payload: Vec<u8>,
}

/// A record that did not become a row.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It has not the declared shape.
    Reject(Reject),
    /// It could not be read.
    DeadLetter(DeadLetter),
}

/// How many records a source gave, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that became rows.
    pub rows: u64,
    /// Records that were rejected.
    pub rejected: u64,
    /// Records that could not be read.
    pub dead_lettered: u64,
}

impl Counts {
    /// All records that were read.
    pub fn read(&self) -> u64 {
        self.rows + self.rejected + self.dead_lettered
    }
}

/// The schema of the table `extract_rejects`.
pub fn reject_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("source", DataType::Utf8, false),
        Field::new("reason", DataType::Utf8, false),
        Field::new("detail", DataType::Utf8, false),
        Field::new("part", DataType::Int32, false),
        Field::new("position", DataType::Int64, false),
        Field::new("place", DataType::Utf8, false),
        Field::new("record_key", DataType::Utf8, true),
        Field::new("record", DataType::Utf8, false),
    ]))
}

/// The schema of the table `dead_letters`.
pub fn dead_letter_schema() -> SchemaRef {
    let moment = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("source", DataType::Utf8, false),
        Field::new("place", DataType::Utf8, false),
        Field::new("part", DataType::Int32, false),
        Field::new("position", DataType::Int64, false),
        Field::new("error", DataType::Utf8, false),
        Field::new("topic", DataType::Utf8, true),
        Field::new("received_at", moment, true),
        Field::new("key", DataType::Binary, true),
        Field::new("headers", DataType::Utf8, true),
        Field::new("payload", DataType::Binary, false),
    ]))
}

/// Takes the refusals of one source, from all its partitions.
#[derive(Debug)]
pub struct RefusedLog {
    source: String,
    meter: Meter,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counts: Counts,
    rejects: Vec<Reject>,
    dead_letters: Vec<DeadLetter>,
    warnings: Vec<String>,
    /// How often each field was missing from a record that became a row.
    missing: BTreeMap<String, u64>,
    partial: Option<Partial>,
    /// What was refused since somebody began to listen.
    tapped: Option<Vec<Refusal>>,
    files: Option<Files>,
}

#[derive(Debug)]
struct Files {
    rejects: ArrowWriter<fs_err::File>,
    dead_letters: ArrowWriter<fs_err::File>,
}

impl RefusedLog {
    /// A log that only counts: for looking at a source live.
    pub fn counting(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            meter: Meter::default(),
            state: Mutex::default(),
        }
    }

    /// A log that keeps what it gets in two Parquet files, which only the owner may read.
    pub fn to_files(source: &str, rejects: &Path, dead_letters: &Path) -> Result<Self> {
        let files = Files {
            rejects: writer(rejects, reject_schema())?,
            dead_letters: writer(dead_letters, dead_letter_schema())?,
        };
        let state = State {
            files: Some(files),
            ..State::default()
        };
        Ok(Self {
            source: source.to_owned(),
            meter: Meter::default(),
            state: Mutex::new(state),
        })
    }

    /// How far the source is read, told before a batch is full.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Forgets what was noted so far, for a log that only counts: each question has notes of its own.
    pub fn forget(&self) {
        let mut state = self.state();
        if state.files.is_none() {
            *state = State::default();
        }
    }

    /// Counts records that became rows.
    pub fn add_rows(&self, rows: usize) {
        self.state().counts.rows += rows as u64;
    }

    /// Takes what was refused.
    pub fn refuse(&self, refusal: Refusal) -> Result<()> {
        match refusal {
            Refusal::Reject(reject) => self.reject(reject),
            Refusal::DeadLetter(letter) => self.dead_letter(letter),
        }
    }

    /// Takes a reject.
    pub fn reject(&self, reject: Reject) -> Result<()> {
        let mut state = self.state();
        self.meter.add(1);
        state.counts.rejected += 1;
        if let Some(tapped) = &mut state.tapped {
            tapped.push(Refusal::Reject(reject.clone()));
        }
        state.rejects.push(reject);
        if state.rejects.len() >= BUFFER {
            state.write(&self.source)
        } else {
            Ok(())
        }
    }

    /// Takes a dead letter.
    pub fn dead_letter(&self, letter: DeadLetter) -> Result<()> {
        let mut state = self.state();
        self.meter.add(1);
        state.counts.dead_lettered += 1;
        if let Some(tapped) = &mut state.tapped {
            tapped.push(Refusal::DeadLetter(letter.clone()));
        }
        state.dead_letters.push(letter);
        if state.dead_letters.len() >= BUFFER {
            state.write(&self.source)
        } else {
            Ok(())
        }
    }

    /// Takes what a reader of the run should know of this source.
    pub fn warn(&self, warning: String) {
        self.state().warnings.push(warning);
    }

    /// What a reader of the run should know of this source.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.state().warnings.clone();
        warnings.sort();
        warnings
    }

    /// Counts fields that were missing from records that became rows.
    pub fn add_missing(&self, missing: impl IntoIterator<Item = (String, u64)>) {
        let mut state = self.state();
        for (field, count) in missing {
            *state.missing.entry(field).or_default() += count;
        }
    }

    /// How often each field was missing.
    pub fn missing(&self) -> BTreeMap<String, u64> {
        self.state().missing.clone()
    }

    /// The source did not come to its end; what came is kept.
    pub fn stop_short(&self, partial: Partial) {
        self.state().partial = Some(partial);
    }

    /// Why the source did not come to its end, if it did not.
    pub fn partial(&self) -> Option<Partial> {
        self.state().partial.clone()
    }

    /// What was refused since this was asked last; from now on all of it is held for the next time.
    pub fn take_refusals(&self) -> Vec<Refusal> {
        self.state().tapped.replace(vec![]).unwrap_or_default()
    }

    /// How much is held for [`RefusedLog::take_refusals`].
    pub fn held_refusals(&self) -> usize {
        self.state().tapped.as_ref().map_or(0, Vec::len)
    }

    /// What came so far.
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// Writes what is held and closes the files.
    pub fn finish(&self) -> Result<Counts> {
        let mut state = self.state();
        state.write(&self.source)?;
        if let Some(files) = state.files.take() {
            files.rejects.close().map_err(|error| unwritable(&error))?;
            files
                .dead_letters
                .close()
                .map_err(|error| unwritable(&error))?;
        }
        Ok(state.counts)
    }

    /// What is held and not written yet.
    #[cfg(test)]
    pub fn held(&self) -> (Vec<Reject>, Vec<DeadLetter>) {
        let state = self.state();
        (state.rejects.clone(), state.dead_letters.clone())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write(&mut self, source: &str) -> Result<()> {
        let rejects = std::mem::take(&mut self.rejects);
        let dead_letters = std::mem::take(&mut self.dead_letters);
        let Some(files) = &mut self.files else {
            return Ok(());
        };
        let rejects = reject_batch(source, &rejects);
        let dead_letters = dead_letter_batch(source, &dead_letters);
        let batches = [
            (&mut files.rejects, rejects),
            (&mut files.dead_letters, dead_letters),
        ];
        for (writer, batch) in batches {
            let batch = batch.map_err(|error| unwritable(&error))?;
            writer.write(&batch).map_err(|error| unwritable(&error))?;
        }
        Ok(())
    }
}

fn unwritable(error: &dyn std::fmt::Display) -> Error {
    Error::outside("refused records cannot be kept, so the extraction stops").because(error)
}

fn writer(path: &Path, schema: SchemaRef) -> Result<ArrowWriter<fs_err::File>> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use fs_err::os::unix::fs::OpenOptionsExt;
        // From the first byte on. What is no file is not ours to protect.
        options.mode(0o600);
    }
    let file = options.open(path).map_err(|error| unwritable(&error))?;
    #[cfg(unix)]
    if file.metadata().is_ok_and(|found| found.is_file()) {
        use std::os::unix::fs::PermissionsExt;
        let only_owner = std::fs::Permissions::from_mode(0o600);
        fs_err::set_permissions(path, only_owner).map_err(|error| unwritable(&error))?;
    }
    ArrowWriter::try_new(file, schema, None).map_err(|error| unwritable(&error))
}

fn reject_batch(source: &str, rejects: &[Reject]) -> datafusion::arrow::error::Result<RecordBatch> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(
            rejects.iter().map(|_| source),
        )),
        Arc::new(StringArray::from_iter_values(
            rejects.iter().map(|one| &one.reason),
        )),
        Arc::new(StringArray::from_iter_values(
            rejects.iter().map(|one| &one.detail),
        )),
        Arc::new(Int32Array::from_iter_values(
            rejects.iter().map(|one| one.part),
        )),
        Arc::new(Int64Array::from_iter_values(
            rejects.iter().map(|one| one.position),
        )),
        Arc::new(StringArray::from_iter_values(
            rejects.iter().map(|one| &one.place),
        )),
        Arc::new(
            rejects
                .iter()
                .map(|one| one.record_key.as_ref())
                .collect::<StringArray>(),
        ),
        Arc::new(StringArray::from_iter_values(
            rejects.iter().map(|one| &one.record),
        )),
    ];
    RecordBatch::try_new(reject_schema(), columns)
}

fn dead_letter_batch(
    source: &str,
    letters: &[DeadLetter],
) -> datafusion::arrow::error::Result<RecordBatch> {
    let received: TimestampMicrosecondArray = letters.iter().map(|one| one.received_at).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(
            letters.iter().map(|_| source),
        )),
        Arc::new(StringArray::from_iter_values(
            letters.iter().map(|one| &one.place),
        )),
        Arc::new(Int32Array::from_iter_values(
            letters.iter().map(|one| one.part),
        )),
        Arc::new(Int64Array::from_iter_values(
            letters.iter().map(|one| one.position),
        )),
        Arc::new(StringArray::from_iter_values(
            letters.iter().map(|one| &one.error),
        )),
        Arc::new(
            letters
                .iter()
                .map(|one| one.topic.as_ref())
                .collect::<StringArray>(),
        ),
        Arc::new(received.with_timezone("UTC")),
        Arc::new(
            letters
                .iter()
                .map(|one| one.key.as_ref())
                .collect::<BinaryArray>(),
        ),
        Arc::new(
            letters
                .iter()
                .map(|one| one.headers.as_ref())
                .collect::<StringArray>(),
        ),
        Arc::new(BinaryArray::from_iter_values(
            letters.iter().map(|one| &one.payload),
        )),
    ];
    RecordBatch::try_new(dead_letter_schema(), columns)
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, path::Path};

    use super::{DeadLetter, RefusedLog};
    use crate::error::Kind;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_cannot_be_kept_stops_the_extraction() {
        let folder = tempfile::tempdir().unwrap();
        let rejects = folder.path().join("rejects.parquet");
        let absent = folder.path().join("absent/dead_letters.parquet");
        let error = RefusedLog::to_files("s", &rejects, &absent).unwrap_err();
        assert_eq!(error.kind(), Kind::Outside);
        // A disk that is full.
        let log = RefusedLog::to_files("s", &rejects, Path::new("/dev/full"));
        let written = log.and_then(|log| {
            log.dead_letter(DeadLetter::default())?;
            log.finish()
        });
        let error = written.unwrap_err();
        assert_eq!(error.kind(), Kind::Outside);
        assert_eq!(
            error.message(),
            "refused records cannot be kept, so the extraction stops"
        );
    }

    #[test]
    fn only_the_owner_may_read_what_was_refused() {
        let folder = tempfile::tempdir().unwrap();
        let files =
            ["rejects.parquet", "dead_letters.parquet"].map(|name| folder.path().join(name));
        fs_err::write(&files[1], "left over, and for everybody").unwrap();
        RefusedLog::to_files("s", &files[0], &files[1]).unwrap();
        for file in files {
            let mode = fs_err::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
