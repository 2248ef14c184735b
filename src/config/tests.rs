//! The configuration as a whole: what is meant, and that all problems come at once.

use super::{Config, From, OnRepeat, load};
use crate::error::{Error, Result};

const WELL: &str = "\
pipeline: p
email_hash_key: k
sources:
  s:
    columns:
      a: {type: text, required: true}
      b: {type: \"decimal(18,2)\", path: properties.b}
    from: {kind: files, path: 'data/*.ndjson'}
destination: {kind: parquet, model: m, dataset: d, table: t}
profiles:
  local: {as_of: 2026-11-15}
  other:
    sources:
      s:
        from: {kind: kafka, brokers: '${BROKERS}', topic: t, group: g}
";

fn read(text: &str, profile: Option<&str>) -> Result<Config> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("dfpipe.yml"), text).unwrap();
    load(folder.path(), profile, &|name| {
        (name == "BROKERS").then(|| "k:9092".to_owned())
    })
}

/// Line, message and hint of every problem.
fn problems(text: &str) -> Vec<String> {
    let error = read(text, None).unwrap_err();
    error.problems().map(describe).collect()
}

fn describe(problem: &Error) -> String {
    let line = problem.place().map_or(0, |place| place.line);
    let hint = problem
        .hint()
        .map(|hint| format!(" ({hint})"))
        .unwrap_or_default();
    format!("{line}: {}{hint}", problem.message())
}

#[test]
fn what_is_said_becomes_what_is_meant() {
    let config = read(WELL, None).unwrap();
    assert_eq!(config.profile, "local");
    assert_eq!(
        config.as_of.unwrap().to_rfc3339(),
        "2026-11-15T00:00:00+00:00"
    );
    assert_eq!(config.destination.on_repeat, OnRepeat::Refuse);
    let source = &config.sources["s"];
    assert_eq!(source.columns[1].path, ["properties", "b"]);
    let From::Files(files) = &source.from else {
        panic!("files were meant")
    };
    assert!(files.path.ends_with("/data/*.ndjson"), "{}", files.path);
}

#[test]
fn a_profile_replaces_a_source_of_another_kind() {
    let config = read(WELL, Some("other")).unwrap();
    let From::Kafka(kafka) = &config.sources["s"].from else {
        panic!("kafka was meant")
    };
    assert_eq!(kafka.brokers, "k:9092");
    assert!(config.as_of.is_none());
}

#[test]
fn all_problems_come_at_once_with_their_lines() {
    let text = WELL
        .replace("pipeline: p", "pipelin: p")
        .replace("email_hash_key: k", "email_hash_key: ${NO_KEY}")
        .replace("kind: files, path", "kind: file, path");
    assert_eq!(
        problems(&text),
        [
            "2: the environment variable `NO_KEY` is not set (set it (`export NO_KEY=…`) or give a \
             default: `${NO_KEY:-default}`)",
            "1: this file has no key `pipelin` (did you mean `pipeline`?)",
            "8: `sources.s.from` is not understood (`kind` must be one of: files, crm, kafka)",
            "1: this file lacks the key `pipeline`",
        ],
    );
}

#[test]
fn what_conforms_but_cannot_be_meant_is_refused_at_its_line() {
    let text = WELL
        .replace("type: text,", "type: txt,")
        .replace("as_of: 2026-11-15", "as_of: tomorrow")
        .replace("table: t}", "table: My-Table}");
    assert_eq!(
        problems(&text),
        [
            "11: `as_of` is not a time: `tomorrow`",
            "6: column `a` has an unknown type: `txt`",
            "9: `My-Table` cannot be the name of a table",
        ],
    );
}

#[test]
fn an_unknown_profile_names_those_that_are_there() {
    let error = read(WELL, Some("prdo")).unwrap_err();
    assert_eq!(error.message(), "`dfpipe.yml` has no profile `prdo`");
    assert_eq!(error.hint(), Some("the profiles are: local, other"));
}

#[test]
fn no_secret_is_shown_by_debug() {
    let text = WELL.replace("email_hash_key: k", "email_hash_key: hunter2");
    assert!(!format!("{:?}", read(&text, None).unwrap()).contains("hunter2"));
}
