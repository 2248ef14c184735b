//! What stays of a check that failed: an exact count, the first bad rows as a table, and no load.

use std::path::Path;

use insta::assert_snapshot;

use crate::support::{
    artefacts,
    project::{Outcome, Project},
};

/// The orders with so many of them, all without a customer, and a model that says there are none of these.
fn many(count: usize, check: &str) -> Project {
    let project = Project::orders();
    let rows: Vec<_> = (1..=count).rev().map(|n| format!("{n},,1.00\n")).collect();
    let text = format!("order_id,customer,amount\n{}", rows.concat());
    project.write("data/orders.csv", text);
    let model = format!(
        "/* dfpipe\nversion: 1\nkey: [order_id]\nchecks:\n  - {check}\n*/\n\
         select amount, order_id, nullif(trim(customer), '') as customer from orders\n"
    );
    project.write("sql/more.sql", model);
    project
}

#[test]
fn the_first_thousand_bad_rows_by_the_models_key_are_kept_and_all_are_counted() {
    let project = many(2345, "not_null: [customer]");

    let outcome = project.run(["run", "-q"]);

    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    let record = project.unfinished_json("run.json");
    let check = &record["checks"][0];
    assert_eq!(check["bad_rows"], 2345);
    let kept = &check["rows_kept"];
    assert_eq!(kept["table"], "check_more_not_null_customer");
    assert_eq!(kept["path"], "checks/more_not_null_customer.parquet");
    assert_eq!(kept["file"]["rows"], 1000);

    let run = project.unfinished().pop().expect("a run did not finish");
    let file = run.join("checks/more_not_null_customer.parquet");
    assert_eq!(kept["file"]["sha256"], artefacts::sha256(&file).as_str());
    let rows = artefacts::rows(&file);
    let numbers: Vec<_> = rows
        .iter()
        .filter_map(|row| row["order_id"].as_i64())
        .collect();
    assert_eq!(numbers, (1..=1000).collect::<Vec<_>>());

    let run_id = record["run_id"].as_str().expect("a run has a name");
    let query = "select count(*) as n, max(order_id) as last from check_more_not_null_customer";
    let answer = project.succeed(["query", "--run", run_id, "-o", "csv", query]);
    assert_eq!(answer.stdout, "n,last\n1000,1000\n");
    assert!(!project.path(".dfpipe/warehouse").exists());
}

#[cfg(unix)]
#[test]
fn bad_rows_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let project = many(3, "{not_null: [customer], severity: warn}");
    project.succeed(["run", "-q"]);
    let file = project
        .last_run()
        .join("checks/more_not_null_customer.parquet");
    let mode = fs_err::metadata(file)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_failed_check_stops_the_load_and_says_where_its_rows_are() {
    let project = many(2, "not_null: [customer]\n    hint: Ask the shop.");
    project.write(
        "sql/checks/orders_are_dear.sql",
        "/* dfpipe\ndescription: Orders are dear.\nseverity: warn\n*/\n\
         select order_id from more where amount < 10\n",
    );
    assert_snapshot!(project.run(["run"]).screen(), @r#"
    exit code: 1
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
      orders          2 rows  [time]
    transform
      more            2 rows  [time]
      totals          1 row  [time]
    checks
      0 of 2 passed, 1 to look at, 1 against the load
    orders 2026-11-15 failed in transform
    Nothing was loaded: the destination is as it was before.
    What it has done is kept, with report.html, in [project]/.dfpipe/work/[run]
    Go on with: dfpipe run --resume [run]
    error: the check `more.not_null(customer)` found 2 bad rows
    cause: expected: `customer` is never null.
    found, for example: {"amount":1.00,"order_id":1}

    hint: Ask the shop.
    see them: dfpipe query --run [run] "select * from check_more_not_null_customer"
    "#);
    // The other check was asked all the same.
    let checks = &project.unfinished_json("run.json")["checks"];
    assert_eq!(checks[1]["bad_rows"], 2);
}

#[test]
fn a_run_whose_checks_hold_keeps_no_rows() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    assert!(!project.last_run().join("checks").exists());
}

/// A run that goes on asks again: what an earlier attempt kept says nothing any more.
#[test]
fn rows_of_an_earlier_attempt_do_not_stay() {
    let project = many(2, "not_null: [customer]");
    assert_eq!(project.run(["run", "-q"]).code, Some(1));
    project.edit(
        "sql/more.sql",
        "not_null: [customer]",
        "not_null: [order_id]",
    );
    project.succeed(["run", "-q", "--resume"]);
    assert!(!project.last_run().join("checks").exists());
}

#[test]
fn a_check_that_fails_on_the_data_hides_no_other() {
    let project = many(
        2,
        "not_null: [customer]\n  - between: {column: text, min: 0, max: 1}",
    );
    project.edit(
        "sql/more.sql",
        "select amount",
        "select 'many' as text, amount",
    );
    project.edit(
        "sql/more.sql",
        "not_null",
        "not_null: [order_id]\n  - not_null",
    );
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    for part in [
        "`more.not_null(customer)` found 2 bad rows",
        "fails on this data",
    ] {
        assert!(outcome.stderr.contains(part), "{}", outcome.stderr);
    }
    let checks = &project.unfinished_json("run.json")["checks"];
    assert_eq!(checks[0]["bad_rows"], 0);
    assert_eq!(checks[1]["bad_rows"], 2);
}

/// Two checks of one name, and a model that is called like a table of bad rows.
#[test]
fn tables_of_bad_rows_have_names_of_their_own() {
    let project = many(
        2,
        "{not_null: [customer], severity: warn}\n  - {not_null: [customer], severity: warn, hint: Look.}",
    );
    project.write(
        "sql/check_more_not_null_customer.sql",
        "/* dfpipe\nversion: 1\n*/\nselect 'a model' as what\n",
    );
    project.succeed(["run", "-q"]);
    let query = |statement: &str| project.succeed(["query", "-o", "csv", statement]).stdout;
    let model = query("select * from check_more_not_null_customer");
    assert_eq!(model, "what\na model\n");
    for table in [
        "check_more_not_null_customer_2",
        "check_more_not_null_customer_3",
    ] {
        let count = query(&format!("select count(*) as n from {table}"));
        assert_eq!(count, "n\n2\n");
    }
}

/// A check of the front matter that names other models is a check of the project: it must be asked.
#[test]
fn a_selection_without_what_a_front_matter_refers_to_is_not_loaded() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "save_as",
        "checks:\n  - refers_to: {columns: [customer], model: known}\nsave_as",
    );
    project.write(
        "sql/known.sql",
        "/* dfpipe\nversion: 1\n*/\nselect distinct customer from orders\n",
    );
    let partial = project.succeed(["run", "-q", "-s", "+totals"]);
    assert!(
        partial.stdout.contains("nothing: not all models"),
        "{}",
        partial.stdout
    );
    assert!(!project.path(".dfpipe/warehouse").exists());
    let whole = project.succeed(["run", "-q", "-s", "+totals known"]);
    assert!(
        whole.stdout.contains("load 1 of 2026-11-15"),
        "{}",
        whole.stdout
    );
}

#[test]
fn a_check_file_whose_rows_no_file_can_hold_is_refused_before_the_run() {
    let project = Project::orders();
    project.write(
        "sql/checks/twins.sql",
        "/* dfpipe\ndescription: None.\n*/\nselect a.customer, b.customer from totals as a cross join totals as b\n",
    );
    let outcome = project.run(["check"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("two columns `customer`"),
        "{}",
        outcome.stderr
    );
}

/// Orders with a phone number and an address of the net, and a model of them that is not loaded.
fn people(check: &str) -> Project {
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "      amount:   {type: \"decimal(18,2)\"}",
        "      amount:   {type: \"decimal(18,2)\"}\n      phone: {type: text, pii: phone}\n      ip: {type: text, pii: ip}",
    );
    project.write(
        "data/orders.csv",
        "order_id,customer,amount,phone,ip\n1,ada,1.00,0170-555,10.9.8.7\n2,bob,2.00,0170-555,\n",
    );
    project.write(
        "sql/callers.sql",
        "/* dfpipe\nversion: 1\nkey: [order_id]\n*/\n\
         select order_id, substr(phone, 2) as number, coalesce(ip, phone) as reached_by, ip from orders\n",
    );
    let model = format!(
        "/* dfpipe\nversion: 1\nkey: [order_id]\nchecks:\n  - {check}\n*/\nselect * from callers\n"
    );
    project.write("sql/people.sql", model);
    project
}

/// What people look at: both screens, and all reports and records of the run that `folder` holds.
fn shown(outcome: &Outcome, folder: &Path) -> String {
    let files = ["report.md", "report.html", "run.json", "journal.ndjson"];
    let files = files.map(|file| fs_err::read_to_string(folder.join(file)).expect("it is there"));
    format!("{}{}{}", outcome.stdout, outcome.stderr, files.concat())
}

/// Personal data that a model passes on is masked wherever bad rows are quoted; the rows themselves stay, for the
/// owner of the run, as the extract does that they come from.
#[test]
fn bad_rows_are_quoted_without_personal_data() {
    for (check, quoted) in [
        (
            "matches: {column: number, pattern: x}",
            r#"{"order_id":1,"number":"[phone]","reached_by":"[ip]","ip":"[ip]"}"#,
        ),
        ("unique: [number]", r#"{"number":"[phone]","rows":2}"#),
        (
            "distribution: {column: number, max_share: 0.5}",
            r#"{"number":"[phone]","rows":2,"share":1.0}"#,
        ),
        (
            "refers_to: {columns: [number], model: totals, to: [customer]}",
            r#"{"order_id":2,"number":"[phone]","reached_by":"[ip]"}"#,
        ),
        (
            "accounts_for: {keys: [number], from: [{table: people}], exactly_one_of: [{table: totals, columns: [customer]}]}",
            r#""number":"[phone]""#,
        ),
    ] {
        let project = people(&format!("{check}\n    severity: warn"));
        let outcome = project.succeed(["run"]);
        let text = shown(&outcome, &project.last_run());
        for secret in ["170-555", "10.9.8.7"] {
            assert!(!text.contains(secret), "{check} shows {secret}");
        }
        let record = project.json("run.json");
        let checks = record["checks"].as_array().expect("checks are recorded");
        let examples = checks
            .iter()
            .filter_map(|check| check["examples"].as_array());
        let examples: Vec<_> = examples.flatten().filter_map(|one| one.as_str()).collect();
        assert!(
            examples.iter().any(|one| one.contains(quoted)),
            "{check}: {examples:?}"
        );
        let kept = checks
            .iter()
            .filter_map(|check| check["rows_kept"]["path"].as_str());
        let rows: Vec<_> = kept
            .map(|path| artefacts::rows(&project.last_run().join(path)))
            .collect();
        assert!(format!("{rows:?}").contains("170-555"), "{check}: {rows:?}");
    }
}

#[test]
fn a_check_that_stops_the_load_quotes_no_personal_data_either() {
    let project = people("matches: {column: number, pattern: x}");
    let outcome = project.run(["run"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    let folder = project.unfinished().pop().expect("a run did not finish");
    let text = shown(&outcome, &folder);
    assert!(
        !text.contains("170-555") && !text.contains("10.9.8.7"),
        "{text}"
    );
    assert!(
        outcome.stderr.contains(r#""number":"[phone]""#),
        "{}",
        outcome.screen()
    );
}

#[test]
fn reports_say_where_bad_rows_are_kept() {
    let project = many(1200, "{not_null: [customer], severity: warn}");
    let outcome = project.succeed(["run"]);
    let command = format!(
        "dfpipe query --run {} \"select * from check_more_not_null_customer\"",
        project.json("run.json")["run_id"]
            .as_str()
            .expect("a run has a name")
    );
    assert!(
        outcome.stdout.contains(&format!("see them: {command}")),
        "{}",
        outcome.stdout
    );
    let report = |name: &str| {
        fs_err::read_to_string(project.last_run().join(name)).expect("a report was written")
    };
    let place = "The first 1,000 of them lie in the run's folder, in ";
    let markdown = report("report.md");
    assert!(
        markdown.contains(&command) && markdown.contains(place),
        "{markdown}"
    );
    assert!(
        markdown.contains("`checks/more_not_null_customer.parquet`"),
        "{markdown}"
    );
    let page = report("report.html");
    let place = place.trim_end().replace('\'', "&#39;");
    assert!(page.contains(&place) && page.contains("check_more_not_null_customer"));
    let dry = project.succeed(["run", "--dry-run"]);
    assert!(
        !dry.stdout.contains("see them"),
        "a dry run keeps nothing: {}",
        dry.stdout
    );
}

#[test]
fn reports_say_which_models_may_give_other_bytes_and_why() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "save_as",
        "allow: {float_aggregates: The third digit does not matter.}\nsave_as",
    );
    project.edit(
        "sql/totals.sql",
        "sum(amount) as amount",
        "round(stddev(amount), 2) as amount",
    );
    project.succeed(["run", "-q"]);
    let report = fs_err::read_to_string(project.last_run().join("report.md"));
    let report = report.expect("a report was written");
    assert!(
        report.contains("Exception of totals (float_aggregates)"),
        "{report}"
    );
    assert!(
        report.contains("The third digit does not matter."),
        "{report}"
    );
}
