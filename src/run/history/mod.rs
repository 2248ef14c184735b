//! Runs that were: finding them, whether they lie in the archive or still in the working folder.
//!
//! ```text
//! archive (folder or store) ─┐
//!                            ├▶ kept (names, newest first) ─▶ records ─▶ list, find, previous
//! working folder ────────────┘                                  └─▶ tables: open
//! ```

use std::collections::BTreeSet;

use futures::{Stream, StreamExt, stream};

use super::{
    lock,
    record::{PastRun, RunRecord, Status},
};
use crate::{
    config::Config,
    error::{Error, Kind, Result},
    model::SOURCE_VERSION,
    storage::Location,
};

mod fetch;
mod kept;
mod last;
mod live;
mod tables;
mod unfinished;
mod views;

pub use kept::{Kept, Reading, archived, in_work};
pub use last::last_successful;
pub use live::{LIVE, Live, names_sources, open_sources};
#[cfg(feature = "cluster")]
pub use tables::open_shared;
pub use tables::{open, open_some, open_table, open_warehouse};
pub use unfinished::record;

/// The record's name in a run's folder.
pub const RECORD: &str = "run.json";

/// Records that are read at a time: each takes a far store a moment.
pub const AT_A_TIME: usize = 16;

/// What stands for the newest run, however it ended.
const LAST: &str = "last";

/// A run with its record, and the place where its files lie.
#[derive(Clone, Debug)]
pub struct Past {
    /// All about it.
    pub record: RunRecord,
    /// Its folder, here or in a store.
    pub location: Location,
}

/// Runs of a pipeline, the newest first.
#[derive(Debug, Default)]
pub struct History {
    /// Their records.
    pub runs: Vec<RunRecord>,
    /// What lies among them and is none, or cannot be read.
    pub notes: Vec<String>,
}

/// The newest `count` runs of the pipeline, finished or not.
pub async fn list(config: &Config, count: usize) -> Result<History> {
    let (kept, notes) = kept::all(config).await?;
    let mut history = History {
        notes,
        ..History::default()
    };
    let mut others = BTreeSet::new();
    let mut readings = std::pin::pin!(readings(config, kept));
    while history.runs.len() < count
        && let Some((_, reading)) = readings.next().await
    {
        match reading? {
            Reading::Run(record) if record.pipeline != config.pipeline => {
                others.insert(record.pipeline);
            }
            // The same run, archived but not let go: the working folder's record came first.
            Reading::Run(record) if is_last(&history.runs, &record) => {}
            Reading::Run(record) => history.runs.push(*record),
            Reading::Note(note) => history.notes.push(note),
        }
    }
    if history.runs.is_empty() && !others.is_empty() {
        let others: Vec<_> = others.iter().map(|name| format!("`{name}`")).collect();
        let others = others.join(", ");
        let note = format!("only runs of other pipelines lie there: {others}");
        history.notes.push(note);
    }
    Ok(history)
}

fn is_last(runs: &[RunRecord], record: &RunRecord) -> bool {
    runs.last().is_some_and(|last| last.run_id == record.run_id)
}

/// The run `wanted`, by its name, the unique beginning of it, or `last` for the newest; also by the
/// `source_version` of a row, which means the newest run of that SQL. Without a name the last finished run.
pub async fn find(config: &Config, wanted: Option<&str>) -> Result<Past> {
    let (kept, _) = kept::all(config).await?;
    match wanted {
        Some(LAST) => first(config, kept, |_| true).await,
        Some(wanted) if is_source_version(wanted) => {
            let is_wanted = |record: &RunRecord| record.source_version == wanted;
            let found = first(config, kept, is_wanted).await;
            found.map_err(|error| no_such_version(error, wanted))
        }
        Some(wanted) => named(config, kept, wanted).await,
        None => {
            let finished = kept.into_iter().filter(|run| run.working.is_none());
            let is_finished = |record: &RunRecord| record.status == Status::Succeeded;
            first(config, finished.collect(), is_finished).await
        }
    }
}

/// Whether this is a fingerprint of all models, which no name of a run looks like.
fn is_source_version(wanted: &str) -> bool {
    let is_digit = |one: char| one.is_ascii_digit() || ('a'..='f').contains(&one);
    wanted.len() == SOURCE_VERSION && wanted.chars().all(is_digit)
}

fn no_such_version(error: Error, wanted: &str) -> Error {
    if error.kind() != Kind::Usage {
        return error;
    }
    let hint =
        "the commit that has it says so itself: `dfpipe plan -o json` names its `source_version`";
    Error::usage(format!(
        "no run that is kept was made by the SQL `{wanted}`"
    ))
    .with_hint(hint)
}

/// The first run of the pipeline that is as it should be.
async fn first(
    config: &Config,
    mut kept: Vec<Kept>,
    is_wanted: impl Fn(&RunRecord) -> bool,
) -> Result<Past> {
    // Mostly it is the very first one: no other record is read in vain.
    let rest = kept.split_off(kept.len().min(1));
    for part in [kept, rest] {
        let mut readings = std::pin::pin!(readings(config, part));
        while let Some((run, reading)) = readings.next().await {
            if let Reading::Run(record) = reading?
                && record.pipeline == config.pipeline
                && is_wanted(&record)
            {
                return Ok(found(run, *record));
            }
        }
    }
    Err(Error::usage("there is no run to ask yet").with_hint("begin with `dfpipe run`"))
}

/// The run whose name is `wanted`, or begins with it.
async fn named(config: &Config, kept: Vec<Kept>, wanted: &str) -> Result<Past> {
    let all: BTreeSet<String> = kept.iter().map(|run| run.run_id.clone()).collect();
    let fitting: Vec<&String> = match all.get(wanted) {
        Some(exact) => vec![exact],
        None => all.iter().filter(|name| name.starts_with(wanted)).collect(),
    };
    let [name] = fitting.as_slice() else {
        return Err(match fitting.len() {
            0 => unknown(config, wanted, &all),
            _ => ambiguous(wanted, &fitting),
        });
    };
    let running = lock::running(config);
    let mut reason = String::new();
    for run in kept.into_iter().filter(|run| run.run_id == **name) {
        match run.read(running.as_deref()).await? {
            Reading::Run(record) => return Ok(found(run, *record)),
            Reading::Note(note) => reason = note,
        }
    }
    Err(Error::usage(format!("the run `{name}` has no readable record")).because(reason))
}

fn found(run: Kept, record: RunRecord) -> Past {
    Past {
        record,
        location: run.location,
    }
}

fn unknown(config: &Config, wanted: &str, all: &BTreeSet<String>) -> Error {
    let error = Error::usage(format!("there is no run `{wanted}`"));
    let nearest = nearest(wanted, all);
    match (nearest.as_slice(), all.last()) {
        ([], None) => error.with_hint(format!("runs lie below `{}`", config.archive)),
        ([], Some(last)) => {
            let hint = format!("the last one is `{last}`; `dfpipe runs` lists them");
            error.with_hint(hint)
        }
        (nearest, _) => error.with_hint(format!("did you mean {}?", nearest.join(" or "))),
    }
}

/// The names that are most like `wanted`, at most three.
fn nearest(wanted: &str, all: &BTreeSet<String>) -> Vec<String> {
    let distance = |name: &String| strsim::damerau_levenshtein(wanted, name);
    let mut near: Vec<_> = all.iter().map(|name| (distance(name), name)).collect();
    near.retain(|(distance, name)| *distance <= name.len() / 3);
    near.sort();
    let near = near.into_iter().take(3);
    near.map(|(_, name)| format!("`{name}`")).collect()
}

fn ambiguous(wanted: &str, fitting: &[&String]) -> Error {
    let names = fitting.iter().rev().take(3);
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    let more = match fitting.len().saturating_sub(names.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let hint = format!("write more of it: {}{more}", names.join(", "));
    let count = fitting.len();
    Error::usage(format!("{count} runs begin with `{wanted}`")).with_hint(hint)
}

/// The records of `kept`, in its order, read a few at a time and only as far as they are asked for.
fn readings(config: &Config, kept: Vec<Kept>) -> impl Stream<Item = (Kept, Result<Reading>)> {
    let running = lock::running(config);
    let read = move |run: Kept| {
        let running = running.clone();
        async move {
            let reading = run.read(running.as_deref()).await;
            (run, reading)
        }
    };
    stream::iter(kept).map(read).buffered(AT_A_TIME)
}

/// Earlier successful runs of the same pipeline and profile, the last one first. A history that cannot
/// be read is none: a run does not fail for it.
pub async fn previous(record: &RunRecord, config: &Config, count: usize) -> Vec<PastRun> {
    let (kept, _) = archived(config).await.unwrap_or_default();
    let earlier = kept.into_iter().filter(|run| run.run_id < record.run_id);
    let readings = readings(config, earlier.collect());
    let is_like = |other: &RunRecord| {
        other.pipeline == record.pipeline
            && other.profile == record.profile
            && other.status == Status::Succeeded
    };
    let past = readings.filter_map(async |(_, reading)| match reading {
        Ok(Reading::Run(other)) if is_like(&other) => Some(past_run(*other)),
        _ => None,
    });
    past.take(count).collect().await
}

fn past_run(other: RunRecord) -> PastRun {
    let seconds = other.seconds();
    let models = other.models.into_iter().filter(|model| !model.is_view());
    let models = models.map(|model| (model.name, model.file.rows));
    let sources = other.sources.into_iter();
    let sources = sources.map(|source| (source.name, source.rows));
    PastRun {
        tables: models.chain(sources).collect(),
        seconds,
        rows: other.load.map(|load| load.receipt.rows),
        run_id: other.run_id,
        run_date: other.run_date,
        summary: other.summary,
    }
}
