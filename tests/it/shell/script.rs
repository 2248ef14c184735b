//! `dfpipe shell < file`: statements and commands without a terminal.

use std::{io::Write, process::Stdio};

use insta::assert_snapshot;

use crate::support::project::{Outcome, Project};

/// What the shell says to these lines, on stdout and stderr.
fn say<const N: usize>(project: &Project, arguments: [&str; N], lines: &str) -> Outcome {
    let mut child = project
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dfpipe can be started");
    let mut input = child.stdin.take().expect("it listens");
    input.write_all(lines.as_bytes()).expect("it listens");
    drop(input);
    project.ended(child.wait_with_output().expect("it ends"))
}

fn with_a_run() -> Project {
    let project = Project::orders();
    project.write(
        "data/more.csv",
        "order_id,customer,amount\nx,ada,1.00\n4,carl,2.00\n",
    );
    project.succeed(["run", "-q"]);
    project
}

#[test]
fn statements_and_commands_are_answered_one_after_the_other() {
    let project = with_a_run();
    let lines = "select customer\n  , amount from totals; \\x\nselect 1 as a; select 2 as b;\n\
                 \\rejects\n\\format csv\nselect * from totals order by 1 limit 1\n";
    assert_snapshot!(say(&project, ["shell"], lines).screen(), @"");
}

#[test]
fn the_schemas_hold_the_run_the_sources_the_warehouse_and_all_runs() {
    let project = with_a_run();
    project.succeed(["run", "-q"]);
    let lines = "\\format csv\n\
        select count(*) from run.totals;\n\
        select count(*) from orders;\n\
        select count(*) from source.orders;\n\
        select count(*) from warehouse.totals;\n\
        select count(*) from warehouse.totals_latest;\n\
        select count(*), min(status) from history.runs;\n\
        select count(*) from history.models where model = 'totals';\n\
        select count(*) from history.receipts;\n\
        select count(*) from totals join model('totals', run => 'last') as t using (customer);\n\
        select count(*) from 'data/*.csv';\n";
    assert_snapshot!(say(&project, ["shell"], lines).screen(), @"");
}

#[test]
fn errors_have_a_place_and_a_hint_and_the_shell_goes_on() {
    let project = with_a_run();
    let lines = "select\n  amont from totals;\nselect * from total;\nselect * from 'no.csv';\n\
        select * from model('totls');\nselect * from model(1);\n\\lineag\n\\use 1999\n\\i no.sql\n\
        \\format cvs\n\\x maybe\nselect 1 as still_here;\n";
    assert_snapshot!(say(&project, ["shell"], lines).screen(), @"");
}

#[test]
fn nothing_but_new_files_below_the_folder_can_be_written() {
    let project = with_a_run();
    let lines = "insert into totals values ('eve', 1);\n\
        drop table totals;\n\
        create external table t stored as csv location 'data/orders.csv';\n\
        set datafusion.execution.batch_size = 1;\n\
        copy totals to 'data/orders.csv';\n\
        copy totals to '.dfpipe/x.csv';\n\
        copy totals to '../x.csv';\n\
        \\o dfpipe.yml\n\
        \\o .dfpipe/archive/x.csv\n\
        copy totals to 'new.csv';\n\
        \\o out.txt\nselect 1 as a;\n\\o\n\
        create view v as select 2 as b;\nselect * from v;\ndrop view v;\nselect * from v;\n";
    let before = project.read("dfpipe.yml");
    assert_snapshot!(say(&project, ["shell"], lines).screen(), @"");
    assert_eq!(
        project.read("new.csv"),
        "customer,amount\nada,13.00\nbob,7.00\ncarl,2.00\n"
    );
    assert_eq!(
        project.read("out.txt"),
        "+---+\n| a |\n+---+\n| 1 |\n+---+\n"
    );
    assert_eq!(project.read("dfpipe.yml"), before);
}

#[test]
fn tables_models_and_functions_are_described() {
    let project = with_a_run();
    let lines =
        "\\d\n\\d totals\n\\d orders\n\\d totls\n\\dm\n\\df activity_status\n\\df activty_status\n";
    assert_snapshot!(say(&project, ["shell"], lines).screen(), @"");
}

#[test]
fn an_edited_model_is_tried_without_a_run() {
    let project = with_a_run();
    project.edit("sql/totals.sql", "sum(amount) as", "count(*) as");
    let said = say(
        &project,
        ["shell"],
        "\\format csv\n\\i sql/totals.sql\n\\d totals\n\\diff totals\n",
    );
    assert_snapshot!(said.screen(), @"");
}

#[test]
fn a_key_is_followed_from_its_source_to_the_output_or_to_what_left_it_out() {
    let project = Project::orders();
    project.write("sql/rich.sql", RICH);
    project.edit("sql/totals.sql", "from orders", "from rich");
    project.succeed(["run", "-q"]);
    let said = say(
        &project,
        ["shell"],
        "\\why ada\n\\why bob\n\\why nobody\n\\why\n",
    );
    assert_snapshot!(said.screen(), @"");
}

const RICH: &str = "/* dfpipe\nversion: 1\nkey: [order_id]\n*/\n\
                    select order_id, customer, amount from orders where amount <> 7\n";

#[test]
fn an_address_in_a_file_that_is_named_is_never_shown() {
    let project = with_a_run();
    project.write("people.csv", "name,note\nann,ann@example.com\n");
    project.write(
        "people.ndjson",
        "{\"a\": {\"b\": [\"x ann@example.com\"]}}\n",
    );
    let lines = "select * from 'people.csv';\nselect * from 'people.ndjson';\n\
                 copy (select * from 'people.csv') to 'copied.csv';\n\
                 select count(*) from 'people.csv' where note like '%@%';\n";
    let said = say(&project, ["shell"], lines);
    assert_eq!(said.code, Some(0), "{}", said.screen());
    for text in [&said.stdout, &said.stderr, &project.read("copied.csv")] {
        assert!(!text.contains('@'), "{text}");
    }
    assert!(said.stdout.contains("ann"), "{}", said.screen());
}

#[test]
fn without_a_run_the_sources_can_be_asked_live() {
    let project = Project::orders();
    assert_snapshot!(say(&project, ["shell"], "select 1;").screen(), @"");
    let lines = "\\format csv\nselect count(*) from orders;\nselect $run_date as d;\n\\rejects\n";
    assert_snapshot!(say(&project, ["shell", "--live"], lines).screen(), @"");
}
