//! The folder of a dry run: it goes with the run, and so do the folders that were made for it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::folder::create_folder;
use crate::error::{Error, Result};

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: Option<TempDir>,
    /// Folders above it that were not there, the deepest first.
    made: Vec<PathBuf>,
    /// What a real run would load, in words.
    pub would_load: String,
}

impl Scratch {
    /// Makes a folder in `parent`, which may have to be made first.
    pub fn create(parent: &Path, would_load: String) -> Result<Self> {
        let missing = parent.ancestors().take_while(|folder| !folder.exists());
        let mut scratch = Self {
            folder: None,
            made: missing.map(Path::to_owned).collect(),
            would_load,
        };
        create_folder(parent)?;
        let folder = tempfile::Builder::new()
            .prefix(".dry-run-")
            .tempdir_in(parent)
            .map_err(|error| {
                Error::outside("the dry run has no folder")
                    .because(error)
                    .with_hint("look at `work_dir` in dfpipe.yml: is the disk full, or read-only?")
            })?;
        scratch.folder = Some(folder);
        Ok(scratch)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        let folder = self.folder.as_ref();
        folder
            .expect("it is made in `create`, and taken only when dropped")
            .path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.folder.take());
        for folder in &self.made {
            // What somebody else has put there meanwhile stays, and so do the folders that it lies in.
            if fs_err::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scratch;

    #[test]
    fn nothing_stays_but_what_others_put_there() {
        let home = tempfile::tempdir().unwrap();
        let parent = home.path().join("a/b");
        let scratch = Scratch::create(&parent, String::new()).unwrap();
        fs_err::write(scratch.path().join("file"), "text").unwrap();
        drop(scratch);
        assert!(!home.path().join("a").exists());

        let scratch = Scratch::create(&parent, String::new()).unwrap();
        fs_err::write(home.path().join("a/other"), "text").unwrap();
        drop(scratch);
        assert!(!parent.exists() && home.path().join("a/other").exists());
    }
}
