//! Bad input is an error that a person can act on: each is a screen here.

use insta::assert_snapshot;

use crate::support::{api::Api, project::Project};

#[test]
fn a_folder_without_dfpipe_yml_is_no_project() {
    let project = Project::empty();
    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: this is no dfpipe project: no dfpipe.yml here or in a folder above

    hint: go into the project's folder, or name it: `--project DIR`
    ");
}

#[test]
fn all_problems_of_a_configuration_are_shown_at_once() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "destination:", "destinaton:");
    project.edit("dfpipe.yml", "type: text", "type: txt");
    project.edit("dfpipe.yml", "path: data", "paht: data");
    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `sources.orders.columns.customer.type` cannot be `txt`
      --> dfpipe.yml:11:24
       |
    11 |       customer: {type: txt}
       |                        ^^^

    hint: it can be: text, integer, double, boolean, date, timestamp, decimal(p,s)

    error: `sources.orders.from` has no key `paht`
      --> dfpipe.yml:13:25
       |
    13 |     from: {kind: files, paht: data/*.csv}
       |                         ^^^^

    hint: did you mean `path`?

    error: `sources.orders.from` lacks the key `path`
      --> dfpipe.yml:13:11
       |
    13 |     from: {kind: files, paht: data/*.csv}
       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    error: this file has no key `destinaton`
      --> dfpipe.yml:15:1
       |
    15 | destinaton:
       | ^^^^^^^^^^

    hint: did you mean `destination`?

    error: this file lacks the key `destination`
     --> dfpipe.yml:2:1
      |
    2 | pipeline: orders
      | ^
    ");
}

#[test]
fn a_value_that_means_nothing_is_shown_with_its_place() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "type: text", "type: txt");
    project.edit("dfpipe.yml", "on_repeat: add", "on_repeat: replace");
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `sources.orders.columns.customer.type` cannot be `txt`
      --> dfpipe.yml:11:24
       |
    11 |       customer: {type: txt}
       |                        ^^^

    hint: it can be: text, integer, double, boolean, date, timestamp, decimal(p,s)

    error: `destination.on_repeat` cannot be `replace`
      --> dfpipe.yml:20:14
       |
    20 |   on_repeat: replace
       |              ^^^^^^^

    hint: it can be: refuse, add
    ");
}

#[test]
fn a_file_that_is_no_yaml_is_shown_with_its_place() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "key: order_id", "key: [order_id");
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `dfpipe.yml` is not valid YAML: illegal placement of ':' indicator
     --> dfpipe.yml:9:12
      |
    9 |     columns:
      |            ^
    ");
}

#[test]
fn a_profile_names_all_variables_that_it_lacks() {
    let project = Project::customers();
    assert_snapshot!(project.run(["run", "--profile", "prod"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the environment variable `CRM_API_URL` is not set
      --> dfpipe.yml:93:16
       |
    93 |           url: ${CRM_API_URL}
       |                ^^^^^^^^^^^^^^

    hint: set it (`export CRM_API_URL=…`) or give a default: `${CRM_API_URL:-default}`

    error: the environment variable `CRM_API_KEY` is not set
       --> dfpipe.yml:100:21
        |
    100 |             bearer: ${CRM_API_KEY}
        |                     ^^^^^^^^^^^^^^

    hint: set it (`export CRM_API_KEY=…`) or give a default: `${CRM_API_KEY:-default}`

    error: the environment variable `KAFKA_BROKERS` is not set
       --> dfpipe.yml:107:20
        |
    107 |           brokers: ${KAFKA_BROKERS}
        |                    ^^^^^^^^^^^^^^^^

    hint: set it (`export KAFKA_BROKERS=…`) or give a default: `${KAFKA_BROKERS:-default}`

    error: the environment variable `EMAIL_HASH_KEY` is not set
      --> dfpipe.yml:69:21
       |
    69 |     email_hash_key: ${EMAIL_HASH_KEY}
       |                     ^^^^^^^^^^^^^^^^^

    hint: set it (`export EMAIL_HASH_KEY=…`) or give a default: `${EMAIL_HASH_KEY:-default}`

    error: the environment variable `GCP_PROJECT_ID` is not set
       --> dfpipe.yml:113:16
        |
    113 |       project: ${GCP_PROJECT_ID}
        |                ^^^^^^^^^^^^^^^^^

    hint: set it (`export GCP_PROJECT_ID=…`) or give a default: `${GCP_PROJECT_ID:-default}`
    ");
}

#[test]
fn an_unknown_profile_is_answered_with_those_there_are() {
    let project = Project::customers();
    assert_snapshot!(project.run(["run", "--profile", "prd"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: there is no profile `prd`
      --> dfpipe.yml:49:3
       |
    49 |   local:
       |   ^

    hint: the profiles are: local, prod
    ");
}

#[test]
fn absent_files_are_named() {
    let project = Project::orders();
    project.remove("data/orders.csv");
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: source `orders` has no files at `[project]/data/*.csv`

    hint: look at `path` in dfpipe.yml; a relative path begins at the project
    ");
}

#[test]
fn a_moment_that_is_none_is_refused() {
    let project = Project::orders();
    assert_snapshot!(project.run(["run", "--as-of", "last week"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: invalid value 'last week' for '--as-of <TIME>': not a time: write 2026-11-22 or 2026-11-22T08:00:00Z

    For more information, try '--help'.
    ");
}

#[test]
fn a_mistyped_model_is_guessed() {
    let project = Project::customers();
    let outcome = project.run(["run", "-q", "-s", "engagment_score"]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 2
    ----- stderr -----
    error: there is no source or model `engagment_score`

    hint: did you mean `engagement_score`?
    ");
}

#[test]
fn a_selection_that_lacks_what_it_reads_says_so() {
    let project = Project::customers();
    let outcome = project.run(["run", "-q", "-s", "engagement_score"]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 2
    ----- stderr -----
    error: `engagement_score` reads `capped_customers`, which is not selected
      --> sql/engagement_score.sql:30:19
       |
    30 |     select * from capped_customers
       |                   ^^^^^^^^^^^^^^^^

    hint: select all that it reads: `-s +engagement_score`
    ");
}

/// The text of a model.
fn model(select: &str) -> String {
    format!("/* dfpipe\nversion: 1\ndescription: For a test.\n*/\n{select}\n")
}

/// The screen of a pipeline whose only model is this.
fn screen_of_model(select: &str) -> String {
    let project = Project::orders();
    project.write("sql/totals.sql", model(select));
    let outcome = project.run(["run"]);
    assert!(
        project.unfinished().is_empty(),
        "wrong SQL must never start"
    );
    outcome.screen()
}

#[test]
fn broken_sql_is_shown_where_it_breaks() {
    assert_snapshot!(screen_of_model("select customer,\nfrom orders\nwhere"), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: `sql/totals.sql` is not valid SQL: Expected: an expression, found: EOF
     --> sql/totals.sql:7:6
      |
    7 | where
      |      ^
    ");
}

#[test]
fn a_mistyped_column_is_guessed() {
    assert_snapshot!(screen_of_model("select customer, amuont\nfrom orders"), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: column 'amuont' not found
     --> sql/totals.sql:5:18
      |
    5 | select customer, amuont
      |                  ^^^^^^

    hint: did you mean `amount`?
    ");
}

#[test]
fn a_mistyped_table_is_guessed() {
    assert_snapshot!(screen_of_model("select customer\nfrom ordres"), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: there is no source or model `ordres`
     --> sql/totals.sql:6:6
      |
    6 | from ordres
      |      ^^^^^^

    hint: did you mean `orders`?
    ");
}

#[test]
fn a_mistyped_function_is_guessed() {
    assert_snapshot!(screen_of_model("select canonical_if(customer) as id\nfrom orders"), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: invalid function 'canonical_if'
     --> sql/totals.sql:5:8
      |
    5 | select canonical_if(customer) as id
      |        ^^^^^^^^^^^^

    hint: did you mean `canonical_id`?
    ");
}

#[test]
fn a_mistyped_parameter_is_guessed() {
    assert_snapshot!(screen_of_model("select customer, $as_off as moment\nfrom orders"), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: there is no parameter `$as_off`
     --> sql/totals.sql:5:18
      |
    5 | select customer, $as_off as moment
      |                  ^^^^^^^

    hint: did you mean `$as_of`?
    ");
}

#[test]
fn a_function_with_an_argument_too_many_says_what_it_takes() {
    assert_snapshot!(screen_of_model("select activity_status(1, 2) as status\nfrom orders"), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: function 'activity_status' expects 1 arguments but received 2
     --> sql/totals.sql:5:8
      |
    5 | select activity_status(1, 2) as status
      |        ^^^^^^^^^^^^^^^

    hint: it is called as `activity_status(days)`
    ");
}

#[test]
fn a_function_with_an_argument_of_another_type_says_what_it_takes() {
    assert_snapshot!(screen_of_model("select activity_status(customer) as status\nfrom orders"), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: function 'activity_status' requires Integer, but received String (DataType: Utf8)
     --> sql/totals.sql:5:8
      |
    5 | select activity_status(customer) as status
      |        ^^^^^^^^^^^^^^^

    hint: it is called as `activity_status(days)`
    ");
}

#[test]
fn two_statements_in_a_file_are_one_too_many() {
    assert_snapshot!(screen_of_model("select 1 as one;\nselect 2 as two"), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: `sql/totals.sql` holds more than one statement

    hint: a model is one select
    ");
}

#[test]
fn a_model_can_only_ask() {
    assert_snapshot!(screen_of_model("drop table orders"), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: `sql/totals.sql` holds no select

    hint: a model is one select
    ");
}

#[test]
fn all_models_that_are_wrong_are_shown_at_once() {
    let project = Project::orders();
    project.edit("sql/totals.sql", "sum(amount)", "summ(amount)");
    project.write("sql/more.sql", model("select totl from totals"));
    project.write(
        "sql/other.sql",
        model("select customer from orders where amount > 'many'"),
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: cannot cast string 'many' to value of Decimal128(38, 10) type
     --> sql/other.sql:5:44
      |
    5 | select customer from orders where amount > 'many'
      |                                            ^^^^^^

    error: invalid function 'summ'
     --> sql/totals.sql:9:5
      |
    9 |     summ(amount) as amount
      |     ^^^^

    hint: did you mean `sum`?
    ");
}

#[test]
fn models_that_need_each_other_are_shown_as_a_circle() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "from orders",
        "from orders inner join shares using (customer)",
    );
    project.write("sql/shares.sql", model("select customer from large"));
    project.write(
        "sql/large.sql",
        model("select customer from totals where amount > 10"),
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: models read each other in a circle: `large` → `totals` → `shares` → `large`
     --> sql/shares.sql:5:22
      |
    5 | select customer from large
      |                      ^^^^^

    hint: put what both need into a model of its own, which reads neither
    ");
}

#[test]
fn a_model_needs_a_header() {
    let project = Project::orders();
    project.write("sql/totals.sql", "select customer from orders");
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `sql/totals.sql` has no front matter

    hint: begin the file with a comment such as:
    /* dfpipe
    version: 1
    description: …
    */
    ");
}

#[test]
fn two_models_of_one_name_are_refused() {
    let project = Project::orders();
    project.write("sql/more/totals.sql", model("select customer from orders"));
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `sql/more/totals.sql` and `sql/totals.sql` are both the table `totals`

    hint: rename one of the files
    ");
}

#[test]
fn a_header_is_checked_key_by_key() {
    let project = Project::orders();
    project.edit("sql/totals.sql", "description:", "desription:");
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: this file has no key `desription`
     --> sql/totals.sql:3:1
      |
    3 | desription: What each customer has spent.
      | ^^^^^^^^^^

    hint: did you mean `description`?
    ");
}

#[test]
fn a_key_must_be_selected() {
    let project = Project::orders();
    project.edit("sql/totals.sql", "key: [customer]", "key: [customer_id]");
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the front matter names a column that the select does not give: `customer_id`
     --> sql/totals.sql:4:7
      |
    4 | key: [customer_id]
      |       ^^^^^^^^^^^

    hint: the columns are: customer, amount
    ");
}

#[test]
fn a_check_must_be_about_columns_there_are() {
    let project = Project::orders();
    let checks = "checks:\n  - not_null: [amonut]\nsave_as";
    project.edit("sql/totals.sql", "save_as", checks);
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the front matter names a column that the select does not give: `amonut`
     --> sql/totals.sql:6:16
      |
    6 |   - not_null: [amonut]
      |                ^^^^^^

    hint: did you mean `amount`?
    ");
}

#[test]
fn a_destination_must_load_a_model_there_is() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "model: totals", "model: total");
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `destination.model` names a model that does not exist: `total`

    hint: did you mean `totals`?
    ");
}

#[test]
fn data_that_a_model_cannot_take_is_no_bug() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "sum(amount)",
        "sum(cast(customer as bigint))",
    );
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"
    exit code: 1
    ----- stderr -----
    error: `sql/totals.sql` fails on this data: cannot cast string 'ada' to value of Int64 type
     --> sql/totals.sql:7:1
      |
    7 | select
      | ^
    ");
}

/// Nothing that such a run has is lost, and nothing is loaded.
#[test]
fn a_failing_check_stops_the_load_and_keeps_the_run() {
    let project = Project::orders();
    project.write(
        "sql/checks/nobody_is_rich.sql",
        "/* dfpipe\ndescription: Nobody spends more than ten.\nhint: Ask them how they do it.\n*/\n\
         select customer, amount from totals where amount > 10\n",
    );

    let outcome = project.run(["run"]);

    assert_snapshot!(outcome.screen(), @r#"
    exit code: 1
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
      orders          3 rows  [time]
    transform
      totals          2 rows  [time]
    checks
      0 of 1 passed, 1 against the load
    orders 2026-11-15 failed in transform
    Nothing was loaded: the destination is as it was before.
    What it has done is kept, with report.html, in [project]/.dfpipe/work/[run]
    Go on with: dfpipe run --resume [run]
    error: the check `nobody_is_rich` found 1 bad row
    cause: expected: Nobody spends more than ten.
    found, for example: {"customer":"ada","amount":13.00}

    hint: Ask them how they do it.
    see them: dfpipe query --run [run] "select * from check_nobody_is_rich"
    "#);
    let kept = project.unfinished();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].join("models/totals.parquet").exists());
    assert!(!project.path(".dfpipe/warehouse").exists());
}

#[test]
fn a_check_that_only_warns_does_not_stop_the_load() {
    let project = Project::orders();
    project.write(
        "sql/checks/nobody_is_rich.sql",
        "/* dfpipe\ndescription: Nobody spends more than ten.\nseverity: warn\n*/\n\
         select customer, amount from totals where amount > 10\n",
    );
    assert_snapshot!(project.run(["run"]).screen(), @r#"
    exit code: 0
    ----- stdout -----
    orders 2026-11-15 completed in [time]
    run [run] · profile local · window 2026-11-08 00:00 to 2026-11-15 00:00 UTC

    Records per step
      extract orders (files)  3
      transform totals        2
      load                    2

    Result
      loaded into  [project]/.dfpipe/warehouse/shop/totals
      as           load 1 of 2026-11-15
      file         [project]/.dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet
      run folder   [project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]
      ask it       dfpipe query "show tables"

    Needs a human
      warning: nobody_is_rich (1 row against it): Nobody spends more than ten.
        see them: dfpipe query --run [run] "select * from check_nobody_is_rich"
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
      orders          3 rows  [time]
    transform
      totals          2 rows  [time]
    checks
      0 of 1 passed, 1 to look at
    load
      2 rows into [project]/.dfpipe/warehouse/shop/totals  [time]
    "#);
}

#[test]
fn a_source_of_unreadable_records_is_broken() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "data/*.csv", "data/*.ndjson");
    project.write("data/orders.ndjson", "{\"order_id\": 1}\n<html>\n");
    assert_snapshot!(project.run(["run"]).screen(), @r#"
    exit code: 1
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
      orders          1 row         1 refused  [time]
    orders 2026-11-15 failed in extract
    Nothing was loaded: the destination is as it was before.
    What it has done is kept, with report.html, in [project]/.dfpipe/work/[run]
    Go on with: dfpipe run --resume [run]
    error: 1 of 2 records of `orders` cannot be read, more than 1%

    hint: look at them: dfpipe query --run [run] "select place, error from dead_letters"
    `max_dead_letters` of the source allows more
    "#);
    let kept = project.unfinished().pop().expect("the run is kept");
    let run = kept.file_name().expect("it has a name").to_string_lossy();
    let hinted = project.run([
        "query",
        "--run",
        &run,
        "select place, error from dead_letters",
    ]);
    assert_snapshot!(hinted.screen(), @"
    exit code: 0
    ----- stdout -----
    +-----------------------+-----------------------------------+
    | place                 | error                             |
    +-----------------------+-----------------------------------+
    | orders.ndjson, line 2 | expected value at line 1 column 1 |
    +-----------------------+-----------------------------------+
    ");
}

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

/// The customer pipeline with a CRM at `url` and nothing else that is remote.
fn with_crm_at(url: &str) -> Project {
    let project = Project::customers();
    let local = "from: {kind: files, path: fixtures/crm/page-*.json, records: data}";
    let remote = "from:
          kind: crm
          url: ${CRM_API_URL}
          path: /v1/customers
          auth: {bearer: \"${CRM_API_KEY}\"}
          pagination: {kind: page_number}
          timeout_seconds: 1
          retries: 1";
    project.edit("dfpipe.yml", local, remote);
    project
        .with_variable("CRM_API_URL", url)
        .with_variable("CRM_API_KEY", "a-key-that-nobody-gave-out")
}

#[test]
fn a_refused_key_is_never_printed() {
    let crm = Api::serve(vec![]);
    let project = with_crm_at(&crm.url());

    let outcome = project.run(["run", "-q"]);

    assert_snapshot!(outcome.screen(), @"
    exit code: 3
    ----- stderr -----
    error: `http://[address]/v1/customers` answers 401 Unauthorized

    hint: `sources.crm_customers.from.auth.bearer` (read from `CRM_API_KEY`) holds the key: it may be wrong, expired, or lack permission
    ");
    assert_eq!(crm.requests().len(), 1, "a refusal is final");
}

#[test]
fn a_crm_that_is_not_there_is_asked_again_before_it_is_an_error() {
    let project = with_crm_at("http://127.0.0.1:1");
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"
    exit code: 3
    ----- stderr -----
    error: `http://127.0.0.1:1/v1/customers` gives no usable answer (after 2 attempts)
    cause: error sending request: client error (Connect): tcp connect error: Connection refused

    hint: the server may be down or overloaded: run again later
    ");
}

#[test]
fn a_broker_that_is_not_there_is_an_error_after_its_time() {
    let project = Project::customers().with_variable("KAFKA_BROKERS", "127.0.0.1:1");
    let local = "from: {kind: files, path: fixtures/events/*.ndjson}";
    let remote = "from: {kind: kafka, brokers: \"${KAFKA_BROKERS}\", topic: customer-events, \
                  group: tests, timeout_seconds: 2}";
    project.edit("dfpipe.yml", local, remote);
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"
    exit code: 3
    ----- stderr -----
    error: no broker of `127.0.0.1:1` gave an answer within 2s
    cause: 127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused; 1/1 brokers are down

    hint: check the address in `brokers` (KAFKA_BROKERS in the shipped project), `security.protocol` in `options`, and that no VPN or firewall stands between
    ");
}
