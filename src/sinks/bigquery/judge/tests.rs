//! Tables as they may be found, and what is said of them.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{super::wire::Table, Judged, Target, clustering_of_a_new_table, judge, update_options};
use crate::{
    bigquery_types::{Column, Kind, Mode},
    config::{BigQuery, GoogleAuth},
    error::Error,
};

fn settings() -> BigQuery {
    BigQuery {
        project: "p".to_owned(),
        location: "US".to_owned(),
        auth: GoogleAuth::None,
        endpoint: "http://127.0.0.1".parse().unwrap(),
        cluster_by: vec![],
        partition_expiration_days: None,
        schema_changes: true,
        chunk: 1,
        staging: None,
        upload_limit: 1,
        split: false,
        timeout: std::time::Duration::from_secs(1),
    }
}

fn judged(table: Value, to: &BigQuery, here: &[Column]) -> Judged {
    let target = Target {
        project: "p".to_owned(),
        location: "US".to_owned(),
        dataset: "d".to_owned(),
        table: "t".to_owned(),
        pipeline: "orders".to_owned(),
    };
    let table: Table = serde_json::from_value(table).unwrap();
    judge(&table, &target, to, here)
}

fn by_day() -> Value {
    json!({"type": "DAY", "field": "run_date"})
}

fn told(problems: &[Error]) -> String {
    let told = problems.iter().map(|error| {
        let hint = error.hint().unwrap_or_default();
        format!("{} · {error}\nhint: {hint}\n", error.kind().exit_code())
    });
    told.collect()
}

#[test]
fn what_a_load_can_change_is_no_problem_and_is_told_to_the_job() {
    let table = json!({
        "timePartitioning": by_day(),
        "schema": {"fields": [{"name": "id", "type": "STRING", "mode": "REQUIRED"}]},
    });
    let here = [
        Column::new("id", Kind::String),
        Column::new("n", Kind::Int64),
    ];
    let judged = judged(table, &settings(), &here);
    assert_eq!(told(&judged.problems), "");
    assert_eq!(
        update_options(&judged.state.changes),
        ["ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION"]
    );
    let fields = judged.state.schema.fields;
    assert!(
        fields
            .iter()
            .all(|field| field.mode.as_deref() == Some("NULLABLE"))
    );
}

#[test]
fn the_same_columns_need_no_permission_to_change_any() {
    let table = json!({
        "timePartitioning": by_day(),
        "schema": {"fields": [{"name": "id", "type": "STRING"}]},
    });
    let judged = judged(table, &settings(), &[Column::new("id", Kind::String)]);
    assert_eq!(told(&judged.problems), "");
    assert!(update_options(&judged.state.changes).is_empty());
    assert!(judged.state.notes.is_empty());
}

#[test]
fn without_schema_changes_an_addition_stops_with_the_table_of_differences() {
    let table = json!({
        "timePartitioning": by_day(),
        "schema": {"fields": [
            {"name": "id", "type": "STRING", "mode": "REQUIRED"},
            {"name": "score", "type": "INTEGER"},
        ]},
    });
    let here = [
        Column::new("id", Kind::String),
        Column::new("score", Kind::Float64),
        Column {
            mode: Mode::Repeated,
            ..Column::new("tags", Kind::String)
        },
    ];
    let to = BigQuery {
        schema_changes: false,
        ..settings()
    };
    assert_snapshot!(told(&judged(table, &to, &here).problems), @"
    1 · `p.d.t` cannot take the load's columns: they differ

    column  here           there
    id      STRING         STRING not null  it may not be null, and `schema_changes` is off
    score   FLOAT64        INT64            not safe: of another type
    tags    ARRAY<STRING>  -                it is new, and `schema_changes` is off
    hint: cast it to what it is there, or give the new values another name; `schema_changes: true` in dfpipe.yml lets a load add columns and make them nullable; else change the table by hand
    ");
}

#[test]
fn another_kind_of_table_is_refused() {
    let judged = judged(json!({"type": "MATERIALIZED_VIEW"}), &settings(), &[]);
    assert_snapshot!(told(&judged.problems), @"
    2 · `p.d.t` is no table that can be loaded into: it is a materialized view
    hint: choose another name: `destination.table` in dfpipe.yml
    ");
}

#[test]
fn other_partitions_and_another_order_are_told_together() {
    let to = BigQuery {
        cluster_by: vec!["id".to_owned()],
        ..settings()
    };
    for (partitions, expected) in [
        (
            json!({"timePartitioning": {"type": "MONTH", "field": "run_date"}}),
            "the month of `run_date`",
        ),
        (
            json!({"timePartitioning": {"type": "DAY"}}),
            "the day of `the time of loading`",
        ),
        (
            json!({"rangePartitioning": {"field": "id"}}),
            "by ranges of numbers",
        ),
        (json!({}), "it has no partitions"),
    ] {
        let judged = judged(partitions, &to, &[]);
        assert_eq!(judged.problems.len(), 2);
        let text = judged.problems[0].to_string();
        assert!(text.contains(expected), "{text}");
        assert_eq!(judged.problems[0].kind().exit_code(), 1);
    }
    let table = json!({"timePartitioning": by_day(), "clustering": {"fields": ["name"]}});
    assert_snapshot!(told(&judged(table.clone(), &to, &[]).problems), @"
    1 · `p.d.t` is clustered otherwise than `cluster_by` says: it is clustered by name, not by id
    hint: change `destination.cluster_by` in dfpipe.yml, or the table: `bq update --clustering_fields=id p:d.t`
    ");
    assert_eq!(told(&judged(table, &settings(), &[]).problems), "");
}

#[test]
fn rows_that_vanish_at_another_time_are_a_note() {
    let day = 24 * 60 * 60 * 1000_u64;
    let table = json!({"timePartitioning": {
        "type": "DAY", "field": "run_date", "expirationMs": (60 * day).to_string()}});
    let to = BigQuery {
        partition_expiration_days: Some(800),
        ..settings()
    };
    assert_snapshot!(judged(table, &to, &[]).state.notes.join("\n"), @"rows of `p.d.t` are removed after 60 days; by dfpipe.yml they are removed after 800 days: `alter table … set options (partition_expiration_days = …)`");
}

#[test]
fn a_new_table_is_clustered_by_columns_that_have_an_order() {
    let here = [
        Column::new("id", Kind::String),
        Column::new("score", Kind::Float64),
    ];
    let by = |names: &[&str]| BigQuery {
        cluster_by: names.iter().map(|name| (*name).to_owned()).collect(),
        ..settings()
    };
    assert!(clustering_of_a_new_table(&by(&["ID"]), &here).is_ok());
    let error = clustering_of_a_new_table(&by(&["score", "none"]), &here).unwrap_err();
    let causes: Vec<_> = error.problems().filter_map(Error::cause).collect();
    assert_eq!(causes, ["it is FLOAT64", "the load has no such column"]);
}
