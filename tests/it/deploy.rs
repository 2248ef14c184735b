//! The script that schedulers call: one date is brought to its end, whatever happens on the way.

use std::process::Command;

use chrono::{Datelike, NaiveDate, Weekday};

use crate::support::{artefacts, project::Project};

const TABLE: &str = ".dfpipe/warehouse/shop/totals";
const FIRST: &str = ".dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet";

#[test]
fn a_week_is_loaded_once_however_often_it_is_scheduled() {
    let project = refusing();

    let first = weekly(&project, &[], &[]);
    let again = weekly(&project, &[], &[]);

    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(
        again.stderr.contains("is loaded already"),
        "{}",
        again.stderr
    );
    assert_eq!(loads(&project), [FIRST]);
}

#[test]
fn a_run_that_was_killed_is_gone_on_with_and_not_begun_anew() {
    let project = refusing();
    // The third line of the journal says that the source is read.
    let killed = weekly(
        &project,
        &[],
        &[("DFPIPE_KILL_AFTER", "3"), ("DFPIPE_TRIES", "1")],
    );
    assert_eq!(killed.code, Some(137), "{}", killed.stderr);
    // Whoever read it again would find other rows.
    project.write("data/orders.csv", "order_id,customer,amount\n9,eve,99.00\n");

    let resumed = weekly(&project, &[], &[]);

    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert_eq!(kept(&project), 1, "the source");
    assert_eq!(project.rows("totals.parquet").len(), 2, "ada and bob");
    assert_eq!(loads(&project), [FIRST]);
    assert_eq!(project.archived().len(), 1);
    assert!(project.unfinished().is_empty());
}

/// dfpipe dies in the middle of the models while the script waits for it: the next try goes on from there.
#[test]
fn a_run_that_dies_while_it_is_watched_comes_to_its_end() {
    let project = Project::customers();
    let variables = [("DFPIPE_KILL_AFTER", "20"), ("DFPIPE_TRIES", "9")];

    let outcome = weekly(&project, &["--quiet"], &variables);

    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("try 2 of 9"), "{}", outcome.stderr);
    assert_eq!(project.archived().len(), 1);
    assert_eq!(project.json("step4_load_receipt.json")["load_number"], 1);
}

#[test]
fn what_may_be_otherwise_later_is_tried_as_often_as_was_said() {
    let project = refusing();
    project.write(FIRST, "not Parquet");

    let outcome = weekly(&project, &[], &[("DFPIPE_TRIES", "3")]);

    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    let errors = outcome.stderr.lines();
    let errors = errors.filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 3, "{}", outcome.stderr);
}

#[test]
fn wrong_sql_and_wrong_data_are_not_tried_again_until_a_person_has_mended_them() {
    let project = refusing();
    project.edit("sql/totals.sql", "from orders", "from order");
    let sql = weekly(&project, &[], &[]);
    project.edit("sql/totals.sql", "from order", "from orders");
    project.write("sql/checks/never.sql", NEVER);
    let data = weekly(&project, &[], &[]);
    let next = weekly(&project, &[], &[]);

    assert_eq!(sql.code, Some(2), "{}", sql.stderr);
    assert_eq!(data.code, Some(1), "{}", data.stderr);
    assert_eq!(next.code, Some(1), "{}", next.stderr);
    for outcome in [&sql, &data, &next] {
        assert!(
            !outcome.stderr.contains("weekly.sh: "),
            "{}",
            outcome.stderr
        );
    }
    assert!(!project.path(TABLE).exists());

    project.remove("sql/checks/never.sql");
    let mended = weekly(&project, &[], &[]);
    assert_eq!(mended.code, Some(0), "{}", mended.stderr);
    assert_eq!(kept(&project), 2, "the source and its model");
    assert_eq!(loads(&project), [FIRST]);
}

/// So that the windows of two weeks meet exactly, and a late try is still that week's.
#[test]
fn a_week_begins_at_the_midnight_of_its_weekday() {
    for (number, weekday) in [("1", Weekday::Mon), ("7", Weekday::Sun)] {
        let project = refusing();

        let outcome = weekly(&project, &[], &[("DFPIPE_WEEKDAY", number)]);

        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        let record = project.json("run.json");
        let as_of = record["as_of"].as_str().expect("a run has a moment");
        assert!(as_of.ends_with("T00:00:00Z"), "{as_of}");
        let date: NaiveDate = as_of[..10].parse().expect("it begins with a date");
        assert_eq!(date.weekday(), weekday);
    }
    let wrong = weekly(&refusing(), &[], &[("DFPIPE_WEEKDAY", "monday")]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
}

/// A check that every customer offends.
const NEVER: &str = "/* dfpipe
description: Nobody has bought anything.
severity: error
*/
select customer from totals
";

/// How the script ended.
struct Outcome {
    code: Option<i32>,
    stderr: String,
}

/// Calls the script as a scheduler does, without pauses.
fn weekly(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/weekly.sh"))
        .args(arguments)
        .current_dir(project.folder())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", project.surroundings().join("tmp"))
        .env("DFPIPE", env!("CARGO_BIN_EXE_dfpipe"))
        .env("DFPIPE_PAUSE", "0")
        .envs(variables.iter().copied())
        .output()
        .expect("the script can be started");
    Outcome {
        code: output.status.code(),
        stderr: String::from_utf8(output.stderr).expect("a screen shows text"),
    }
}

/// A pipeline whose destination takes each date once, as `prod` does.
fn refusing() -> Project {
    let project = Project::orders();
    project.edit("dfpipe.yml", "on_repeat: add", "on_repeat: refuse");
    project
}

/// How many tables the last attempt of the last run found done.
fn kept(project: &Project) -> u64 {
    let record = project.json("run.json");
    let attempts = record["resumed"].as_array();
    let last = attempts.and_then(|attempts| attempts.last());
    let kept = last.and_then(|attempt| attempt["kept"].as_u64());
    kept.expect("the run was gone on with")
}

/// The files of the destination, relative to the project.
fn loads(project: &Project) -> Vec<String> {
    let folder = project.folder();
    let files = artefacts::files(&project.path(TABLE)).into_iter();
    let relative = files.map(|file| {
        let file = file.strip_prefix(&folder);
        file.expect("it lies in the project").display().to_string()
    });
    relative.collect()
}
