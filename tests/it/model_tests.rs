//! `dfpipe test`: tests of models, those that are shipped and those that are wrong.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStderr, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::project::Project;

/// How long an edit may take to be seen and tested, on a machine that is busy.
const DEADLINE: Duration = Duration::from_mins(2);

/// The orders with `tests` of their totals.
fn totals(tests: &str) -> Project {
    let project = Project::orders();
    project.write(
        "sql/tests/totals.yml",
        format!("model: totals\ntests:\n{tests}"),
    );
    project
}

const PASSES: &str = "  - it: adds up what a customer bought
    given:
      orders:
        - {customer: ada, amount: 1}
        - {customer: ada, amount: 1.50}
    expect:
      - {customer: ada, amount: 2.50}
";

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

#[test]
#[expect(clippy::too_many_lines, reason = "one screen, and what it is made of")]
fn all_that_is_wrong_with_tests_is_shown_with_its_place() {
    let project = totals(
        "  - it: reads an unknown table
    given:
      ordrs: []
    expect: []
  - it: has columns
    given:
      orders:
        - {custmer: ada, amount: 1.005}
        - {customer: [ada], amount: ten}
    expect: []
  - it: has columns to expect
    expect:
      - {customer: ada, amont: 1}
  - it: has csv
    given:
      orders:
        csv: |
          customer, order_id
          ada, x
          bob
    expect: []
  - it: has a CTE
    cte: sums
    expect: []
  - it: has parameters
    parameters: {currency: EUR}
    expect: []
  - it: reads no letters
    given: {dead_letters: []}
    expect: []
  - it: is of no model
    model: total
    expect: []
  - it: expects something strange
    expect: {row: 3}
",
    );
    assert_snapshot!(project.run(["test"]).screen(), @r#"
    exit code: 2
    ----- stdout -----
    0 passed, 0 failed, 9 not understood
    ----- stderr -----
    sql/tests/totals.yml: 0 passed, 9 not understood
    error: there is no source or model `ordrs`
     --> sql/tests/totals.yml:5:7
      |
    5 |       ordrs: []
      |       ^^^^^

    hint: did you mean `orders`?

    error: `orders` has no column `custmer`
      --> sql/tests/totals.yml:10:12
       |
    10 |         - {custmer: ada, amount: 1.005}
       |            ^^^^^^^

    hint: did you mean `customer`?

    error: `orders.amount` must be of type decimal(18,2), not `1.005`
      --> sql/tests/totals.yml:10:34
       |
    10 |         - {custmer: ada, amount: 1.005}
       |                                  ^^^^^

    error: `orders.customer` must be of type text, not a list
      --> sql/tests/totals.yml:11:22
       |
    11 |         - {customer: [ada], amount: ten}
       |                      ^^^^

    error: `orders.amount` must be of type decimal(18,2), not `ten`
      --> sql/tests/totals.yml:11:37
       |
    11 |         - {customer: [ada], amount: ten}
       |                                     ^^^

    error: `totals` has no column `amont`
      --> sql/tests/totals.yml:15:25
       |
    15 |       - {customer: ada, amont: 1}
       |                         ^^^^^

    hint: did you mean `amount`?

    error: `orders.order_id` must be of type integer, not `x`
      --> sql/tests/totals.yml:21:16
       |
    21 |           ada, x
       |                ^

    error: the rows of `orders` are no CSV
      --> sql/tests/totals.yml:22:1
       |
    22 |           bob
       | ^
    cause: columns in the header: 2, in this line: 1

    error: `sql/totals.sql` has no CTE `sums`
      --> sql/tests/totals.yml:25:10
       |
    25 |     cte: sums
       |          ^^^^

    hint: it has none

    error: there is no parameter `currency`
      --> sql/tests/totals.yml:28:18
       |
    28 |     parameters: {currency: EUR}
       |                  ^^^^^^^^

    hint: dfpipe.yml has none

    error: `totals` does not read `dead_letters`
      --> sql/tests/totals.yml:31:13
       |
    31 |     given: {dead_letters: []}
       |             ^^^^^^^^^^^^

    hint: it reads: orders (not what lies above a table that is given)

    error: there is no model `total`
      --> sql/tests/totals.yml:34:12
       |
    34 |     model: total
       |            ^^^^^

    hint: did you mean `totals`?

    error: `expect` is not understood
      --> sql/tests/totals.yml:37:13
       |
    37 |     expect: {row: 3}
       |             ^^^^^^^

    hint: write a list of rows, or one of: {rows: 3}, {error: "text"}, csv: |
    "#);
}

#[test]
fn a_test_file_of_the_wrong_form_is_shown_beside_the_tests_that_can_run() {
    let project = totals(PASSES);
    project.write(
        "sql/tests/a.yml",
        "it: is short\nexpcet: []\nas_of: today\n",
    );
    project.write(
        "sql/tests/b.yml",
        "model: totals\ntests:\n  - it: expects nothing\n    as_of: today\n",
    );
    project.write("sql/tests/c.yml", "model: [totals\n");
    assert_snapshot!(project.run(["test"]).screen(), @"
    exit code: 2
    ----- stdout -----
    1 passed, 0 failed
    ----- stderr -----
    sql/tests/totals.yml: 1 passed
    error: `tests[0]` has no key `expcet`
     --> sql/tests/a.yml:2:1
      |
    2 | expcet: []
      | ^^^^^^

    hint: did you mean `expect`?

    error: `as_of` is no time: `today`
     --> sql/tests/b.yml:4:12
      |
    4 |     as_of: today
      |            ^^^^^

    hint: write 2026-11-22 or 2026-11-22T08:00:00Z

    error: `sql/tests/c.yml` is not valid YAML: while parsing a flow sequence, expected ',' or ']'
     --> sql/tests/c.yml:2:1
      |
    2 | 
      | ^
    ");
}

#[test]
fn wrong_sql_is_no_failed_test() {
    let project = totals(PASSES);
    project.edit("sql/totals.sql", "sum(amount)", "sum(amuont)");
    let outcome = project.run(["test"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("sql/totals.sql:9:9"),
        "{}",
        outcome.stderr
    );
}

/// Three models in a row, the last of which fails on what is no number.
fn chain() -> Project {
    let project = totals(PASSES);
    let model = |select: &str| format!("/* dfpipe\nversion: 1\n*/\n{select}\n");
    project.write(
        "sql/rich.sql",
        model("select customer, amount from totals where amount >= 10"),
    );
    project.write(
        "sql/numbers.sql",
        model("with named as (select customer as name from rich), last as (select cast(name as int) as number from named)\nselect number from last"),
    );
    project
}

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

#[test]
fn a_test_is_written_from_rows_of_a_run_with_names_made_up() {
    let project = Project::customers();
    project.remove("sql/tests");
    project.succeed(["run", "-q"]);
    let customers = project.rows("models/customer_match.parquet");
    let customer = customers[7]["customer_id"].as_str().expect("an id is text");
    let condition = format!("customer_id = '{customer}'");
    for model in ["unified_customers", "events_extract"] {
        let it = format!("knows {customer}");
        project.succeed([
            "test",
            model,
            "--from-run",
            "last",
            "--where",
            &condition,
            "-m",
            &it,
        ]);
        let text = project.read(&format!("sql/tests/{model}.yml"));
        assert!(text.contains("it: \"knows customer-1\""), "{text}");
        assert!(!text.contains(customer), "{text}");
        let is_hash = |word: &str| word.len() == 64;
        let mut words = text.split(|letter: char| !letter.is_ascii_hexdigit());
        assert!(!words.any(is_hash), "{text}");
    }
    // A second one goes behind the first.
    project.succeed([
        "test",
        "unified_customers",
        "--from-run",
        "last",
        "--where",
        &condition,
        "-m",
        "once more",
    ]);
    assert_eq!(project.succeed(["test"]).stdout, "3 passed, 0 failed\n");
}

#[test]
fn a_test_that_would_not_pass_is_not_written() {
    let project = Project::customers();
    project.remove("sql/tests");
    project.succeed(["run", "-q"]);
    let condition = "feature = 'purchase_count'";
    let wish = [
        "test",
        "feature_limits",
        "--from-run",
        "last",
        "--where",
        condition,
        "-m",
        "caps",
    ];
    let outcome = project.run(wish);
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("nothing was written"),
        "{}",
        outcome.stderr
    );
    assert!(!project.path("sql/tests").exists());
    let nobody = [
        "test",
        "feature_limits",
        "--from-run",
        "last",
        "--where",
        "feature = 'x'",
        "-m",
        "caps",
    ];
    let outcome = project.run(nobody);
    assert!(
        outcome.stderr.contains("no row of `feature_limits`"),
        "{}",
        outcome.stderr
    );
}

/// A process that watches, with what it says.
struct Watching {
    process: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn new(project: &Project) -> Self {
        let mut command = project.command(["test", "--watch"]);
        let mut process = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dfpipe can be started");
        let stderr: ChildStderr = process.stderr.take().expect("it is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { process, lines }
    }

    /// All that is said until it waits for the next file.
    fn until_it_waits(&self) -> String {
        let mut said = String::new();
        loop {
            let line = self
                .lines
                .recv_timeout(DEADLINE)
                .expect("it goes on in time");
            if line.starts_with("waiting") {
                return said;
            }
            said.push_str(&line);
            said.push('\n');
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_watcher_runs_what_a_saved_file_concerns() {
    let project = chain();
    project.write(
        "sql/tests/rich.yml",
        "model: rich\ntests:\n  - {it: is empty, expect: []}\n",
    );
    project.write(
        "sql/tests/sums.yml",
        "model: totals\ntests:\n  - {it: is empty, expect: []}\n",
    );
    let mut watching = Watching::new(&project);
    let said = watching.until_it_waits();
    assert_eq!(said.matches(": 1 passed").count(), 3, "{said}");
    // A model: its tests and those of all that read it.
    project.edit("sql/rich.sql", ">= 10", ">= 100");
    let said = watching.until_it_waits();
    assert!(
        said.contains("saved: sql/rich.sql\nsql/tests/rich.yml: 1 passed\n"),
        "{said}"
    );
    // Wrong SQL is told, and forgotten when it is mended.
    project.edit("sql/totals.sql", "sum(amount)", "sum(amuont)");
    let said = watching.until_it_waits();
    assert!(said.contains("amuont"), "{said}");
    project.edit("sql/totals.sql", "sum(amuont)", "2 * sum(amount)");
    let said = watching.until_it_waits();
    assert!(
        said.contains("sql/tests/totals.yml: 0 passed, 1 failed"),
        "{said}"
    );
    assert!(said.contains("sql/tests/rich.yml: 1 passed"), "{said}");
    // A test file: its tests.
    project.edit("sql/tests/totals.yml", "amount: 2.50", "amount: 5.00");
    let said = watching.until_it_waits();
    assert_eq!(
        said,
        "\nsaved: sql/tests/totals.yml\nsql/tests/totals.yml: 1 passed\n"
    );
    interrupt(&watching.process);
    assert_eq!(watching.process.wait().expect("it ends").code(), Some(0));
}

/// What Ctrl-C does.
fn interrupt(process: &Child) {
    let id = process.id().to_string();
    let status = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(status.expect("kill can be started").success());
}
