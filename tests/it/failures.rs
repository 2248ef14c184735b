//! Data that is wrong: what cannot be computed, what a check refuses, what cannot be read.

use insta::assert_snapshot;

use crate::support::project::Project;

#[test]
fn data_that_a_model_cannot_take_is_no_bug() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "sum(amount)",
        "sum(cast(customer as bigint))",
    );
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"
    exit code: 1
    ----- stderr -----
    error: `sql/totals.sql` fails on this data: cannot cast string 'ada' to value of Int64 type
     --> sql/totals.sql:7:1
      |
    7 | select
      | ^
    ");
}

/// Nothing that such a run has is lost, and nothing is loaded.
#[test]
fn a_failing_check_stops_the_load_and_keeps_the_run() {
    let project = Project::orders();
    project.write(
        "sql/checks/nobody_is_rich.sql",
        "/* dfpipe\ndescription: Nobody spends more than ten.\nhint: Ask them how they do it.\n*/\n\
         select customer, amount from totals where amount > 10\n",
    );

    let outcome = project.run(["run"]);

    assert_snapshot!(outcome.screen(), @r#"
    exit code: 1
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
      orders          3 rows  [time]
    transform
      totals          2 rows  [time]
    checks
      0 of 1 passed, 1 against the load
    orders 2026-11-15 failed in transform
    Nothing was loaded: the destination is as it was before.
    What it has done is kept, with report.html, in [project]/.dfpipe/work/[run]
    Go on with: dfpipe run --resume [run]
    error: the check `nobody_is_rich` found 1 bad row
    cause: expected: Nobody spends more than ten.
    found, for example: {"customer":"ada","amount":13.00}

    hint: Ask them how they do it.
    see them: dfpipe query --run [run] "select * from check_nobody_is_rich"
    "#);
    let kept = project.unfinished();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].join("models/totals.parquet").exists());
    assert!(!project.path(".dfpipe/warehouse").exists());
}

#[test]
fn a_check_that_only_warns_does_not_stop_the_load() {
    let project = Project::orders();
    project.write(
        "sql/checks/nobody_is_rich.sql",
        "/* dfpipe\ndescription: Nobody spends more than ten.\nseverity: warn\n*/\n\
         select customer, amount from totals where amount > 10\n",
    );
    assert_snapshot!(project.run(["run"]).screen(), @r#"
    exit code: 0
    ----- stdout -----
    orders 2026-11-15 completed in [time]
    run [run] · profile local · window 2026-11-08 00:00 to 2026-11-15 00:00 UTC

    Records per step
      extract orders (files)  3
      transform totals        2
      load                    2

    Result
      loaded into  [project]/.dfpipe/warehouse/shop/totals
      as           load 1 of 2026-11-15
      file         [project]/.dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet
      run folder   [project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]
      ask it       dfpipe query "show tables"

    Needs a human
      warning: nobody_is_rich (1 row against it): Nobody spends more than ten.
        see them: dfpipe query --run [run] "select * from check_nobody_is_rich"
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
      orders          3 rows  [time]
    transform
      totals          2 rows  [time]
    checks
      0 of 1 passed, 1 to look at
    load
      2 rows into [project]/.dfpipe/warehouse/shop/totals  [time]
    "#);
}

#[test]
fn a_source_of_unreadable_records_is_broken() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "data/*.csv", "data/*.ndjson");
    project.write("data/orders.ndjson", "{\"order_id\": 1}\n<html>\n");
    assert_snapshot!(project.run(["run"]).screen(), @r#"
    exit code: 1
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
      orders          1 row         1 refused  [time]
    orders 2026-11-15 failed in extract
    Nothing was loaded: the destination is as it was before.
    What it has done is kept, with report.html, in [project]/.dfpipe/work/[run]
    Go on with: dfpipe run --resume [run]
    error: 1 of 2 records of `orders` cannot be read, more than 1%

    hint: look at them: dfpipe query --run [run] "select place, error from dead_letters"
    `max_dead_letters` of the source allows more
    "#);
    let kept = project.unfinished().pop().expect("the run is kept");
    let run = kept.file_name().expect("it has a name").to_string_lossy();
    let hinted = project.run([
        "query",
        "--run",
        &run,
        "select place, error from dead_letters",
    ]);
    assert_snapshot!(hinted.screen(), @"
    exit code: 0
    ----- stdout -----
    +-----------------------+-----------------------------------+
    | place                 | error                             |
    +-----------------------+-----------------------------------+
    | orders.ndjson, line 2 | expected value at line 1 column 1 |
    +-----------------------+-----------------------------------+
    ");
}
