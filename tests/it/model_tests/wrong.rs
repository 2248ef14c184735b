//! Tests that are wrong themselves: all of it at once, each at its place.

use insta::assert_snapshot;

use super::{PASSES, totals};

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
