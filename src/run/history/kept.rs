//! The names of all runs that are kept, and one run's record. Names come from folders alone, so that only
//! those records are read which somebody wants to see.

use std::cmp::Reverse;

use chrono::NaiveDate;
use futures::{StreamExt, TryStreamExt, stream};

use super::{AT_A_TIME, RECORD, unfinished};
use crate::{
    config::Config,
    error::{Error, Result},
    run::{RunFolder, archive, record::RunRecord},
    storage::Location,
};

/// Bytes of the largest record that is read. One is some hundred kilobytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A folder that has the name of a run.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The run.
    pub run_id: String,
    /// Where it lies.
    pub location: Location,
    /// The date that it is archived under.
    pub date: Option<NaiveDate>,
    /// The folder, if it lies in the working folder.
    pub working: Option<RunFolder>,
}

/// What was found in such a folder.
#[derive(Debug)]
pub enum Reading {
    /// A run.
    Run(Box<RunRecord>),
    /// Something else; why.
    Note(String),
}

impl Kept {
    /// Reads the run's record, given which run a process works on. An error means that the store did not
    /// answer.
    pub async fn read(&self, running: Option<&str>) -> Result<Reading> {
        let record = match &self.working {
            Some(folder) => unfinished::read(folder, running == Some(&self.run_id)),
            None => self.archived_record().await?,
        };
        Ok(match record {
            Ok(record) if record.run_id == self.run_id => Reading::Run(Box::new(record)),
            Ok(record) => self.note(&format!("its record is that of `{}`", record.run_id)),
            Err(reason) => self.note(&reason),
        })
    }

    fn note(&self, reason: &str) -> Reading {
        Reading::Note(format!(
            "`{}` is left out: {reason}",
            self.location.display()
        ))
    }

    async fn archived_record(&self) -> Result<Result<RunRecord, String>> {
        let place = self.location.join(&[RECORD]);
        let text = match place.small(LARGEST).await {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(Err(format!("it has no {RECORD}"))),
            // A file that is not for us is no run of ours; a store that does not answer is no reason to
            // take an older run for the last one.
            Err(error) if place.local_file().is_some() => return Ok(Err(error.to_string())),
            Err(error) => {
                let message = format!("`{}` cannot be read", place.display());
                return Err(place.refused(message, &*error));
            }
        };
        let mut record: RunRecord = match serde_json::from_slice(&text) {
            Ok(record) => record,
            Err(error) => return Ok(Err(format!("its {RECORD} cannot be read: {error}"))),
        };
        record.folder = self.location.display();
        Ok(Ok(record))
    }
}

/// All runs, the newest first; one that lies in both places comes from the working folder first. Also what
/// lies among them and is none.
pub async fn all(config: &Config) -> Result<(Vec<Kept>, Vec<String>)> {
    let (mut runs, notes) = archived(config).await?;
    runs.extend(in_work(config).into_iter().filter_map(|folder| {
        Some(Kept {
            run_id: folder.run_id.clone(),
            location: Location::file(folder.path()).ok()?,
            date: None,
            working: Some(folder),
        })
    }));
    sort(&mut runs);
    Ok((runs, notes))
}

fn sort(runs: &mut [Kept]) {
    runs.sort_by_key(|run| Reverse((run.run_id.clone(), run.working.is_some())));
}

/// The archived runs, the newest first, and what lies among them and is none.
pub async fn archived(config: &Config) -> Result<(Vec<Kept>, Vec<String>)> {
    let root = archive::root(config)?;
    let mut notes = vec![];
    let mut dates: Vec<(NaiveDate, Location)> = vec![];
    for name in folders(&root).await?.unwrap_or_default() {
        let folder = root.join(&[&name]);
        match name.parse() {
            Ok(date) => dates.push((date, folder)),
            Err(_) => notes.push(foreign(&root, &name, "it is no date")),
        }
    }
    let listings = dates.into_iter().map(|(date, folder)| async move {
        let names = folders(&folder).await?;
        Ok::<_, Error>((date, folder, names))
    });
    let mut listings = stream::iter(listings).buffered(AT_A_TIME);
    let mut runs = vec![];
    while let Some((date, folder, names)) = listings.try_next().await? {
        let Ok(names) = names.map_err(|note| notes.push(note)) else {
            continue;
        };
        for name in names {
            if is_name(&name) {
                runs.push(Kept {
                    location: folder.join(&[&name]),
                    run_id: name,
                    date: Some(date),
                    working: None,
                });
            } else {
                notes.push(foreign(&folder, &name, "it has not the name of a run"));
            }
        }
    }
    sort(&mut runs);
    Ok((runs, notes))
}

/// The folders in `folder` that are not hidden; a note if this machine does not let us look.
async fn folders(folder: &Location) -> Result<Result<Vec<String>, String>> {
    match folder.folders().await {
        Ok(names) => {
            let names = names.into_iter().filter(|name| !name.starts_with('.'));
            Ok(Ok(names.collect()))
        }
        Err(error) if folder.local_file().is_some() => {
            let place = folder.display();
            Ok(Err(format!("`{place}` is left out: {error}")))
        }
        Err(error) => {
            let message = format!("the archive `{}` cannot be listed", folder.display());
            Err(folder.refused(message, &*error))
        }
    }
}

fn foreign(folder: &Location, name: &str, reason: &str) -> String {
    format!("`{}/{name}` is left out: {reason}", folder.display())
}

/// Whether a folder may be a run: `2026-11-23T02-20-52-210367Z`.
fn is_name(name: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_digit() || "-TZ".contains(letter);
    name.starts_with(|letter: char| letter.is_ascii_digit()) && name.chars().all(is_part)
}

/// The folders of runs that are not archived, the last one last.
pub fn in_work(config: &Config) -> Vec<RunFolder> {
    let entries = fs_err::read_dir(&config.work_dir);
    let entries = entries.into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut folders: Vec<_> = paths
        .filter(|path| path.is_dir())
        .map(|path| RunFolder::open(&path))
        .filter(|folder| !folder.run_id.starts_with('.'))
        .collect();
    folders.sort_by(|one, other| one.run_id.cmp(&other.run_id));
    folders
}
