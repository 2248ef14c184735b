//! Where finished runs stay: `<archive>/pipeline_runs/<date>/<run_id>/`, in a folder or a store.
//!
//! A run in there is whole if it has its `run.json`, which is written last and removed first.

use chrono::NaiveDate;
use object_store::ObjectStoreExt;

use super::{RunFolder, folder::create_folder};
use crate::{
    config::Config,
    error::{Error, Result},
    storage::{Location, transfer::Outcome},
};

mod copy;
mod tidy;

pub use tidy::tidy;

/// The folder of all finished runs.
const RUNS: &str = "pipeline_runs";

/// How the folders of runs begin which are in the archive, or abandoned, and on their way out.
const LEFTOVER: &str = ".finished-";

/// Where all finished runs lie.
pub fn root(config: &Config) -> Result<Location> {
    Ok(Location::parse(&config.archive)?.join(&[RUNS]))
}

/// Where the finished run `run_id` of `date` lies.
pub fn place(config: &Config, date: NaiveDate, run_id: &str) -> Result<Location> {
    Ok(root(config)?.join(&[&date.to_string(), run_id]))
}

/// What can fail behind a load is made sure of before anything is extracted: a small file is written,
/// read and removed where the run will lie.
pub async fn make_sure(config: &Config, date: NaiveDate) -> Result<()> {
    let folder = root(config)?.join(&[&date.to_string()]);
    let probe = folder.join(&[&format!(".probe-{}", std::process::id())]);
    let written = match folder.local_file() {
        Some(folder) => fs_err::create_dir_all(folder).map_err(Into::into),
        None => Ok(()),
    };
    let written = match written {
        Ok(()) => put(&probe).await,
        failed => failed,
    };
    written.map_err(|error| unusable(&folder, "written", &*error))?;
    let read = probe.small(1024).await;
    read.map_err(|error| unusable(&folder, "read", &*error))?;
    let removed = probe.remove_file().await;
    removed.map_err(|error| unusable(&folder, "removed from", &*error))
}

async fn put(probe: &Location) -> Outcome<()> {
    let content = "a probe of dfpipe: may be removed\n";
    probe.store.put(&probe.path, content.into()).await?;
    Ok(())
}

fn unusable(folder: &Location, what: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    let message = format!(
        "finished runs cannot be archived: `{}` cannot be {what}",
        folder.display()
    );
    let refused = folder.refused(message, error);
    match refused.hint() {
        Some(_) => refused,
        None => refused.with_hint("look at `archive` in dfpipe.yml"),
    }
}

/// Moves a run's folder to `target`. To a store, or across file systems, it is copied and read back
/// before it is removed here.
pub async fn store(folder: &RunFolder, target: &Location) -> Result<()> {
    let Some(local) = target.local_file() else {
        return copied(folder, target).await;
    };
    create_folder(local.parent().unwrap_or(&local))?;
    match fs_err::rename(folder.path(), &local) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
            copied(folder, target).await
        }
        Err(error) => Err(not_archived(folder).because(error)),
    }
}

async fn copied(folder: &RunFolder, target: &Location) -> Result<()> {
    copy::copy(folder, target).await?;
    let_go(folder).await.map_err(|error| {
        let message = "the run is archived, but its working folder cannot be removed";
        Error::outside(message)
            .because(error)
            .with_hint(still_here(folder))
    })
}

fn not_archived(folder: &RunFolder) -> Error {
    Error::outside("the run cannot be archived").with_hint(still_here(folder))
}

fn still_here(folder: &RunFolder) -> String {
    format!(
        "nothing is lost: it lies in `{}`, and `dfpipe run --resume {}` archives it",
        folder.path().display(),
        folder.run_id
    )
}

/// Removes a run's folder from the working folder. It loses its name first: half of a run must never be
/// taken for a run.
async fn let_go(folder: &RunFolder) -> std::io::Result<()> {
    let path = folder.path();
    let leftover = path.with_file_name(format!("{LEFTOVER}{}", folder.run_id));
    fs_err::rename(path, &leftover)?;
    // What stays is tried again when the next run is archived, and told then.
    let _ = tokio::fs::remove_dir_all(leftover).await;
    Ok(())
}
