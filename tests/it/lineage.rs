//! `dfpipe lineage`: where tables and columns come from, without data or network.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::project::Project;

/// Orders in three steps, and nothing of them but their SQL.
fn orders() -> Project {
    let project = Project::orders();
    project.write(
        "sql/clean.sql",
        "/* dfpipe\nversion: 1\ndescription: Orders that count.\nkey: [order_id]\n*/\n\
         select order_id, lower(customer) as customer, amount from orders where amount > 0\n",
    );
    project.write(
        "sql/totals.sql",
        "/* dfpipe\nversion: 1\nkey: [customer]\n*/\n\
         select customer, sum(amount) as total, count(*) as orders, 'EUR' as currency\n\
         from clean group by customer\n",
    );
    project.write(
        "sql/best.sql",
        "/* dfpipe\nversion: 1\n*/\n\
         select t.customer, case when t.total > 10 then t.total end as total,\n\
         rank() over (order by t.total desc) as place\n\
         from totals as t inner join clean as c on c.customer = t.customer\n",
    );
    project.remove("data");
    project
}

#[test]
fn all_tables_are_shown_in_the_order_of_building() {
    assert_snapshot!(orders().succeed(["lineage"]).screen(), @r"
    exit code: 0
    ----- stdout -----
    sources
      orders           files
    models
      clean            reads orders
      totals           reads clean
      best             reads clean, totals
    loaded
      shop.totals      is totals
    ");
}

#[test]
fn a_model_is_shown_with_what_lies_above_and_below_and_its_columns() {
    let project = orders();
    assert_snapshot!(project.succeed(["lineage", "totals"]).screen(), @r"
    exit code: 0
    ----- stdout -----
    totals  (model, sql/totals.sql)

    reads
      └── clean
          └── orders

    is read by
      ├── best
      └── shop.totals  (loaded)

    columns
      customer  Utf8               clean.customer
      total     Decimal128(28, 2)  aggregated from clean.amount
      orders    Int64              grouped by clean.customer
      currency  Utf8               no column: a constant, or a count of all rows

    which rows there are
      grouped by clean.customer
    ");
    assert_snapshot!(project.succeed(["lineage", "best"]).screen(), @r"
    exit code: 0
    ----- stdout -----
    best  (model, sql/best.sql)

    reads
      ├── clean
      │   └── orders
      └── totals
          └── clean  …

    columns
      customer  Utf8               totals.customer
      total     Decimal128(28, 2)  computed from totals.total; decided by totals.total
      place     UInt64             in the window of totals.total; joined by clean.customer, totals.customer

    which rows there are
      joined by clean.customer, totals.customer
    ");
    assert_snapshot!(project.succeed(["lineage", "orders"]).screen(), @r"
    exit code: 0
    ----- stdout -----
    orders  (source, files)

    is read by
      └── clean
          ├── totals
          │   ├── best
          │   └── shop.totals  (loaded)
          └── best

    columns
      order_id   Int64
      customer   Utf8
      amount     Decimal128(18, 2)
      _part      Int32
      _position  Int64
    ");
}

#[test]
fn a_column_is_followed_back_to_the_sources_and_on_to_its_readers() {
    let project = orders();
    assert_snapshot!(project.succeed(["lineage", "best.total"]).screen(), @r"
    exit code: 0
    ----- stdout -----
    best.total  (Decimal128(28, 2))

    comes from
      └── totals.total  (computed, decides: condition)
          └── clean.amount  (aggregated)
              └── orders.amount

    is made of, in the end
      aggregated from orders.amount
      decided by orders.amount
    ");
    assert_snapshot!(project.succeed(["lineage", "orders.amount"]).screen(), @r"
    exit code: 0
    ----- stdout -----
    orders.amount  (Decimal128(18, 2))

    goes to
      └── clean.amount
          └── totals.total  (aggregated)
              ├── best.total  (computed, decides: condition)
              ├── best.place  (decides: window)
              └── shop.totals.total  (loaded)

    decides which rows there are in
      clean  (decides: filter)
    ");
    assert_snapshot!(project.succeed(["lineage", "totals.currency"]).screen(), @r"
    exit code: 0
    ----- stdout -----
    totals.currency  (Utf8)

    goes to
      └── shop.totals.currency  (loaded)

    is made of, in the end
      no column: a constant, or a count of all rows
    ");
}

#[test]
fn a_chart_shows_the_same() {
    let project = orders();
    assert_snapshot!(project.succeed(["lineage", "-o", "mermaid"]).screen(), @r#"
    exit code: 0
    ----- stdout -----
    flowchart LR
        t0[("orders")]
        t1["clean"]
        t2["totals"]
        t3["best"]
        t0 --> t1
        t1 --> t2
        t1 --> t3
        t2 --> t3
        t2 ==> loaded[("shop.totals")]
    "#);
    assert_snapshot!(project.succeed(["lineage", "clean", "-o", "mermaid"]).screen(), @r#"
    exit code: 0
    ----- stdout -----
    flowchart LR
        t0[("orders")]
        t1["clean"]
        t2["totals"]
        t3["best"]
        t0 --> t1
        t1 --> t2
        t1 --> t3
        t2 --> t3
        t2 ==> loaded[("shop.totals")]
        style t1 stroke-width:3px
    "#);
    assert_snapshot!(project.succeed(["lineage", "best.total", "-o", "mermaid"]).screen(), @r#"
    exit code: 0
    ----- stdout -----
    flowchart LR
        c0["best.total"]
        c1["clean.amount"]
        c2["orders.amount"]
        c3["totals.total"]
        c3 -->|transformation, conditional| c0
        c2 -->|identity| c1
        c1 -->|aggregation| c3
        style c0 stroke-width:3px
    "#);
}

#[test]
fn names_that_do_not_exist_are_asked_back() {
    let project = orders();
    assert_snapshot!(project.run(["lineage", "total"]).screen(), @r"
    exit code: 2
    ----- stderr -----
    error: there is no source and no model `total`

    hint: did you mean `totals`?
    ");
    assert_snapshot!(project.run(["lineage", "total.customer"]).screen(), @r"
    exit code: 2
    ----- stderr -----
    error: there is no source and no model `total`

    hint: did you mean `totals.customer`?
    ");
    assert_snapshot!(project.run(["lineage", "totals.custmer"]).screen(), @r"
    exit code: 2
    ----- stderr -----
    error: `totals` has no column `custmer`

    hint: did you mean `totals.customer`?
    ");
    assert_snapshot!(project.run(["lineage", "totals.zzz"]).screen(), @r"
    exit code: 2
    ----- stderr -----
    error: `totals` has no column `zzz`

    hint: it has: customer, total, orders, currency
    ");
    assert_snapshot!(project.run(["lineage", "zzz"]).screen(), @r"
    exit code: 2
    ----- stderr -----
    error: there is no source and no model `zzz`

    hint: `dfpipe lineage` shows all tables
    ");
}

#[test]
fn models_that_are_wrong_have_no_lineage() {
    let project = orders();
    project.edit("sql/clean.sql", "lower(customer)", "lower(custmer)");
    let outcome = project.run(["lineage"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("sql/clean.sql"),
        "{}",
        outcome.stderr
    );
}

fn document<const N: usize>(project: &Project, arguments: [&str; N]) -> Value {
    let outcome = project.succeed(arguments);
    serde_json::from_str(&outcome.stdout).expect("the output is JSON")
}

#[test]
fn programs_get_json() {
    let project = orders();
    let table = document(&project, ["lineage", "totals", "-o", "json"]);
    assert_eq!(table["upstream"], json!(["orders", "clean"]));
    assert_eq!(table["downstream"], json!(["best"]));
    assert_eq!(table["is_loaded"], true);
    let columns = &table["table"]["columns"];
    assert_eq!(
        columns[1],
        json!({
            "name": "total",
            "type": "Decimal128(28, 2)",
            "from": [{"table": "clean", "column": "amount", "how": ["AGGREGATION"]}],
            "unknown": [],
        })
    );
    let rows = &table["table"]["rows"]["from"];
    assert_eq!(
        *rows,
        json!([{"table": "clean", "column": "customer", "how": ["GROUP_BY"]}])
    );

    let column = document(&project, ["lineage", "best.total", "-o", "json"]);
    let origins = &column["origins"]["from"];
    assert_eq!(
        *origins,
        json!([
            {"table": "orders", "column": "amount", "how": ["AGGREGATION", "CONDITIONAL"]},
        ])
    );
}

#[test]
fn the_score_leads_back_to_the_events() {
    let project = Project::customers();
    let column = document(
        &project,
        [
            "lineage",
            "unified_customers.engagement_score",
            "-o",
            "json",
        ],
    );
    let origins = column["origins"]["from"].as_array().expect("a list");
    let is_origin = |name: &str| {
        let mut origins = origins.iter();
        origins.any(|origin| origin["table"] == "customer_events" && origin["column"] == name)
    };
    assert!(
        is_origin("feature") && is_origin("event_type"),
        "{origins:?}"
    );
    assert_eq!(column["origins"]["unknown"], json!([]));
    assert_eq!(column["is_loaded"], true);
}

#[test]
fn every_column_of_the_shipped_pipeline_can_be_followed() {
    let all = document(&Project::customers(), ["lineage", "-o", "json"]);
    let tables = all["tables"].as_array().expect("a list");
    assert!(tables.len() > 20);
    for table in tables {
        assert_eq!(table["rows"]["unknown"], json!([]), "{}", table["name"]);
        for column in table["columns"].as_array().expect("a list") {
            assert_eq!(column["unknown"], json!([]), "{} {column}", table["name"]);
        }
    }
}

#[test]
fn a_count_leads_back_to_what_was_counted() {
    let project = Project::customers();
    let outcome = project.succeed(["lineage", "events_extract.unique_features_used"]);
    let shown = outcome.stdout;
    let above = shown
        .split("goes to")
        .next()
        .expect("a text has a beginning");
    for column in ["judged_events.feature", "customer_events.feature"] {
        assert!(above.contains(column), "{shown}");
    }
}
