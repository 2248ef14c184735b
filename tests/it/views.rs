//! Models that are views: computed by whoever reads them, and as good as tables to everybody who asks.

use serde_json::json;

use crate::support::project::Project;

/// Orders with a view below their totals.
fn viewed() -> Project {
    let project = Project::orders();
    project.write(
        "sql/large_orders.sql",
        "/* dfpipe\nversion: 1\nmaterialized: view\nkey: [order_id]\n*/\n\
         select order_id, customer, amount from orders where amount > 1\n",
    );
    project.edit("sql/totals.sql", "from orders", "from large_orders");
    project
}

fn answer(project: &Project, sql: &str) -> String {
    project.succeed(["query", "-q", "-o", "csv", sql]).stdout
}

#[test]
fn a_view_has_no_file_and_is_asked_like_a_table() {
    let project = viewed();
    project.succeed(["run", "-q"]);
    let run = project.last_run();
    assert!(run.join("models/totals.parquet").is_file());
    assert!(!run.join("models/large_orders.parquet").exists());
    let model = &project.json("run.json")["models"][0];
    assert_eq!(
        (&model["name"], &model["materialized"]),
        (&json!("large_orders"), &json!("view"))
    );

    let orders = "order_id,customer,amount\n1,ada,12.50\n2,bob,7.00\n";
    assert_eq!(
        answer(&project, "select * from large_orders order by order_id"),
        orders
    );
    // Also of a run that is not the one at hand, whatever the files say by now.
    let name = run.file_name().expect("a run has a name").to_string_lossy();
    project.edit("sql/large_orders.sql", "> 1", "> 10");
    project.succeed(["run", "-q", "--new-load"]);
    let then = format!("select * from model('large_orders', run => '{name}') order by order_id");
    assert_eq!(answer(&project, &then), orders);
    let both = format!(
        "select (select count(*) from large_orders) as now, (select count(*) from model('large_orders', run => '{name}')) as before"
    );
    assert_eq!(answer(&project, &both), "now,before\n1,2\n");
}

#[test]
fn who_reads_a_view_is_made_again_when_its_sql_changes() {
    let project = viewed();
    project.succeed(["run", "-q", "--until", "transform"]);
    project.edit("sql/large_orders.sql", "> 1", "> 10");
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(
        answer(&project, "select * from totals"),
        "customer,amount\nada,12.50\n"
    );
}

#[test]
fn a_view_becomes_a_table_and_a_table_a_view() {
    let project = viewed();
    project.succeed(["run", "-q", "--until", "transform"]);
    project.edit("sql/large_orders.sql", "materialized: view\n", "");
    project.succeed(["run", "-q", "--resume"]);
    assert!(
        project
            .last_run()
            .join("models/large_orders.parquet")
            .is_file()
    );
    assert_eq!(
        answer(&project, "select count(*) as rows from large_orders"),
        "rows\n2\n"
    );
}

#[test]
fn a_run_with_views_is_replayed_and_an_edit_of_one_compared() {
    let project = viewed();
    project.succeed(["run", "-q"]);
    let name = project.last_run();
    let name = name
        .file_name()
        .expect("a run has a name")
        .to_string_lossy()
        .into_owned();
    let replayed = project.succeed(["replay", "-q", &name]).stdout;
    assert!(replayed.contains("all with the same bytes"), "{replayed}");

    project.edit("sql/large_orders.sql", "> 1", "> 10");
    let shown = project.succeed(["diff", "large_orders"]).stdout;
    assert!(
        shown.contains("large_orders") && shown.contains("totals"),
        "{shown}"
    );
    assert!(shown.contains("bob"), "{shown}");
}

#[test]
fn what_is_saved_or_loaded_cannot_be_a_view() {
    let project = viewed();
    project.edit(
        "sql/large_orders.sql",
        "key:",
        "save_as: large.parquet\nkey:",
    );
    let saved = project.run(["check"]);
    assert_eq!(saved.code, Some(2));
    assert!(
        saved.screen().contains("a view has no rows of its own"),
        "{}",
        saved.screen()
    );

    let project = viewed();
    project.edit(
        "sql/totals.sql",
        "save_as: totals.parquet",
        "materialized: view",
    );
    let loaded = project.run(["check"]);
    assert_eq!(loaded.code, Some(2));
    let screen = loaded.screen();
    assert!(
        screen.contains("`totals` is loaded, and so cannot be a view"),
        "{screen}"
    );
    assert!(screen.contains("sql/totals.sql:5:15"), "{screen}");
}
