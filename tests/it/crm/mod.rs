//! A REST API that is as bad as the real ones: what arrives, what is refused, what is said, and when it ends.
//!
//! Written from what is promised, and not from what the code does.

mod budget;
mod chains;
mod encrypted;
mod failures;
mod leaks;
mod odd_answers;
mod paginations;
mod partial;
mod properties;
mod reading;
mod readme;
mod records;
mod restarts;
mod shifts;
mod signing;
mod sizes;

use std::path::Path;

use serde_json::Value;

use crate::support::{
    api::Api,
    artefacts,
    project::{Outcome, Project},
};

/// A pipeline that reads people from this API and keeps them as they are.
fn pipeline(api: &Api) -> Project {
    pipeline_from(api, &api.from())
}

/// The same pipeline, but with something of its own behind `from:`.
fn pipeline_from(api: &Api, from: &Value) -> Project {
    let project = Project::empty();
    project.write("sql/everyone.sql", include_str!("people.sql"));
    let configuration = include_str!("people.yml");
    project.write(
        "dfpipe.yml",
        configuration.replace("FROM", &from.to_string()),
    );
    project
        .with_variable("CRM_API_URL", api.url())
        .with_variable("CRM_API_KEY", Api::KEY)
}

/// What stands behind `from:`, with some settings changed.
fn with(api: &Api, settings: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut from = api.from();
    for (name, value) in settings {
        from[name] = value;
    }
    from
}

/// The rows of the extract of a run, wherever it is.
fn landed(run: &Path) -> Vec<Value> {
    let files = artefacts::files(&run.join("extract/people"));
    let parquet = files
        .iter()
        .filter(|file| file.extension().is_some_and(|kind| kind == "parquet"));
    parquet.flat_map(|file| artefacts::rows(file)).collect()
}

/// The records that the decoder refused.
fn refused(run: &Path) -> Vec<Value> {
    artefacts::rows(&run.join("extract/rejects/people.parquet"))
}

/// The folder of the one run, finished or not.
fn the_run(project: &Project) -> std::path::PathBuf {
    let mut all = project.unfinished();
    all.extend(project.archived());
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Holds the end of a call against what is expected of it.
#[track_caller]
fn ends(outcome: &Outcome, code: i32, words: &[&str]) {
    assert_eq!(outcome.code, Some(code), "{}", outcome.screen());
    for word in words {
        let says_it = outcome.stderr.contains(word) || outcome.stdout.contains(word);
        assert!(says_it, "it does not say `{word}`\n{}", outcome.screen());
    }
}
