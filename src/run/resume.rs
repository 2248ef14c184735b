//! Going on with a run: which one, with which SQL, and which of its tables are still good.

use super::{
    Pipeline, RunFolder, history,
    journal::{self, Entry, Journal},
    lock,
    record::Status,
    state::State,
};
use crate::{
    clock::Clock,
    config::Config,
    error::{Error, Kind, Result},
    model::combined,
    table_file::{FileFacts, hash_file},
};

/// The unfinished run `wanted`, or the last one.
pub fn find(config: &Config, wanted: Option<&str>) -> Result<RunFolder> {
    let mut unfinished = unfinished(config);
    let Some(wanted) = wanted else {
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
        [] => "no run is: `dfpipe runs` lists what there was".to_owned(),
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
        let pipeline = Pipeline::load_from(config, &project, uses, as_of, clock)?;
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
    for (folder, state) in unfinished(&pipeline.config) {
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
    let cause = match &state.ended {
        Some((_, Some(failure))) => failure.message.clone(),
        Some((Status::Stopped, None)) => "it was asked to stop after a step".to_owned(),
        _ => "it died without a word".to_owned(),
    };
    let hint = if state.may_have_loaded() {
        format!("it may have loaded: `dfpipe run --resume {run_id}` finds out and finishes it")
    } else {
        format!(
            "`dfpipe run --resume {run_id}` goes on with it; `dfpipe run --fresh` sets it aside and \
             begins anew"
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

/// The runs of the pipeline that can be gone on with, the last one last. A folder whose journal cannot be
/// read is none of them: it never got so far as to begin.
fn unfinished(config: &Config) -> Vec<(RunFolder, State)> {
    let running = lock::running(config);
    let folders = history::in_work(config).into_iter();
    let states = folders.filter_map(|folder| {
        let state = State::replay(journal::read(&folder).ok()?).ok()?;
        Some((folder, state))
    });
    let is_open = |(folder, state): &(RunFolder, State)| {
        let stands = state.status(running.as_ref() == Some(&folder.run_id));
        state.begun.pipeline == config.pipeline
            && !matches!(stands, Status::Succeeded | Status::Abandoned)
    };
    states.filter(is_open).collect()
}

/// Whether the file is what it was.
pub async fn is_unchanged(path: std::path::PathBuf, facts: FileFacts) -> bool {
    let compare = move || {
        let found = hash_file(&path).ok();
        found.is_some_and(|(bytes, sha256)| bytes == facts.bytes && sha256 == facts.sha256)
    };
    tokio::task::spawn_blocking(compare).await.unwrap_or(false)
}
