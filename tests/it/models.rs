//! What a model may be: `check` refuses whatever a run would stumble over.

use serde_json::json;

use crate::support::project::Project;

/// The front matter of a model with `lines` in it, and a select behind it.
fn model(lines: &str, select: &str) -> String {
    format!("/* dfpipe\nversion: 1\n{lines}*/\n{select}\n")
}

/// What `check` says of the orders with `text` as the model `sql/more.sql`.
#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let project = Project::orders();
    project.write("sql/more.sql", text);
    refuses(&project, expected);
}

#[track_caller]
fn refuses(project: &Project, expected: &[&str]) {
    let outcome = project.run(["check"]);
    let screen = outcome.screen();
    assert_eq!(outcome.code, Some(2), "{screen}");
    for part in expected {
        assert!(screen.contains(part), "`{part}` is not in\n{screen}");
    }
}

#[test]
fn two_models_cannot_be_saved_under_one_name() {
    let text = model("save_as: totals.parquet\n", "select customer from orders");
    refused(
        &text,
        &["both saved as `totals.parquet`", "sql/totals.sql:5:10"],
    );
}

#[test]
fn a_copy_cannot_leave_the_runs_folder_or_take_the_place_of_its_files() {
    for name in [
        "/tmp/x.parquet",
        "../../evil.json",
        "sub/x.parquet",
        "journal.ndjson",
        "run.json",
        "dead_letters.parquet",
        "x.csv",
    ] {
        let text = model(&format!("save_as: {name}\n"), "select customer from orders");
        refused(&text, &[name, "sql/more.sql:3:10"]);
    }
}

#[test]
fn a_check_that_cannot_be_answered_is_shown_before_anything_is_read() {
    let select = "select order_id, customer, date '2026-01-01' as day from orders";
    for check in [
        "between: {column: day, min: 0, max: 1}",
        "one_of: {column: order_id, values: [many]}",
        "one_of: {column: order_id, values: []}",
        "unique: []",
        "not_null: []",
        "severity: warn",
    ] {
        let text = model(
            &format!("checks:\n  - not_null: [day]\n  - {check}\n"),
            select,
        );
        refused(&text, &["this check", "sql/more.sql:5:5"]);
    }
}

#[test]
fn a_column_called_rows_can_be_unique() {
    let project = Project::orders();
    project.write(
        "sql/more.sql",
        model(
            "checks:\n  - unique: [rows]\n",
            "select order_id as rows from orders",
        ),
    );
    project.succeed(["run", "-q"]);
}

#[test]
fn two_columns_of_one_name_are_shown_where_the_second_is() {
    let text = model(
        "key: [customer]\n",
        "select a.customer, b.customer from orders as a join orders as b on a.order_id = b.order_id",
    );
    refused(&text, &["two columns `customer`", "sql/more.sql:5:20"]);
}

#[test]
fn a_column_that_no_file_can_hold_is_shown_with_its_type() {
    let text = model("", "select interval '1 month' as pause from orders");
    refused(
        &text,
        &["column `pause` cannot be stored", "sql/more.sql:4:"],
    );
}

#[test]
fn a_loaded_model_cannot_have_a_column_that_every_load_adds() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "sum(amount) as amount",
        "sum(amount) as run_date",
    );
    refuses(
        &project,
        &["a column `run_date` of its own", "sql/totals.sql:9:"],
    );
}

#[test]
fn the_report_must_find_what_it_reads() {
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "destination:",
        "report: {summary: totals}\ndestination:",
    );
    refuses(
        &project,
        &["the report needs a column `metric` of `totals`"],
    );

    let text = model(
        "save_as: rejects.parquet\n",
        "select customer as source from orders",
    );
    refused(&text, &["the report needs a column `reason` of `more`"]);
}

#[test]
fn a_file_is_called_like_a_table() {
    for (file, better) in [
        ("a.b.sql", "`a_b.sql`"),
        ("Upper.sql", "`upper.sql`"),
        ("My Model.sql", "`my_model.sql`"),
        ("1x.sql", "`_1x.sql`"),
    ] {
        let project = Project::orders();
        project.write(
            &format!("sql/{file}"),
            model("", "select customer from orders"),
        );
        refuses(&project, &[file, better]);
    }
}

#[test]
fn what_editors_leave_behind_is_no_model_and_a_byte_order_mark_is_no_sql() {
    let project = Project::orders();
    project.write("sql/.#totals.sql", "half a mod");
    project.write("sql/.git/old.sql", "half a mod");
    let text = project.read("sql/totals.sql");
    project.write("sql/totals.sql", format!("\u{feff}{text}"));
    project.succeed(["check"]);
}

#[test]
fn a_model_may_be_called_like_a_word_of_sql() {
    let project = Project::orders();
    project.write(
        "sql/select.sql",
        model(
            "key: [order]\nsave_as: select.json\nchecks:\n  - not_null: [order]\n",
            "select order_id as \"order\" from orders",
        ),
    );
    project.succeed(["run", "-q"]);
    let decisions = &project.json("select.json")["decisions"];
    assert_eq!(decisions[0], json!({"order": 1}));
}

#[test]
fn a_condition_of_two_thousand_terms_is_no_stack_overflow() {
    let project = Project::orders();
    let terms: Vec<_> = (0..2000).map(|n| format!("order_id <> -{n}")).collect();
    project.write(
        "sql/more.sql",
        model(
            "",
            &format!("select * from orders where {}", terms.join("\nand ")),
        ),
    );
    project.succeed(["run", "-q"]);
    assert_eq!(project.rows("models/more.parquet").len(), 3);
}

#[test]
fn amounts_beyond_all_sense_are_refused_and_the_rest_is_loaded() {
    let project = Project::customers();
    let events: Vec<_> = (0..5)
        .map(|n| {
            json!({
                "event_id": format!("absurd-{n}"),
                "customer_id": "CUS-00052",
                "event_type": "purchase_completed",
                "occurred_at": "2026-11-12T10:00:00Z",
                "properties": {"amount": 9_999_999_999_999_999_u64, "currency": "EUR"},
            })
            .to_string()
        })
        .collect();
    project.write("fixtures/events/part-absurd.ndjson", events.join("\n"));

    let customer = json!({
        "customer_id": "absurd",
        "lifetime_value": 9_999_999_999_999_999_u64,
        "updated_at": "2026-11-12T10:00:00Z",
    });
    let page = json!({"data": [customer]}).to_string();
    project.write("fixtures/crm/page-absurd.json", page);

    project.succeed(["run", "-q"]);

    let rejects = project.rows("rejects.parquet");
    let refused = |reason| rejects.iter().filter(move |row| row["reason"] == reason);
    assert_eq!(refused("impossible_amount").count(), 5);
    assert_eq!(refused("impossible_lifetime_value").count(), 1);
    let customers = project.rows("models/rejected_customers.parquet");
    let absurd = customers.iter().find(|row| row["customer_id"] == "absurd");
    let absurd = absurd.expect("the customer is accounted for");
    assert_eq!(absurd["reason"], "impossible_lifetime_value");
}
