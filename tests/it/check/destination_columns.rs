//! The columns of the loaded model: what BigQuery would cut or refuse, what was recorded and must stay.

use insta::assert_snapshot;

use super::screen;
use crate::support::project::Project;

#[test]
fn columns_that_bigquery_would_cut_or_not_take_are_refused() {
    assert_snapshot!(screen(
        "select\n    customer,\n    cast(order_id as bigint unsigned) as \"order id\",\n    \
         arrow_cast(amount, 'Decimal256(60, 39)') as amount,\n    \
         cast('2026-01-01' as timestamp) as ordered_at,\n    cast('08:00' as time) as opens_at,\n    \
         order_id as _table_id,\n    order_id as \"CUSTOMER\",\n    \
         null as nothing\nfrom orders"
    ), @r#"
    exit code: 2
    ----- stderr -----
    error: `order id` cannot be the name of a column in BigQuery
     --> sql/totals.sql:7:10
      |
    7 |     cast(order_id as bigint unsigned) as "order id",
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    hint: letters, digits and `_`, no digit first: rename it with `as`

    error: the column `amount` would not reach BigQuery as it is: it has more digits than NUMERIC (38, 9) and BIGNUMERIC (76, 38)
     --> sql/totals.sql:8:5
      |
    8 |     arrow_cast(amount, 'Decimal256(60, 39)') as amount,
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    hint: cast it: `cast(amount as decimal(38, 9))`

    error: the column `ordered_at` would not reach BigQuery as it is: its nanoseconds would be cut to microseconds
     --> sql/totals.sql:9:10
      |
    9 |     cast('2026-01-01' as timestamp) as ordered_at,
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    hint: cast it: `arrow_cast(ordered_at, 'Timestamp(µs, "UTC")')`

    error: the column `opens_at` would not reach BigQuery as it is: its nanoseconds would be cut to microseconds
      --> sql/totals.sql:10:10
       |
    10 |     cast('08:00' as time) as opens_at,
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    hint: cast it: `arrow_cast(opens_at, 'Time64(µs)')`

    error: BigQuery keeps names for itself that begin with `_table_`: `_table_id`
      --> sql/totals.sql:11:5
       |
    11 |     order_id as _table_id,
       |     ^^^^^^^^^^^^^^^^^^^^^

    hint: rename it with `as`

    error: `CUSTOMER` differs from another column by case only
      --> sql/totals.sql:12:5
       |
    12 |     order_id as "CUSTOMER",
       |     ^^^^^^^^^^^^^^^^^^^^^^

    hint: to BigQuery they are one: rename one of them

    error: the column `nothing` would not reach BigQuery as it is: it holds nothing but nulls and has no type
      --> sql/totals.sql:13:5
       |
    13 |     null as nothing
       |     ^^^^^^^^^^^^^^^

    hint: give it one: `cast(null as text)`
    "#);
}

#[test]
fn what_bigquery_keeps_as_it_is_is_left_alone() {
    assert_snapshot!(screen(
        "select\n    customer,\n    arrow_cast(cast('2026-01-01' as timestamp), 'Timestamp(µs, \"UTC\")') as ordered_at,\n    \
         arrow_cast(cast('08:00' as time), 'Time64(µs)') as opens_at,\n    \
         cast(amount as decimal(38, 9)) as amount\nfrom orders"
    ), @"
    exit code: 0
    ----- stdout -----
    1 models and 0 checks are well
    ");
}

#[test]
fn columns_that_were_recorded_stay() {
    let project = Project::orders();
    let outcome = project.run(["check", "--record-destination"]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 0
    ----- stdout -----
    1 models and 0 checks are well
    ----- stderr -----
    2 columns are recorded: commit `sql/destination.schema.yml`
    ");
    assert_snapshot!(project.read("sql/destination.schema.yml"), @r#"
    # The destination's columns, written by `dfpipe check --record-destination`. Commit it:
    # `dfpipe check` refuses a loaded model that drops one of them or changes its type.
    columns:
      customer: text
      amount: "decimal(28,2)"
    "#);
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 0
    ----- stdout -----
    1 models and 0 checks are well
    ");
    project.edit(
        "sql/totals.sql",
        "    customer,\n    sum(amount) as amount",
        "    customer as custmer,\n    cast(sum(amount) as double) as amount,\n    count(*) as orders",
    );
    project.edit("sql/totals.sql", "key: [customer]", "key: [custmer]");
    project.edit(
        "sql/totals.sql",
        "group by customer",
        "group by orders.customer",
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    note: the column `custmer` is new to the destination
     --> sql/totals.sql:8:5
      |
    8 |     customer as custmer,
      |     ^^^^^^^^^^^^^^^^^^^

    hint: rows that are there have no value of it; `dfpipe check --record-destination` records it

    note: the column `orders` is new to the destination
      --> sql/totals.sql:10:5
       |
    10 |     count(*) as orders
       |     ^^^^^^^^^^^^^^^^^^

    hint: rows that are there have no value of it; `dfpipe check --record-destination` records it

    error: the loaded model `totals` has lost the column `customer`
     --> sql/destination.schema.yml:4:13
      |
    4 |   customer: text
      |             ^^^^

    hint: was it renamed to `custmer`? its readers need it; if it may go: `dfpipe check --record-destination`, or for one run `dfpipe run --allow-lost-columns`

    error: the column `amount` is double, but the destination's is decimal(28,2)
     --> sql/totals.sql:9:10
      |
    9 |     cast(sum(amount) as double) as amount,
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    hint: cast it; or, once the destination has changed: `dfpipe check --record-destination`
    ");
    let outcome = project.run(["check", "--record-destination"]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 0
    ----- stdout -----
    1 models and 0 checks are well
    ----- stderr -----
    3 columns are recorded: commit `sql/destination.schema.yml`
    ");
    assert_snapshot!(project.run(["check", "--strict"]).screen(), @"
    exit code: 0
    ----- stdout -----
    1 models and 0 checks are well
    ");
}

#[test]
fn a_new_column_of_the_destination_is_only_said() {
    let project = Project::orders();
    project.run(["check", "--record-destination"]);
    project.edit(
        "sql/totals.sql",
        "as amount",
        "as amount,\n    count(*) as orders",
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 0
    ----- stdout -----
    1 models and 0 checks are well
    ----- stderr -----
    note: the column `orders` is new to the destination
      --> sql/totals.sql:10:5
       |
    10 |     count(*) as orders
       |     ^^^^^^^^^^^^^^^^^^

    hint: rows that are there have no value of it; `dfpipe check --record-destination` records it
    ");
}
