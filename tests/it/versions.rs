//! Versions of models: closed by a release, run again by number, and a working copy wherever SQL differs.

use insta::assert_snapshot;

use crate::support::project::Project;

#[test]
fn a_version_is_released_and_can_be_run_again_after_the_next() {
    let project = Project::orders();
    assert_snapshot!(project.run(["release", "totals", "-m", "The first."]).screen(), @"
    exit code: 0
    ----- stdout -----
    totals: version 1 is released
    ----- stderr -----
    commit `sql/versions.lock` and `sql/versions/`
    ");
    project.edit(
        "sql/totals.sql",
        "sum(amount)",
        "sum(amount) filter (where amount > 1)",
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 0
    ----- stdout -----
    1 models and 0 checks are well
    ----- stderr -----
    note: `totals` is a working copy: its SQL is not that of the released version 1
    ");
    project.succeed(["release", "totals", "-m", "Small orders do not count."]);
    assert!(project.read("sql/totals.sql").contains("version: 2"));
    assert_eq!(project.run(["check"]).stderr, "");

    project.succeed(["run", "-q"]);
    assert_eq!(project.rows("totals.parquet")[0]["amount"], 12.5);
    project.succeed(["run", "-q", "--use", "totals@1"]);
    assert_eq!(project.rows("totals.parquet")[0]["amount"], 13.0);
    let model = &project.json("run.json")["models"][0];
    assert_eq!(model["version"], 1);
    assert_eq!(model["source"], "sql/versions/totals@1.sql");
    let run = project.last_run();
    project.succeed(["replay", &run.display().to_string()]);
}

#[test]
fn a_run_with_a_released_version_is_resumed_with_it() {
    let project = Project::orders();
    project.succeed(["release", "totals", "-m", "The first."]);
    project.edit("sql/totals.sql", "sum(amount)", "max(amount)");
    project.succeed(["run", "-q", "--use", "totals@1", "--until", "extract"]);
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(project.rows("totals.parquet")[0]["amount"], 13.0);
}

#[test]
fn a_working_copy_is_marked_in_the_receipt() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    let warnings = |project: &Project| project.json("step4_load_receipt.json")["warnings"].clone();
    assert_eq!(
        warnings(&project),
        serde_json::json!([]),
        "nothing was ever released"
    );
    project.succeed(["release", "--all", "-m", "The first."]);
    project.succeed(["run", "-q"]);
    assert_eq!(warnings(&project), serde_json::json!([]));
    project.edit("sql/totals.sql", "sum(amount)", "sum(amount) -- in euros\n");
    project.succeed(["run", "-q"]);
    assert_eq!(
        warnings(&project),
        serde_json::json!([]),
        "a comment is no change"
    );
    project.edit("sql/totals.sql", "sum(amount)", "max(amount)");
    project.succeed(["run", "-q"]);
    let expected = "`totals` is a working copy: its SQL is not that of the released version 1";
    assert_eq!(warnings(&project), serde_json::json!([expected]));
}

#[test]
fn where_working_copies_are_refused_nothing_is_read() {
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "pipeline: orders",
        "pipeline: orders\nworking_copies: refuse",
    );
    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: `totals` is a working copy: version 1 is not released
     --> sql/totals.sql:2:10
      |
    2 | version: 1
      |          ^

    hint: `dfpipe release totals -m WHY` closes a version of it
    ");
    assert!(project.unfinished().is_empty());
    project.succeed(["release", "totals", "-m", "The first."]);
    project.succeed(["run", "-q"]);
}

#[test]
fn what_cannot_be_released_or_used_is_told() {
    let project = Project::orders();
    project.succeed(["release", "totals", "-m", "The first."]);
    assert_snapshot!(project.run(["release", "totals", "-m", "Again."]).screen(), @"
    exit code: 7
    ----- stderr -----
    error: `totals` is released as version 1 already
    ");
    assert_snapshot!(project.run(["release", "total", "-m", "Typo."]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: there is no model `total`

    hint: did you mean `totals`?
    ");
    assert_snapshot!(project.run(["release", "totals", "-m", " "]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: a release needs a reason: `-m WHY`
    ");
    assert_snapshot!(project.run(["run", "--use", "totals@7"]).screen(), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: there is no released version 7 of `totals`
    cause: failed to open file `[project]/sql/versions/totals@7.sql`: No such file or directory

    hint: these are: 1
    ");
    assert_snapshot!(project.run(["run", "--use", "total@1"]).screen(), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: there is no source or model `total`

    hint: did you mean `totals`?
    ");
    project.edit("sql/versions/totals@1.sql", "sum(amount)", "max(amount)");
    assert_snapshot!(project.run(["run", "--use", "totals@1"]).screen(), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: `sql/versions/totals@1.sql` is not what was released

    hint: take it from version control as it was
    ");
    project.write("sql/versions.lock", "totals:\n  - {version: one}\n");
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `totals[0].version` must be of type integer, not `one`
     --> sql/versions.lock:2:15
      |
    2 |   - {version: one}
      |               ^^^

    error: `totals[0]` lacks the key `fingerprint`
     --> sql/versions.lock:2:5
      |
    2 |   - {version: one}
      |     ^^^^^^^^^^^^^

    error: `totals[0]` lacks the key `released_at`
     --> sql/versions.lock:2:5
      |
    2 |   - {version: one}
      |     ^^^^^^^^^^^^^

    error: `totals[0]` lacks the key `reason`
     --> sql/versions.lock:2:5
      |
    2 |   - {version: one}
      |     ^^^^^^^^^^^^^
    ");
}

/// A row names the SQL that it was made by; from that name alone its text is found, whatever the project says now.
#[test]
fn the_sql_of_a_row_is_found_by_its_source_version() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    let first = project.last_run();
    let text = project.read("sql/totals.sql");
    let question = "select distinct source_version from warehouse.totals order by 1";
    let answer = project
        .succeed(["query", "-q", "-o", "csv", question])
        .stdout;
    let version = answer.lines().nth(1).expect("there is a row").to_owned();
    project.edit("sql/totals.sql", "sum(amount)", "max(amount)");
    project.succeed(["run", "-q"]);

    let shown = project.succeed(["runs", "show", &version]).stdout;
    assert!(
        shown.contains(&format!("SQL version  {version}")),
        "{shown}"
    );
    let record = project
        .succeed(["runs", "show", &version, "-o", "json"])
        .stdout;
    let record: serde_json::Value = serde_json::from_str(&record).expect("it is JSON");
    let folder = std::path::Path::new(record["folder"].as_str().expect("a run has a folder"));
    assert_eq!(folder, first);
    let kept = fs_err::read_to_string(folder.join("sql/totals.sql")).expect("its SQL is kept");
    assert_eq!(kept, text);
    let total = "select amount from totals where customer = 'ada'";
    let answer = project.succeed(["query", "-q", "-o", "csv", "--run", &version, total]);
    assert_eq!(answer.stdout, "amount\n13.00\n");

    assert_snapshot!(project.run(["runs", "show", "0123456789abcdef"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: no run that is kept was made by the SQL `0123456789abcdef`

    hint: the commit that has it says so itself: `dfpipe plan -o json` names its `source_version`
    ");
}
