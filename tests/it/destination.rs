//! The destination is asked for its columns before anything is read: its readers lose none unnoticed.

use insta::assert_snapshot;

use crate::support::project::Project;

/// A project that is loaded once, and whose model then gives `select` by the key `key`.
fn changed(key: &str, select: &str) -> Project {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.edit(
        "sql/totals.sql",
        "key: [customer]",
        &format!("key: [{key}]"),
    );
    project.edit(
        "sql/totals.sql",
        "    customer,\n    sum(amount) as amount\n",
        &format!("{select}\n"),
    );
    project.edit(
        "sql/totals.sql",
        "group by customer",
        "group by orders.customer",
    );
    project
}

#[test]
fn a_lost_renamed_or_retyped_column_stops_a_run_before_anything_is_extracted() {
    let project = changed(
        "custmer",
        "    customer as custmer, cast(sum(amount) as double) as amount, count(*) as orders",
    );
    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 1
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: `totals` does not fit the destination `[project]/.dfpipe/warehouse/shop/totals` any more
    cause: its columns differ

    column    here     there
    customer  -        text           not safe: it is lost, or renamed to custmer
    amount    double   decimal(28,2)  not safe: of another type
    custmer   text     -              safe: it is new
    orders    integer  -              safe: it is new

    hint: a column that is lost: give it back, or load without it by `--allow-lost-columns`; a column of another type: cast it to what it is there, or give the new values another name; or load into a new table: `destination.table` in dfpipe.yml
    ");
    assert_eq!(project.archived().len(), 1);
    assert!(project.unfinished().is_empty(), "nothing was extracted");
    assert_snapshot!(project.succeed(["plan"]).screen(), @"
    exit code: 0
    ----- stdout -----
    plan of orders for 2026-11-15 · profile local
    window 2026-11-08 00:00 to 2026-11-15 00:00 UTC, as the profile fixes it
    compared with run [run] of 2026-11-15

    A run would stop
      with exit code 1: `totals` does not fit the destination `[project]/.dfpipe/warehouse/shop/totals` any more
        cause: its columns differ
          column    here     there
          customer  -        text           not safe: it is lost, or renamed to custmer
          amount    double   decimal(28,2)  not safe: of another type
          custmer   text     -              safe: it is new
          orders    integer  -              safe: it is new
        hint: a column that is lost: give it back, or load without it by `--allow-lost-columns`; a column of another type: cast it to what it is there, or give the new values another name; or load into a new table: `destination.table` in dfpipe.yml

    Sources
        orders  files  3 records in the last run, 59 B

    Models: 1 in this order, 1 change
      ~ totals  its SQL has changed; its columns: +custmer, +orders, -customer, amount Decimal128(28, 2) → Float64

    Load
      what  totals
      into  [project]/.dfpipe/warehouse/shop/totals, which adds a second load of a date
      as    load 2 of 2026-11-15
      by    1 file is put if it is absent; no quota
    ");
    let dry = project.succeed(["run", "--dry-run", "-q"]);
    assert!(
        dry.stdout.contains("does not fit the destination"),
        "{}",
        dry.stdout
    );
}

#[test]
fn a_new_column_of_the_load_is_noted_and_stops_nothing() {
    let project = changed(
        "customer",
        "    customer, sum(amount) as amount, count(*) as orders",
    );
    let note = "is new to `";
    let planned = project.succeed(["plan", "-o", "json"]);
    assert!(planned.stdout.contains(note), "{}", planned.stdout);
    project.succeed(["run", "-q"]);
    let warnings = project.json("run.json")["warnings"].to_string();
    assert!(warnings.contains(note), "{warnings}");

    // From then on it is a column of the destination as any other.
    project.succeed(["run", "-q"]);
    let warnings = project.json("run.json")["warnings"].to_string();
    assert!(!warnings.contains(note), "{warnings}");
}

#[test]
fn a_column_may_be_lost_by_word_of_the_user_for_one_run() {
    let project = changed("customer", "    customer");
    project.succeed(["check", "--record-destination"]);
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());

    project.succeed(["run", "-q", "--allow-lost-columns"]);

    let warnings = project.json("run.json")["warnings"].to_string();
    assert!(warnings.contains("it was allowed to be lost"), "{warnings}");
    let rows = "select customer, amount from warehouse.totals_latest order by 1";
    let outcome = project.run(["query", rows, "-o", "csv"]);
    assert_eq!(outcome.code, Some(2), "no load has the column any more");
}

/// The word holds for what was recorded as well, which else `check` would insist on.
#[test]
fn a_column_that_was_recorded_may_be_lost_as_well() {
    let project = Project::orders();
    project.succeed(["check", "--record-destination"]);
    project.edit(
        "sql/totals.sql",
        "    customer,\n    sum(amount) as amount",
        "    customer",
    );
    assert_eq!(project.run(["run", "-q"]).code, Some(2));
    project.succeed(["run", "-q", "--allow-lost-columns"]);
}

#[test]
fn another_type_is_not_made_good_by_allowing_lost_columns() {
    let project = changed(
        "customer",
        "    customer, cast(sum(amount) as double) as amount",
    );
    let outcome = project.run(["run", "-q", "--allow-lost-columns"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
}

/// What was asked for when the run began holds when it goes on, though the SQL may be another by then.
#[test]
fn a_resumed_run_is_asked_again_unless_its_load_has_begun() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.succeed(["run", "-q", "--until", "extract"]);
    project.edit(
        "sql/totals.sql",
        "    customer,\n    sum(amount) as amount",
        "    customer",
    );
    let outcome = project.run(["run", "-q", "--resume"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    project.succeed([
        "run",
        "-q",
        "--fresh",
        "--allow-lost-columns",
        "--until",
        "extract",
    ]);
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(project.json("step4_load_receipt.json")["load_number"], 2);
}

#[test]
fn a_run_that_loads_nothing_asks_the_destination_nothing() {
    let project = changed("customer", "    customer");
    project.write(
        "sql/customers.sql",
        "/* dfpipe\nversion: 1\ndescription: For a test.\nallow: {unused: It is for a test.}\n*/\n\
         select distinct customer from orders\n",
    );
    project.succeed(["run", "-q", "-s", "customers"]);
}
