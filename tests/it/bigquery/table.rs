//! The table itself, past the run: how it is made, what is refused, which loads it holds.

use std::sync::Arc;

use datafusion::arrow::{
    array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use dfpipe::{
    config::{BigQuery as Settings, GoogleAuth},
    sinks::{
        bigquery::{Client, Target, loads, table, view},
        metadata,
    },
};
use serde_json::json;

use crate::support::bigquery::{
    BigQuery, Call,
    caller::{Caller, load_job, parquet},
};

fn settings(service: &BigQuery) -> Settings {
    Settings {
        project: "p".to_owned(),
        location: "US".to_owned(),
        auth: GoogleAuth::None,
        endpoint: service.url().parse().expect("it is an address"),
        cluster_by: vec![],
        partition_expiration_days: None,
        schema_changes: true,
        chunk: 256 * 1024,
        staging: None,
        upload_limit: 1 << 30,
        split: false,
        timeout: std::time::Duration::from_secs(10),
    }
}

fn target() -> Target {
    Target {
        project: "p".to_owned(),
        location: "US".to_owned(),
        dataset: "d".to_owned(),
        table: "t".to_owned(),
        pipeline: "orders".to_owned(),
    }
}

fn columns() -> Schema {
    metadata::schema(&Schema::new(vec![Field::new("id", DataType::Int64, false)]))
}

/// Rows of one load; it says that it has `count`.
fn rows(day: i32, load_number: i64, run_id: &str, rows: usize, count: i64) -> Vec<u8> {
    let columns: [(&str, ArrayRef); 5] = [
        ("id", Arc::new(Int64Array::from(vec![1; rows]))),
        ("run_id", Arc::new(StringArray::from(vec![run_id; rows]))),
        ("run_date", Arc::new(Date32Array::from(vec![day; rows]))),
        (
            "load_number",
            Arc::new(Int64Array::from(vec![load_number; rows])),
        ),
        (
            "record_count",
            Arc::new(Int64Array::from(vec![count; rows])),
        ),
    ];
    let columns = columns.map(|(name, array)| (name, array, true));
    parquet(&RecordBatch::try_from_iter_with_nullable(columns).expect("they are of one length"))
}

#[tokio::test]
async fn a_table_is_made_once_and_then_left_as_it_is() {
    let service = BigQuery::serve();
    let to = settings(&service);
    let client = Client::new(&to).expect("it asks nobody");
    let (target, columns) = (target(), columns());

    let looked = table::examine(&client, &target, &to, &columns).await;
    assert!(looked.expect("nothing is in the way").is_empty());
    assert!(service.dataset("p", "d").is_none(), "looking makes nothing");
    for _ in 0..2 {
        let state = table::ensure(&client, &target, &to, &columns).await;
        let state = state.expect("it can be made");
        assert!(state.changes.is_empty() && state.update_options().is_empty());
        assert_eq!(state.schema.fields.len(), columns.fields().len());
    }
    assert_eq!(service.calls(Call::PatchTable), 0);
    let made = service.table("p", "d", "t").expect("it is there");
    let partitions = json!({"type": "DAY", "field": "run_date"});
    assert_eq!(made["timePartitioning"], partitions);
}

#[tokio::test]
async fn a_dataset_elsewhere_is_told_with_the_line_that_mends_it() {
    let service = BigQuery::serve();
    let caller = Caller::of(&service.url());
    caller
        .prepare("EU", json!([{"name": "id", "type": "INTEGER"}]))
        .await;
    let to = settings(&service);
    let client = Client::new(&to).expect("it asks nobody");
    let error = table::ensure(&client, &target(), &to, &columns()).await;
    let error = error.expect_err("it lies in EU");
    assert_eq!(error.message(), "the dataset `d` lies in `EU`, not in `US`");
    assert_eq!(
        error.hint(),
        Some("`destination.location: EU` in dfpipe.yml")
    );
}

#[tokio::test]
async fn a_table_that_dfpipe_has_not_made_is_not_taken_for_one() {
    let service = BigQuery::serve();
    let caller = Caller::of(&service.url());
    caller
        .prepare("US", json!([{"name": "id", "type": "INTEGER"}]))
        .await;
    let client = Client::new(&settings(&service)).expect("it asks nobody");
    let date = "2026-11-15".parse().expect("it is a date");
    let error = loads::loads(&client, &target(), date).await;
    let error = error.expect_err("it has no run_date");
    assert_eq!(error.message(), "`p.d.t` is no table of dfpipe");
}

#[tokio::test]
async fn the_view_and_the_sink_pass_over_a_load_that_is_not_complete() {
    let service = BigQuery::serve();
    let to = settings(&service);
    let client = Client::new(&to).expect("it asks nobody");
    let target = target();
    let made = table::ensure(&client, &target, &to, &columns()).await;
    made.expect("it can be made");
    let caller = Caller::of(&service.url());
    // 2026-11-15 and the day after, in days since 1970.
    for (job, file) in [
        ("one", rows(20_772, 1, "FIRST", 2, 2)),
        ("two", rows(20_772, 2, "SECOND", 1, 1)),
        ("three", rows(20_772, 3, "THIRD", 1, 5)),
        ("four", rows(20_773, 1, "FOURTH", 3, 3)),
    ] {
        caller.load(&load_job(job), &file).await;
        caller.done(job).await;
    }
    let date = "2026-11-15".parse().expect("it is a date");
    let held = loads::loads(&client, &target, date)
        .await
        .expect("they can be asked");
    let held = held
        .iter()
        .map(|load| (load.load_number, load.rows, load.is_complete()));
    assert_eq!(
        held.collect::<Vec<_>>(),
        [(1, 2, true), (2, 1, true), (3, 1, false)]
    );

    let latest = loads::latest(&client, &target)
        .await
        .expect("they can be asked");
    let runs: Vec<_> = latest.iter().map(|load| load.run_id.as_str()).collect();
    assert_eq!(runs, ["SECOND", "FOURTH"]);

    for _ in 0..2 {
        view::keep(&client, &target, false)
            .await
            .expect("it can be made");
    }
    assert_eq!(service.calls(Call::PatchTable), 0, "it is as it should be");
    let shown =
        service.query("select run_id, count(*) as n from `p.d.t_latest` group by 1 order by 1");
    let shown: Vec<_> = shown
        .iter()
        .map(|row| (&row["run_id"], &row["n"]))
        .collect();
    assert_eq!(
        shown,
        [
            (&json!("FOURTH"), &json!("3")),
            (&json!("SECOND"), &json!("1"))
        ]
    );
    let counted = loads::count(&client, &target, date, "SECOND", 2).await;
    assert_eq!(counted.expect("it can be counted"), 1);
}
