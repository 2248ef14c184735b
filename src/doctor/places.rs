//! Whether the destination, the archive and the folder for work can be used: looked at, never tried.

use std::{
    io,
    path::{Path, PathBuf},
};

use chrono::NaiveDate;
use futures::StreamExt;

use super::{Finding, bigquery, words};
use crate::{
    config::{Config, OnRepeat, To},
    error::{Error, Result},
    sinks::{self, Loaded},
    storage::Location,
};

/// Less free space than this is little.
const LITTLE: u64 = 1_000_000_000;

/// Whether the destination can be listed and written, and what it has of `date`.
pub async fn destination(config: &Config, date: NaiveDate) -> Vec<Finding> {
    if let To::BigQuery(to) = &config.destination.to {
        return bigquery::destination(config, to, date).await;
    }
    let name = "destination";
    let remedy = "look at `destination.path` in dfpipe.yml";
    let asking = async {
        let sink = sinks::open(config)?;
        let loads = sink.loads(date).await?;
        Ok((sink.destination(), loads))
    };
    let (place, loads) = match asking.await {
        Ok(found) => found,
        Err(error) => return vec![Finding::problem(name, &error, remedy)],
    };
    let loaded = match loads.last() {
        None => format!("nothing of {date} yet"),
        Some(_) => format!("{} of {date}", words::of(loads.len() as u64, "load")),
    };
    let mut findings = vec![Finding::ok(
        name,
        format!("`{place}` can be listed: {loaded}"),
    )];
    findings.extend(repeated(config, date, &loads));
    let folder = match &config.destination.to {
        To::Parquet(parquet) => Location::parse(&parquet.path).map(|it| it.local_file()),
        To::BigQuery(_) => Ok(None),
    };
    if let Ok(Some(folder)) = folder
        && let Err(error) = is_writable(&folder)
    {
        findings.push(Finding::problem(name, &error, remedy));
    }
    findings
}

/// A run of a date that is loaded would stop.
pub(super) fn repeated(config: &Config, date: NaiveDate, loads: &[Loaded]) -> Option<Finding> {
    let last = loads.last()?;
    (config.destination.on_repeat == OnRepeat::Refuse).then(|| {
        let what = format!(
            "{date} is loaded already by run `{}`: a run would stop with exit code 7",
            last.run_id
        );
        let remedy = "`dfpipe run --new-load` appends a further load of that date";
        Finding::warning("destination", what, remedy)
    })
}

/// Whether finished runs can be stored.
pub async fn archive(config: &Config) -> Vec<Finding> {
    let looking = async {
        let place = Location::parse(&config.archive)?;
        match place.local_file() {
            Some(folder) => is_writable(&folder),
            None => can_be_listed(&place).await,
        }
    };
    let remedy = "look at `archive` in dfpipe.yml";
    vec![match looking.await {
        Ok(what) => Finding::ok("archive", what),
        Err(error) => Finding::problem("archive", &error, remedy),
    }]
}

async fn can_be_listed(place: &Location) -> Result<String> {
    let shown = place.display();
    match place.store.list(Some(&place.path)).next().await {
        None | Some(Ok(_)) => Ok(format!("`{shown}` can be listed")),
        Some(Err(error)) => Err(place.refused(format!("`{shown}` cannot be listed"), &error)),
    }
}

/// Whether a run has a folder to work in, and room.
pub fn work_dir(config: &Config) -> Vec<Finding> {
    let name = "work_dir";
    let remedy = "look at `work_dir` in dfpipe.yml";
    let what = match is_writable(&config.work_dir) {
        Ok(what) => what,
        Err(error) => return vec![Finding::problem(name, &error, remedy)],
    };
    let free = nearest(&config.work_dir).and_then(|folder| free_bytes(&folder));
    let Some(free) = free else {
        return vec![Finding::ok(name, what)];
    };
    let what = format!("{what}, {} are free", words::bytes(free));
    if free >= LITTLE {
        return vec![Finding::ok(name, what)];
    }
    let remedy = "make room there, or set `work_dir` and `engine.spill_dir` to a larger disk";
    vec![Finding::warning(name, what, remedy)]
}

/// Whether a folder can be written, or made if it is not there.
fn is_writable(folder: &Path) -> Result<String> {
    let shown = folder.display();
    let refused = |error: &dyn std::fmt::Display| {
        Error::outside(format!("`{shown}` cannot be written")).because(error)
    };
    let Some(there) = nearest(folder) else {
        return Err(refused(&"there is no folder above it"));
    };
    if !there.is_dir() {
        return Err(refused(&format!("`{}` is no folder", there.display())));
    }
    may_write(&there).map_err(|error| {
        let shown = there.display();
        refused(&error).with_hint(format!("let this user write to `{shown}`"))
    })?;
    Ok(if there == folder {
        format!("`{shown}` can be written")
    } else {
        format!("`{shown}` will be made")
    })
}

/// The folder itself, or the nearest above it that is there.
fn nearest(folder: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(folder).ok()?;
    let mut all = absolute.ancestors();
    all.find(|folder| folder.symlink_metadata().is_ok())
        .map(Path::to_owned)
}

/// What the system says without anything being written.
#[cfg(unix)]
fn may_write(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

#[cfg(not(unix))]
fn may_write(folder: &Path) -> io::Result<()> {
    if fs_err::metadata(folder)?.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::is_writable;

    #[test]
    fn a_folder_that_is_not_there_is_made_unless_a_file_is_in_its_way() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs_err::write(&file, "").unwrap();
        let shown = |path: &str| match is_writable(&home.path().join(path)) {
            Ok(what) => what,
            Err(error) => error.to_string(),
        };
        for (path, expected) in [
            ("", "can be written"),
            ("new/folder", "will be made"),
            ("file", "is no folder"),
            ("file/folder", "is no folder"),
        ] {
            assert!(shown(path).ends_with(expected), "{path}: {}", shown(path));
        }
    }
}
