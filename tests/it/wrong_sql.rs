//! SQL that is wrong is shown where it is wrong, all of it at once, before anything is read.

use insta::assert_snapshot;

use crate::support::project::Project;

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
     --> sql/totals.sql:6:1
      |
    6 | select 2 as two
      | ^^^^^^^^^^^^^^^

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

    hint: write a value of that type, or compare texts: `cast(… as text)`

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
fn of_several_calls_the_wrong_one_is_shown() {
    for (select, line, column) in [
        // Wrong arity.
        (
            "select abs(order_id) as a,\n  abs(order_id, 1) as b\nfrom orders",
            6,
            3,
        ),
        // Wrong type of an argument.
        (
            "select activity_status(order_id) as a,\n  activity_status(customer) as b\nfrom orders",
            6,
            3,
        ),
        (
            "select sum(order_id) as a,\n  sum(customer) as b\nfrom orders",
            6,
            3,
        ),
        (
            "select activity_status(1) as a, coalesce(activity_status(2), activity_status(customer)) as b\nfrom orders",
            5,
            62,
        ),
        // A named argument that one of the functions does not have.
        (
            "select email_hash(text => customer) as a,\n  activity_status(text => 1) as b\nfrom orders",
            6,
            19,
        ),
        // A filter that is no condition.
        (
            "with a as (\n  select order_id from orders where order_id > 1\n)\nselect order_id as customer from a where order_id",
            8,
            42,
        ),
        (
            "select order_id as customer from orders where order_id + 1",
            5,
            47,
        ),
    ] {
        let screen = screen_of_model(select);
        let place = format!("--> sql/totals.sql:{line}:{column}\n");
        assert!(screen.contains(&place), "{select}\n{screen}");
    }
}

#[test]
fn a_file_that_cannot_be_read_hides_nothing_in_the_others() {
    let project = Project::orders();
    project.write(
        "sql/broken.sql",
        model("select customer, from orders where ("),
    );
    project.write("sql/above.sql", model("select nothing from broken"));
    project.write("sql/mistyped.sql", model("select customer from ordres"));
    project.write("sql/here.sql", model("select customer from there"));
    project.write("sql/there.sql", model("select customer from here"));
    project.edit("sql/totals.sql", "sum(amount)", "summ(amount)");
    project.write(
        "sql/checks/amounts.sql",
        "/* dfpipe\ndescription: For a test.\n*/\nselect amuont from orders\n",
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `sql/broken.sql` is not valid SQL: Expected: an expression, found: EOF
     --> sql/broken.sql:5:37
      |
    5 | select customer, from orders where (
      |                                     ^

    error: there is no source or model `ordres`
     --> sql/mistyped.sql:5:22
      |
    5 | select customer from ordres
      |                      ^^^^^^

    hint: did you mean `orders`?

    error: models read each other in a circle: `here` → `there` → `here`
     --> sql/there.sql:5:22
      |
    5 | select customer from here
      |                      ^^^^

    hint: put what both need into a model of its own, which reads neither

    error: invalid function 'summ'
     --> sql/totals.sql:9:5
      |
    9 |     summ(amount) as amount
      |     ^^^^

    hint: did you mean `sum`?

    error: column 'amuont' not found
     --> sql/checks/amounts.sql:4:8
      |
    4 | select amuont from orders
      |        ^^^^^^

    hint: did you mean `amount`?
    ");
}

/// One mistake: the select, the line of the model and the column where it stands, what is marked there, and what
/// the hint says.
type Mistake = (&'static str, (usize, usize), &'static str, &'static str);

/// What DataFusion refuses without saying where, or without saying what to do.
const MISTAKES: [Mistake; 31] = [
    (
        "select upper(customer, 1) as a from orders",
        (1, 8),
        "upper",
        "it is called as `upper(",
    ),
    (
        "select customer, sqrt(placed_at) as a from orders",
        (1, 18),
        "sqrt",
        "it is called as `sqrt(",
    ),
    (
        "select engagement_score(order_id, order_id, order_id, purchase_wieght => 0.4) as a from orders",
        (1, 55),
        "purchase_wieght",
        "did you mean `purchase_weight`?",
    ),
    (
        "select engagement_score(order_id, order_id, order_id, purchase_weight => 0.9) as a from orders",
        (1, 8),
        "engagement_score",
        "`purchase_weight` 0.5, `feature_weight` 0.3, `page_view_weight` 0.2",
    ),
    (
        "select customer from orders where amount",
        (1, 35),
        "amount",
        "a condition is true or false",
    ),
    (
        "select customer from orders group by customer having sum(order_id)",
        (1, 54),
        "sum",
        "a condition is true or false",
    ),
    (
        "select a.customer from orders as a join orders as b on a.order_id",
        (1, 56),
        "a.order_id",
        "a condition is true or false",
    ),
    (
        "select case when amount then 1 else 0 end as a from orders",
        (1, 18),
        "amount",
        "a condition is true or false",
    ),
    (
        "select customer from orders where is_paid and order_id",
        (1, 47),
        "order_id",
        "the left side is Boolean, the right one Int64",
    ),
    (
        "select customer from orders where order_id > 1 and placed_at = true",
        (1, 52),
        "placed_at = true",
        "cast one of them",
    ),
    (
        "select customer from orders where order_id > 1 and $as_of > order_id",
        (1, 52),
        "$as_of > order_id",
        "cast one of them",
    ),
    (
        "select customer from orders where order_id = 'abc'",
        (1, 46),
        "'abc'",
        "write a value of that type",
    ),
    (
        "select customer from orders where placed_at between 1 and 2",
        (1, 35),
        "placed_at",
        "cast one of them",
    ),
    (
        "select customer from orders where order_id like 'a%'",
        (1, 35),
        "order_id like 'a%'",
        "cast one of them",
    ),
    (
        "select coalesce(order_id, placed_at) as a from orders",
        (1, 8),
        "coalesce",
        "it is called as `coalesce(",
    ),
    (
        "select cast(amount as intt) as a from orders",
        (1, 13),
        "amount",
        "`bigint`",
    ),
    (
        "select placed_at + interval '1 dya' as a from orders",
        (1, 29),
        "'1 dya'",
        "write it like `interval '7 days'`",
    ),
    (
        "select customer from orders where order_id > 1 and sum(amount) > 1",
        (1, 52),
        "sum(amount)",
        "with `having`",
    ),
    (
        "select sum(count(*)) as a from orders",
        (1, 12),
        "count",
        "in an inner query",
    ),
    (
        "select customer from orders where row_number() over (order by order_id) = 1",
        (1, 35),
        "row_number() over (order by order_id) = 1",
        "compute it in a CTE",
    ),
    (
        "select row_number() as a from orders",
        (1, 8),
        "row_number",
        "write `row_number(...) over (",
    ),
    (
        "select regexp_like(customer, '(') as a from orders",
        (1, 8),
        "regexp_like(customer, '(')",
        "has a `\\` before it",
    ),
    (
        "select customer from orders order by customer limit 'a'",
        (1, 53),
        "'a'",
        "a limit is a whole number",
    ),
    (
        "select (select order_id, amount from orders limit 1) as a from orders",
        (1, 9),
        "select order_id, amount from orders limit 1",
        "select only one column",
    ),
    (
        "select order_id as a from orders union all select placed_at from orders",
        (1, 51),
        "placed_at",
        "cast one of them",
    ),
    (
        "select nn.customer from orders",
        (1, 8),
        "nn.customer",
        "did you mean `customer`?",
    ),
    (
        "select customer from orders order by custmer",
        (1, 38),
        "custmer",
        "did you mean",
    ),
    (
        "with a as (select 1 as b), a as (select 2 as b) select b from a",
        (1, 28),
        "a",
        "give each CTE a name of its own",
    ),
    (
        "select a.customer from orders as a join orders as b using (order_i)",
        (1, 60),
        "order_i",
        "did you mean",
    ),
    (
        "select date_trunc('mnth', placed_at) as a from orders",
        (1, 20),
        "mnth",
        "did you mean `month`?",
    ),
    (
        "select extract(dya from placed_at) as a from orders",
        (1, 16),
        "dya",
        "did you mean `day`?",
    ),
];

/// Each of them alone in a file, all in one check: what is marked is what is wrong, and a hint says what to do.
#[test]
fn the_character_is_found_and_a_hint_given_where_datafusion_tells_neither() {
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "      amount: ",
        "      is_paid:   {type: boolean}\n      placed_at: {type: timestamp}\n      amount: ",
    );
    for (number, (select, ..)) in MISTAKES.iter().enumerate() {
        project.write(&format!("sql/mistake_{number}.sql"), model(select));
    }
    let screen = project.run(["check", "--no-color"]).stderr;
    let wrong: Vec<_> = MISTAKES
        .iter()
        .enumerate()
        .filter_map(|(number, mistake)| unlike(&screen, number, mistake))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is on the screen instead of a mistake and its hint.
fn unlike(
    screen: &str,
    number: usize,
    (select, (line, column), marked, hint): &Mistake,
) -> Option<String> {
    let line = line + 4;
    let place = format!("--> sql/mistake_{number}.sql:{line}:{column}\n");
    let carets = format!(
        "| {}{}\n",
        " ".repeat(column - 1),
        "^".repeat(marked.chars().count())
    );
    let file = format!("sql/mistake_{number}.sql");
    // What stands before the first is only said.
    let mut blocks = screen.split("error: ").skip(1);
    let Some(block) = blocks.find(|block| block.contains(&format!("{file}:"))) else {
        return Some(format!("nothing is said of {select}"));
    };
    let is_as_it_should_be = block.contains(&place)
        && block.contains(&carets)
        && block.contains("hint: ")
        && block.contains(hint);
    (!is_as_it_should_be)
        .then(|| format!("{select}\nshould mark {line}:{column} `{marked}`, hint {hint}\n{block}"))
}
