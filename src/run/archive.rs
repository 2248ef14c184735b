//! Where finished runs go: `<archive>/pipeline_runs/<date>/<run_id>/`.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::{RunFolder, folder::create_folder, record::RunRecord};
use crate::{
    config::Config,
    error::{Error, Result},
};

/// The folder of all runs of `date`.
pub fn folder(config: &Config, date: NaiveDate) -> PathBuf {
    root(config).join(date.to_string())
}

/// The folder of all runs.
pub fn root(config: &Config) -> PathBuf {
    config.archive.join("pipeline_runs")
}

/// Where the run of `record` will lie.
pub fn target(config: &Config, record: &RunRecord) -> PathBuf {
    folder(config, record.run_date).join(&record.run_id)
}

/// Moves a run's folder to `target`; across file systems it is copied first.
pub fn store(folder: &RunFolder, target: &Path) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::outside("the run is loaded but cannot be archived")
            .because(error)
            .with_hint(format!(
                "nothing is lost: it lies in `{}`",
                folder.path().display()
            ))
    };
    create_folder(target.parent().unwrap_or(target))?;
    match fs_err::rename(folder.path(), target) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
            copy(folder.path(), target).map_err(failed)?;
            fs_err::remove_dir_all(folder.path()).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
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
