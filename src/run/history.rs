//! Runs that were: finding them, and opening their tables for questions.

use std::path::{Path, PathBuf};

use super::{
    RunFolder, archive, extract,
    record::{PastRun, RunRecord, Status},
};
use crate::{
    config::Config,
    engine::Engine,
    error::{Error, Result},
    sinks,
};

/// The record's name in a run's folder.
pub const RECORD: &str = "run.json";

/// The schema of the destination's tables.
const WAREHOUSE: &str = "warehouse";

/// The folder of the run `wanted`, or of the last run.
pub fn find(config: &Config, wanted: Option<&str>) -> Result<RunFolder> {
    let archive = archive::root(config)?.local_file();
    let dates = archive.map(|archive| below(&archive)).unwrap_or_default();
    let mut runs: Vec<PathBuf> = dates.iter().flat_map(|date| below(date)).collect();
    runs.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    let found = match wanted {
        None => runs.pop().map(|path| RunFolder::open(&path)),
        Some(wanted) => runs
            .iter()
            .map(|path| RunFolder::open(path))
            .chain(in_work(config))
            .find(|folder| folder.run_id == wanted),
    };
    found.ok_or_else(|| match wanted {
        Some(wanted) => Error::usage(format!("there is no run `{wanted}`"))
            .with_hint(format!("runs lie below `{}`", config.archive)),
        None => Error::usage("there is no run to ask yet").with_hint("begin with `dfpipe run`"),
    })
}

/// The folders of runs that are not archived, the last one last.
pub fn in_work(config: &Config) -> Vec<RunFolder> {
    let folders = below(&config.work_dir).into_iter();
    let folders = folders.map(|path| RunFolder::open(&path));
    folders
        .filter(|folder| !folder.run_id.starts_with('.'))
        .collect()
}

/// Earlier successful runs of the same pipeline and profile, the last one first. A history that cannot
/// be read is none: a run does not fail for it.
#[expect(clippy::unused_async, reason = "a store is asked over the network")]
pub async fn previous(record: &RunRecord, config: &Config, count: usize) -> Vec<PastRun> {
    let Some(archive) = archive::root(config)
        .ok()
        .and_then(|root| root.local_file())
    else {
        return vec![];
    };
    let mut runs: Vec<PathBuf> = below(&archive)
        .iter()
        .flat_map(|date| below(date))
        .collect();
    runs.sort_by_key(|path| std::cmp::Reverse(path.file_name().map(ToOwned::to_owned)));
    let records = runs
        .iter()
        .filter_map(|path| self::record(&RunFolder::open(path)).ok());
    let is_earlier = |other: &RunRecord| {
        other.pipeline == record.pipeline
            && other.profile == record.profile
            && other.status == Status::Succeeded
            && other.run_id < record.run_id
    };
    let past = records.filter(is_earlier).map(|other| PastRun {
        seconds: other.seconds(),
        rows: other.load.map(|load| load.receipt.rows),
        run_id: other.run_id,
        run_date: other.run_date,
        models: other
            .models
            .into_iter()
            .map(|model| (model.name, model.file.rows))
            .collect(),
        summary: other.summary,
    });
    past.take(count).collect()
}

/// Registers all tables of a run.
pub async fn open(engine: &Engine, config: &Config, run: &RunFolder) -> Result<()> {
    let sources = config.sources.keys().map(String::as_str);
    let extracted = sources.filter(|source| run.extract(source).is_dir());
    extract::register(engine, run, extracted).await?;
    for (name, path) in run.models()? {
        engine.register_parquet(&name, &path).await?;
    }
    for (name, path) in run.bad_rows()? {
        engine.register_parquet(&name, &path).await?;
    }
    Ok(())
}

/// Whether `statement` may speak of the destination. It is opened only then: no other question
/// should wait for a store, or fail with it.
pub fn names_warehouse(statement: &str) -> bool {
    let statement = statement.to_lowercase();
    [WAREHOUSE, "show", "information_schema"]
        .iter()
        .any(|word| statement.contains(word))
}

/// Registers the destination's tables.
pub async fn open_warehouse(engine: &Engine, config: &Config) -> Result<()> {
    engine.create_schema(WAREHOUSE)?;
    let latest = sinks::open(config)?.latest().await?;
    let files: Vec<_> = latest.into_iter().map(|load| load.location).collect();
    let table = format!("{WAREHOUSE}.{}_latest", config.destination.table);
    engine.register_files(&table, &files).await
}

/// The folders in `folder`; none if it is not there.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    paths.sort();
    paths
}

/// The record of a run.
pub fn record(run: &RunFolder) -> Result<RunRecord> {
    let path = run.path().join(RECORD);
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::usage(format!("the run `{}` has no readable record", run.run_id)).because(error)
    };
    let text = fs_err::read_to_string(path).map_err(|error| unreadable(&error))?;
    serde_json::from_str(&text).map_err(|error| unreadable(&error))
}
