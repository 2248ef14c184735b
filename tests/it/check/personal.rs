//! Personal data is followed to where it would leave the run.

use insta::assert_snapshot;

use super::{model, shop};

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
