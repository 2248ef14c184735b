//! What each check of a front matter finds: a table of rows that pass and rows that fail.

use serde_json::Value;

use crate::support::project::Project;

/// A model of its own for each case: its check, its select, and how many bad rows there are.
type Case<'a> = (&'a str, &'a str, u64);

/// The orders with a model `case_<n>` for each of `cases`, whose checks only warn.
fn with_cases(cases: &[Case<'_>]) -> Project {
    let project = Project::orders();
    for (number, (check, select, _)) in cases.iter().enumerate() {
        project.write(&format!("sql/case_{number}.sql"), model(check, select));
    }
    project
}

fn model(check: &str, select: &str) -> String {
    format!("/* dfpipe\nversion: 1\nchecks:\n  - {check}\n    severity: warn\n*/\n{select}\n")
}

/// What the last run found, case by case.
#[track_caller]
fn finds(project: &Project, cases: &[Case<'_>]) {
    let record = project.json("run.json");
    let checks = record["checks"].as_array().expect("checks are recorded");
    for (number, (check, select, expected)) in cases.iter().enumerate() {
        let of_case = |one: &&Value| {
            let name = one["name"].as_str().unwrap_or_default();
            name.starts_with(&format!("case_{number}."))
        };
        let found: Vec<_> = checks.iter().filter(of_case).collect();
        let [found] = found.as_slice() else {
            panic!("{} checks of {check}", found.len());
        };
        assert_eq!(found["bad_rows"], *expected, "{check}\n{select}\n{found}");
        assert_eq!(found["severity"], "warn", "{check}");
        let is_kept = !found["rows_kept"].is_null();
        let is_failed = found["bad_rows"].as_u64() > found["allowed"].as_u64();
        assert_eq!(is_kept, is_failed, "{found}");
    }
}

#[track_caller]
fn all_hold(cases: &[Case<'_>]) {
    let project = with_cases(cases);
    project.succeed(["run", "-q"]);
    finds(&project, cases);
}

/// A null is no value: it is for `not_null` alone.
#[test]
fn rows_are_judged_one_by_one_and_a_null_is_no_value() {
    all_hold(&[
        (
            "not_null: [a]",
            "select * from (values (1), (null), (3)) as t(a)",
            1,
        ),
        ("not_null: [a]", "select 1 as a", 0),
        (
            "between: {column: a, min: 0, max: 100}",
            "select * from (values (-0.5), (0.0), (100.0), (100.1), (null)) as t(a)",
            2,
        ),
        (
            "between: {column: a, min: 0, max: 1}",
            "select cast('NaN' as double) as a",
            1,
        ),
        (
            "one_of: {column: a, values: [x, \"it's\"]}",
            "select * from (values ('x'), ('it''s'), ('X'), (null)) as t(a)",
            1,
        ),
        (
            "matches: {column: a, pattern: '^[A-Z]{3}-\\d+$'}",
            "select * from (values ('CUS-1'), ('CUS-'), (' CUS-1'), (''), (null)) as t(a)",
            3,
        ),
        (
            "matches: {column: a, pattern: \"it's\"}",
            "select * from (values ('so it''s here'), ('its')) as t(a)",
            1,
        ),
        (
            "refers_to: {columns: [customer], model: totals}",
            "select * from (values ('ada'), ('eve'), ('eve'), (null)) as t(customer)",
            2,
        ),
        (
            "refers_to: {columns: [who, what], model: orders, to: [customer, order_id]}",
            "select * from (values ('ada', 1), ('ada', 2), ('ada', null), (null, 9)) as t(who, what)",
            1,
        ),
    ]);
}

#[test]
fn a_table_is_judged_as_a_whole() {
    let some = "select * from (values (1, 'x'), (2, 'x'), (3, 'x'), (4, null)) as t(a, b)";
    let none = "select 1 as a, 'x' as b where false";
    all_hold(&[
        ("unique: [a]", some, 0),
        ("unique: [b]", some, 1),
        (
            "unique: [a, b]",
            "select * from (values (1, null), (1, null), (1, 'x'), (1, 'x'), (1, 'x')) as t(a, b)",
            2,
        ),
        ("row_count: {min: 4, max: 4}", some, 0),
        ("row_count: {min: 5}", some, 1),
        ("row_count: {max: 3}", some, 1),
        ("row_count: {min: 1}", none, 1),
        ("row_count: {min_share_of_last: 0.5}", some, 0),
        ("null_share: {column: b, max: 0.25}", some, 0),
        ("null_share: {column: b, max: 0.24}", some, 1),
        ("null_share: {column: a, max: 0}", some, 0),
        ("null_share: {column: b, max: 0}", none, 0),
        (
            "null_share: {column: b, max: 0.29}",
            "select case when value > 29 then 1 end as b from generate_series(1, 100)",
            0,
        ),
        ("distribution: {column: b, max_share: 0.99}", some, 1),
        ("distribution: {column: b, max_share: 1}", some, 0),
        (
            "distribution: {column: a, max_share: 0.25, min_share: 0.25}",
            some,
            0,
        ),
        (
            "distribution: {column: a, max_share: 0.2, min_share: 0.2}",
            some,
            4,
        ),
        ("distribution: {column: a, min_share: 0.26}", some, 4),
        ("distribution: {column: b, max_share: 0.5}", none, 0),
        (
            "distribution: {column: rows, max_share: 0.5}",
            "select 1 as rows",
            1,
        ),
    ]);
}

/// The moment that is looked from is the start of 2026-11-15.
#[test]
fn the_newest_value_is_compared_with_the_moment_of_the_run() {
    let check = "freshness: {column: at, max_age_days: 2}";
    all_hold(&[
        (check, "select timestamp '2026-11-13T00:00:00' as at", 0),
        (check, "select timestamp '2026-11-12T23:59:59' as at", 1),
        (
            check,
            "select * from (values (date '2026-11-13'), (date '2026-01-01'), (null)) as t(at)",
            0,
        ),
        (check, "select date '2026-11-12' as at", 1),
        (
            check,
            "select arrow_cast('2026-11-14T12:00:00Z', 'Timestamp(Nanosecond, Some(\"UTC\"))') as at",
            0,
        ),
        // What lies ahead proves nothing.
        (
            check,
            "select * from (values (date '2026-11-01'), (date '2027-01-01')) as t(at)",
            1,
        ),
        (check, "select cast(null as timestamp) as at", 1),
        (check, "select date '2026-11-14' as at where false", 1),
    ]);
}

#[test]
fn some_rows_may_be_bad_where_a_check_says_how_many() {
    let rows = "select case when value > 29 then 1 end as a from generate_series(1, 100)";
    let cases = [
        (
            "{not_null: [a], max_bad_rows: 29, severity: warn}",
            29,
            true,
        ),
        (
            "{not_null: [a], max_bad_rows: 28, severity: warn}",
            28,
            false,
        ),
        (
            "{not_null: [a], max_bad_share: 0.29, severity: warn}",
            29,
            true,
        ),
        (
            "{not_null: [a], max_bad_share: 0.28, severity: warn}",
            28,
            false,
        ),
        (
            "{not_null: [a], max_bad_share: 1, max_bad_rows: 5, severity: warn}",
            5,
            false,
        ),
        (
            "{not_null: [a], max_bad_share: 0.01, max_bad_rows: 50, severity: warn}",
            1,
            false,
        ),
    ];
    let project = Project::orders();
    for (number, (check, ..)) in cases.iter().enumerate() {
        let text = format!("/* dfpipe\nversion: 1\nchecks:\n  - {check}\n*/\n{rows}\n");
        project.write(&format!("sql/case_{number}.sql"), text);
    }
    project.succeed(["run", "-q"]);
    let record = project.json("run.json");
    for (number, (check, allowed, passes)) in cases.iter().enumerate() {
        let found = &record["checks"][number];
        assert_eq!(found["bad_rows"], 29, "{check}");
        assert_eq!(found["allowed"], *allowed, "{check}");
        assert_eq!(found["rows_kept"].is_null(), *passes, "{check}");
    }
}

#[test]
fn rows_are_compared_with_those_of_the_last_successful_run() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "save_as",
        "checks:\n  - row_count: {min_share_of_last: 0.5, max_share_of_last: 2}\nsave_as",
    );
    let customers = |count: usize| {
        let rows: Vec<_> = (1..=count).map(|n| format!("{n},c{n},1.00\n")).collect();
        project.write(
            "data/orders.csv",
            format!("order_id,customer,amount\n{}", rows.concat()),
        );
    };
    let runs = [
        (10, Some(0)),
        (20, Some(0)),
        (41, Some(1)),
        (10, Some(0)),
        (4, Some(1)),
        (5, Some(0)),
    ];
    for (count, code) in runs {
        customers(count);
        let outcome = project.run(["run", "-q", "--fresh"]);
        assert_eq!(outcome.code, code, "{count}: {}", outcome.screen());
    }
    customers(4);
    let outcome = project.run(["run", "-q"]);
    assert!(outcome.code == Some(0), "{}", outcome.screen());
    customers(100);
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(1));
    let row = r#"found, for example: {"rows":100,"last_rows":4}"#;
    assert!(outcome.stderr.contains(row), "{}", outcome.stderr);
}

/// Keys that were seen, and where they are.
fn accounts(project: &Project, here: &str, there: &str, check: &str) {
    let values = |values: &str| {
        format!("/* dfpipe\nversion: 1\n*/\nselect * from (values {values}) as t(id)\n")
    };
    project.write(
        "sql/seen.sql",
        values("('a'), ('b'), ('b'), ('c'), (''), (null)"),
    );
    project.write("sql/here.sql", values(here));
    let there = values(there).replace("*/", &format!("checks:\n  - accounts_for: {check}\n*/"));
    project.write("sql/there.sql", there);
}

const ACCOUNTS: &str = "{keys: [id], from: [{table: seen, where: \"id <> '' -- nobody\"}], \
                        exactly_one_of: [{table: here}, {table: there}]}";

#[test]
fn whoever_was_seen_is_in_exactly_one_place() {
    let project = Project::orders();
    accounts(&project, "('a'), ('b')", "('c'), (null)", ACCOUNTS);
    project.succeed(["run", "-q"]);
}

#[test]
fn whoever_vanished_or_is_doubled_or_invented_is_named() {
    let project = Project::orders();
    accounts(&project, "('a'), ('b'), ('x')", "('b')", ACCOUNTS);
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    let checks = &project.unfinished_json("run.json")["checks"];
    assert_eq!(checks[0]["name"], "there.accounts_for(id)");
    assert_eq!(checks[0]["bad_rows"], 3);
    let examples = [
        r#"{"id":"b","in_sources":true,"found_in":"here, there"}"#,
        r#"{"id":"c","in_sources":true,"found_in":""}"#,
        r#"{"id":"x","in_sources":false,"found_in":"here"}"#,
    ];
    assert_eq!(checks[0]["examples"], serde_json::json!(examples));
}

/// A customer may have two names in the output, and is there once.
#[test]
fn entries_of_one_table_are_one_place_and_keys_may_have_several_columns() {
    let project = Project::orders();
    let check = "{keys: [id, kind], from: [{table: seen}], exactly_one_of: [\
                 {table: here}, {table: here, columns: [other, kind]}]}";
    let write = |name: &str, head: &str, select: &str| {
        let text = format!("/* dfpipe\nversion: 1\n{head}*/\n{select}\n");
        project.write(&format!("sql/{name}.sql"), text);
    };
    let seen = "select * from (values (1, 'x'), (2, 'x'), (1, 'y')) as t(id, kind)";
    write("seen", "", seen);
    let here = "select * from (values (1, 1, 'x'), (1, 2, 'x'), (1, 1, 'y')) as t(id, other, kind)";
    write(
        "here",
        &format!("checks:\n  - accounts_for: {check}\n"),
        here,
    );
    project.succeed(["run", "-q"]);
}

#[test]
fn a_customer_that_a_model_loses_is_missed() {
    let project = Project::customers();
    project.edit(
        "sql/accounting/rejected_customers.sql",
        "from explained",
        "from explained where customer_id not in (select min(customer_id) from explained)",
    );
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    assert!(
        outcome
            .stderr
            .contains("`rejected_customers.accounts_for(customer_id)` found 1 bad row"),
        "{}",
        outcome.stderr
    );
    assert!(!project.path(".dfpipe/warehouse").exists());
}

/// What `check` says of a model `more` with the check `check`.
#[track_caller]
fn refused(check: &str, expected: &[&str]) {
    let project = Project::orders();
    let text = format!(
        "/* dfpipe\nversion: 1\nchecks:\n  - not_null: [day]\n  - {check}\n*/\n\
         select order_id, customer, date '2026-01-01' as day from orders\n"
    );
    project.write("sql/more.sql", text);
    let outcome = project.run(["check"]);
    let screen = outcome.screen();
    assert_eq!(outcome.code, Some(2), "{check}\n{screen}");
    for part in expected.iter().chain(&["sql/more.sql:5:"]) {
        assert!(screen.contains(part), "`{part}` is not in\n{screen}");
    }
}

#[test]
fn a_check_that_makes_no_sense_is_refused_at_its_place_before_anything_is_read() {
    let cases: [(&str, &[&str]); 14] = [
        ("not_nul: [day]", &["did you mean `not_null`?"]),
        (
            "matches: {column: customr, pattern: a}",
            &["did you mean `customer`?"],
        ),
        ("freshness: {column: dya, max_age_days: 1}", &["`dya`"]),
        ("null_share: {column: dya, max: 0.5}", &["`dya`"]),
        ("distribution: {column: dya, max_share: 0.5}", &["`dya`"]),
        (
            "refers_to: {columns: [dya], model: totals, to: [customer]}",
            &["`dya`"],
        ),
        (
            "refers_to: {columns: [customer], model: totls}",
            &["did you mean `totals`?"],
        ),
        (
            "refers_to: {columns: [customer], model: totals, to: [who]}",
            &["cannot be answered", "who"],
        ),
        (
            "accounts_for: {keys: [customer], from: [{table: ordres}], exactly_one_of: [{table: totals}]}",
            &["did you mean `orders`?"],
        ),
        (
            "accounts_for: {keys: [customer], from: [{table: orders, where: amont > 1}], exactly_one_of: [{table: totals}]}",
            &["cannot be answered", "amont"],
        ),
        (
            "freshness: {column: order_id, max_age_days: 1}",
            &["cannot be answered"],
        ),
        (
            "matches: {column: order_id, pattern: a}",
            &["cannot be answered"],
        ),
        (
            "matches: {column: customer, pattern: '(a'}",
            &["unclosed group"],
        ),
        (
            "null_share: {column: day, max: -0.1}",
            &["must lie between 0 and 1"],
        ),
    ];
    for (check, expected) in cases {
        refused(check, expected);
    }
}
