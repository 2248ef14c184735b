//! The tables of a run, and of the destination, for questions: from a folder or from a store.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::{AT_A_TIME, Past, views};
use crate::{
    checks,
    config::{Config, To},
    engine::{DEAD_LETTERS, EXTRACT_LOG, EXTRACT_REJECTS, Engine, engine_tables},
    error::{Error, Result, did_you_mean},
    sinks,
    storage::Location,
};

/// The schema of the destination's tables.
const WAREHOUSE: &str = "warehouse";

/// Registers all tables of a run.
pub async fn open(engine: &Engine, run: &Past) -> Result<()> {
    open_some(engine, run, |_| true).await
}

/// Registers the tables of a run that are wanted, and not yet there. Each takes a far store a moment.
pub async fn open_some(
    engine: &Engine,
    run: &Past,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<()> {
    open_shared(engine, run, is_wanted, async |file| Ok(file)).await
}

/// The same for a session whose machines find files elsewhere: `share` tells where, and has them there.
pub async fn open_shared(
    engine: &Engine,
    run: &Past,
    is_wanted: impl Fn(&str) -> bool,
    share: impl AsyncFn(Location) -> Result<Location>,
) -> Result<()> {
    let (views, read) = views::wanted(run, &is_wanted);
    let is_due = |name: &str| (is_wanted(name) || read.contains(name)) && !engine.knows(name);
    let mut tables = tables(run).await?;
    tables.0.retain(|name, _| is_due(name));
    for (name, schema) in engine_tables() {
        let files = tables.0.get(name);
        // Refused records are for the owner of the run; others may ask about all the rest.
        if is_due(name) && files.is_none_or(|files| !files.iter().all(is_readable)) {
            tables.0.remove(name);
            engine.register_shape(name, schema)?;
        }
    }
    let registered = tables.0.into_iter().map(async |(name, files)| {
        let mut shared = Vec::with_capacity(files.len());
        for file in files {
            shared.push(share(file).await?);
        }
        engine.register_parts(&name, &shared, &[]).await
    });
    let mut registered = stream::iter(registered).buffer_unordered(AT_A_TIME);
    while registered.try_next().await?.is_some() {}
    for view in views.into_iter().filter(|view| !engine.knows(&view.name)) {
        views::open(engine, run, view, &view.name).await?;
    }
    Ok(())
}

/// Registers one table of a run under another name.
pub async fn open_table(engine: &Engine, run: &Past, table: &str, name: &str) -> Result<()> {
    let tables = tables(run).await?;
    let mut views = run.record.models.iter().filter(|model| model.is_view());
    if let Some(view) = views.find(|view| view.name == table) {
        return views::open_apart(engine, run, view, name).await;
    }
    let Some(files) = tables.0.get(table) else {
        let names = tables.0.keys().map(String::as_str);
        let hint = match did_you_mean(table, names) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`\\d` lists the tables".to_owned(),
        };
        let message = format!("the run `{}` has no table `{table}`", run.record.run_id);
        return Err(Error::usage(message).with_hint(hint));
    };
    engine.register_parts(name, files, &[]).await
}

async fn tables(run: &Past) -> Result<Tables> {
    let mut tables = Tables::default();
    for folder in ["extract", "models", "checks"] {
        let folder = run.location.join(&[folder]);
        let files = folder.files().await.map_err(|error| {
            let message = format!("`{}` cannot be listed", folder.display());
            folder.refused(message, &*error)
        })?;
        for file in files {
            tables.take(&run.location, file);
        }
    }
    Ok(tables)
}

/// The files of each table.
#[derive(Default)]
struct Tables(BTreeMap<String, Vec<Location>>);

impl Tables {
    fn take(&mut self, run: &Location, file: Location) {
        let Some(within) = file.path.prefix_match(&run.path) else {
            return;
        };
        let parts: Vec<_> = within.map(|part| part.as_ref().to_owned()).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let table = match parts.as_slice() {
            ["extract", "extract_log.parquet"] => Some(EXTRACT_LOG),
            ["extract", "rejects", file] if is_table(file) => Some(EXTRACT_REJECTS),
            ["extract", "dead_letters", file] if is_table(file) => Some(DEAD_LETTERS),
            ["extract", source, file] if is_table(file) => Some(*source),
            ["models", model] => model.strip_suffix(".parquet"),
            // Bad rows are for the owner of the run as well.
            ["checks", rows] if is_readable(&file) => {
                let name = rows.strip_suffix(".parquet");
                let table = name.map(|name| format!("{}{name}", checks::PREFIX));
                return self.push(table.as_deref(), file);
            }
            _ => None,
        };
        self.push(table, file);
    }

    fn push(&mut self, table: Option<&str>, file: Location) {
        if let Some(table) = table {
            self.0.entry(table.to_owned()).or_default().push(file);
        }
    }
}

fn is_table(file: &str) -> bool {
    file.ends_with(".parquet")
}

/// Whether the file can be opened here; one in a store is not asked before it is needed.
fn is_readable(file: &Location) -> bool {
    let path = file.local_file();
    path.is_none_or(|path| fs_err::File::open(path).is_ok())
}

/// Registers the destination's tables, if they are files: all that was loaded, and each date's latest complete load.
pub async fn open_warehouse(engine: &Engine, config: &Config) -> Result<()> {
    engine.create_schema(WAREHOUSE)?;
    if matches!(config.destination.to, To::BigQuery(_)) {
        return Ok(());
    }
    let sink = sinks::open(config)?;
    let table = format!("{WAREHOUSE}.{}", config.destination.table);
    for (name, loads) in [
        (format!("{table}_latest"), sink.latest().await?),
        (table, sink.complete().await?),
    ] {
        let files: Vec<_> = loads.into_iter().filter_map(|load| load.file).collect();
        engine.register_files(&name, &files).await?;
    }
    Ok(())
}
