//! A run that died goes on where it was, and ends as if nothing had happened.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Stdio},
};

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{
    api::Api,
    artefacts,
    project::{Outcome, Project},
    shared::first_run,
};

/// More lines than any journal of the pipeline of orders has.
const MANY: usize = 40;

/// The line of the journal that says that the source was read, that the table was built, and so on, in the
/// pipeline of orders.
const EXTRACTED: usize = 3;
const BUILT: usize = 6;
const LOAD_BEGUN: usize = 9;
const LOADED: usize = 11;

#[test]
fn a_run_that_is_killed_at_any_line_of_its_journal_ends_as_if_undisturbed() {
    let undisturbed = Project::orders();
    undisturbed.succeed(["run", "-q"]);
    let expected = undisturbed.sha256("models/totals.parquet");
    let mut points = 0;
    for lines in 1..MANY {
        let project = Project::orders();
        if !project.is_killed(["run", "-q"], lines) {
            break;
        }
        points += 1;
        project.succeed(["run", "-q", "--resume"]);
        assert_eq!(project.sha256("models/totals.parquet"), expected, "{lines}");
        assert_eq!(loads(&project).len(), 1, "killed after {lines} lines");
        assert!(
            project.unfinished().is_empty(),
            "killed after {lines} lines"
        );
        let receipt = project.json("step4_load_receipt.json");
        assert_eq!(receipt["verified_rows"], 2, "killed after {lines} lines");
    }
    assert_eq!(
        points, 14,
        "each step begins and ends, and leaves its traces"
    );
}

/// The resumed run dies as well, at its next trace, and so on to the end.
#[test]
fn a_run_that_is_killed_again_and_again_gets_to_its_end() {
    let project = Project::orders();
    assert!(project.is_killed(["run", "-q"], 2));
    let deaths = (1..MANY).take_while(|lines| project.is_killed(["run", "-q", "--resume"], *lines));
    let deaths = deaths.count();
    assert!(deaths > 5);
    assert_eq!(loads(&project).len(), 1);
    let resumed = project.json("run.json")["resumed"].clone();
    assert_eq!(resumed.as_array().map(Vec::len), Some(deaths + 1));
}

#[test]
fn what_was_landed_is_not_asked_for_a_second_time() {
    for lines in [EXTRACTED, BUILT, LOAD_BEGUN] {
        let records =
            [r#"{"order_id":1,"customer":"ada","amount":1.5,"updated_at":"2026-11-14T00:00:00Z"}"#];
        let records = records.map(|record| serde_json::from_str(record).expect("it is JSON"));
        let crm = Api::serve(records.to_vec());
        let project = Project::orders();
        let from = "from: {kind: crm, url: \"${CRM_API_URL}\", path: /v1/customers, \
                    auth: {bearer: \"${CRM_API_KEY}\"}, pagination: {kind: page_number, total: total}}";
        project.edit("dfpipe.yml", "from: {kind: files, path: data/*.csv}", from);
        let project = project
            .with_variable("CRM_API_URL", crm.url())
            .with_variable("CRM_API_KEY", Api::KEY);
        assert!(project.is_killed(["run", "-q"], lines));
        let before = crm.requests().len();
        assert!(before > 0);
        project.succeed(["run", "-q", "--resume"]);
        assert_eq!(crm.requests().len(), before, "killed after {lines} lines");
    }
}

/// At the borders of the steps, and in the middle of the models.
#[test]
fn the_customer_pipeline_resumes_to_the_same_bytes() {
    let expected = first_run()
        .project
        .sha256("step3_unified_customers.parquet");
    let project = Project::customers();
    assert!(project.is_killed(["run", "-q"], 4));
    for lines in [6, 16, 12] {
        assert!(project.is_killed(["run", "-q", "--resume"], lines));
    }
    let outcome = project.succeed(["run", "--resume"]);
    assert_eq!(project.sha256("step3_unified_customers.parquet"), expected);
    assert!(outcome.stderr.contains("(kept)"), "{}", outcome.stderr);
}

#[test]
fn models_whose_sql_has_changed_are_built_again_with_all_that_reads_them() {
    let project = Project::orders();
    project.write(
        "sql/customers.sql",
        "/* dfpipe\nversion: 1\ndescription: For a test.\nkey: [customer]\n*/\n\
         select distinct customer from orders\n",
    );
    project.write(
        "sql/best.sql",
        "/* dfpipe\nversion: 1\ndescription: For a test.\nkey: [customer]\n*/\n\
         select customer from totals where amount > 10\n",
    );
    project.succeed(["run", "-q", "--until", "transform"]);
    project.edit("sql/totals.sql", "sum(amount)", "sum(amount + 1)");

    project.succeed(["run", "-q", "--resume"]);

    let resumed = &project.json("run.json")["resumed"][0];
    assert_snapshot!(pretty(&resumed["redone"]), @r#"
    [
      {
        "table": "totals",
        "reason": "its SQL has changed"
      },
      {
        "table": "best",
        "reason": "`totals` was made again"
      }
    ]
    "#);
    assert_eq!(resumed["kept"], 2, "the source, and what did not read it");
    let totals = project.rows("models/totals.parquet");
    assert_eq!(totals[0]["amount"], 15.0);
}

#[test]
fn what_reads_a_parameter_is_built_again_when_it_changes() {
    let project = Project::orders();
    project.write(
        "sql/large.sql",
        "/* dfpipe\nversion: 1\ndescription: For a test.\nkey: [order_id]\n*/\n\
         select order_id from orders where amount > $least\n",
    );
    project.edit(
        "dfpipe.yml",
        "pipeline: orders",
        "pipeline: orders\nparameters: {least: 10}",
    );
    project.succeed(["run", "-q", "--until", "transform"]);
    project.edit("dfpipe.yml", "{least: 10}", "{least: 5}");
    project.succeed(["run", "-q", "--resume"]);
    assert_snapshot!(pretty(&project.json("run.json")["resumed"][0]["redone"]), @r#"
    [
      {
        "table": "large",
        "reason": "a parameter or its key has changed"
      }
    ]
    "#);
}

#[test]
fn a_table_that_is_not_what_it_was_is_made_again() {
    let project = Project::orders();
    project.succeed(["run", "-q", "--until", "transform"]);
    let run = project.unfinished().pop().expect("the run waits");
    let expected = artefacts::sha256(&run.join("models/totals.parquet"));
    fs_err::write(run.join("models/totals.parquet"), "rubbish").expect("a file can be spoilt");
    fs_err::write(run.join("extract/orders/part-00000.parquet"), "rubbish")
        .expect("a file can be spoilt");
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(project.sha256("models/totals.parquet"), expected);
    assert_snapshot!(pretty(&project.json("run.json")["resumed"][0]["redone"]), @r#"
    [
      {
        "table": "orders",
        "reason": "its files are missing or changed"
      },
      {
        "table": "totals",
        "reason": "its file is missing or changed"
      }
    ]
    "#);
}

#[test]
fn a_source_that_is_declared_otherwise_is_read_again() {
    let project = Project::orders();
    project.succeed(["run", "-q", "--until", "extract"]);
    project.edit(
        "dfpipe.yml",
        "customer: {type: text}",
        "customer: {type: text, required: true}",
    );
    project.succeed(["run", "-q", "--resume"]);
    assert_snapshot!(pretty(&project.json("run.json")["resumed"][0]["redone"]), @r#"
    [
      {
        "table": "orders",
        "reason": "its declaration has changed"
      }
    ]
    "#);
}

/// How the data is reached is not what it is.
#[test]
fn a_source_whose_limits_changed_is_not_read_again() {
    let project = Project::orders();
    project.succeed(["run", "-q", "--until", "extract"]);
    project.edit(
        "dfpipe.yml",
        "    key: order_id",
        "    key: order_id\n    max_dead_letters: 0.5",
    );
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(project.json("run.json")["resumed"][0]["kept"], 1);
}

#[test]
fn a_run_can_stop_after_each_step_and_go_on() {
    let project = Project::orders();
    for (step, resume) in [("extract", false), ("transform", true), ("load", true)] {
        let outcome = if resume {
            project.succeed(["run", "-q", "--until", step, "--resume"])
        } else {
            project.succeed(["run", "-q", "--until", step])
        };
        assert_eq!(
            project.unfinished_json("run.json")["status"],
            "stopped",
            "{}",
            outcome.screen()
        );
    }
    assert_eq!(loads(&project).len(), 1);
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(loads(&project).len(), 1, "it was loaded already");
    assert_eq!(project.json("run.json")["status"], "succeeded");
}

/// Whatever the SQL says by now: what the destination may hold is finished as it was begun.
#[test]
fn a_run_whose_load_has_begun_is_finished_with_the_sql_that_it_had() {
    let project = Project::orders();
    assert!(project.is_killed(["run", "-q"], LOAD_BEGUN));
    project.edit("sql/totals.sql", "sum(amount)", "sum(amount + 1)");
    let outcome = project.succeed(["run", "--resume"]);
    assert!(
        outcome.stderr.contains("the SQL that it began with"),
        "{}",
        outcome.stderr
    );
    assert_eq!(project.rows("models/totals.parquet")[0]["amount"], 13.0);
}

#[test]
fn a_run_whose_load_has_begun_keeps_the_parameters_that_it_had() {
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "pipeline: orders",
        "pipeline: orders\nparameters: {factor: 1}",
    );
    project.edit("sql/totals.sql", "sum(amount)", "sum(amount * $factor)");
    project.succeed(["run", "-q", "--until", "load"]);
    project.edit("dfpipe.yml", "{factor: 1}", "{factor: 2}");
    project.succeed(["run", "-q", "--resume"]);
    let record = project.json("run.json");
    assert_eq!(record["parameters"]["factor"], "1");
    assert_eq!(record["configuration"]["parameters"]["factor"], 1);
    assert_eq!(record["resumed"][0]["redone"], serde_json::json!([]));
    let run = project.last_run();
    project.succeed(["replay", "-q", &run.display().to_string()]);
}

/// Were it written anew, dying in between would leave the run without.
#[test]
fn the_sql_of_a_run_whose_load_has_begun_is_not_touched() {
    let project = Project::orders();
    assert!(project.is_killed(["run", "-q"], LOAD_BEGUN));
    let run = project.unfinished().pop().expect("it died");
    let sql = run.join("sql/totals.sql");
    let written = || {
        let facts = fs_err::metadata(&sql).expect("the run keeps its SQL");
        facts.modified().expect("a file has a time")
    };
    let before = written();
    assert!(project.is_killed(["run", "-q", "--resume"], 2));
    assert_eq!(written(), before);
    project.succeed(["run", "-q", "--resume"]);
}

/// Nothing can be stopped any more: what it would say is for the report.
#[test]
fn a_check_that_fails_after_the_load_does_not_hinder_the_run() {
    let project = Project::orders();
    project.succeed(["run", "-q", "--until", "load"]);
    project.write(
        "sql/checks/nobody_buys.sql",
        "/* dfpipe\ndescription: Nobody buys.\n*/\nselect * from orders\n",
    );
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(loads(&project).len(), 1);
}

#[test]
fn a_run_with_a_damaged_journal_may_have_loaded_and_stops_everything() {
    let project = Project::orders();
    project.succeed(["run", "-q", "--until", "load"]);
    let journal = project
        .unfinished()
        .pop()
        .expect("it waits")
        .join("journal.ndjson");
    let text = fs_err::read_to_string(&journal).expect("a journal can be read");
    fs_err::write(&journal, text.replacen("\"step_ended\"", "rubbish", 1)).expect("it is spoilt");
    for arguments in [["run", "-q", "--resume"], ["run", "-q", "--fresh"]] {
        let outcome = project.run(arguments);
        assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
        assert!(outcome.stderr.contains("is damaged"), "{}", outcome.stderr);
    }
    assert_eq!(loads(&project).len(), 1);
}

#[test]
fn a_run_does_not_stop_after_a_step_that_it_has_gone_beyond() {
    let project = Project::orders();
    project.succeed(["run", "-q", "--until", "load"]);
    assert_snapshot!(project.run(["run", "--resume", "--until", "extract"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the run has gone beyond `extract` already: it has begun to load

    hint: resume it without `--until`, or with a later step
    ");
    project.succeed(["run", "-q", "--resume", "last"]);
}

/// The process died between the put and the note about it.
#[test]
fn a_load_that_happened_unnoticed_is_adopted() {
    let project = Project::orders();
    assert!(project.is_killed(["run", "-q"], LOADED));
    let journal = project
        .unfinished()
        .pop()
        .expect("it died")
        .join("journal.ndjson");
    let text = fs_err::read_to_string(&journal).expect("a journal can be read");
    let lines: Vec<_> = text.lines().take(LOADED - 1).collect();
    fs_err::write(&journal, lines.join("\n") + "\n").expect("a journal can be cut");
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(loads(&project).len(), 1);
    assert_eq!(project.json("step4_load_receipt.json")["adopted"], true);
}

#[test]
fn a_load_whose_number_another_run_took_gets_the_next_one() {
    let project = Project::orders();
    assert!(project.is_killed(["run", "-q"], LOAD_BEGUN));
    // Another machine knows nothing of the run that died on this one.
    let elsewhere = "pipeline: orders\nwork_dir: elsewhere";
    project.edit("dfpipe.yml", "pipeline: orders", elsewhere);
    project.succeed(["run", "-q"]);
    project.edit("dfpipe.yml", elsewhere, "pipeline: orders");
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(loads(&project).len(), 2);

    let project = Project::orders();
    project.edit("dfpipe.yml", "on_repeat: add", "on_repeat: refuse");
    assert!(project.is_killed(["run", "-q"], LOAD_BEGUN));
    project.edit("dfpipe.yml", "pipeline: orders", elsewhere);
    project.succeed(["run", "-q"]);
    project.edit("dfpipe.yml", elsewhere, "pipeline: orders");
    assert_eq!(project.run(["run", "-q", "--resume"]).code, Some(7));
    assert_eq!(loads(&project).len(), 1);
}

#[test]
fn a_load_is_not_finished_into_another_destination() {
    let project = Project::orders();
    assert!(project.is_killed(["run", "-q"], LOAD_BEGUN));
    project.edit("dfpipe.yml", "dataset: shop", "dataset: market");
    assert_snapshot!(project.run(["run", "--resume"]).screen(), @"
    exit code: 2
    ----- stderr -----
    warning: `[run]` ended without a word (process [process]); its lock is taken over
    error: the load of this run has begun into `[project]/.dfpipe/warehouse/shop/totals`
    cause: `dfpipe.yml` now says `[project]/.dfpipe/warehouse/market/totals`

    hint: resume it with the destination that it had
    ");
}

#[test]
fn a_plain_run_stops_at_an_unfinished_run_of_its_date() {
    let project = Project::orders();
    project.write(
        "sql/customers.sql",
        "/* dfpipe\nversion: 1\ndescription: For a test.\nkey: [customer]\n*/\n\
         select distinct customer from orders\n",
    );
    project.succeed(["run", "-q", "--until", "extract"]);
    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: run `[run]` of 2026-11-15 is not finished
    cause: it was asked to stop after a step

    hint: `dfpipe run --resume [run]` goes on with it; `dfpipe run --fresh` sets it aside and begins anew
    ");
    project.succeed(["run", "-q", "--as-of", "2026-11-16"]);
    project.succeed(["run", "-q", "-s", "customers"]);

    project.succeed(["run", "-q", "--fresh"]);
    let set_aside = project.unfinished_json("run.json");
    assert_eq!(set_aside["status"], "abandoned");
    assert_eq!(project.run(["run", "--resume"]).code, Some(7));
}

#[test]
fn a_run_that_may_have_loaded_is_not_set_aside() {
    let project = Project::orders();
    assert!(project.is_killed(["run", "-q"], LOAD_BEGUN));
    assert_snapshot!(project.run(["run", "--fresh"]).screen(), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    warning: `[run]` ended without a word (process [process]); its lock is taken over
    error: run `[run]` of 2026-11-15 is not finished
    cause: it died without a word

    hint: it may have loaded: `dfpipe run --resume [run]` finds out and finishes it
    ");
    assert_eq!(loads(&project).len(), 0);
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(loads(&project).len(), 1);
}

#[test]
fn there_may_be_nothing_to_resume() {
    let project = Project::orders();
    assert_snapshot!(project.run(["run", "--resume"]).screen(), @"
    exit code: 7
    ----- stderr -----
    error: no run of `orders` is waiting to be resumed

    hint: begin one with `dfpipe run`
    ");
    project.succeed(["run", "-q", "--until", "extract"]);
    assert_snapshot!(project.run(["run", "--resume", "2026"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: no unfinished run `2026` lies in `[project]/.dfpipe/work`

    hint: these are: [run]
    ");
}

#[test]
fn a_run_is_resumed_with_the_profile_that_it_had() {
    let project = Project::orders();
    let profiles = "pipeline: orders\nprofiles:\n  weekly: {window_days: 7}\n";
    project.edit("dfpipe.yml", "pipeline: orders\n", profiles);
    project.succeed(["run", "-q", "--profile", "weekly", "--until", "extract"]);
    assert_snapshot!(project.run(["run", "--resume"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: run `[run]` was begun with the profile `weekly`, not `local`

    hint: add `--profile weekly`
    ");
    project.succeed(["run", "-q", "--profile", "weekly", "--resume"]);
}

#[test]
fn a_torn_last_line_of_a_journal_never_happened() {
    let project = Project::orders();
    assert!(project.is_killed(["run", "-q"], BUILT));
    let journal = project
        .unfinished()
        .pop()
        .expect("it died")
        .join("journal.ndjson");
    let mut file = fs_err::OpenOptions::new()
        .append(true)
        .open(&journal)
        .expect("a journal can be opened");
    file.write_all(br#"{"at":"2026-11-15T00:00:00Z","entry":"step_en"#)
        .expect("a journal can be torn");
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(loads(&project).len(), 1);
}

#[test]
fn one_run_of_a_pipeline_at_a_time() {
    let project = Project::orders();
    fs_err::create_dir_all(project.path(".dfpipe/work")).expect("a folder can be made");
    let owner = r#"{"pid":4711,"host":"weekly-host","since":"2026-11-15T06:00:00Z","run_id":"2026-11-15T06-00-00-000001Z"}"#;
    project.write(".dfpipe/work/.orders.lock", owner);
    let lock = fs_err::File::open(project.path(".dfpipe/work/.orders.lock"));
    let lock = lock.expect("the lock is there");
    lock.file().lock().expect("the lock can be taken");

    let outcome = project.run(["run"]);
    assert_eq!(outcome.code, Some(3));
    let words = [
        "another run of `orders` is under way",
        "process 4711 on `weekly-host`",
        "2026-11-15 06:00 UTC",
    ];
    for word in words {
        assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
    }
    assert_eq!(
        project.run(["run", "--resume"]).code,
        Some(7),
        "there is nothing to resume"
    );

    // The system lets the lock of a dead process go; what stands in the file is then only a trace.
    lock.file().unlock().expect("the lock can be let go");
    let outcome = project.succeed(["run"]);
    assert!(
        outcome.stderr.contains("its lock is taken over"),
        "{}",
        outcome.stderr
    );
    assert!(!project.succeed(["run"]).stderr.contains("lock"));
}

#[test]
fn the_first_interrupt_ends_a_run_cleanly_and_it_can_be_resumed() {
    for signal in ["-INT", "-TERM"] {
        let outcome = interrupted(signal);
        assert_eq!(outcome.code, Some(130), "{}", outcome.screen());
        assert!(outcome.stderr.contains("--resume"), "{}", outcome.stderr);
    }
}

/// Even if the clean end waits for a disk that does not answer: here a pipe that nobody reads.
#[test]
fn the_second_interrupt_ends_a_run_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it has an address");
    let project = Project::orders();
    let from = format!(
        "from: {{kind: crm, url: \"http://{address}\", path: /orders, pagination: {{kind: page_number}}}}"
    );
    project.edit("dfpipe.yml", "from: {kind: files, path: data/*.csv}", &from);
    let mut child = project
        .command(["run"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dfpipe can be started");
    let _held = listener.accept().expect("the run asks");
    let run = project.unfinished().pop().expect("the run has a folder");
    let pipe = std::process::Command::new("mkfifo")
        .arg(run.join("report.md.part"))
        .status();
    assert!(pipe.expect("a pipe can be made").success());
    send("-INT", &child);
    let screen = BufReader::new(child.stderr.take().expect("it has a screen"));
    let mut lines = screen.lines().map(|line| line.expect("it shows text"));
    assert!(lines.any(|line| line.contains("once more ends it at once")));
    send("-INT", &child);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

/// A run that waits for an API that never answers, and gets a signal meanwhile.
fn interrupted(signal: &str) -> Outcome {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it has an address");
    let project = Project::orders();
    let from = format!(
        "from: {{kind: crm, url: \"http://{address}\", path: /orders, pagination: {{kind: page_number}}}}"
    );
    let files = "from: {kind: files, path: data/*.csv}";
    project.edit("dfpipe.yml", files, &from);
    let child = project
        .command(["run"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dfpipe can be started");
    let _held = listener.accept().expect("the run asks");
    send(signal, &child);
    let output = child.wait_with_output().expect("it ends");
    let outcome = project.ended(output);
    assert_eq!(project.unfinished_json("run.json")["status"], "interrupted");
    project.edit("dfpipe.yml", &from, files);
    project.succeed(["run", "-q", "--resume"]);
    outcome
}

fn send(signal: &str, child: &Child) {
    let sent = std::process::Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .expect("a signal can be sent");
    assert!(sent.success());
}

fn loads(project: &Project) -> Vec<PathBuf> {
    let date = project.path(".dfpipe/warehouse/shop/totals/run_date=2026-11-15");
    let files = fs_err::read_dir(date).into_iter().flatten();
    files
        .map(|file| file.expect("a folder can be read").path())
        .collect()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("it is JSON")
}
