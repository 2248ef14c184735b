//! What must not happen around a load: one without its checks, one of nothing, one that seems to have
//! failed, one that hides others.

use insta::assert_snapshot;

use crate::support::project::Project;

#[test]
fn an_archive_that_cannot_be_made_stops_the_run_before_anything_is_loaded() {
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "pipeline: orders",
        "pipeline: orders\narchive: data/orders.csv/x",
    );

    let outcome = project.run(["run", "-q"]);

    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("finished runs cannot be archived"),
        "{}",
        outcome.stderr
    );
    assert!(project.unfinished().is_empty());
    assert!(!project.path(".dfpipe/warehouse").exists());
}

#[test]
fn a_result_without_rows_is_not_loaded() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "from orders",
        "from orders where amount > 1000000",
    );

    let outcome = project.run(["run", "-q"]);

    assert_snapshot!(outcome.screen(), @"
    exit code: 1
    ----- stderr -----
    error: `totals` has no rows, so nothing is loaded

    hint: look at the extracts and the rejects of this run
    ");
    assert!(!project.path(".dfpipe/warehouse").exists());
}

#[test]
fn an_extract_of_which_no_record_fits_stops_the_run() {
    let project = Project::orders();
    project.write(
        "data/orders.csv",
        "order_id,customer,amount\n1,ada,much\n2,bob,more\n",
    );

    let outcome = project.run(["run", "-q"]);

    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .contains("none of 2 records of `orders` is as declared"),
        "{}",
        outcome.stderr
    );
}

/// The loaded model alone is not enough: the checks that can stop a load must run.
#[test]
fn a_selection_without_what_the_checks_read_is_not_loaded() {
    let project = Project::orders();
    project.write(
        "sql/others.sql",
        "/* dfpipe\nversion: 1\nkey: [order_id]\n*/\nselect order_id from orders\n",
    );
    project.write(
        "sql/checks/orders_are_few.sql",
        "/* dfpipe\ndescription: There are few orders.\n*/\nselect * from others where order_id > 9\n",
    );

    let partial = project.succeed(["run", "-q", "-s", "+totals"]);
    assert!(
        partial
            .stdout
            .contains("nothing: not all models were selected"),
        "{}",
        partial.stdout
    );
    assert!(!project.path(".dfpipe/warehouse").exists());

    let whole = project.succeed(["run", "-q", "-s", "+totals +others"]);
    assert!(
        whole.stdout.contains("load 1 of 2026-11-15"),
        "{}",
        whole.stdout
    );
}

#[test]
fn an_empty_selection_is_refused() {
    let outcome = Project::orders().run(["run", "-q", "-s", ""]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("the selection is empty"),
        "{}",
        outcome.stderr
    );
}

/// Only a question that speaks of the warehouse waits for it, and fails with it.
#[test]
fn a_broken_warehouse_hinders_no_other_question() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    let junk = ".dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0009.parquet";
    project.write(junk, "junk");

    project.succeed(["query", "select count(*) from totals"]);
    let outcome = project.run(["query", "select * from warehouse.totals_latest"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("load-0009.parquet"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn questions_of_all_kinds_are_answered() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    assert_snapshot!(project.succeed(["query", "-o", "csv", "select [1, 2] as list, 'x' as text"]).stdout, @r#"
    list,text
    "[1, 2]",x
    "#);
    let explained = project.succeed([
        "query",
        "explain select * from totals where $as_of > $window_start",
    ]);
    assert!(!explained.stdout.contains("error"), "{}", explained.stdout);
}

/// A disk that is full refuses to let a file grow; so does a limit on the size of files, and that needs no
/// disk of its own.
#[test]
fn a_file_that_cannot_grow_ends_the_run_and_it_can_be_resumed() {
    let project = Project::customers();
    let dfpipe = project.command(["run"]);
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$@\"", "sh"])
        .arg(dfpipe.get_program())
        .args(dfpipe.get_args())
        .current_dir(project.folder());
    for (name, value) in dfpipe.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    let outcome = project.ended(limited.output().expect("a shell can be started"));
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    for words in [
        "cannot be written",
        "File too large",
        "is the disk full",
        "--resume",
    ] {
        assert!(
            outcome.stderr.contains(words),
            "{words}: {}",
            outcome.stderr
        );
    }
    project.succeed(["run", "-q", "--resume"]);
}

#[test]
fn a_model_that_does_not_fit_into_memory_is_named_and_the_run_can_be_resumed() {
    let project = Project::customers();
    project.edit(
        "dfpipe.yml",
        "window_days: 7",
        "window_days: 7\nengine: {memory_limit: 200KB}",
    );
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    for words in [
        ".sql` does not fit into the memory limit",
        "raise `engine.memory_limit`",
    ] {
        assert!(
            outcome.stderr.contains(words),
            "{words}: {}",
            outcome.stderr
        );
    }
    project.edit("dfpipe.yml", "200KB", "64MB");
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(
        project.json("run.json")["resumed"][0]["redone"],
        serde_json::json!([])
    );
}
