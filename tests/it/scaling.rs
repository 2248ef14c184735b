//! `min_max_scale(x) over ()` and its sisters as an analyst meets them: in a model, in a query, and on
//! a table that is larger than the memory.

use insta::assert_snapshot;

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
    assert_snapshot!(outcome.screen(), @"");
}

#[test]
fn a_window_with_an_order_is_refused_by_check() {
    let project = Project::orders();
    project.write(
        "sql/scaled.sql",
        SCALED.replace("over ()", "over (order by order_id)"),
    );
    let outcome = project.run(["check"]);
    assert_snapshot!(outcome.screen(), @"");
}

#[test]
fn a_scaling_function_without_a_window_says_what_is_missing() {
    let project = Project::orders();
    project.write("sql/scaled.sql", SCALED.replace(" over ()", ""));
    let outcome = project.run(["check"]);
    assert_snapshot!(outcome.screen(), @"");
}

#[test]
fn explain_and_show_functions_know_the_scaling_functions() {
    let project = with_memory("64MB");
    let plan = project.run([
        "query",
        "explain select customer, min_max_scale(amount) over () from orders",
        "-o",
        "csv",
    ]);
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    assert!(plan.stdout.contains("min_max_scale_fit"), "{}", plan.stdout);
    assert!(!plan.stdout.contains("WindowAgg"), "{}", plan.stdout);
    let shown = project.run(["query", "show functions like '%scale%'", "-o", "ndjson"]);
    let mut lines: Vec<&str> = shown.stdout.lines().collect();
    lines.retain(|line| line.contains("\"WINDOW\""));
    lines.sort_unstable();
    assert_snapshot!(lines.join("\n"), @"");
}

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
