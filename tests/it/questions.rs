//! Questions that cannot be answered, and what they cannot do.

use insta::assert_snapshot;

use crate::support::project::Project;

#[test]
fn there_is_nothing_to_ask_before_the_first_run() {
    let project = Project::orders();
    assert_snapshot!(project.run(["query", "select 1"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: there is no run to ask yet

    hint: begin with `dfpipe run`
    ");
}

#[test]
fn questions_cannot_change_anything() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    let before = project.rows("models/totals.parquet");
    assert_snapshot!(project.run(["query", "drop table totals"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: only questions are answered here: nothing can be changed

    hint: the statement can be a select, show, describe or explain
    ");
    assert_snapshot!(project.run(["query", "copy (select 1) to 'x.csv'"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: only questions are answered here: nothing can be changed

    hint: the statement can be a select, show, describe or explain
    ");
    for change in [
        "insert into totals select * from totals",
        "create table x as select 1",
        "create external table x stored as csv location 'data/orders.csv'",
        "set datafusion.execution.batch_size = 1",
        "explain analyze insert into totals select * from totals",
        "delete from totals",
        "begin",
    ] {
        let outcome = project.run(["query", change]);
        assert_eq!(outcome.code, Some(2), "{change}\n{}", outcome.screen());
    }
    assert!(!project.path("x.csv").exists());
    assert_eq!(project.rows("models/totals.parquet"), before);
}

#[test]
fn a_question_that_is_wrong_is_shown_where_it_is_wrong() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    let ask = |question| project.run(["query", question]).screen();
    assert_snapshot!(ask("select amuont from totals"), @"
    exit code: 2
    ----- stderr -----
    error: column 'amuont' not found
     --> query:1:8
      |
    1 | select amuont from totals
      |        ^^^^^^

    hint: did you mean `amount`?
    ");
    assert_snapshot!(ask("select * from total"), @"
    exit code: 2
    ----- stderr -----
    error: there is no source or model `total`
     --> query:1:15
      |
    1 | select * from total
      |               ^^^^^

    hint: did you mean `totals`?
    ");
    assert_snapshot!(ask("select nope"), @"
    exit code: 2
    ----- stderr -----
    error: column 'nope' not found
     --> query:1:8
      |
    1 | select nope
      |        ^^^^
    ");
    assert_snapshot!(ask("selec 1"), @"
    exit code: 2
    ----- stderr -----
    error: `query` is not valid SQL: Expected: an SQL statement, found: selec
     --> query:1:1
      |
    1 | selec 1
      | ^
    ");
    assert_snapshot!(ask(""), @"
    exit code: 2
    ----- stderr -----
    error: there is no statement

    hint: such as: dfpipe query \"select 1\"
    ");
    assert_snapshot!(ask("select 1 / 0"), @"
    exit code: 1
    ----- stderr -----
    error: `query` fails on this data: divide by zero error
     --> query:1:1
      |
    1 | select 1 / 0
      | ^^^^^^^^^^^^
    ");
    assert_snapshot!(project.run(["query", "--run", "yesterday", "select 1"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: there is no run `yesterday`

    hint: the last one is `[run]`; `dfpipe runs` lists them
    ");
}
