//! What a run began and ended, append-only, on disk before the next step begins.

use std::io::Write;

use serde_json::json;

use super::RunFolder;
use crate::{
    clock::Clock,
    error::{Error, Result},
};

/// The journal of one run: `journal.ndjson`.
#[derive(Debug)]
pub struct Journal {
    file: fs_err::File,
    clock: Clock,
}

impl Journal {
    /// Begins the journal in the run's folder.
    pub fn create(folder: &RunFolder, clock: Clock) -> Result<Self> {
        let path = folder.path().join("journal.ndjson");
        let options = fs_err::OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(path);
        let file = options
            .map_err(|error| Error::outside("the journal cannot be begun").because(error))?;
        Ok(Self { file, clock })
    }

    /// A step begins.
    pub fn begin(&mut self, step: &str) -> Result<()> {
        self.append(&json!({"at": self.clock.now(), "step": step, "is": "begun"}))
    }

    /// The load begins, under a number that is fixed from now on.
    pub fn begin_load(&mut self, load_number: u32) -> Result<()> {
        let now = self.clock.now();
        self.append(&json!({"at": now, "step": "load", "is": "begun", "load_number": load_number}))
    }

    /// A step ended well.
    pub fn end(&mut self, step: &str) -> Result<()> {
        self.append(&json!({"at": self.clock.now(), "step": step, "is": "ended"}))
    }

    fn append(&mut self, entry: &serde_json::Value) -> Result<()> {
        writeln!(self.file, "{entry}")
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Error::outside("the journal cannot be written").because(error))
    }
}
