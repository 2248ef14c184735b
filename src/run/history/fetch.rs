//! The files of a run on this machine, for those who need more than its tables.

use std::path::{Path, PathBuf};

use futures::{StreamExt, TryStreamExt, stream};

use super::Past;
use crate::{
    error::{Error, Result},
    run::{RunFolder, folder::create_folder},
    storage::Location,
};

/// Files that are fetched at a time.
const AT_A_TIME: usize = 4;

impl Past {
    /// The run's folder: where it lies on this machine, or fetched from its store into `scratch`.
    pub async fn fetched(&self, scratch: &Path) -> Result<RunFolder> {
        if let Some(path) = self.location.local_file() {
            return Ok(RunFolder::open(&path));
        }
        let folder = scratch.join(&self.record.run_id);
        let files = self.location.files().await;
        let files = files.map_err(|error| refused(&self.location, &*error))?;
        let mut fetches = vec![];
        for file in files {
            let parts = file.path.prefix_match(&self.location.path);
            let parts = parts.into_iter().flatten();
            let target: PathBuf = parts.fold(folder.clone(), |path, part| path.join(part.as_ref()));
            create_folder(target.parent().unwrap_or(&folder))?;
            fetches.push((file, target));
        }
        let fetches = fetches.into_iter().map(|(file, target)| async move {
            let saved = file.save(&target).await;
            saved.map_err(|error| refused(&file, &*error))
        });
        let mut fetches = stream::iter(fetches).buffer_unordered(AT_A_TIME);
        while fetches.try_next().await?.is_some() {}
        Ok(RunFolder::open(&folder))
    }
}

fn refused(place: &Location, error: &(dyn std::error::Error + 'static)) -> Error {
    place.refused(format!("`{}` cannot be fetched", place.display()), error)
}
