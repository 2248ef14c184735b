//! `dfpipe runs`: the history as people and scripts read it.

use insta::assert_snapshot;
use regex::Regex;
use serde_json::Value;

use crate::support::project::{Outcome, Project};

/// The screen without times, sizes of memory and hashes, which differ from run to run.
fn screen(outcome: &Outcome) -> String {
    let filters = [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[moment]"),
        (r" +\d+\.\d s\b", "  [time]"),
        (r"  +\d+(\.\d)? [kM]?B\b", "  [size]"),
        (r"  +(time|size|memory)\b", "  $1"),
        (r"sha256  +[0-9a-f]{64}", "sha256       [hash]"),
        (r"DataFusion \d+\.\d+\.\d+", "DataFusion [version]"),
    ];
    filters
        .iter()
        .fold(outcome.screen(), |text, (pattern, blank)| {
            let pattern = Regex::new(pattern).expect("a filter is a regex");
            pattern.replace_all(&text, *blank).into_owned()
        })
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).expect("it is JSON")
}

/// A field of all runs that are listed.
fn listed(project: &Project, field: &str) -> Vec<String> {
    let runs = json(&project.succeed(["runs", "-q", "-o", "json"]));
    let runs = runs.as_array().expect("it is a list");
    runs.iter()
        .map(|run| run[field].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The project whose process dies when so many lines of the journal are on disk.
fn dying(project: Project, lines: u32) -> Project {
    project.with_variable("DFPIPE_KILL_AFTER", lines.to_string())
}

const BROKEN: &str = "order_id,customer,amount\n1,ada,much\n2,bob,more\n";

#[test]
fn the_history_lists_runs_of_all_kinds_the_newest_first() {
    let project = Project::orders();
    assert_snapshot!(project.succeed(["runs"]).screen(), @"
    exit code: 0
    ----- stdout -----
    no runs yet
    ");
    let orders = project.read("data/orders.csv");
    project.succeed(["run", "-q"]);
    project.write("data/orders.csv", BROKEN);
    assert_eq!(project.run(["run", "-q"]).code, Some(1));
    project.write("data/orders.csv", &orders);
    project.succeed(["run", "-q", "--fresh", "--until", "transform"]);
    project.succeed([
        "run",
        "-q",
        "--as-of",
        "2026-11-08T12:30",
        "--until",
        "load",
    ]);
    project.succeed(["run", "-q", "--dry-run"]);
    let project = dying(project, 1);
    assert_eq!(
        project.run(["run", "-q", "--as-of", "2026-11-01"]).code,
        None
    );
    let project = dying(project, 5);
    assert_eq!(
        project.run(["run", "-q", "--as-of", "2026-10-25"]).code,
        None
    );

    assert_snapshot!(screen(&project.succeed(["runs"])), @"
    exit code: 0
    ----- stdout -----
    run                          as of             status                   rows in  rows out  rejected  time  load
    [run]  2026-10-25        interrupted                    3         –         0  [time]  –
    [run]  2026-11-01        interrupted                    0         –         0  [time]  –
    [run]  2026-11-08 12:30  stopped after load             3         2         0  [time]  totals 1
    [run]  2026-11-15        stopped after transform        3         2         0  [time]  –
    [run]  2026-11-15        abandoned                      2         –         2  [time]  –
    [run]  2026-11-15        succeeded                      3         2         0  [time]  totals 1
    ");
    assert_snapshot!(screen(&project.succeed(["runs", "-n", "1"])), @"
    exit code: 0
    ----- stdout -----
    run                          as of       status       rows in  rows out  rejected  time  load
    [run]  2026-10-25  interrupted        3         –         0  [time]  –
    ");
    let mut names = listed(&project, "run_id");
    assert_eq!(names.len(), 6);
    names.reverse();
    assert!(names.is_sorted());
}

#[test]
fn a_run_is_shown_from_its_head_to_its_receipt() {
    let project = Project::orders();
    project.write("data/more.csv", "order_id,customer,amount\nx,ada,1.00\n");
    project.write("sql/checks/no_bob.sql", NO_BOB);
    project.succeed(["run", "-q", "--until", "transform"]);
    project.edit("sql/totals.sql", "sum(amount) as", "sum(amount) + 0 as");
    project.succeed(["run", "-q", "--resume"]);
    assert_snapshot!(screen(&project.succeed(["runs", "show", "last"])), @"
    exit code: 0
    ----- stdout -----
    orders 2026-11-15: succeeded,  [time]
      run          [run]
      profile      local
      as of        [moment] UTC
      window       [moment] to [moment] UTC
      began        [moment] UTC
      ended        [moment] UTC
      program      dfpipe 0.1.0, DataFusion [version]
      peak memory  [size]
      files        [project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]
      SQL version  795ef912f295010b, kept in sql/ of these files

    Attempts
      [moment]  first
      [moment]  1 table kept
        made again: totals (its SQL has changed)

    Steps
      step       began  time
      extract    [moment]  [time]
      transform  [moment]  [time]
      load       [moment]  [time]
      finalize   [moment]  [time]

    Sources
      source  kind   records  rows  rejected  unreadable  time
      orders  files        4     3         1           0  [time]
      orders from [project]/data/*.csv
        more.csv: 2 to 2
        orders.csv: 2 to 4

    Models
      model   version  rows  size  time  memory  spilled
      totals        1     2  [size]  [time]  [size]        –

    Checks
      0 of 1 passed
      warning: no_bob (1 row against it)
        Nobody is called bob.
        Ask ada.

    Load
      loaded into  [project]/.dfpipe/warehouse/shop/totals
      as           load 1 of 2026-11-15
      file or job  [project]/.dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet
      rows         2
      size  [size]
      sha256       [hash]
      read back    2 rows
    ");
}

const NO_BOB: &str = "/* dfpipe
description: Nobody is called bob.
severity: warn
hint: Ask ada.
*/
select customer from totals where customer = 'bob'
";

#[test]
fn a_run_that_failed_shows_why_and_how_to_go_on() {
    let project = Project::orders();
    project.write("data/orders.csv", BROKEN);
    assert_eq!(project.run(["run", "-q"]).code, Some(1));
    assert_snapshot!(screen(&project.succeed(["runs", "show", "last"])), @r#"
    exit code: 0
    ----- stdout -----
    orders 2026-11-15: failed: exit 1,  [time]
      run          [run]
      profile      local
      as of        [moment] UTC
      window       [moment] to [moment] UTC
      began        [moment] UTC
      ended        [moment] UTC
      program      dfpipe 0.1.0, DataFusion [version]
      files        [project]/.dfpipe/work/[run]
      SQL version  80d23a6bda55acce, kept in sql/ of these files

    Failure
      exit code 1 in extract: none of 2 records of `orders` is as declared
      hint: look at them: dfpipe query --run [run] "select place, detail from extract_rejects"
      go on with: dfpipe run --resume [run]

    Steps
      step     began  time
      extract  [moment]  [time]  not done

    Sources
      source  kind   records  rows  rejected  unreadable  time
      orders  files        2     0         2           0  [time]
      orders from [project]/data/*.csv
        orders.csv: 2 to 3

    Load
      nothing was loaded
    "#);
}

#[test]
fn a_run_is_named_by_the_beginning_of_its_name() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.succeed(["run", "-q"]);
    let names = listed(&project, "run_id");
    let shared = names[0]
        .chars()
        .zip(names[1].chars())
        .take_while(|(one, other)| one == other);
    let shared = shared.count();
    for name in &names {
        for length in [shared + 1, name.len()] {
            let shown = project.succeed(["runs", "show", &name[..length], "-o", "json"]);
            assert_eq!(json(&shown)["run_id"], **name);
        }
        let statement = "select count(*) as customers from totals";
        let asked = project.succeed(["query", "-o", "csv", "--run", &name[..=shared], statement]);
        assert_eq!(asked.stdout, "customers\n2\n");
    }
    let last = project.succeed(["runs", "show", "last", "-o", "json"]);
    assert_eq!(json(&last)["run_id"], *names[0]);

    assert_snapshot!(project.run(["runs", "show", "2"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: 2 runs begin with `2`

    hint: write more of it: `[run]`, `[run]`
    ");
}

#[test]
fn a_name_that_is_none_is_answered_with_the_nearest_ones() {
    let project = Project::orders();
    assert_snapshot!(project.run(["runs", "show", "x"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: there is no run `x`

    hint: runs lie below `[project]/.dfpipe/archive`
    ");
    assert_snapshot!(project.run(["runs", "show", "last"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: there is no run to ask yet

    hint: begin with `dfpipe run`
    ");
    project.succeed(["run", "-q"]);
    let name = listed(&project, "run_id").remove(0);
    assert_snapshot!(project.run(["runs", "show", "x"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: there is no run `x`

    hint: the last one is `[run]`; `dfpipe runs` lists them
    ");
    let slipped = name.replace('T', "t");
    let outcome = project.run(["runs", "show", &slipped]);
    assert_snapshot!(outcome.screen().replace(&slipped, "[slip]"), @"
    exit code: 2
    ----- stderr -----
    error: there is no run `[slip]`

    hint: did you mean `[run]`?
    ");
}

#[test]
fn a_run_under_way_is_running_and_one_whose_process_is_gone_is_not() {
    let project = Project::orders();
    let project = dying(project, 3);
    assert_eq!(project.run(["run", "-q"]).code, None);
    assert_eq!(listed(&project, "status"), ["interrupted"]);
    // Another process holds the lock, as a run does, and says which run it works on.
    let work = project.path(".dfpipe/work");
    let lock = fs_err::File::open(work.join(".orders.lock")).unwrap();
    lock.file().lock().unwrap();
    assert_eq!(listed(&project, "status"), ["running"]);
    lock.file().unlock().unwrap();
    assert_eq!(listed(&project, "status"), ["interrupted"]);
}

#[test]
fn records_of_earlier_versions_are_listed_and_what_is_no_run_is_noted() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    let runs = ".dfpipe/archive/pipeline_runs";
    let day = "2020-01-01";
    let old = |run: &str, text: String| {
        project.write(&format!("{runs}/{day}/{run}/run.json"), text);
    };
    old(
        "2020-01-01T00-00-00-000001Z",
        OLD.replace("RUN", "2020-01-01T00-00-00-000001Z"),
    );
    old("2020-01-01T00-00-00-000002Z", OLD.replace("RUN", "another"));
    old("2020-01-01T00-00-00-000003Z", "no JSON".to_owned());
    old(
        "2020-01-01T00-00-00-000004Z",
        OLD.replace("RUN", "2020-01-01T00-00-00-000004Z")
            .replace("orders\"", "others\""),
    );
    project.write(
        &format!("{runs}/{day}/2020-01-01T00-00-00-000005Z/note"),
        "",
    );
    project.write(&format!("{runs}/{day}/notes/note"), "");
    project.write(&format!("{runs}/{day}/.hidden/note"), "");
    project.write(&format!("{runs}/notes/note"), "");
    project.write(&format!("{runs}/note"), "");
    project.write(".dfpipe/work/2020-01-02T00-00-00-000000Z/note", "");
    assert_snapshot!(screen(&project.succeed(["runs"])), @"
    exit code: 0
    ----- stdout -----
    run                          as of       status     rows in  rows out  rejected  time  load
    [run]  2026-11-15  succeeded        3         2         0  [time]  totals 1
    [run]  2020-01-01  succeeded        3         2         1  [time]  totals 7
    ----- stderr -----
    note: `[project]/.dfpipe/archive/pipeline_runs/notes` is left out: it is no date
    note: `[project]/.dfpipe/archive/pipeline_runs/2020-01-01/notes` is left out: it has not the name of a run
    note: `[project]/.dfpipe/work/[run]` is left out: it has no journal.ndjson
    note: `[project]/.dfpipe/archive/pipeline_runs/2020-01-01/[run]` is left out: it has no run.json
    note: `[project]/.dfpipe/archive/pipeline_runs/2020-01-01/[run]` is left out: its run.json cannot be read: expected ident at line 1 column 2
    note: `[project]/.dfpipe/archive/pipeline_runs/2020-01-01/[run]` is left out: its record is that of `another`
    ");
    let shown = project.run(["runs", "show", "2020-01-01T00-00-00-000002Z"]);
    assert_snapshot!(shown.screen(), @"
    exit code: 2
    ----- stderr -----
    error: the run `[run]` has no readable record
    cause: `[project]/.dfpipe/archive/pipeline_runs/2020-01-01/[run]` is left out: its record is that of `another`
    ");
}

/// What a run wrote before runs had steps, attempts and failures.
const OLD: &str = r#"{
    "run_id": "RUN", "pipeline": "orders", "profile": "local", "status": "succeeded", "error": null,
    "dfpipe_version": "0.0.1", "as_of": "2020-01-01T00:00:00Z", "run_date": "2020-01-01",
    "started_at": "2020-01-01T00:00:00Z", "finished_at": "2020-01-01T00:00:03Z",
    "sources": [{"name": "orders", "kind": "files", "records": 3, "rows": 2, "rejected": 1,
                 "dead_lettered": 0, "files": []}],
    "models": [{"name": "totals", "source": "sql/totals.sql", "version": 1, "fingerprint": "",
                "save_as": null, "file": {"rows": 2, "bytes": 100, "sha256": ""}}],
    "load": {"receipt": {"destination": "/w/shop/totals", "load_id": "/w/1", "run_id": "RUN",
             "run_date": "2020-01-01", "load_number": 7, "source_version": "", "rows": 2, "bytes": 100,
             "sha256": "", "adopted": false, "verified_rows": null, "warnings": []}}
}"#;

#[test]
fn the_last_finished_run_is_asked_and_not_one_that_failed_later() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.write("data/orders.csv", BROKEN);
    assert_eq!(project.run(["run", "-q"]).code, Some(1));
    let count = "select count(*) as orders from orders";
    let asked = project.succeed(["query", "-o", "csv", count]);
    assert_eq!(asked.stdout, "orders\n3\n");
    let refused = "select count(*) as refused from extract_rejects";
    let asked = project.succeed(["query", "-o", "csv", "--run", "last", refused]);
    assert_eq!(asked.stdout, "refused\n2\n");
}
