//! `min_max_scale(x) over ()` and its sisters as an analyst meets them: in a model, in a query, and on
//! a table that is larger than the memory.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::project::Project;

/// In the dev profile, 2 partitions and 64 MB, 2 million such rows of 250 bytes take 120 MB of the
/// machine (100 MB are the binary). With `limit 2000000` behind them they may not be computed twice, so
/// that the window function itself holds them: 1,172 MB, of which the memory limit knows nothing. Plain
/// numbers, 5 million: 111 MB and 259 MB.
#[test]
fn a_table_larger_than_the_memory_limit_is_scaled() {
    let project = with_memory("16MB");
    let question = "
        select count(*) as rows, min(s) as low, max(s) as high, min(z) + max(z) as middle
        from (
            select text, min_max_scale(x) over () as s, z_score(x) over () as z
            from (
                select value as x, repeat('x', 240) || value as text
                from generate_series(1, 200000) as t (value)
            )
        )
        where length(text) > 240";
    let outcome = project.run(["query", question, "-o", "csv"]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 0
    ----- stdout -----
    rows,low,high,middle
    200000,0.0,1.0,0.0
    ");
}

/// Exact quantiles need all numbers of the column. They are counted, so that the machine is safe.
#[test]
fn quantiles_of_more_numbers_than_the_memory_limit_holds_are_refused() {
    let project = with_memory("16MB");
    let question = "
        select max(r) from (
            select robust_scale(x) over () as r from generate_series(1, 3000000) as t (x)
        )";
    let outcome = project.run(["query", question, "-o", "csv"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    assert!(
        outcome
            .stderr
            .contains("does not fit into the memory limit"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_model_may_scale_and_is_checked_before_it_runs() {
    let project = Project::orders();
    project.write("sql/scaled.sql", SCALED);
    project.succeed(["check"]);
    project.succeed(["run", "-q", "-s", "+scaled"]);
    let outcome = project.run([
        "query",
        "select * from scaled order by order_id",
        "-o",
        "csv",
    ]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 0
    ----- stdout -----
    order_id,amount_scaled,amount_capped
    1,1.0,6.5
    2,0.5416666666666666,7.0
    3,0.0,0.5
    ");
}

#[test]
fn a_window_with_an_order_is_refused_by_check() {
    let project = Project::orders();
    project.write(
        "sql/scaled.sql",
        SCALED.replace("over ()", "over (order by order_id)"),
    );
    let outcome = project.run(["check"]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 2
    ----- stderr -----
    error: `min_max_scale` measures against all rows: its window takes no `order by`
     --> sql/scaled.sql:8:5
      |
    8 |     min_max_scale(amount) over (order by order_id) as amount_scaled,
      |     ^^^^^^^^^^^^^
    ");
}

#[test]
fn a_scaling_function_without_a_window_says_what_is_missing() {
    let project = Project::orders();
    project.write("sql/scaled.sql", SCALED.replace(" over ()", ""));
    let outcome = project.run(["check"]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 2
    ----- stderr -----
    error: invalid function 'min_max_scale'
     --> sql/scaled.sql:8:5
      |
    8 |     min_max_scale(amount) as amount_scaled,
      |     ^^^^^^^^^^^^^

    hint: it looks at all rows: write `min_max_scale(...) over ()`
    ");
}

#[test]
fn a_plan_shows_that_no_window_is_left() {
    let project = with_memory("64MB");
    let question = "explain select customer, min_max_scale(amount) over () from orders";
    let plan = project.run(["query", question, "-o", "csv"]);
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    assert!(plan.stdout.contains("min_max_scale_fit"), "{}", plan.stdout);
    assert!(!plan.stdout.contains("WindowAgg"), "{}", plan.stdout);
}

/// What people may write, and not what the engine makes of it.
#[test]
fn show_functions_describes_all_functions_of_dfpipe() {
    let project = with_memory("64MB");
    let shown = project.run(["query", "show functions", "-o", "ndjson"]);
    let shown: Vec<Value> = shown
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect();
    for name in FUNCTIONS {
        let found = shown.iter().find(|one| one["function_name"] == name);
        let found = found.unwrap_or_else(|| panic!("`{name}` is not shown"));
        let syntax = found["syntax_example"].as_str().expect("a syntax");
        assert!(syntax.starts_with(&format!("{name}(")), "{found}");
        assert!(
            found["description"]
                .as_str()
                .is_some_and(|text| text.len() > 50),
            "{found}"
        );
        let parameters = found["parameters"].as_array().expect("a list");
        assert!(parameters.iter().all(Value::is_string), "{found}");
        assert_eq!(
            parameters.len(),
            found["parameter_types"].as_array().map_or(0, Vec::len)
        );
    }
    for half in ["min_max_scale_fit", "min_max_scale_transform"] {
        assert!(
            shown.iter().all(|one| one["function_name"] != half),
            "{half}"
        );
    }
}

const FUNCTIONS: [&str; 10] = [
    "activity_status",
    "canonical_event",
    "canonical_id",
    "email_hash",
    "engagement_score",
    "min_max_scale",
    "normalize_email",
    "robust_scale",
    "winsorize",
    "z_score",
];

const SCALED: &str = "/* dfpipe
version: 1
description: Orders, measured against all others and those of their customer.
key: [order_id]
*/
select
    order_id,
    min_max_scale(amount) over () as amount_scaled,
    winsorize(amount, upper => 0.5) over (partition by customer) as amount_capped
from orders
";

fn with_memory(limit: &str) -> Project {
    let project = Project::orders();
    let engine = format!("pipeline: orders\nengine: {{memory_limit: {limit}, partitions: 2}}");
    project.edit("dfpipe.yml", "pipeline: orders", &engine);
    project.succeed(["run", "-q"]);
    project
}
