//! What a run shows while it goes on: lines in CI, changing lines on a terminal, objects for machines.

use std::{collections::BTreeMap, net::TcpListener};

use insta::assert_snapshot;
use serde_json::{Map, Value};

use crate::support::{
    project::{Outcome, Project},
    terminal,
};

/// What a changing line begins with.
const SPINNER: [char; 4] = ['⠁', '⠉', '⠙', '⠚'];

#[test]
fn a_finished_thing_is_a_line_with_its_rows_and_its_time() {
    let project = Project::orders();
    project.write(
        "data/odd.csv",
        "order_id,customer,amount\nx,eve,1.00\n4,ada,3.00\n",
    );
    let outcome = project.succeed(["run"]);
    assert_snapshot!(stderr(&project, &outcome), @"
    exit code: 0
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
      orders          4 rows        1 refused  [time]
    transform
      totals          2 rows  [time]
    checks
      0 of 0 passed
    load
      2 rows into [project]/.dfpipe/warehouse/shop/totals  [time]
    ");
}

#[test]
fn more_is_told_on_request() {
    let project = Project::orders();
    let outcome = project.succeed(["run", "-v"]);
    let lines = stderr(&project, &outcome);
    let sizes = regex::Regex::new(r"\d+\.\d\d [KM]iB|\b\d+ B\b").expect("it is a regex");
    let times = regex::Regex::new(r"\d+\.\d s").expect("it is a regex");
    let lines = times.replace_all(&lines, "[time]");
    assert_snapshot!(sizes.replace_all(&lines, "[size]"), @"
    exit code: 0
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    run [run] begins
    extract
      orders          3 rows  [time]
    extract took  [time]
    transform
      totals begins
      totals          2 rows     [time]   [size], [size] of memory
    checks
      0 of 0 passed
    transform took  [time]
    load
      2 rows into [project]/.dfpipe/warehouse/shop/totals  [time]
    finalize took  [time]
    archived as [project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]
    ");
}

#[test]
fn what_was_done_before_is_told_as_kept() {
    let project = Project::orders();
    project.succeed(["run", "-q", "--until", "transform"]);
    let outcome = project.succeed(["run", "--resume"]);
    assert_snapshot!(stderr(&project, &outcome), @"
    exit code: 0
    ----- stderr -----
    extract
      orders          3 rows                     (kept)
    transform
      totals          2 rows    (kept)
    checks
      0 of 0 passed
    load
      2 rows into [project]/.dfpipe/warehouse/shop/totals  [time]
    ");
}

#[test]
fn nothing_but_results_and_errors_is_told_when_quiet() {
    let project = Project::orders();
    assert_eq!(project.succeed(["run", "-q"]).stderr, "");
    let outcome = project.run(["run", "-q", "-v"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
}

/// Programs read these names: none may vanish or be called otherwise.
#[test]
fn events_are_objects_with_stable_names() {
    let project = Project::orders();
    let outcome = project.succeed(["run", "--log-format", "json"]);
    assert!(
        outcome.stdout.starts_with("orders 2026-11-15"),
        "{}",
        outcome.stdout
    );
    let objects = objects(&outcome.stderr);
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut order = vec![];
    for object in &objects {
        let event = object["event"].as_str().expect("an event has a name");
        let names: Vec<_> = object.keys().map(String::as_str).collect();
        assert_eq!(names[..3], ["time", "level", "event"]);
        fields.insert(event.to_owned(), names[3..].join(" "));
        // Whether a short reading is looked at is chance.
        if event != "extracting" {
            order.push(event);
        }
    }
    fields.remove("extracting");
    assert_snapshot!(order.join(" "), @"note run_started step_started extracted step_finished step_started building built checked step_finished step_started loaded step_finished step_started step_finished archived run_finished");
    let fields = fields
        .iter()
        .map(|(event, names)| format!("{event}: {names}"));
    assert_snapshot!(fields.collect::<Vec<_>>().join("\n"), @"
    archived: to
    building: model
    built: model rows bytes seconds kept peak_memory spilled_bytes
    checked: checks warnings errors
    extracted: source rows refused missing partial seconds kept
    loaded: rows to
    note: message
    run_finished: run_id status folder
    run_started: run_id resumed sources models
    step_finished: step seconds kept
    step_started: step
    ");
    let built = objects.iter().find(|object| object["event"] == "built");
    let built = built.expect("a model is built");
    assert_eq!(
        (&built["model"], &built["rows"]),
        (&"totals".into(), &2.into())
    );
    assert_eq!(
        (&built["kept"], &built["level"]),
        (&false.into(), &"info".into())
    );
    for object in &objects {
        let time = object["time"].as_str().expect("an event has a time");
        let parsed = chrono::DateTime::parse_from_rfc3339(time);
        assert!(
            parsed.is_ok_and(|time| time.offset().local_minus_utc() == 0),
            "{time}"
        );
    }
}

#[test]
fn errors_are_objects_with_all_that_belongs_to_them() {
    let project = Project::orders();
    project.edit("sql/totals.sql", "sum(amount)", "sum(amuont)");
    let outcome = project.run(["check", "--log-format", "json"]);
    assert_eq!(outcome.code, Some(2));
    assert_eq!(outcome.stdout, "");
    let objects = objects(&outcome.stderr);
    let error = objects.last().expect("there is an error").clone();
    let without_time = error.into_iter().filter(|(name, _)| name != "time");
    let error = Value::Object(without_time.collect());
    let pretty = serde_json::to_string_pretty(&error).expect("it is JSON");
    assert_snapshot!(pretty, @r#"
    {
      "level": "error",
      "event": "error",
      "message": "column 'amuont' not found",
      "cause": null,
      "hint": "did you mean `amount`?",
      "place": {
        "file": "sql/totals.sql",
        "line": 9,
        "column": 9,
        "length": 6,
        "text": "    sum(amuont) as amount"
      },
      "exit_code": 2
    }
    "#);
}

/// Each problem is an object, whoever finds it; `-q` leaves these and nothing else.
#[test]
fn nothing_but_objects_is_on_the_error_stream() {
    let project = Project::orders();
    project.write(
        "sql/checks/nobody_is_rich.sql",
        "/* dfpipe\ndescription: Nobody spends more than ten.\n*/\n\
         select customer, amount from totals where amount > 10\n",
    );
    let failed = project.run(["run", "--log-format", "json"]);
    assert_eq!(failed.code, Some(1));
    let told = objects(&failed.stderr);
    let events = told.iter().map(|object| object["event"].as_str());
    let last: Vec<_> = events.rev().take(3).flatten().collect();
    assert_eq!(last, ["error", "note", "run_finished"]);
    let quiet = project.run(["run", "--fresh", "-q", "--log-format", "json"]);
    let told = objects(&quiet.stderr);
    let levels: Vec<_> = told.iter().map(|object| &object["level"]).collect();
    assert_eq!(levels, ["error"]);
    assert_eq!(
        (&told[0]["exit_code"], &told[0]["place"]),
        (&1.into(), &Value::Null)
    );

    for misused in [
        project.run(["run", "--log-format", "json", "--nope"]),
        project.run(["--log-format=json", "run", "--as-of", "never"]),
    ] {
        assert_eq!(misused.code, Some(2));
        let told = objects(&misused.stderr);
        assert_eq!((told.len(), &told[0]["exit_code"]), (1, &2.into()));
    }
}

#[test]
fn a_terminal_shows_what_is_under_way_and_keeps_what_is_done() {
    let project = Project::orders();
    let Some(call) = terminal::call(&project, ["run", "--no-color"], ["", ""]) else {
        return;
    };
    assert!(call.written.contains(SPINNER), "{}", call.written);
    let screen = call.outcome.screen();
    let (progress, report) = split(&screen, "orders 2026-11-15");
    assert_snapshot!(progress, @"
    exit code: 0
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
      orders          3 rows  [time]
    transform
      totals          2 rows  [time]
    checks
      0 of 0 passed
    load
      2 rows into [project]/.dfpipe/warehouse/shop/totals  [time]
    ");
    assert!(report.contains("load 1 of 2026-11-15"), "{report}");
    assert!(!screen.contains(SPINNER), "{screen}");
}

#[test]
fn colours_are_there_on_a_terminal_unless_forbidden() {
    let project = Project::orders();
    let call = |arguments: [&str; 2]| terminal::call(&project, arguments, ["", ""]);
    let Some(colored) = call(["run", "--fresh"]) else {
        return;
    };
    assert!(
        colored.written.contains("\x1b[1mextract\x1b[0m"),
        "{}",
        colored.written
    );
    let plain = call(["run", "--no-color"]).expect("Python is there");
    assert!(!plain.written.contains("\x1b[0m"), "{}", plain.written);
}

#[test]
fn an_error_stands_alone_on_a_terminal() {
    let project = Project::orders();
    project.edit("sql/totals.sql", "sum(amount)", "1 / (order_id - order_id)");
    project.edit("sql/totals.sql", "group by customer", "");
    let Some(call) = terminal::call(&project, ["run", "--no-color"], ["", ""]) else {
        return;
    };
    assert!(call.written.contains(SPINNER), "{}", call.written);
    let screen = call.outcome.screen();
    assert!(!screen.contains(SPINNER), "{screen}");
    let (progress, rest) = split(&screen, "transform\n");
    assert_snapshot!(progress, @"
    exit code: 1
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
      orders          3 rows  [time]
    ");
    assert_snapshot!(split(rest, "error:").1, @"
    error: `sql/totals.sql` fails on this data: divide by zero error
     --> sql/totals.sql:7:1
      |
    7 | select
      | ^
    ");
}

/// The source never answers, so the interruption meets a line that changes.
#[test]
fn an_interruption_leaves_the_terminal_clean() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = silent.local_addr().expect("a listener has an address");
    let project = Project::orders();
    let api = format!(
        "from: {{kind: crm, url: \"http://{address}\", path: /orders, pagination: {{kind: page_number}}}}"
    );
    project.edit("dfpipe.yml", "from: {kind: files, path: data/*.csv}", &api);
    let Some(call) = terminal::call(&project, ["run", "--no-color"], ["orders  ", "\x03"]) else {
        return;
    };
    assert!(call.written.contains(SPINNER), "{}", call.written);
    let screen = call.outcome.screen();
    assert!(!screen.contains(SPINNER), "{screen}");
    let (progress, rest) = split(&screen, "interrupted:");
    assert_snapshot!(progress, @"
    exit code: 130
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
    ");
    assert_snapshot!(split(rest, "error:").1, @"error: the run was interrupted");
}

/// What stands before the line that begins so, and the rest.
fn split<'a>(screen: &'a str, line: &str) -> (&'a str, &'a str) {
    let found = screen.find(&format!("\n{line}"));
    let found = found.unwrap_or_else(|| panic!("no line `{line}`: {screen}"));
    screen.split_at(found + 1)
}

/// What stands on the error stream, without what differs from run to run.
fn stderr(project: &Project, outcome: &Outcome) -> String {
    let (code, stderr) = (outcome.code, outcome.stderr.clone());
    project.outcome(code, String::new(), stderr).screen()
}

/// Every line is an object.
fn objects(stderr: &str) -> Vec<Map<String, Value>> {
    let lines = stderr.lines();
    let objects = lines.map(|line| match serde_json::from_str(line) {
        Ok(Value::Object(object)) => object,
        other => panic!("no object: {line}: {other:?}"),
    });
    objects.collect()
}
