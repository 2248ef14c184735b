//! What must hold of an extract is looked at before any model is built, and what its records lack is told.

use crate::support::{
    orders_api::{ONE_BY_ONE, numbered, project},
    pages::Pages,
    project::Project,
};

fn with_checks(checks: &str) -> Project {
    let project = Project::orders();
    let from = "    from: {kind: files, path: data/*.csv}";
    project.edit("dfpipe.yml", from, &format!("    checks:\n{checks}{from}"));
    project
}

#[test]
fn too_few_records_stop_a_run_before_any_model_is_built() {
    let project = with_checks("      - {row_count: {min: 100}, hint: Ask the owner.}\n");
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("`orders.row_count(min 100)`"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("Ask the owner."),
        "{}",
        outcome.stderr
    );
    let run = project.unfinished().pop().expect("the run did not finish");
    assert!(!run.join("models/totals.parquet").exists());
    assert_eq!(
        project.unfinished_json("run.json")["failure"]["step"],
        "extract"
    );
}

#[test]
fn what_only_warns_is_told_with_its_rows_and_the_checks_of_models_beside_it() {
    let project = with_checks(
        "      - {unique: [customer], severity: warn}\n      - {null_share: {column: amount, max: 0}}\n",
    );
    project.edit(
        "sql/totals.sql",
        "key: [customer]\n",
        "key: [customer]\nchecks:\n  - not_null: [customer]\n",
    );
    let outcome = project.succeed(["run"]);
    assert!(
        outcome
            .stdout
            .contains("warning: orders.unique(customer) (1 row against it)"),
        "{}",
        outcome.stdout
    );
    let checks = project.json("run.json")["checks"].clone();
    let names: Vec<_> = checks
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["name"].as_str())
        .collect();
    let expected = [
        "orders.unique(customer)",
        "orders.null_share(amount, 0)",
        "totals.not_null(customer)",
    ];
    assert_eq!(names, expected.map(Some));
    let rows = project.succeed([
        "query",
        "-o",
        "csv",
        "select customer from check_orders_unique_customer",
    ]);
    assert_eq!(rows.stdout, "customer\nada\n");
}

#[test]
fn a_field_that_no_record_delivers_breaks_its_share_of_nulls() {
    let project = with_checks("      - {null_share: {column: amount, max: 0.5}}\n");
    project.write(
        "data/orders.csv",
        "order_id,customer,amount\n1,ada,\n2,bob,\n",
    );
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("`orders.null_share(amount, 0.5)`"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn records_outside_the_window_are_against_in_window() {
    let project = with_checks("      - {in_window: ordered_at, max_bad_rows: 1}\n");
    project.edit(
        "dfpipe.yml",
        "customer: {type: text}",
        "customer: {type: text}\n      ordered_at: {type: timestamp}",
    );
    let orders = |times: [&str; 3]| {
        let rows = times
            .iter()
            .enumerate()
            .map(|(number, time)| format!("{number},ada,1,{time}\n"));
        format!(
            "order_id,customer,amount,ordered_at\n{}",
            rows.collect::<String>()
        )
    };
    let inside = "2026-11-08T00:00:00Z";
    project.write(
        "data/orders.csv",
        orders([inside, "", "2026-11-15T00:00:00Z"]),
    );
    project.succeed(["run", "-q"]);
    project.write(
        "data/orders.csv",
        orders([inside, "2026-11-07T23:59:59Z", "2026-11-15T00:00:00Z"]),
    );
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    assert!(
        outcome
            .stderr
            .contains("`orders.in_window(ordered_at)` found 2 bad rows, of which 1 may be"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_check_that_cannot_be_is_refused_at_its_line_and_all_are_told_at_once() {
    let project = with_checks(
        "      - {unique: [custmer]}\n      - {row_count: {min: 2, max: 1}}\n      - {refers_to: {columns: [customer], model: totals}}\n",
    );
    let outcome = project.run(["check"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
    for said in [
        "`orders` has no column `custmer`",
        "did you mean `customer`?",
        "can never hold",
        "cannot look at other tables",
        "dfpipe.yml:14",
        "dfpipe.yml:15",
    ] {
        assert!(
            outcome.stderr.contains(said),
            "{said}\n{}",
            outcome.screen()
        );
    }
}

#[test]
fn a_check_of_a_source_that_has_the_wrong_type_is_found_without_data() {
    let project = with_checks("      - {in_window: amount}\n");
    let outcome = project.run(["check"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("this check cannot be answered"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn fields_that_records_lack_are_counted_by_name_and_one_that_none_has_is_a_warning() {
    let api = Pages::serve(|wanted| numbered(wanted, 6));
    let project = project(&api, ONE_BY_ONE);
    let column = "customer: {type: text}";
    let more = format!("{column}\n      note: {{type: text}}");
    project.edit("dfpipe.yml", column, &more);
    let outcome = project.succeed(["run"]);
    assert!(
        outcome.stderr.contains("without amount: 1 record\n"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome
            .stdout
            .contains("Records without a field\n  orders: amount  1\n  orders: note    6\n"),
        "{}",
        outcome.stdout
    );
    let warning = "warning: no record of `orders` has the field `note`";
    assert!(outcome.stdout.contains(warning), "{}", outcome.stdout);
    assert_eq!(outcome.stdout.matches("no record of").count(), 1);
    let missing = project.json("run.json")["sources"][0]["missing"].clone();
    assert_eq!(missing, serde_json::json!({"amount": 1, "note": 6}));
}
