//! What makes the bytes of a load depend on chance, and the exceptions with their reasons.

use insta::assert_snapshot;

use super::model;
use crate::support::project::Project;

#[test]
fn what_makes_a_load_depend_on_chance_is_shown_all_in_one_go() {
    let project = Project::orders();
    project.write(
        "sql/steps/parts.sql",
        model(
            "order_id",
            "select order_id, customer, cast(amount as double) as amount, random() as dice\nfrom orders\nlimit 10",
        ),
    );
    project.write(
        "sql/totals.sql",
        model(
            "customer",
            "select\n    customer,\n    sum(amount) as amount,\n    array_agg(order_id) as orders,\n    \
             now() as loaded_at\nfrom parts\ngroup by customer",
        ),
    );
    assert_snapshot!(project.run(["check"]).screen(), @r#"
    exit code: 2
    ----- stderr -----
    error: `random` gives other values every time
     --> sql/steps/parts.sql:5:62
      |
    5 | select order_id, customer, cast(amount as double) as amount, random() as dice
      |                                                              ^^^^^^

    hint: compute it from the row, such as `md5(customer_id)`

    error: `limit` keeps the rows that come first, and nothing orders them
     --> sql/steps/parts.sql:7:7
      |
    7 | limit 10
      |       ^^

    hint: say which come first, by columns that tie no rows: `order by … limit …`

    error: `sum` adds up floating-point numbers: its last digits depend on the order of the rows
     --> sql/totals.sql:7:5
      |
    7 |     sum(amount) as amount,
      |     ^^^

    hint: add up exact numbers, such as `cast(… as decimal(38, 9))`, or say why it is right: `allow: {float_aggregates: …}`

    error: `array_agg` takes the rows in the order in which they come
     --> sql/totals.sql:8:5
      |
    8 |     array_agg(order_id) as orders,
      |     ^^^^^^^^^

    hint: give it an order that ties no rows: `array_agg(… order by …)`

    error: `now` reads the clock: no run could be repeated
     --> sql/totals.sql:9:5
      |
    9 |     now() as loaded_at
      |     ^^^

    hint: the moment of the run is `$as_of`, its date `$run_date`

    error: the column `loaded_at` would not reach BigQuery as it is: its nanoseconds would be cut to microseconds
     --> sql/totals.sql:9:5
      |
    9 |     now() as loaded_at
      |     ^^^^^^^^^^^^^^^^^^

    hint: cast it: `arrow_cast(loaded_at, 'Timestamp(µs, "UTC")')`
    "#);
}

#[test]
fn what_is_not_loaded_may_depend_on_chance() {
    let project = Project::orders();
    project.write(
        "sql/sample.sql",
        "/* dfpipe\nversion: 1\nkey: [order_id]\nsave_as: sample.json\n*/\nselect order_id from orders limit 3\n",
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 0
    ----- stdout -----
    2 models and 0 checks are well
    ");
}

#[test]
fn an_exception_is_made_with_a_reason_only() {
    let project = Project::orders();
    let text = "/* dfpipe\nversion: 1\nkey: [customer]\nallow:\n  float_aggregates: \"\"\n*/\n\
                select customer, round(sum(cast(amount as double)), 2) as amount from orders group by customer\n";
    project.write("sql/totals.sql", text);
    assert_snapshot!(project.run(["check"]).screen(), @r#"
    exit code: 2
    ----- stderr -----
    error: `allow.float_aggregates` gives no reason
     --> sql/totals.sql:5:3
      |
    5 |   float_aggregates: ""
      |   ^

    hint: say why it is right here: `float_aggregates: …`
    "#);
    project.edit(
        "sql/totals.sql",
        "\"\"",
        "rounded to cents, of amounts that have cents",
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 0
    ----- stdout -----
    1 models and 0 checks are well
    ");
}

#[test]
fn an_exception_that_there_is_not_is_guessed() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "save_as:",
        "allow: {float_agregates: rounded}\nsave_as:",
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `allow` has no key `float_agregates`
     --> sql/totals.sql:5:9
      |
    5 | allow: {float_agregates: rounded}
      |         ^^^^^^^^^^^^^^^

    hint: did you mean `float_aggregates`?
    ");
}
