//! One run of a pipeline at a time on one machine.
//!
//! The operating system holds the lock and lets it go when the process ends, however it ends. What
//! stands in the file only tells people who holds it.

use std::{fs::TryLockError, path::PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Clock,
    config::Config,
    error::{Error, Result},
};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: fs_err::File,
}

/// Who holds a lock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Owner {
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The run, once it has a name.
    pub run_id: Option<String>,
}

impl Lock {
    /// Takes the lock of the pipeline, or says who has it. Also gives the owner that died without
    /// letting it go, if there is one.
    pub fn take(config: &Config, clock: &Clock) -> Result<(Self, Option<Owner>)> {
        let failed = |error: std::io::Error| {
            Error::outside("the pipeline cannot be locked")
                .because(error)
                .with_hint("look at `work_dir` in dfpipe.yml: is the disk full, or read-only?")
        };
        fs_err::create_dir_all(&config.work_dir).map_err(failed)?;
        let path = path(config);
        let options = fs_err::OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path);
        let file = options.map_err(failed)?;
        match file.file().try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(config, clock)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let stale = owner(config);
        let lock = Self { file };
        let owner = Owner {
            pid: std::process::id(),
            host: host(),
            since: clock.now(),
            run_id: None,
        };
        lock.write(Some(&owner))?;
        Ok((lock, stale))
    }

    /// Says which run holds the lock from now on.
    pub fn name(&self, config: &Config, run_id: &str) -> Result<()> {
        let owner = owner(config).map(|owner| Owner {
            run_id: Some(run_id.to_owned()),
            ..owner
        });
        self.write(owner.as_ref())
    }

    fn write(&self, owner: Option<&Owner>) -> Result<()> {
        use std::io::{Seek, Write};
        let text = owner.map(serde_json::to_string).transpose();
        let text = text.map_err(|error| Error::bug("the lock's owner is odd").because(error))?;
        let mut file = self.file.file();
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.unwrap_or_default().as_bytes()))
            .map_err(|error| Error::outside("the lock cannot be written").because(error))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // An empty file says that the owner let go; the next one need not wonder.
        let _ = self.write(None);
        let _ = self.file.file().unlock();
    }
}

/// The run that a living process works on, as far as this machine knows.
pub fn running(config: &Config) -> Option<String> {
    let file = fs_err::File::open(path(config)).ok()?;
    match file.file().try_lock_shared() {
        Err(TryLockError::WouldBlock) => owner(config)?.run_id,
        _ => None,
    }
}

/// What a run would end with now because another one holds the lock. Only looks: nothing is made.
pub fn look(config: &Config, clock: &Clock) -> Option<Error> {
    let file = fs_err::File::open(path(config)).ok()?;
    match file.file().try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(held(config, clock)),
        _ => None,
    }
}

fn held(config: &Config, clock: &Clock) -> Error {
    let error = Error::outside(format!("another run of `{}` is under way", config.pipeline));
    let Some(owner) = owner(config) else {
        return error.with_hint("it has just begun: try again in a moment");
    };
    let minutes = (clock.now() - owner.since).num_minutes();
    let run = match &owner.run_id {
        Some(run_id) => format!("run `{run_id}`, "),
        None => String::new(),
    };
    let (pid, host) = (owner.pid, &owner.host);
    error
        .because(format!(
            "{run}process {pid} on `{host}`, since {minutes} minutes ({} UTC)",
            owner.since.format("%Y-%m-%d %H:%M")
        ))
        .with_hint("wait until it is done; if it hangs, end that process: the lock goes with it")
}

fn owner(config: &Config) -> Option<Owner> {
    serde_json::from_str(&fs_err::read_to_string(path(config)).ok()?).ok()
}

fn path(config: &Config) -> PathBuf {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    let name = config.pipeline.replace(|letter| !is_plain(letter), "_");
    config.work_dir.join(format!(".{name}.lock"))
}

/// The machine's name, for people.
fn host() -> String {
    let asked = fs_err::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok());
    let name = asked.unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        "this machine".to_owned()
    } else {
        name
    }
}
