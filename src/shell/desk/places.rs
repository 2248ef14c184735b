//! Where a shell may write: below the current folder, into new files, and never where runs and the warehouse lie.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use url::Url;

use crate::{
    config::{Config, To},
    error::{Error, Result},
    storage::Location,
};

/// The places of a project.
#[derive(Clone, Debug)]
pub struct Places {
    here: PathBuf,
    /// Folders that nobody but a run writes into.
    forbidden: Vec<PathBuf>,
    /// Files that this session has made.
    own: BTreeSet<PathBuf>,
}

impl Places {
    /// Those of the project of `config`, below the current folder.
    pub fn of(config: &Config) -> Result<Self> {
        let here = std::env::current_dir()
            .map_err(|error| Error::outside("the current folder is gone").because(error))?;
        let warehouse = match &config.destination.to {
            To::Parquet(parquet) => Some(parquet.path.as_str()),
            To::BigQuery(_) => None,
        };
        let kept = std::iter::once(config.archive.as_str())
            .chain(warehouse)
            .filter_map(|address| {
                let place = Location::parse(address).ok()?;
                place.local_file()
            });
        let mut forbidden: Vec<PathBuf> = kept.collect();
        forbidden.push(config.work_dir.clone());
        forbidden.push(config.project.join(".dfpipe"));
        Ok(Self::below(&here, forbidden))
    }

    fn below(here: &Path, forbidden: Vec<PathBuf>) -> Self {
        Self {
            here: here.to_owned(),
            forbidden,
            own: BTreeSet::new(),
        }
    }

    /// The file that `target` names, if it may be written.
    pub fn check(&self, target: &str) -> Result<PathBuf> {
        let refused = |cause: &str| {
            Error::usage(format!("`{target}` is not written"))
                .because(cause)
                .with_hint("name a new file below the current folder")
        };
        // `file:x.csv` is a place as well, and not one below this folder.
        if target.trim().is_empty() || target.contains("://") || Url::parse(target).is_ok() {
            return Err(refused("a shell writes files of this folder only"));
        }
        if target.contains(['*', '?', '[']) {
            return Err(refused("it is a pattern, and names no file"));
        }
        let path = self.here.join(target);
        let Some(name) = path.file_name().filter(|_| !target.ends_with("..")) else {
            return Err(refused("it names no file"));
        };
        let parent = path.parent().unwrap_or(&self.here);
        // With links followed: a link can lead anywhere.
        let parent =
            fs_err::canonicalize(parent).map_err(|_| refused("its folder is not there"))?;
        let here = real(&self.here);
        if !parent.starts_with(&here) {
            return Err(refused("it lies outside of the current folder"));
        }
        let path = parent.join(name);
        if let Some(kept) = self.forbidden.iter().find(|kept| {
            let kept = real(kept);
            path.starts_with(&kept) || kept.starts_with(&path)
        }) {
            let cause = format!("`{}` is for runs and what they load", kept.display());
            return Err(refused(&cause));
        }
        if path.symlink_metadata().is_ok() && !self.own.contains(&path) {
            return Err(refused("it is there already, and nothing is overwritten"));
        }
        Ok(path)
    }

    /// A file of this session: it may be written again.
    pub fn keep(&mut self, path: &Path) {
        self.own.insert(path.to_owned());
    }
}

/// A folder with links followed, as far as it is there.
fn real(folder: &Path) -> PathBuf {
    let mut rest = vec![];
    let mut at = folder;
    loop {
        if let Ok(found) = fs_err::canonicalize(at) {
            return rest.iter().rev().fold(found, |path, name| path.join(name));
        }
        match (at.file_name(), at.parent()) {
            (Some(name), Some(parent)) => {
                rest.push(name);
                at = parent;
            }
            _ => return folder.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn only_new_files_below_the_folder_and_outside_of_runs_are_written() {
        let home = tempfile::tempdir().unwrap();
        let here = home.path().join("here");
        for folder in ["here/sub", "here/.dfpipe/archive", "other"] {
            fs_err::create_dir_all(home.path().join(folder)).unwrap();
        }
        fs_err::write(here.join("there.csv"), "").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(home.path().join("other"), here.join("link")).unwrap();
        let places = Places::below(&here, vec![here.join(".dfpipe"), here.join("work")]);
        for good in ["new.csv", "sub/new.csv", "./sub/../new.csv"] {
            assert!(places.check(good).is_ok(), "{good}");
        }
        for (bad, cause) in [
            ("there.csv", "already"),
            ("../other/x.csv", "outside"),
            ("/tmp/x.csv", "outside"),
            ("link/x.csv", "outside"),
            ("s3://bucket/x.csv", "this folder only"),
            ("file:///tmp/x.csv", "this folder only"),
            ("file:x.csv", "this folder only"),
            ("FILE:x.csv", "this folder only"),
            ("s3:x.csv", "this folder only"),
            ("x*.csv", "names no file"),
            ("sub/[a].csv", "names no file"),
            (".dfpipe/archive/x.csv", "for runs"),
            (".dfpipe", "for runs"),
            ("work/x.csv", "not there"),
            ("work", "for runs"),
            ("nowhere/x.csv", "not there"),
            ("", "this folder only"),
            ("sub/..", "names no file"),
        ] {
            let error = places.check(bad).unwrap_err();
            assert!(error.to_string().contains(cause), "{bad}: {error}");
        }
    }

    #[test]
    fn a_file_of_the_session_may_be_written_again() {
        let home = tempfile::tempdir().unwrap();
        let mut places = Places::below(home.path(), vec![]);
        let path = places.check("a.csv").unwrap();
        fs_err::write(&path, "").unwrap();
        assert!(places.check("a.csv").is_err());
        places.keep(&path);
        assert!(places.check("a.csv").is_ok());
    }
}
