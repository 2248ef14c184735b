//! What a test that ran says: rows that differ, and the forms for programs.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{PASSES, totals};
use crate::support::project::Project;

#[test]
fn the_shipped_models_are_as_their_tests_say() {
    let project = Project::customers();
    project.remove("fixtures");
    let outcome = project.succeed(["test", "-o", "json"]);
    let results: Value = serde_json::from_str(&outcome.stdout).expect("results are JSON");
    assert_eq!(results["failed"], 0);
    assert!(
        results["passed"].as_u64() >= Some(80),
        "{}",
        results["passed"]
    );
    assert!(
        !project.path(".dfpipe").exists(),
        "a test leaves nothing behind"
    );
}

#[test]
fn a_weight_that_somebody_changed_fails_the_tests_of_the_score() {
    let project = Project::customers();
    project.edit(
        "sql/engagement_score.sql",
        "purchase_weight  => 0.5",
        "purchase_weight  => 0.6",
    );
    project.edit(
        "sql/engagement_score.sql",
        "feature_weight   => 0.3",
        "feature_weight   => 0.2",
    );
    let outcome = project.run(["test", "-q", "engagement_score", "-o", "json"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    let results: Value = serde_json::from_str(&outcome.stdout).expect("results are JSON");
    assert_eq!(
        (&results["passed"], &results["failed"]),
        (&json!(2), &json!(3))
    );
}

#[test]
fn a_test_that_fails_shows_what_differs() {
    let project = totals(
        "  - it: adds up
    given:
      orders:
        - {customer: ada, amount: 1}
        - {customer: ada, amount: 1.50}
        - {customer: bob, amount: 1}
        - {customer: dan, amount: 1}
        - {customer: \"\", amount: 4}
        - {amount: 4}
    expect:
      - {customer: bob, amount: 1}
      - {customer: ada, amount: 2}
      - {customer: eve, amount: 3}
  - it: has nobody
    expect: []
",
    );
    assert_snapshot!(project.run(["test"]).screen(), @r#"
    exit code: 1
    ----- stdout -----
    failed: totals: adds up
      --> sql/tests/totals.yml:3:9
      expected 3 rows, got 5

                customer  amount
      expected  ada       2.00
      got       ada       2.50
                          ^^^^
      missing   eve       3.00
      extra     ""        4.00
      extra     dan       1.00
      extra     null      4.00

    1 passed, 1 failed
    ----- stderr -----
    sql/tests/totals.yml: 1 passed, 1 failed
    error: 1 test failed
    "#);
}

#[test]
fn results_are_json_for_programs() {
    let project = totals(PASSES);
    project.edit("sql/tests/totals.yml", "2.50", "2.51");
    let outcome = project.run(["test", "-q", "-o", "json"]);
    assert_eq!(outcome.code, Some(1));
    let mut results: Value = serde_json::from_str(&outcome.stdout).expect("results are JSON");
    let time = results["tests"][0]
        .as_object_mut()
        .and_then(|test| test.remove("milliseconds"));
    assert!(time.is_some());
    assert_snapshot!(serde_json::to_string_pretty(&results).expect("JSON can be written"), @r#"
    {
      "passed": 0,
      "failed": 1,
      "wrong": 0,
      "tests": [
        {
          "it": "adds up what a customer bought",
          "model": "totals",
          "file": "sql/tests/totals.yml",
          "line": 3,
          "outcome": "failed",
          "message": "the rows differ",
          "difference": {
            "columns": [
              "customer",
              "amount"
            ],
            "rows": [
              {
                "is": "expected",
                "cells": [
                  "ada",
                  "2.51"
                ],
                "differing": []
              },
              {
                "is": "got",
                "cells": [
                  "ada",
                  "2.50"
                ],
                "differing": [
                  "amount"
                ]
              }
            ]
          }
        }
      ]
    }
    "#);
}

#[test]
fn results_are_junit_for_continuous_integration() {
    let project = totals(PASSES);
    project.edit("sql/tests/totals.yml", "what a", "<what> a");
    let outcome = project.succeed(["test", "-q", "-o", "junit"]);
    let xml = regex::Regex::new("time=\"[0-9.]+\"").expect("the pattern is valid");
    assert_snapshot!(xml.replace_all(&outcome.stdout, "time=\"[time]\""), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites>
      <testsuite name="sql/tests/totals.yml" tests="1" failures="0" errors="0">
        <testcase classname="totals" name="adds up &lt;what&gt; a customer bought" file="sql/tests/totals.yml" line="3" time="[time]"/>
      </testsuite>
    </testsuites>
    "#);
}
