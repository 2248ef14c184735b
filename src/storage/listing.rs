//! What lies below a place, and taking it away again. A folder of this machine is asked by the system's
//! own calls: a name in it that no store could have is no reason to fail.

use std::io::ErrorKind;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStoreExt, path::Path};

use super::{Location, transfer::Outcome};

impl Location {
    /// The names of the folders in this one, in order; none if it is not there.
    pub async fn folders(&self) -> Outcome<Vec<String>> {
        let mut names = match self.local_file() {
            Some(folder) => local_folders(&folder)?,
            None => {
                let found = self.store.list_with_delimiter(Some(&self.path)).await?;
                let folders = found.common_prefixes.iter();
                let names = folders.filter_map(Path::filename);
                names.map(str::to_owned).collect()
            }
        };
        names.sort();
        Ok(names)
    }

    /// All files below this folder, in order of their paths; none if it is not there.
    pub async fn files(&self) -> Outcome<Vec<Location>> {
        let objects = self.store.list(Some(&self.path));
        let paths = objects.map_ok(|object| object.location);
        let mut paths: Vec<_> = paths.try_collect().await?;
        paths.sort();
        Ok(paths.into_iter().map(|path| self.at(path)).collect())
    }

    /// What a small file holds: nothing if it is not there, an error if it is larger than `limit` bytes.
    pub async fn small(&self, limit: u64) -> Outcome<Option<Vec<u8>>> {
        let found = match self.store.get(&self.path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        if found.meta.size > limit {
            let size = found.meta.size;
            return Err(format!("it has {size} bytes, and {limit} are much").into());
        }
        Ok(Some(found.bytes().await?.to_vec()))
    }

    /// Removes one file. One that is not there is removed already.
    pub async fn remove_file(&self) -> Outcome<()> {
        match self.store.delete(&self.path).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Removes this folder with all that lies in it. One that is not there is removed already.
    pub async fn remove_folder(&self) -> Outcome<()> {
        if let Some(folder) = self.local_file() {
            return match tokio::fs::remove_dir_all(folder).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                removed => Ok(removed?),
            };
        }
        let files = self.files().await?.into_iter();
        let paths = stream::iter(files.map(|file| Ok(file.path))).boxed();
        let mut removed = self.store.delete_stream(paths);
        while removed.try_next().await?.is_some() {}
        Ok(())
    }
}

fn local_folders(folder: &std::path::Path) -> Outcome<Vec<String>> {
    let entries = match fs_err::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
        entries => entries?,
    };
    let mut names = vec![];
    for entry in entries {
        let entry = entry?;
        // A link is not ours: what it points at would be read, and removed, in another place.
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    Ok(names)
}
