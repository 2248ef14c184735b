//! Going on with a run: which one, with which SQL, and which of its tables are still good.

use super::{
    Pipeline, RunFolder, history,
    journal::{self, Entry, Journal},
    lock,
    record::{Status, Step},
    state::State,
};
use crate::{
    clock::Clock,
    config::{Config, DEFAULT_PROFILE},
    error::{Error, Kind, Result},
    model::combined,
    table_file::{FileFacts, hash_file},
};

/// What people call the last run.
const LAST: &str = "last";

/// The unfinished run `wanted`, or the last one.
pub fn find(config: &Config, wanted: Option<&str>) -> Result<RunFolder> {
    let mut unfinished = unfinished(config)?;
    let Some(wanted) = wanted.filter(|wanted| *wanted != LAST) else {
        let last = unfinished.pop().map(|(folder, _)| folder);
        return last.ok_or_else(|| {
            let message = format!("no run of `{}` is waiting to be resumed", config.pipeline);
            Error::new(Kind::NothingDone, message).with_hint("begin one with `dfpipe run`")
        });
    };
    let mut all = unfinished.iter().map(|(folder, _)| folder);
    if let Some(found) = all.find(|folder| folder.run_id == wanted) {
        return Ok(found.clone());
    }
    let work_dir = config.work_dir.display();
    let ids = unfinished.iter().map(|(folder, _)| folder.run_id.as_str());
    let ids: Vec<_> = ids.collect();
    let hint = match ids.as_slice() {
        [] => "no run is waiting; `dfpipe runs` lists what there was".to_owned(),
        ids => format!("these are: {}", ids.join(", ")),
    };
    let message = format!("no unfinished run `{wanted}` lies in `{work_dir}`");
    Err(Error::usage(message).with_hint(hint))
}

/// The pipeline that `folder` goes on with: its own moment, and the SQL as it is by now. Once its load
/// has begun, the destination may hold its rows; then it is the SQL that the run has had, and if that is
/// not the project's any more, a reader should know.
pub fn pipeline(
    config: Config,
    folder: &RunFolder,
    clock: &Clock,
) -> Result<(Pipeline, Option<String>)> {
    let state = State::replay(journal::read(folder)?)?;
    let begun = &state.begun;
    if begun.profile != config.profile {
        let message = format!(
            "run `{}` was begun with the profile `{}`, not `{}`",
            folder.run_id, begun.profile, config.profile
        );
        let hint = format!("add `--profile {}`", begun.profile);
        return Err(Error::usage(message).with_hint(hint));
    }
    let (as_of, uses) = (Some(begun.as_of), &begun.uses);
    if !state.may_have_loaded() {
        let project = config.project.clone();
        let mut pipeline = Pipeline::load_from(config, &project, uses, as_of, clock)?;
        pipeline.allow_lost_columns(begun.allow_lost_columns);
        return Ok((pipeline, None));
    }
    let pipeline = Pipeline::load_from(config, folder.path(), &[], as_of, clock)?;
    let config = &pipeline.config;
    let by_now = Pipeline::project(config, &config.project, uses).ok();
    let by_now = by_now.map(|project| combined(&project.models));
    let is_same = by_now == Some(combined(&pipeline.project.models));
    let warning = "the SQL has changed since the load began: this run is finished with the SQL that it \
                   began with";
    Ok((pipeline, (!is_same).then(|| warning.to_owned())))
}

/// A plain run of a date stops at an unfinished one: what that one did may be the better half of the
/// way. With `fresh` it is set aside, unless it may have loaded.
pub fn refuse_unfinished(pipeline: &Pipeline, fresh: bool, clock: &Clock) -> Result<()> {
    let date = pipeline.window.run_date();
    for (folder, state) in unfinished(&pipeline.config)? {
        let is_same = state.begun.profile == pipeline.config.profile
            && state.begun.as_of.date_naive() == date
            && state.begun.select.is_empty();
        if !is_same {
            continue;
        }
        if fresh && !state.may_have_loaded() {
            set_aside(&folder, clock)?;
            continue;
        }
        return Err(unfinished_error(&folder, &state, date));
    }
    Ok(())
}

fn unfinished_error(folder: &RunFolder, state: &State, date: chrono::NaiveDate) -> Error {
    let run_id = &folder.run_id;
    let profile = match state.begun.profile.as_str() {
        DEFAULT_PROFILE => String::new(),
        other => format!(" --profile {other}"),
    };
    let cause = match &state.ended {
        Some((_, Some(failure))) => failure.message.clone(),
        Some((Status::Stopped, None)) => "it was asked to stop after a step".to_owned(),
        _ => "it died without a word".to_owned(),
    };
    let hint = if state.may_have_loaded() {
        format!(
            "it may have loaded: `dfpipe run --resume {run_id}{profile}` finds out and finishes it"
        )
    } else {
        format!(
            "`dfpipe run --resume {run_id}{profile}` goes on with it; `dfpipe run --fresh{profile}` \
             sets it aside and begins anew"
        )
    };
    Error::usage(format!("run `{run_id}` of {date} is not finished"))
        .because(cause)
        .with_hint(hint)
}

fn set_aside(folder: &RunFolder, clock: &Clock) -> Result<()> {
    let mut journal = Journal::open(folder, clock.clone(), &|_| {})?;
    journal.append(Entry::Ended {
        status: Status::Abandoned,
        failure: None,
    })?;
    if let Ok(mut record) = history::record(folder) {
        record.status = Status::Abandoned;
        folder.write_json(history::RECORD, &record)?;
    }
    Ok(())
}

/// A step that the run has gone beyond cannot be its last one any more.
pub fn refuse_step_behind(state: &State, until: Option<Step>) -> Result<()> {
    let furthest = state.steps.iter().map(|record| record.step).max();
    match (until, furthest) {
        (Some(until), Some(furthest)) if furthest > until => {
            let message = format!(
                "the run has gone beyond `{}` already: it has begun to {}",
                until.name(),
                furthest.name()
            );
            Err(Error::usage(message)
                .with_hint("resume it without `--until`, or with a later step"))
        }
        _ => Ok(()),
    }
}

/// The runs of the pipeline that can be gone on with, the last one last. A folder without a line in its
/// journal is none: that run never began. One whose journal is damaged may have loaded, so nobody goes
/// on beside it.
fn unfinished(config: &Config) -> Result<Vec<(RunFolder, State)>> {
    let running = lock::running(config);
    let mut open = vec![];
    for folder in history::in_work(config) {
        let Some(state) = state_of(config, &folder)? else {
            continue;
        };
        let stands = state.status(running.as_ref() == Some(&folder.run_id));
        if !matches!(stands, Status::Succeeded | Status::Abandoned) {
            open.push((folder, state));
        }
    }
    Ok(open)
}

/// How far a run of this pipeline got; none if it never began, or is another pipeline's.
fn state_of(config: &Config, folder: &RunFolder) -> Result<Option<State>> {
    if !journal::has_begun(folder) {
        return Ok(None);
    }
    let is_other = journal::begun(folder).is_some_and(|begun| begun.pipeline != config.pipeline);
    if is_other {
        return Ok(None);
    }
    let state = journal::read(folder).and_then(State::replay);
    state.map(Some).map_err(|error| {
        let path = folder.path().display();
        let message = format!("the journal of run `{}` is damaged", folder.run_id);
        Error::outside(message).because(error).with_hint(format!(
            "it may have loaded: look into `{path}` and at the destination, then mend or remove it"
        ))
    })
}

/// Whether the file is what it was.
pub async fn is_unchanged(path: std::path::PathBuf, facts: FileFacts) -> bool {
    let compare = move || {
        let found = hash_file(&path).ok();
        found.is_some_and(|(bytes, sha256)| bytes == facts.bytes && sha256 == facts.sha256)
    };
    tokio::task::spawn_blocking(compare).await.unwrap_or(false)
}
