//! Runs that were: finding them, and opening their tables for questions.

use std::path::{Path, PathBuf};

use super::{RunFolder, extract, folder, record::RunRecord};
use crate::{
    config::Config,
    engine::Engine,
    error::{Error, Result},
    sinks,
};

/// The schema of the destination's tables.
const WAREHOUSE: &str = "warehouse";

/// The folder of the run `wanted`, or of the last run.
pub fn find(config: &Config, wanted: Option<&str>) -> Result<RunFolder> {
    let mut finished = below(&folder::archived(config));
    let mut runs: Vec<PathBuf> = finished.drain(..).flat_map(|date| below(&date)).collect();
    runs.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let found = match wanted {
        None => runs.pop(),
        Some(wanted) => {
            let unfinished = below(&config.work_dir);
            runs.into_iter()
                .chain(unfinished)
                .find(|path| name(path) == wanted)
        }
    };
    found
        .map(|path| RunFolder::open(&path))
        .ok_or_else(|| match wanted {
            Some(wanted) => Error::usage(format!("there is no run `{wanted}`"))
                .with_hint(format!("runs lie below `{}`", config.archive.display())),
            None => Error::usage("there is no run to ask yet").with_hint("begin with `dfpipe run`"),
        })
}

/// Registers all tables of a run.
pub async fn open(engine: &Engine, config: &Config, run: &RunFolder) -> Result<()> {
    let sources = config.sources.keys().map(String::as_str);
    let extracted = sources.filter(|source| run.extract(source).is_dir());
    extract::register(engine, run, extracted).await?;
    for (name, path) in run.models()? {
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
    let path = run.path().join("run.json");
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::usage(format!("the run `{}` has no readable record", run.run_id)).because(error)
    };
    let text = fs_err::read_to_string(path).map_err(|error| unreadable(&error))?;
    serde_json::from_str(&text).map_err(|error| unreadable(&error))
}
