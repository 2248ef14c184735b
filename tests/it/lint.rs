//! `dfpipe check` finds more than types: each rule is a screen here, on a project made up for it.

use insta::assert_snapshot;

use crate::support::project::Project;

/// The shop, with personal data in its orders.
fn shop() -> Project {
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "      amount:",
        "      name:     {type: text, pii: name}\n      phone:    {type: text, pii: phone}\n      amount:",
    );
    project
}

/// A model of the shop, with this key.
fn model(key: &str, select: &str) -> String {
    format!("/* dfpipe\nversion: 1\nkey: [{key}]\n*/\n{select}\n")
}

/// The screen of the check of a shop whose loaded model is this.
fn screen(select: &str) -> String {
    let project = Project::orders();
    project.write("sql/totals.sql", model("customer", select));
    project.run(["check"]).screen()
}

#[test]
fn a_well_kept_project_has_nothing_to_say() {
    assert_snapshot!(Project::customers().run(["check", "--strict"]).screen(), @"
    exit code: 0
    ----- stdout -----
    31 models and 11 checks are well
    ");
}

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

#[test]
fn a_loaded_model_names_its_columns_and_its_rows() {
    let project = Project::orders();
    project.write(
        "sql/totals.sql",
        "/* dfpipe\nversion: 1\n*/\nselect orders.*\nfrom orders\n",
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the model `totals` has no key
     --> sql/totals.sql:2:10
      |
    2 | version: 1
      |          ^

    hint: name the columns that tell its rows apart: `key: [customer_id]`

    error: the last select of `totals` takes all columns there are, and it is loaded
     --> sql/totals.sql:4:8
      |
    4 | select orders.*
      |        ^^^^^^

    hint: name the columns: then only this file decides what the destination's readers get
    ");
}

#[test]
fn what_nobody_uses_and_what_has_no_key_is_only_said() {
    let project = Project::orders();
    project.write(
        "sql/old/spare.sql",
        "/* dfpipe\nversion: 1\n*/\nselect customer\nfrom orders\n",
    );
    let outcome = project.run(["check"]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 0
    ----- stdout -----
    2 models and 0 checks are well
    ----- stderr -----
    note: the model `spare` has no key
     --> sql/old/spare.sql:2:10
      |
    2 | version: 1
      |          ^

    hint: name the columns that tell its rows apart: `key: [customer_id]`

    note: nothing uses the model `spare`
     --> sql/old/spare.sql:4:1
      |
    4 | select customer
      | ^

    hint: remove it, read it, or say why it stays: `allow: {unused: …}`
    ");
    assert_snapshot!(project.run(["check", "--strict"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the model `spare` has no key
     --> sql/old/spare.sql:2:10
      |
    2 | version: 1
      |          ^

    hint: name the columns that tell its rows apart: `key: [customer_id]`

    error: nothing uses the model `spare`
     --> sql/old/spare.sql:4:1
      |
    4 | select customer
      | ^

    hint: remove it, read it, or say why it stays: `allow: {unused: …}`
    ");
}

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

#[test]
fn a_phone_number_is_followed_to_where_it_would_leave_the_run() {
    let project = shop();
    project.write(
        "sql/contacts.sql",
        model(
            "order_id",
            "select order_id, customer, trim(phone) as phone, amount, name from orders",
        ),
    );
    project.write(
        "sql/totals.sql",
        model(
            "customer",
            "with\n\nbest as (\n    select customer, max(phone) as best, sum(amount) as amount\n    \
             from contacts\n    group by customer\n)\n\nselect\n    customer,\n    amount,\n    \
             concat('call ', best) as contact\nfrom best",
        ),
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the column `contact` holds a phone number, and `totals` is loaded
      --> sql/totals.sql:16:5
       |
    16 |     concat('call ', best) as contact
       |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    cause: orders.phone → contacts.phone → totals.contact

    hint: leave it out, or let its hash stand for it: `email_hash(…)`
    ");
}

#[test]
fn a_hash_a_count_and_a_yes_or_no_tell_no_phone_number() {
    let project = shop();
    project.write(
        "sql/totals.sql",
        model(
            "customer",
            "select\n    customer,\n    email_hash(max(phone)) as contact_hash,\n    \
             count(phone) as contacts,\n    max(phone) is not null as is_reachable,\n    \
             sum(case when phone like '+49%' then amount end) as german\n\
             from orders\nwhere name <> ''\ngroup by customer",
        ),
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 0
    ----- stdout -----
    1 models and 0 checks are well
    ");
}

#[test]
fn personal_data_leaves_neither_in_copies_nor_in_reports_nor_in_quotes_of_checks() {
    let project = shop();
    project.write(
        "sql/phones.sql",
        "/* dfpipe\nversion: 1\nkey: [phone]\nsave_as: phones.json\n*/\nselect distinct phone from orders\n",
    );
    project.write(
        "sql/figures.sql",
        model(
            "position",
            "select 1 as position, name as metric, 'x' as label, 1.0 as value, 'count' as unit from orders",
        ),
    );
    project.edit(
        "dfpipe.yml",
        "destination:",
        "report:\n  summary: figures\n\ndestination:",
    );
    project.write(
        "sql/checks/phones_are_long.sql",
        "/* dfpipe\ndescription: Phone numbers have five digits.\n*/\n\
         select order_id, phone from orders where length(phone) < 5\n",
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the column `phone` holds a phone number, and the report quotes the rows of a check
     --> sql/checks/phones_are_long.sql:4:18
      |
    4 | select order_id, phone from orders where length(phone) < 5
      |                  ^^^^^
    cause: orders.phone → phones_are_long.phone

    hint: leave it out, or let its hash stand for it: `email_hash(…)`

    error: the column `metric` holds a person's name, and the report shows `figures`
     --> sql/figures.sql:5:23
      |
    5 | select 1 as position, name as metric, 'x' as label, 1.0 as value, 'count' as unit from orders
      |                       ^^^^^^^^^^^^^^
    cause: orders.name → figures.metric

    hint: leave it out, or let its hash stand for it: `email_hash(…)`

    error: the column `phone` holds a phone number, and `phones` is saved as `phones.json`
     --> sql/phones.sql:6:17
      |
    6 | select distinct phone from orders
      |                 ^^^^^
    cause: orders.phone → phones.phone

    hint: leave it out, or let its hash stand for it: `email_hash(…)`
    ");
}

#[test]
fn a_refused_record_is_quoted_without_its_personal_data() {
    let project = shop();
    project.write(
        "data/orders.csv",
        "order_id,customer,name,phone,amount\n1,ada,Ada Byron,+49 30 1234567,12.50\nx,bob,Bob Ross,+1 555 0100,7.00\n",
    );
    project.write(
        "sql/refused.sql",
        "/* dfpipe\nversion: 1\nkey: [source, record]\nsave_as: refused.json\n*/\n\
         select source, record, detail from extract_rejects\n",
    );
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.screen());
    let answer = project.run(["query", "-o", "csv", "select record, detail from refused"]);
    assert_snapshot!(answer.screen(), @r#"
    exit code: 0
    ----- stdout -----
    record,detail
    "{""order_id"":""x"",""customer"":""bob"",""name"":""[name]"",""phone"":""[phone]"",""amount"":""7.00""}",`order_id` is not of type integer: x
    "#);
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
        let screen = screen(select);
        let place = format!("--> sql/totals.sql:{line}:{column}\n");
        assert!(screen.contains(&place), "{select}\n{screen}");
    }
}

#[test]
fn models_are_selected_by_tag_path_and_state() {
    let project = Project::orders();
    project.write(
        "sql/daily/parts.sql",
        "/* dfpipe\nversion: 1\nkey: [order_id]\ntags: [daily]\n*/\nselect order_id, customer, amount from orders\n",
    );
    project.edit("sql/totals.sql", "from orders", "from parts");
    let built = |selector: &str| {
        let outcome = project.run(["run", "-s", selector]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.screen());
        let record = project.json("run.json");
        let models = record["models"].as_array().expect("models are a list");
        let names = models
            .iter()
            .map(|model| model["name"].as_str().unwrap_or_default().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_snapshot!(project.run(["run", "-q", "-s", "state:modified"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `state:modified` has nothing to compare with: no run has succeeded yet

    hint: begin with `dfpipe run`
    ");
    assert_eq!(built("tag:daily"), "parts");
    assert_eq!(built("path:sql/daily tag:daily+"), "parts totals");
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.screen());
    assert_snapshot!(project.run(["run", "-q", "-s", "state:modified"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the selection is empty

    hint: name a model: `-s +unified_customers` builds it and all that it reads
    ");
    project.edit("sql/totals.sql", "sum(amount)", "sum(distinct amount)");
    assert_eq!(built("+state:modified"), "parts totals");
    assert_snapshot!(project.run(["run", "-q", "-s", "tag:dayly"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `tag:dayly` selects nothing: no model has the tag `dayly`

    hint: did you mean `tag:daily`?
    ");
}
