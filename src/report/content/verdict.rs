//! How a run ended, what became of the data, and how to go on: the first lines of every report.

use crate::{
    config::DEFAULT_PROFILE,
    report::numbers::{counted, duration},
    run::record::{RunRecord, Status, Step},
};

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// How a reader should feel about it.
    pub mood: Mood,
    /// One word.
    pub word: &'static str,
    /// What ended how, in one line.
    pub headline: String,
}

/// How a reader should feel about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// All is well.
    Good,
    /// It went well, but somebody should look.
    Attention,
    /// It did not go well.
    Bad,
    /// It was asked for less than all.
    Idle,
}

/// How the run ended.
pub fn verdict(record: &RunRecord) -> Verdict {
    let took = duration(record.seconds());
    let begun = record.steps.iter().rfind(|step| !step.is_done);
    let place = begun.map_or_else(
        || "before its first step".to_owned(),
        |step| format!("in {}", step.step.name()),
    );
    let (mood, word, how) = match record.status {
        Status::Succeeded if record.is_partial() => (
            Mood::Attention,
            "completed, partial",
            format!("completed in {took} with a partial extract"),
        ),
        Status::Succeeded if super::attention(record).is_empty() => {
            (Mood::Good, "completed", format!("completed in {took}"))
        }
        Status::Succeeded => (Mood::Attention, "completed", format!("completed in {took}")),
        Status::DryRun => (
            Mood::Idle,
            "dry run",
            if record.is_partial() {
                format!("dry run completed in {took} with a partial extract")
            } else {
                format!("dry run completed in {took}")
            },
        ),
        Status::Stopped => {
            let last = record.steps.iter().rfind(|step| step.is_done);
            let after = last.map_or(String::new(), |step| format!(" after {}", step.step.name()));
            (Mood::Idle, "stopped", format!("stopped{after}, as asked"))
        }
        Status::Failed => (Mood::Bad, "failed", format!("failed {place}")),
        Status::Interrupted => (Mood::Bad, "interrupted", format!("was interrupted {place}")),
        Status::Running => (Mood::Idle, "running", "is not over".to_owned()),
        Status::Abandoned => (Mood::Idle, "set aside", "was set aside".to_owned()),
    };
    let headline = format!("{} {} {how}", record.pipeline, record.run_date);
    Verdict {
        mood,
        word,
        headline,
    }
}

/// What became of the data, in a sentence.
pub fn data(record: &RunRecord) -> String {
    if let Some(load) = &record.load {
        let receipt = &load.receipt;
        let again = if receipt.adopted == Some(true) {
            " An earlier attempt had loaded them; they were not loaded again."
        } else {
            ""
        };
        let partial = if record.is_partial() {
            " It is made of a partial extract."
        } else {
            ""
        };
        return format!(
            "The load is complete: {} in {}, as load {} of {}.{partial}{again}",
            counted(receipt.rows, "row"),
            receipt.destination,
            receipt.load_number,
            receipt.run_date,
        );
    }
    let loading = record.steps.iter().any(|step| step.step == Step::Load);
    let why = match record.status {
        _ if loading => {
            return "The load had begun, and it is not known whether its rows are there. Going on \
                    asks the destination, and loads them at most once."
                .to_owned();
        }
        Status::DryRun => ": it was a dry run, and nothing of it is kept",
        Status::Succeeded => ": not all models were selected",
        Status::Running
        | Status::Stopped
        | Status::Failed
        | Status::Interrupted
        | Status::Abandoned => ": the destination is as it was before",
    };
    format!("Nothing was loaded{why}.")
}

/// The one command that goes on with a run that is not finished.
pub fn way_on(record: &RunRecord) -> Option<String> {
    match record.status {
        Status::Succeeded | Status::DryRun | Status::Abandoned => None,
        Status::Running | Status::Stopped | Status::Failed | Status::Interrupted => {
            let profile = profile(record);
            Some(format!("dfpipe run --resume {}{profile}", record.run_id))
        }
    }
}

/// The flag that chooses the run's profile, where it is not the usual one.
pub fn profile(record: &RunRecord) -> String {
    let profile = record.profile.as_str();
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    match profile {
        DEFAULT_PROFILE => String::new(),
        _ if profile.chars().all(is_plain) => format!(" --profile {profile}"),
        _ => format!(" --profile '{}'", profile.replace('\'', r"'\''")),
    }
}

/// The step that a stopped run would go on with.
pub fn next_step(record: &RunRecord) -> Option<Step> {
    let last = record.steps.iter().rfind(|step| step.is_done)?.step;
    let steps = [Step::Extract, Step::Transform, Step::Load, Step::Finalize];
    steps.into_iter().find(|step| *step > last)
}
