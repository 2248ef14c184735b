//! What a run did, append-only, on disk before the next thing is done. Resuming reads it again.

use std::{
    collections::BTreeMap,
    io::{Seek, SeekFrom, Write},
    path::PathBuf,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    RunFolder,
    record::{Build, Failure, ModelRecord, SourceRecord, Status, Step},
};
use crate::{
    clock::Clock,
    error::{Error, Result},
    model::Use,
    sinks::{Note, Receipt},
    sources::landing::Group,
    table_file::FileFacts,
};

/// The journal's name in the run's folder.
pub const FILE: &str = "journal.ndjson";

/// One line of a journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// When it was written.
    pub at: DateTime<Utc>,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// The run began.
    Begun(Begun),
    /// The run went on.
    Resumed {
        /// The program.
        build: Build,
    },
    /// A step began.
    StepBegun {
        /// The step.
        step: Step,
    },
    /// A step ended well.
    StepEnded {
        /// The step.
        step: Step,
    },
    /// Pages of a source are on disk.
    Landed {
        /// The source.
        source: String,
        /// Of what declaration and window they came.
        identity: String,
        /// The pages.
        group: Box<Group>,
    },
    /// Pages of a source that were on disk are of no use any more.
    LandingDropped {
        /// The source.
        source: String,
        /// Why.
        reason: String,
    },
    /// A source was read.
    Extracted {
        /// What it gave.
        source: Box<SourceRecord>,
        /// Why it was read again, if it had been read before.
        redone: Option<String>,
    },
    /// A model was built.
    Built {
        /// What it became.
        model: Box<ModelRecord>,
        /// Why it was built again, if it had been built before.
        redone: Option<String>,
    },
    /// The load began, into a place and under a number that are fixed from now on.
    LoadBegun {
        /// The destination.
        destination: String,
        /// The number of the load within its date.
        load_number: u32,
        /// The values that its models were built with, as SQL.
        parameters: BTreeMap<String, String>,
    },
    /// The file that is loaded is on disk.
    LoadStaged {
        /// What it is.
        file: FileFacts,
    },
    /// The destination's own note on the load, which resuming gives back to it.
    LoadNoted {
        /// What it says.
        noted: Note,
    },
    /// The destination holds the load.
    Loaded {
        /// The proof.
        receipt: Box<Receipt>,
    },
    /// The attempt is over.
    Ended {
        /// How.
        status: Status,
        /// Why, if not well.
        failure: Option<Failure>,
    },
}

/// What a run is, from its first moment on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begun {
    /// The pipeline.
    pub pipeline: String,
    /// The profile.
    pub profile: String,
    /// When it began: every loaded row says so.
    pub started_at: DateTime<Utc>,
    /// The moment it is made for.
    pub as_of: DateTime<Utc>,
    /// What `-s` asked for.
    pub select: Vec<String>,
    /// Released versions that stand in for files.
    pub uses: Vec<Use>,
    /// Whether `--new-load` was given.
    pub new_load: bool,
    /// Whether `--allow-lost-columns` was given.
    #[serde(default)]
    pub allow_lost_columns: bool,
    /// Whether `--allow-partial` was given.
    #[serde(default)]
    pub allow_partial: bool,
    /// The program.
    pub build: Build,
}

/// The journal of one run.
pub struct Journal<'a> {
    file: fs_err::File,
    clock: Clock,
    entries: u64,
    written: &'a (dyn Fn(u64) + Sync),
}

impl<'a> Journal<'a> {
    /// Opens the journal in the run's folder, or begins it. `written` hears of every line that is on
    /// disk.
    pub fn open(
        folder: &RunFolder,
        clock: Clock,
        written: &'a (dyn Fn(u64) + Sync),
    ) -> Result<Self> {
        let options = fs_err::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path(folder));
        let file = options
            .map_err(|error| Error::outside("the journal cannot be opened").because(error))?;
        let mut journal = Self {
            file,
            clock,
            entries: 0,
            written,
        };
        journal.cut_torn_line(folder)?;
        Ok(journal)
    }

    /// Writes a line and waits until it is on disk.
    pub fn append(&mut self, entry: Entry) -> Result<()> {
        let at = self.clock.now();
        let line = serde_json::to_string(&Line { at, entry })
            .map_err(|error| Error::bug("a line of the journal is odd").because(error))?;
        // In one piece: whoever reads meanwhile sees it whole or not at all.
        self.file
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Error::outside("the journal cannot be written").because(error))?;
        self.entries += 1;
        (self.written)(self.entries);
        Ok(())
    }

    /// A line that a dying process left half written never happened.
    fn cut_torn_line(&mut self, folder: &RunFolder) -> Result<()> {
        let unusable =
            |error: std::io::Error| Error::outside("the journal cannot be mended").because(error);
        let text = fs_err::read(path(folder)).map_err(unusable)?;
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        if whole < text.len() {
            self.file.file().set_len(whole as u64).map_err(unusable)?;
            self.file.seek(SeekFrom::End(0)).map_err(unusable)?;
        }
        Ok(())
    }
}

/// The lines of a run's journal; a torn last one is left out.
pub fn read(folder: &RunFolder) -> Result<Vec<Line>> {
    let path = path(folder);
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::outside(format!("`{}` cannot be read", path.display())).because(error)
    };
    let text = fs_err::read(&path).map_err(|error| unreadable(&error))?;
    let text = String::from_utf8_lossy(&text);
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole.lines().map(|line| {
        serde_json::from_str(line).map_err(|error| {
            unreadable(&error).with_hint("another version of dfpipe may have written it")
        })
    });
    lines.collect()
}

/// Whether a line was ever written.
pub fn has_begun(folder: &RunFolder) -> bool {
    fs_err::read(path(folder)).is_ok_and(|text| text.contains(&b'\n'))
}

/// How the run began, if its first line tells.
pub fn begun(folder: &RunFolder) -> Option<Begun> {
    let text = fs_err::read_to_string(path(folder)).ok()?;
    match serde_json::from_str(text.lines().next()?).ok()? {
        Line {
            entry: Entry::Begun(begun),
            ..
        } => Some(begun),
        _ => None,
    }
}

fn path(folder: &RunFolder) -> PathBuf {
    folder.path().join(FILE)
}
