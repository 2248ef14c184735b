//! What a test is run with, how rows are compared, and which tests are meant.

use super::{chain, totals};
use crate::support::project::Project;

#[test]
fn models_between_are_built_and_all_else_is_empty() {
    let project = chain();
    project.write(
        "sql/tests/rich.yml",
        "model: rich
tests:
  - it: comes from the orders, two levels above
    given:
      orders:
        - {customer: ada, amount: 6}
        - {customer: ada, amount: 6}
        - {customer: bob, amount: 6}
    expect:
      - {customer: ada, amount: 12}
  - it: comes from given totals, whatever was ordered
    given:
      totals:
        - {customer: eve, amount: 10.00}
    expect:
      - {customer: eve}
  - it: is empty where nothing is given
    expect: {rows: 0}
---
model: numbers
it: shows a single thought
cte: named
given:
  rich:
    - {customer: ada}
expect:
  - {name: ada}
---
it: fails on what is no number
model: numbers
given:
  rich:
    - {customer: ada}
expect: {error: cannot cast string 'ada'}
---
it: is near enough
model: totals
tolerance: 0.01
given:
  orders:
    - {customer: ada, amount: 1.00}
expect:
  - {amount: 1.01}
",
    );
    let outcome = project.succeed(["test"]);
    assert_eq!(outcome.stdout, "7 passed, 0 failed\n");
}

#[test]
fn what_a_test_gives_below_a_given_table_is_refused() {
    let project = chain();
    project.write(
        "sql/tests/rich.yml",
        "model: rich\ntests:\n  - it: has two truths\n    given: {totals: [], orders: []}\n    expect: []\n",
    );
    let outcome = project.run(["test", "-q"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("`rich` does not read `orders`"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_error_of_the_data_fails_a_test_that_expects_rows() {
    let project = chain();
    project.write(
        "sql/tests/numbers.yml",
        "model: numbers\ntests:\n  - it: fails\n    given:\n      rich: [{customer: ada}]\n    expect: []\n",
    );
    let outcome = project.run(["test", "-q", "numbers"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    assert!(
        outcome.stdout.contains("cannot cast string 'ada'"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_row_that_says_little_does_not_take_the_place_of_one_that_says_more() {
    let rows = |expect: &str| {
        let project = totals(&format!(
            "  - it: matches\n    given:\n      orders:\n        - {{customer: ada, amount: 1}}\n        - {{customer: bob, amount: 1}}\n    expect:\n{expect}"
        ));
        project.run(["test", "-q"]).code
    };
    assert_eq!(
        rows("      - {amount: 1}\n      - {customer: ada}\n"),
        Some(0)
    );
    assert_eq!(
        rows("      - {amount: 1}\n      - {customer: eve}\n"),
        Some(1)
    );
    assert_eq!(rows("      - {amount: 1}\n"), Some(1));
}

#[test]
fn order_counts_only_where_it_is_asked_for() {
    for (ordered, code) in [(false, 0), (true, 1)] {
        let project = totals(&format!(
            "  - it: is sorted\n    ordered: {ordered}\n    given:\n      orders: [{{customer: b}}, {{customer: a}}]\n    expect: [{{customer: b}}, {{customer: a}}]\n"
        ));
        assert_eq!(project.run(["test", "-q"]).code, Some(code), "{ordered}");
    }
}

#[test]
fn tests_are_chosen_by_model_file_and_words() {
    let project = chain();
    project.write(
        "sql/tests/more/others.yml",
        "model: rich\ntests:\n  - {it: has nobody poor, expect: []}\n  - {it: Is Empty, expect: []}\n",
    );
    for (wanted, passed) in [
        ("totals", 1),
        ("totals+", 3),
        ("rich", 2),
        ("sql/tests/totals.yml", 1),
        ("others.yml", 2),
        ("is empty", 1),
    ] {
        let outcome = project.succeed(["test", "-q", wanted]);
        assert_eq!(
            outcome.stdout,
            format!("{passed} passed, 0 failed\n"),
            "{wanted}"
        );
    }
    for (wanted, hint) in [
        ("totls", "did you mean `totals`?"),
        ("numbers", "write some in `sql/tests/numbers.yml`"),
    ] {
        let outcome = project.run(["test", "-q", wanted]);
        assert_eq!(outcome.code, Some(2), "{wanted}");
        assert!(outcome.stderr.contains(hint), "{}", outcome.stderr);
    }
}

#[test]
fn a_project_without_tests_says_where_they_would_be() {
    let outcome = Project::orders().run(["test"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("`sql/tests/`"),
        "{}",
        outcome.stderr
    );
}
