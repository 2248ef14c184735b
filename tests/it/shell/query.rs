//! `dfpipe query`: statements of scripts.

use std::{
    io::{Read, Write},
    process::Stdio,
};

use insta::assert_snapshot;

use crate::support::{project::Project, terminal};

fn with_a_run() -> Project {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project
}

#[test]
fn statements_come_from_an_argument_a_file_or_stdin() {
    let project = with_a_run();
    project.write(
        "q.sql",
        "-- two\nselect count(*) as n from totals;\nselect 'a;b' as t",
    );
    let from_file = project
        .succeed(["query", "-f", "q.sql", "-o", "csv"])
        .stdout;
    assert_eq!(from_file, "n\n2\nt\na;b\n");
    let statement = "select 1 as a; select $limit + 1 as b, $name as c";
    let said = project.succeed([
        "query", statement, "-o", "csv", "--param", "limit=2", "--param", "name=x=y",
    ]);
    assert_eq!(said.stdout, "a\n1\nb,c\n3,x=y\n");
    let mut child = project
        .command(["query", "-o", "ndjson"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("dfpipe can be started");
    let mut input = child.stdin.take().expect("it listens");
    input
        .write_all(b"select customer from totals order by 1;")
        .expect("it listens");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(
        output.stdout,
        b"{\"customer\":\"ada\"}\n{\"customer\":\"bob\"}\n"
    );
}

#[test]
fn a_wrong_statement_is_named_by_its_file_and_line_and_those_before_it_are_answered() {
    let project = with_a_run();
    project.write(
        "q.sql",
        "select 1 as a;\n\nselect *\nfrom totls;\nselect 2;\n",
    );
    assert_snapshot!(project.run(["query", "-f", "q.sql", "-o", "csv"]).screen(), @r#"
    exit code: 2
    ----- stdout -----
    a
    1
    ----- stderr -----
    error: there is no source or model `totls`
     --> q.sql:4:6
      |
    4 | from totls 
      |      ^^^^^

    hint: did you mean `totals`?
    "#);
    for (arguments, message) in [
        (
            ["query", "  -- nothing", "-o", "csv"],
            "there is no statement",
        ),
        (
            ["query", "select 1; select 2", "-o", "parquet"],
            "a Parquet file holds the rows of one",
        ),
        (
            ["query", "create view v as select 1", "-o", "csv"],
            "nothing can be changed",
        ),
        (
            ["query", "copy totals to 'x.csv'", "-o", "csv"],
            "nothing can be changed",
        ),
        (
            ["query", "select $nothing", "-o", "csv"],
            "there is no parameter `$nothing`",
        ),
    ] {
        let outcome = project.run(arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?}");
        assert!(outcome.stderr.contains(message), "{}", outcome.screen());
    }
}

#[test]
fn no_rows_and_markdown_are_printed_as_their_readers_expect() {
    let project = with_a_run();
    let none = "select customer from totals where false";
    for (format, expected) in [
        ("csv", "customer\n"),
        ("json", "[]\n"),
        ("ndjson", ""),
        ("markdown", "| customer |\n|---|\n"),
    ] {
        assert_eq!(
            project.succeed(["query", none, "-o", format]).stdout,
            expected
        );
    }
    let rows = project.command(["query", none, "-o", "parquet"]).output();
    let rows = rows.expect("dfpipe can be started").stdout;
    fs_err::write(project.path("none.parquet"), rows).expect("it can be written");
    let columns = project.succeed(["query", "-o", "csv", "select * from 'none.parquet'"]);
    assert_eq!(columns.stdout, "customer\n");
    let said = project.succeed(["query", "select * from totals order by 1", "-o", "markdown"]);
    assert_eq!(
        said.stdout,
        "| customer | amount |\n|---|--:|\n| ada | 13.00 |\n| bob | 7.00 |\n"
    );
}

#[test]
fn a_reader_that_goes_away_ends_an_endless_answer_without_an_error() {
    let project = with_a_run();
    for format in ["table", "csv", "json", "ndjson", "markdown"] {
        let statement = "select * from generate_series(1, 1000000000000)";
        let mut child = project
            .command(["query", statement, "-o", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dfpipe can be started");
        let mut first = [0; 64];
        let mut output = child.stdout.take().expect("it answers");
        output
            .read_exact(&mut first)
            .expect("its first page is there at once");
        drop(output);
        let ended = project.ended(child.wait_with_output().expect("it ends"));
        assert_eq!(ended.code, Some(0), "{format}: {}", ended.screen());
        assert_eq!(ended.stderr, "", "{format}");
    }
}

#[test]
fn tables_are_opened_as_they_are_asked_for_and_all_of_them_are_listed() {
    let project = with_a_run();
    let csv = |statement: &str| project.succeed(["query", "-o", "csv", statement]).stdout;
    let listed = "select table_name from information_schema.tables
        where table_schema = 'run' order by 1; select count(*) from run.totals";
    let tables = "table_name\ndead_letters\nextract_log\nextract_rejects\norders\ntotals\n";
    assert_eq!(csv(listed), format!("{tables}count(*)\n2\n"));
    let joined =
        "with one as (select * from totals) select count(*) from one join orders using (customer)";
    assert_eq!(csv(joined), "count(*)\n3\n");
    // A file that nobody asks for may be gone, or be no table any more.
    let models = project.archived().remove(0).join("models");
    fs_err::write(models.join("totals.parquet"), "no table").expect("it can be written");
    assert_eq!(csv("select count(*) from orders"), "count(*)\n3\n");
    assert_eq!(
        csv("select count(*) from 'data/orders.csv'"),
        "count(*)\n3\n"
    );
    assert_eq!(project.run(["query", "select * from totals"]).code, Some(3));
}

#[test]
fn a_terminal_gets_no_bytes_of_parquet() {
    let project = with_a_run();
    let arguments = ["query", "select 1", "-o", "parquet"];
    let Some(call) = terminal::call(&project, arguments, ["hint", ""]) else {
        return;
    };
    assert_eq!(call.outcome.code, Some(2));
    assert!(
        call.written.contains("Parquet is no text"),
        "{}",
        call.written
    );
}
