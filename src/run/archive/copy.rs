//! Copies a run, file by file, to a place that it cannot simply be moved to. Every file is read back and
//! compared; the record comes last.

use std::{
    io,
    path::{Path, PathBuf},
};

use futures::{StreamExt, TryStreamExt, stream};

use super::{not_archived, still_here};
use crate::{
    error::Result,
    run::{RunFolder, history},
    storage::{
        Location,
        transfer::{CHUNK, Outcome},
    },
    table_file::hash_file,
};

/// Small files that are under way at a time. A larger one has several parts under way and so goes alone:
/// a copy takes some tens of megabytes of memory, however large the run is.
const AT_A_TIME: usize = 4;

/// Copies all files of `folder` to `target`.
pub async fn copy(folder: &RunFolder, target: &Location) -> Result<()> {
    let mut files = Files::default();
    let collected = files.collect(folder.path(), "");
    collected.map_err(|error| not_archived(folder).because(error))?;
    if let Some(local) = target.local_file() {
        let made = make_folders(folder.path(), &local, &files.folders);
        made.map_err(|error| not_archived(folder).because(error))?;
    }
    let copies = files.small.iter().map(|name| deliver(folder, name, target));
    let mut copies = stream::iter(copies).buffer_unordered(AT_A_TIME);
    while copies.try_next().await?.is_some() {}
    for name in &files.large {
        deliver(folder, name, target).await?;
    }
    deliver(folder, history::RECORD, target).await
}

/// What lies in a run's folder, by path within it.
#[derive(Default)]
struct Files {
    folders: Vec<String>,
    small: Vec<String>,
    large: Vec<String>,
}

impl Files {
    fn collect(&mut self, folder: &Path, within: &str) -> io::Result<()> {
        for entry in fs_err::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|_| io::Error::other("a file's name is no text"))?;
            let name = format!("{within}{name}");
            let facts = entry.metadata()?;
            if facts.is_dir() {
                self.collect(&entry.path(), &format!("{name}/"))?;
                self.folders.push(name);
            } else if facts.len() > CHUNK as u64 {
                self.large.push(name);
            } else if name != history::RECORD {
                self.small.push(name);
            }
        }
        Ok(())
    }
}

/// Makes the folders with the modes that they have here: some are for the owner's eyes.
fn make_folders(from: &Path, to: &Path, names: &[String]) -> io::Result<()> {
    fs_err::create_dir_all(to)?;
    for name in names {
        let folder = to.join(name);
        fs_err::create_dir_all(&folder)?;
        let mode = fs_err::metadata(from.join(name))?.permissions();
        fs_err::set_permissions(&folder, mode)?;
    }
    Ok(())
}

async fn deliver(folder: &RunFolder, name: &str, target: &Location) -> Result<()> {
    let source = folder.path().join(name);
    let target = target.join(&[name]);
    let arrived = transfer(source, &target).await;
    arrived.map_err(|error| {
        let place = target.display();
        let message = format!("the run cannot be archived: `{place}` cannot be written");
        let refused = target.refused(message, &*error);
        let hint = refused.hint().map(|hint| format!("{hint}; "));
        let hint = format!("{}{}", hint.unwrap_or_default(), still_here(folder));
        refused.with_hint(hint)
    })
}

/// Copies one file and compares what has arrived.
async fn transfer(source: PathBuf, target: &Location) -> Outcome<()> {
    match target.local_file() {
        Some(path) => {
            let source = source.clone();
            tokio::task::spawn_blocking(move || copy_locally(&source, &path)).await??;
        }
        None => target.upload(&source).await?,
    }
    let here = tokio::task::spawn_blocking(move || hash_file(&source)).await??;
    let there = target.sha256().await?;
    if here.1 == there {
        return Ok(());
    }
    Err(format!("it was read back as {there}, not {}", here.1).into())
}

/// With the mode that the file has here, from its first byte on.
fn copy_locally(source: &Path, target: &Path) -> io::Result<()> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let part = target.with_file_name(format!("{name}.part"));
    fs_err::copy(source, &part)?;
    fs_err::File::open(&part)?.sync_all()?;
    fs_err::rename(&part, target)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{CHUNK, copy};
    use crate::{run::RunFolder, storage::Location};

    fn mode(path: &std::path::Path) -> u32 {
        fs_err::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn a_copy_has_all_bytes_and_modes() {
        let home = tempfile::tempdir().unwrap();
        let (from, to) = (
            home.path().join("work/run"),
            home.path().join("archive/run"),
        );
        fs_err::create_dir_all(from.join("extract/rejects")).unwrap();
        let large = vec![7; CHUNK + 1];
        for (name, content, permissions) in [
            ("run.json", b"{}".as_slice(), 0o644),
            ("extract/large.parquet", &large, 0o644),
            ("extract/rejects/secret.parquet", b"for one", 0o600),
            ("empty", b"", 0o640),
        ] {
            let path = from.join(name);
            fs_err::write(&path, content).unwrap();
            let permissions = std::fs::Permissions::from_mode(permissions);
            fs_err::set_permissions(path, permissions).unwrap();
        }
        let only_owner = std::fs::Permissions::from_mode(0o700);
        fs_err::set_permissions(from.join("extract/rejects"), only_owner).unwrap();

        let target = Location::file(&to).unwrap();
        // Twice: what an attempt left that was cut short is written over.
        for _ in 0..2 {
            copy(&RunFolder::open(&from), &target).await.unwrap();
        }
        for name in [
            "run.json",
            "extract/large.parquet",
            "extract/rejects/secret.parquet",
            "empty",
        ] {
            let (here, there) = (from.join(name), to.join(name));
            assert!(
                fs_err::read(&here).unwrap() == fs_err::read(&there).unwrap(),
                "{name}"
            );
            assert_eq!(mode(&here), mode(&there), "{name}");
        }
        assert_eq!(mode(&to.join("extract/rejects")), 0o700);
    }
}
