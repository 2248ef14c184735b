//! Moves a finished run to where it stays.

use std::path::Path;

use super::{RunFolder, folder::create_folder};
use crate::error::{Error, Result};

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
