//! The record of a run in the working folder. Its `run.json` is as old as its last step; the journal
//! knows better, even of a process that died without a word.

use super::RECORD;
use crate::{
    error::{Error, Result},
    run::{
        RunFolder, journal,
        record::{LoadRecord, RunRecord, Status, StepRecord, seconds},
        state::State,
    },
};

/// The record of a run in the folder `run` as it was written last.
pub fn record(run: &RunFolder) -> Result<RunRecord> {
    let path = run.path().join(RECORD);
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::usage(format!("the run `{}` has no readable record", run.run_id)).because(error)
    };
    let text = fs_err::read_to_string(path).map_err(|error| unreadable(&error))?;
    serde_json::from_str(&text).map_err(|error| unreadable(&error))
}

/// The record of a run that is not archived, given whether a process works on it; or why there is none.
pub fn read(folder: &RunFolder, is_running: bool) -> Result<RunRecord, String> {
    if !folder.path().join(journal::FILE).is_file() {
        return Err(format!("it has no {}", journal::FILE));
    }
    let lines = journal::read(folder).map_err(|error| error.to_string())?;
    let state = State::replay(lines).map_err(|error| error.to_string())?;
    let mut record = record(folder).unwrap_or_else(|_| begun(folder, &state));
    bring_up_to_date(&mut record, state, is_running);
    record.folder = folder.path().display().to_string();
    Ok(record)
}

/// What the journal's first line tells of a run that had no time to write more.
fn begun(folder: &RunFolder, state: &State) -> RunRecord {
    let begun = &state.begun;
    RunRecord {
        run_id: folder.run_id.clone(),
        pipeline: begun.pipeline.clone(),
        profile: begun.profile.clone(),
        build: state.build.clone(),
        select: begun.select.clone(),
        as_of: begun.as_of,
        window_end: begun.as_of,
        run_date: begun.as_of.date_naive(),
        started_at: begun.started_at,
        ..RunRecord::default()
    }
}

fn bring_up_to_date(record: &mut RunRecord, state: State, is_running: bool) {
    record.status = state.status(is_running);
    record.finished_at = state.last_at;
    record.steps = steps(&state);
    record.failure = match state.ended {
        Some((Status::Failed | Status::Interrupted, failure)) if !is_running => failure,
        _ => None,
    };
    // What the record tells of the resumptions before the last step is told by the journal as well.
    record.resumed = state.resumed;
    for (name, source) in state.sources {
        if !record.sources.iter().any(|known| known.name == name) {
            record.sources.push(source);
        }
    }
    for (name, model) in state.models {
        if !record.models.iter().any(|known| known.name == name) {
            record.models.push(model);
        }
    }
    let load = state.receipt.map(|receipt| LoadRecord { receipt });
    record.load = record.load.take().or(load);
}

/// The steps; one that did not end took time until the journal's last line.
fn steps(state: &State) -> Vec<StepRecord> {
    let mut steps = state.steps.clone();
    for step in steps.iter_mut().filter(|step| !step.is_done) {
        step.seconds += seconds(step.began_at, state.last_at);
    }
    steps
}
