//! `dfpipe shell < file`: statements and commands without a terminal.

use insta::assert_snapshot;

use crate::support::project::Project;

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
    let lines = "select customer\n  , amount from totals order by 1;\nselect 1 as a; select 2 as b;\n\
                 \\rejects\n\\format csv\nselect * from totals order by 1 limit 1\n";
    assert_snapshot!(project.pipe(["shell"], lines).screen(), @r#"
    exit code: 0
    ----- stdout -----
    +----------+--------+
    | customer | amount |
    +----------+--------+
    | ada      |  13.00 |
    | bob      |   7.00 |
    | carl     |   2.00 |
    +----------+--------+
    +---+
    | a |
    +---+
    | 1 |
    +---+
    +---+
    | b |
    +---+
    | 2 |
    +---+
    +--------+------------+---------+
    | source | reason     | records |
    +--------+------------+---------+
    | orders | wrong_type |       1 |
    +--------+------------+---------+
    customer,amount
    ada,13.00
    ----- stderr -----
    results are printed as csv
    "#);
}

const REFUSED: &str = "/* dfpipe\nversion: 1\nkey: [order_id]\nsave_as: rejects.parquet\n*/\n\
    select order_id, 'orders' as source, case when amount > 9 then 'too_much' else 'too_little' end as reason\n\
    from orders where amount <> 7\n";

#[test]
fn what_the_sql_refused_is_told_beside_what_could_not_be_read() {
    let project = with_a_run();
    project.write("sql/refused.sql", REFUSED);
    project.succeed(["run", "-q"]);
    let lines =
        "\\format csv\n\\rejects\n\\rejects too_little\n\\rejects too_litle\n\\rejects wrong\n";
    assert_snapshot!(project.pipe(["shell"], lines).screen(), @r#"
    exit code: 2
    ----- stdout -----
    source,reason,records
    orders,too_little,2
    orders,too_much,1
    order_id,source,reason
    3,orders,too_little
    4,orders,too_little
    ----- stderr -----
    results are printed as csv
    error: no record was refused for `too_litle`

    hint: did you mean `too_little`?
    error: no record was refused for `wrong`

    hint: the reasons are: too_little, too_much
    error: the script had errors
    "#);
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
        select count(*) from 'data/orders.csv';\n";
    assert_snapshot!(project.pipe(["shell"], lines).screen(), @r#"
    exit code: 0
    ----- stdout -----
    count(*)
    3
    count(*)
    4
    count(*)
    4
    count(*)
    6
    count(*)
    3
    count(*),min(history.runs.status)
    2,succeeded
    count(*)
    2
    count(*)
    2
    count(*)
    3
    count(*)
    3
    ----- stderr -----
    results are printed as csv
    1 records of `orders` were refused; a run keeps them, with reasons
    "#);
}

#[test]
fn errors_have_a_place_and_a_hint_and_the_shell_goes_on() {
    let project = with_a_run();
    let lines = "select\n  amont from totals;\nselect * from total;\nselect * from 'no.csv';\n\
        select * from model('totls');\nselect * from model(1);\n\\lineag\n\\use 1999\n\\i no.sql\n\
        \\format cvs\n\\x maybe\nselect 1 as still_here;\n";
    assert_snapshot!(project.pipe(["shell"], lines).screen(), @r#"
    exit code: 2
    ----- stdout -----
    +------------+
    | still_here |
    +------------+
    |          1 |
    +------------+
    ----- stderr -----
    error: column 'amont' not found
     --> input:2:3
      |
    2 |   amont from totals
      |   ^^^^^

    hint: did you mean `amount`?
    error: there is no source or model `total`
     --> input:3:15
      |
    3 | select * from total
      |               ^^^^^

    hint: did you mean `totals`?
    error: there is no file `no.csv`
     --> input:4:15
      |
    4 | select * from 'no.csv'
      |               ^^^^^^^^

    hint: a file is looked for in the current folder
    error: the run `[run]` has no table `totls`
     --> input:5:15
      |
    5 | select * from model('totls')
      |               ^^^^^

    hint: did you mean `totals`?
    error: `model` takes the name of a table, and a run
     --> input:6:15
      |
    6 | select * from model(1)
      |               ^^^^^

    hint: write it so: model('NAME', run => 'last')
    error: there is no command `\lineag`

    hint: did you mean `\lineage`? `\?` lists all
    error: there is no run `1999`

    hint: the last one is `[run]`; `dfpipe runs` lists them
    error: `no.sql` cannot be read
    cause: failed to open file `no.sql`: No such file or directory
    error: there is no format `cvs`

    hint: did you mean `csv`?
    error: `maybe` is neither `on` nor `off`
    error: the script had errors
    "#);
}

#[test]
fn nothing_but_new_files_below_the_folder_can_be_written() {
    let project = with_a_run();
    let lines = "insert into totals values ('eve', 1);\n\
        create table t as select 1 as a;\n\
        explain delete from totals;\n\
        select 1 as a into t;\n\
        drop table totals;\n\
        create external table t stored as csv location 'data/orders.csv';\n\
        set datafusion.execution.batch_size = 1;\n\
        copy totals to 'data/orders.csv';\n\
        copy totals to '.dfpipe/x.csv';\n\
        copy totals to '../x.csv';\n\
        copy totals to 'file:dfpipe-x.csv';\n\
        copy totals to 'x*.csv';\n\
        \\o dfpipe.yml\n\
        \\o .dfpipe/archive/x.csv\n\
        copy totals to 'new.csv';\n\
        \\o out.txt\nselect 1 as a;\n\\o\n\
        create view v as select 2 as b;\nselect * from v;\ndrop view v;\nselect * from v;\n";
    let before = project.read("dfpipe.yml");
    assert_snapshot!(project.pipe(["shell"], lines).screen(), @r#"
    exit code: 2
    ----- stdout -----
    +-------+
    | count |
    +-------+
    |     3 |
    +-------+
    +---+
    | b |
    +---+
    | 2 |
    +---+
    ----- stderr -----
    error: only questions are answered here: nothing can be changed

    hint: ask with select, show, describe or explain; `create view NAME as select …` keeps a question, `copy (select …) to 'FILE'` its rows
    error: only questions are answered here: nothing can be changed

    hint: ask with select, show, describe or explain; `create view NAME as select …` keeps a question, `copy (select …) to 'FILE'` its rows
    error: only questions are answered here: nothing can be changed

    hint: ask with select, show, describe or explain; `create view NAME as select …` keeps a question, `copy (select …) to 'FILE'` its rows
    error: only questions are answered here: nothing can be changed

    hint: ask with select, show, describe or explain; `create view NAME as select …` keeps a question, `copy (select …) to 'FILE'` its rows
    error: `totals` was not made in this session

    hint: `drop view` forgets a view that was made here
    error: a file needs no table of its own

    hint: name it where a table stands: select * from 'data/file.csv'
    error: only questions are answered here: nothing can be changed

    hint: ask with select, show, describe or explain; `create view NAME as select …` keeps a question, `copy (select …) to 'FILE'` its rows
    error: `data/orders.csv` is not written
    cause: it is there already, and nothing is overwritten

    hint: name a new file below the current folder
    error: `.dfpipe/x.csv` is not written
    cause: `[project]/.dfpipe` is for runs and what they load

    hint: name a new file below the current folder
    error: `../x.csv` is not written
    cause: it lies outside of the current folder

    hint: name a new file below the current folder
    error: `file:dfpipe-x.csv` is not written
    cause: a shell writes files of this folder only

    hint: name a new file below the current folder
    error: `x*.csv` is not written
    cause: it is a pattern, and names no file

    hint: name a new file below the current folder
    error: `dfpipe.yml` is not written
    cause: it is there already, and nothing is overwritten

    hint: name a new file below the current folder
    error: `.dfpipe/archive/x.csv` is not written
    cause: `[project]/.dfpipe/archive` is for runs and what they load

    hint: name a new file below the current folder
    results go into `out.txt`; `\o` alone ends that
    results go to the screen
    view `v` made, for this session and this run
    `v` forgotten, for this session
    error: there is no source or model `v`
      --> input:22:15
       |
    22 | select * from v
       |               ^

    hint: the tables are: dead_letters, extract_log, extract_rejects, orders, totals
    error: the script had errors
    "#);
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
    let lines = "\\d\n\\d totals\n\\d orders\n\\d totls\n\\d nothing_like_it\n\\dm\n\\df activity_status\n\\df activty_status\n";
    assert_snapshot!(project.pipe(["shell"], lines).screen(), @r#"
    exit code: 2
    ----- stdout -----
    table                    schema     about
    dead_letters             run        records that could not be read
    extract_log              run        how many records each source gave
    extract_rejects          run        records that a source's declaration refused
    orders                   run        the raw extract
    totals                   run        What each customer has spent.
    source.orders            source     files, live
    warehouse.totals         warehouse  all that was loaded
    warehouse.totals_latest  warehouse  the latest complete load of each date
    history.runs             history    all runs that are kept
    history.models           history    what each run built
    history.checks           history    what each run checked, and how many rows were against it
    history.sources          history    what each run read
    history.receipts         history    what each run loaded
    totals  (model, sql/totals.sql, version 1)
    What each customer has spent.
    key: customer
    reads: orders

      column    type
      customer  Utf8
      amount    Decimal128(28, 2)

    `\lineage totals` shows where each column comes from
    orders  (raw extract of the source, files)

      column     type
      order_id   Int64              not null
      customer   Utf8
      amount     Decimal128(18, 2)
      _part      Int32              not null
      _position  Int64              not null
    model   version  rows  standing      key       description
    totals        1     3  working copy  customer  What each customer has spent.
    activity_status(days)  (scalar)
    What so many days without activity mean: 0 to 6 `active`, 7 to 30 `at_risk`,
    31 and more `churned`. A negative number gives null.

      days
        Days since the last activity, a whole number.

    ```sql
    > select activity_status(12);
    at_risk
    ```
    ----- stderr -----
    error: there is no table `totls`

    hint: did you mean `totals`?
    error: there is no table `nothing_like_it`

    hint: `\d` lists the tables
    error: there is no function `activty_status`

    hint: did you mean `activity_status`?
    error: the script had errors
    "#);
}

#[test]
fn an_edited_model_is_tried_without_a_run() {
    let project = with_a_run();
    project.edit("sql/totals.sql", "sum(amount) as", "count(*) as");
    project.edit(
        "sql/totals.sql",
        "group by customer",
        "group by customer having customer = 'ada'",
    );
    let said = project.pipe(
        ["shell"],
        "\\format csv\n\\i sql/totals.sql\n\\d totals\n\\diff totals\n",
    );
    assert_snapshot!(said.screen(), @r#"
    exit code: 0
    ----- stdout -----
    customer,amount
    ada,2
    totals  (model, sql/totals.sql, version 1)
    What each customer has spent.
    key: customer
    reads: orders
    edited since this run; `\diff totals` compares

      column    type
      customer  Utf8
      amount    Decimal128(28, 2)

    `\lineage totals` shows where each column comes from
    totals: the file against the run, on the extract of [run]

    totals: 3 → 1 rows, 0 added, 2 removed, 1 changed
      column amount: Decimal128(28, 2) → Int64
      amount: changed in 1 row
      ~ ada: amount 13.00 → 2
      - bob
      - carl
    ----- stderr -----
    results are printed as csv
    "#);
}

#[test]
fn a_key_is_followed_from_its_source_to_the_output_or_to_what_left_it_out() {
    let project = Project::orders();
    project.write("sql/rich.sql", RICH);
    project.edit("sql/totals.sql", "from orders", "from rich");
    project.succeed(["run", "-q"]);
    let said = project.pipe(["shell"], "\\why ada\n\\why bob\n\\why nobody\n\\why\n");
    assert_snapshot!(said.screen(), @r#"
    exit code: 2
    ----- stdout -----
    `ada` is in the output (`totals`)

    its way
      table   rows
      orders     2
      rich       2
      totals     1
    `bob` is not in the output (`totals`)

    its way
      table   rows
      orders     1

    left out by
      rich, which reads orders: rows filtered by orders.amount
    `nobody` is in no table of this run
    ----- stderr -----
    error: `\why` needs a key

    hint: a value of the key of `totals`
    error: the script had errors
    "#);
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
    let said = project.pipe(["shell"], lines);
    assert_eq!(said.code, Some(0), "{}", said.screen());
    for text in [&said.stdout, &said.stderr, &project.read("copied.csv")] {
        assert!(!text.contains('@'), "{text}");
    }
    assert!(said.stdout.contains("ann"), "{}", said.screen());
}

#[test]
fn without_a_run_the_sources_can_be_asked_live() {
    let project = Project::orders();
    assert_snapshot!(project.pipe(["shell"], "select 1;").screen(), @r#"
    exit code: 2
    ----- stderr -----
    error: there is no run to ask yet

    hint: begin with `dfpipe run`
    "#);
    let lines = "\\format csv\nselect count(*) from orders;\nselect $run_date as d;\n\\rejects\n";
    assert_snapshot!(project.pipe(["shell", "--live"], lines).screen(), @r#"
    exit code: 2
    ----- stdout -----
    count(*)
    3
    d
    2026-11-15
    ----- stderr -----
    results are printed as csv
    error: no run is looked at

    hint: choose one: `\use last`
    error: the script had errors
    "#);
}
