//! Retention: what is removed once a run is archived. The oldest successful runs of this pipeline beyond
//! those that are kept, and what was set aside before them; nothing else, ever.

use futures::{StreamExt, stream};

use super::{LEFTOVER, let_go};
use crate::{
    config::Config,
    error::Result,
    run::{
        RunFolder, State,
        history::{self, AT_A_TIME, Kept, Reading},
        journal,
        record::Status,
    },
    storage::{Location, transfer::Outcome},
};

/// Removes the runs that `keep_runs` does not keep; never `current`, which has just been archived. What
/// fails is a warning.
pub async fn tidy(config: &Config, current: &str) -> Vec<String> {
    let mut warnings = leftovers(config).await;
    let Some(keep) = config.keep_runs else {
        return warnings;
    };
    let successful = match successful(config).await {
        Ok(runs) => runs,
        Err(error) => {
            warnings.push(format!("old runs stay: {error}"));
            return warnings;
        }
    };
    let (mut kept, mut removed) = (vec![], vec![]);
    // The newest first; the current one may be older by its name, if it was resumed late.
    let others = successful.into_iter().filter(|run| run.run_id != current);
    for run in others {
        if kept.len() + 1 < keep {
            kept.push(run.run_id);
        } else {
            removed.push(run);
        }
    }
    for run in &removed {
        if let Err(error) = remove(&run.location).await {
            let place = run.location.display();
            warnings.push(format!("`{place}` could not be removed: {error}"));
        }
    }
    let oldest = kept.last().map_or(current, |run| run.as_str().min(current));
    warnings.extend(abandoned(config, oldest).await);
    warnings
}

/// The archived runs of this pipeline that went well, the newest first. A folder is one only if its
/// record says so itself: a copy under another name, or in another place, is somebody's own.
async fn successful(config: &Config) -> Result<Vec<Kept>> {
    let (runs, _) = history::archived(config).await?;
    let readings = stream::iter(runs).map(|run| async {
        let reading = run.read(None).await;
        (run, reading)
    });
    let mut readings = readings.buffered(AT_A_TIME);
    let mut successful = vec![];
    while let Some((run, reading)) = readings.next().await {
        if let Reading::Run(record) = reading?
            && record.status == Status::Succeeded
            && record.pipeline == config.pipeline
            && record.run_id == run.run_id
            && Some(record.run_date) == run.date
        {
            successful.push(run);
        }
    }
    Ok(successful)
}

/// Removes a run from the archive, its record first: from then on it is none.
async fn remove(run: &Location) -> Outcome<()> {
    run.join(&[history::RECORD]).remove_file().await?;
    run.remove_folder().await?;
    if let Some(date) = run.local_file().as_ref().and_then(|path| path.parent()) {
        // Fails as long as something else lies in it, and so it should.
        let _ = fs_err::remove_dir(date);
    }
    Ok(())
}

/// Removes runs of this pipeline that were set aside before `oldest`.
async fn abandoned(config: &Config, oldest: &str) -> Vec<String> {
    let folders = history::in_work(config).into_iter();
    let folders = folders.filter(|folder| folder.run_id.as_str() < oldest);
    let mut warnings = vec![];
    for folder in folders.filter(|folder| is_abandoned(config, folder)) {
        if let Err(error) = let_go(&folder).await {
            let path = folder.path().display();
            warnings.push(format!("`{path}` could not be removed: {error}"));
        }
    }
    warnings
}

fn is_abandoned(config: &Config, folder: &RunFolder) -> bool {
    let state = journal::read(folder).and_then(State::replay);
    state.is_ok_and(|state| {
        state.begun.pipeline == config.pipeline
            && state.status(false) == Status::Abandoned
            && !state.may_have_loaded()
    })
}

/// Removes what stayed when the folder of a finished run was removed.
async fn leftovers(config: &Config) -> Vec<String> {
    let entries = fs_err::read_dir(&config.work_dir);
    let paths = entries.into_iter().flatten().flatten();
    let paths = paths.map(|entry| entry.path());
    let is_leftover = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(LEFTOVER)
    };
    let mut warnings = vec![];
    for path in paths.filter(is_leftover) {
        if let Err(error) = tokio::fs::remove_dir_all(&path).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let path = path.display();
            warnings.push(format!("`{path}` could not be removed: {error}"));
        }
    }
    warnings
}
