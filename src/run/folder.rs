//! A run's folder and the names of the files in it; while it runs below `work_dir`, then in
//! below the archive.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::{
    config::Config,
    error::{Error, Result},
    sources::Window,
    storage::Location,
};

/// How a run is named by the moment it begins.
const RUN_ID: &str = "%Y-%m-%dT%H-%M-%S-%6fZ";

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    /// The run: sorts by time, is never given twice.
    pub run_id: String,
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder of a new run that begins `now`.
    pub fn create(config: &Config, window: &Window, now: DateTime<Utc>) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::outside("the run has no folder to work in")
                .because(error)
                .with_hint("look at `work_dir` in dfpipe.yml: is the disk full, or read-only?")
        };
        fs_err::create_dir_all(&config.work_dir).map_err(failed)?;
        let mut attempt = 0_u32;
        loop {
            let suffix = if attempt == 0 {
                String::new()
            } else {
                format!("-{attempt}")
            };
            let run_id = format!("{}{suffix}", now.format(RUN_ID));
            let path = config.work_dir.join(&run_id);
            attempt += 1;
            if is_archived(config, window.run_date(), &run_id) {
                continue;
            }
            match fs_err::create_dir(&path) {
                Ok(()) => return Self { run_id, path }.with_folders(),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// A folder that exists.
    pub fn open(path: &Path) -> Self {
        let run_id = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Self {
            run_id,
            path: path.to_owned(),
        }
    }

    /// A folder of a dry run, in `parent`: it is removed when the run is over.
    pub fn scratch(parent: &Path, now: DateTime<Utc>) -> Result<Self> {
        let run_id = format!("{}-dry-run", now.format(RUN_ID));
        let path = parent.join(&run_id);
        Self { run_id, path }.with_folders()
    }

    /// Makes the folders that a run needs; those that are there stay.
    pub fn with_folders(self) -> Result<Self> {
        for folder in [
            self.path.join("extract"),
            self.path.join("models"),
            self.rejects(),
            self.dead_letters(),
            self.spill(),
        ] {
            create_folder(&folder)?;
        }
        Ok(self)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where spill files go.
    pub fn spill(&self) -> PathBuf {
        self.path.join("spill")
    }

    /// The raw rows of a source.
    pub fn extract(&self, source: &str) -> PathBuf {
        self.path.join("extract").join(source)
    }

    /// Pages of sources that are not read to their end.
    pub fn landings(&self) -> PathBuf {
        self.path.join("landing")
    }

    /// Pages of one source that is not read to its end.
    pub fn landing(&self, source: &str) -> PathBuf {
        self.landings().join(source)
    }

    /// How many records each source gave.
    pub fn extract_log(&self) -> PathBuf {
        self.path.join("extract").join("extract_log.parquet")
    }

    /// Records that decoders rejected, a file per source.
    pub fn rejects(&self) -> PathBuf {
        self.path.join("extract").join("rejects")
    }

    /// Records that could not be read, a file per source.
    pub fn dead_letters(&self) -> PathBuf {
        self.path.join("extract").join("dead_letters")
    }

    /// A model's table.
    pub fn model(&self, name: &str) -> PathBuf {
        self.path.join("models").join(format!("{name}.parquet"))
    }

    /// Bad rows that checks found, a file per check.
    pub fn checks(&self) -> PathBuf {
        self.path.join("checks")
    }

    /// The SQL that the run is made of, as `sql/…`.
    pub fn sql(&self) -> PathBuf {
        self.path.join("sql")
    }

    /// The tables of all models that were built.
    pub fn models(&self) -> Result<Vec<(String, PathBuf)>> {
        let folder = self.path.join("models");
        let failed =
            |error: std::io::Error| Error::outside("the run cannot be read").because(error);
        let mut tables = vec![];
        for entry in fs_err::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if let Some(name) = name.strip_suffix(".parquet") {
                tables.push((name.to_owned(), path.clone()));
            }
        }
        tables.sort();
        Ok(tables)
    }

    /// Writes `value` as JSON under a temporary name, then gives the file its own.
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        let mut text = serde_json::to_string_pretty(value)
            .map_err(|error| Error::bug(format!("`{name}` cannot be written")).because(error))?;
        text.push('\n');
        self.write(name, &text)
    }

    /// Writes `text` under a temporary name, then gives the file its own.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path.join(name);
        let part = self.path.join(format!("{name}.part"));
        fs_err::write(&part, text)
            .and_then(|()| fs_err::rename(&part, &path))
            .map_err(|error| Error::outside(format!("`{name}` cannot be written")).because(error))
    }
}

/// Whether a local archive has that run already. In a store, microseconds must do.
fn is_archived(config: &Config, date: NaiveDate, run_id: &str) -> bool {
    let archive = Location::parse(&config.archive).ok();
    let archive = archive.and_then(|archive| archive.local_file());
    archive.is_some_and(|archive| {
        let day = archive.join("pipeline_runs").join(date.to_string());
        day.join(run_id).exists()
    })
}

/// Makes a folder and those above it.
pub fn create_folder(path: &Path) -> Result<()> {
    fs_err::create_dir_all(path)
        .map_err(|error| Error::outside("a folder cannot be made").because(error))
}

/// Removes a file of this run.
pub fn remove_file(path: &Path) -> Result<()> {
    fs_err::remove_file(path)
        .map_err(|error| Error::outside("a file cannot be removed").because(error))
}

/// Removes a folder of this run, if it is there.
pub fn remove_folder(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    fs_err::remove_dir_all(path)
        .map_err(|error| Error::outside("a folder cannot be removed").because(error))
}
