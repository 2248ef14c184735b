//! The service of the tests keeps the contract of the real one, as far as that is documented.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray,
    TimestampNanosecondArray,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::bigquery::{
    BigQuery, Settings,
    caller::{Caller, load_job, parquet},
};

fn rows(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    parquet(
        &RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, array)| (name, array, true)),
        )
        .expect("columns of one length"),
    )
}

fn numbers(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn words(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn id_and_name() -> Value {
    json!([{"name": "id", "type": "INTEGER"}, {"name": "name", "type": "STRING"}])
}

async fn with_table(fields: Value) -> (BigQuery, Caller) {
    let service = BigQuery::serve();
    let caller = Caller::of(&service.url());
    caller.prepare("US", fields).await;
    (service, caller)
}

/// The errors of a job that must have failed.
async fn failure(caller: &Caller, job: &Value, file: &[u8]) -> (String, String) {
    let told = caller.load(job, file).await;
    assert_eq!(told.status, 200, "{told:?}");
    let id = job["jobReference"]["jobId"].as_str().expect("it has an id");
    let result = &caller.done(id).await["status"]["errorResult"];
    let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
    (text("reason"), text("message"))
}

#[tokio::test]
async fn a_job_is_asynchronous_and_its_rows_are_there_all_at_once() {
    let (service, caller) = with_table(id_and_name()).await;
    let file = rows(vec![
        ("name", words(&["ada", "bob"])),
        ("id", numbers(&[Some(1), None])),
    ]);
    let sent = caller.load(&load_job("one"), &file).await;
    assert_eq!(
        (sent.status, &sent.body["status"]["state"]),
        (200, &json!("PENDING"))
    );
    let count = || service.query("select count(*) as n from `p.d.t`")[0]["n"].clone();

    let job = caller.get("/jobs/one?location=US").await.body;
    assert_eq!(
        (&job["status"]["state"], count()),
        (&json!("RUNNING"), json!("0"))
    );
    let job = caller.get("/jobs/one?location=US").await.body;
    assert_eq!(
        (&job["status"]["state"], count()),
        (&json!("DONE"), json!("2"))
    );
    assert_eq!(job["statistics"]["load"]["outputRows"], "2");

    // By name, whatever the order of the columns in the file.
    let found = service.query("select id, name from `p`.`d`.`t` order by name");
    assert_eq!(found[0]["id"], "1");
    assert_eq!(
        (&found[1]["id"], &found[1]["name"]),
        (&Value::Null, &json!("bob"))
    );
}

#[tokio::test]
async fn an_id_is_taken_once_per_project_and_location() {
    let (service, caller) = with_table(id_and_name()).await;
    let file = rows(vec![("id", numbers(&[Some(1)]))]);
    assert_eq!(caller.load(&load_job("one"), &file).await.status, 200);
    caller.done("one").await;
    let again = caller.load(&load_job("one"), &file).await;
    assert_eq!((again.status, again.reason()), (409, "duplicate"));
    assert_eq!(
        again.body["error"]["message"],
        "Already Exists: Job p:US.one"
    );
    assert_eq!(service.query("select * from `p.d.t`").len(), 1);

    service.set(|settings| settings.tells_duplicate_early = true);
    let again = caller
        .begin(&load_job("one"))
        .await
        .expect_err("it is taken");
    assert_eq!((again.status, again.reason()), (409, "duplicate"));

    // Elsewhere the id is free, but the table is not there.
    let mut elsewhere = load_job("one");
    elsewhere["jobReference"]["location"] = "EU".into();
    assert_eq!(caller.load(&elsewhere, &file).await.status, 200);
    caller.get("/jobs/one?location=EU").await;
    let job = caller.get("/jobs/one?location=EU").await.body;
    assert_eq!(job["status"]["errorResult"]["reason"], "notFound");
}

#[tokio::test]
async fn a_job_is_found_in_its_own_location_only() {
    let service = BigQuery::serve();
    let caller = Caller::of(&service.url());
    caller.prepare("europe-west3", id_and_name()).await;
    let mut job = load_job("one");
    job["jobReference"]["location"] = "europe-west3".into();
    caller
        .load(&job, &rows(vec![("id", numbers(&[Some(1)]))]))
        .await;
    assert_eq!(
        caller.get("/jobs/one?location=europe-west3").await.status,
        200
    );
    for elsewhere in ["/jobs/one?location=US", "/jobs/one"] {
        let told = caller.get(elsewhere).await;
        assert_eq!((told.status, told.reason()), (404, "notFound"));
    }
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_broken_off() {
    let (service, caller) = with_table(id_and_name()).await;
    let names: Vec<_> = (0..40_000)
        .map(|number| format!("{:x}", number * 7_919))
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let file = rows(vec![("name", words(&names))]);
    let (unit, total) = (256 * 1024, file.len());
    assert!(total > unit, "{total}");
    let session = caller.begin(&load_job("one")).await.expect("a session");
    let ask = async || {
        caller
            .put(&session, &format!("bytes */{total}"), &[])
            .await
            .expect("an answer")
    };

    assert_eq!(ask().await.headers.get("range"), None);
    let odd = caller
        .put(&session, &format!("bytes 0-99/{total}"), &file[..100])
        .await;
    assert_eq!(odd.expect("an answer").status, 400);
    let first = caller
        .put(
            &session,
            &format!("bytes 0-{}/{total}", unit - 1),
            &file[..unit],
        )
        .await;
    assert_eq!(first.expect("an answer").status, 308);
    let asked = ask().await;
    assert_eq!(
        (asked.status, &asked.headers["range"]),
        (
            308,
            &format!("bytes=0-{}", unit - 1).parse().expect("a header")
        )
    );
    let last = caller
        .put(
            &session,
            &format!("bytes {unit}-{}/{total}", total - 1),
            &file[unit..],
        )
        .await;
    assert_eq!(
        last.expect("an answer").body["jobReference"]["jobId"],
        "one"
    );
    // Who did not hear it asks again.
    assert_eq!(ask().await.body["jobReference"]["jobId"], "one");
    caller.done("one").await;
    assert_eq!(service.query("select name from `p.d.t`").len(), 40_000);
}

#[tokio::test]
async fn what_the_table_forbids_loads_nothing() {
    let fields = json!([
        {"name": "id", "type": "INTEGER", "mode": "REQUIRED"},
        {"name": "at", "type": "TIMESTAMP"},
    ]);
    let (service, caller) = with_table(fields.clone()).await;
    let job = |id: &str| {
        let mut job = load_job(id);
        job["configuration"]["load"]["schema"] = json!({"fields": fields});
        job
    };
    let one = || numbers(&[Some(1)]);
    let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1]).with_timezone("UTC"));
    let text = rows(vec![("id", words(&["one"]))]);
    for (id, file, complaint) in [
        (
            "nulls",
            rows(vec![("id", numbers(&[Some(1), None]))]),
            "Required field id cannot be null",
        ),
        (
            "lacks",
            rows(vec![("at", nanos.clone())]),
            "Required column id is missing",
        ),
        (
            "nanos",
            rows(vec![("id", one()), ("at", nanos)]),
            "'at' has type Timestamp(ns",
        ),
        (
            "text",
            text.clone(),
            "does not match the target type INTEGER",
        ),
        (
            "more",
            rows(vec![("id", one()), ("odd", one())]),
            "No such field: odd",
        ),
        ("garbage", b"PAR1 no".to_vec(), "not in Parquet format"),
    ] {
        let (reason, message) = failure(&caller, &job(id), &file).await;
        assert_eq!(reason, "invalid", "{id}");
        assert!(message.contains(complaint), "{id}: {message}");
    }
    let (_, message) = failure(&caller, &load_job("implied"), &text).await;
    assert!(
        message.contains("has changed type from INTEGER to STRING"),
        "{message}"
    );
    let mut nowhere = job("nowhere");
    nowhere["configuration"]["load"]["destinationTable"]["tableId"] = "none".into();
    let (reason, _) = failure(&caller, &nowhere, &rows(vec![("id", one())])).await;
    assert_eq!(reason, "notFound");
    assert!(service.query("select * from `p.d.t`").is_empty());
}

#[tokio::test]
async fn a_column_is_added_only_if_the_load_allows_it() {
    let (service, caller) = with_table(id_and_name()).await;
    let file = rows(vec![("id", numbers(&[Some(1)])), ("more", words(&["x"]))]);
    let mut job = load_job("a0");
    job["configuration"]["load"]["schema"] = json!({"fields": [
        {"name": "id", "type": "INTEGER"}, {"name": "name", "type": "STRING"}, {"name": "more", "type": "STRING"},
    ]});
    let (reason, message) = failure(&caller, &job, &file).await;
    assert_eq!(reason, "invalid");
    assert_eq!(
        message,
        "Provided Schema does not match Table p:d.t. Cannot add fields (field: more)."
    );

    job["jobReference"]["jobId"] = "a1".into();
    job["configuration"]["load"]["schemaUpdateOptions"] = json!(["ALLOW_FIELD_ADDITION"]);
    caller
        .load(&rows_before(), &rows(vec![("id", numbers(&[Some(0)]))]))
        .await;
    caller.done("before").await;
    caller.load(&job, &file).await;
    assert_eq!(
        caller.done("a1").await["statistics"]["load"]["outputRows"],
        "1"
    );
    let found = service.query("select id, more from `p.d.t` order by id");
    assert_eq!(
        (&found[0]["more"], &found[1]["more"]),
        (&Value::Null, &json!("x"))
    );
}

/// A load without a schema of its own: the file's columns are compared.
fn rows_before() -> Value {
    let mut job = load_job("before");
    job["configuration"]["load"]["schema"] = json!({"fields": id_and_name()});
    job
}

#[tokio::test]
async fn lists_stay_empty_unless_they_are_asked_for() {
    let fields = json!([{"name": "tags", "type": "INTEGER", "mode": "REPEATED"}]);
    let (service, caller) = with_table(fields.clone()).await;
    let mut lists = ListBuilder::new(Int64Builder::new());
    lists.append_value([Some(1), Some(2)]);
    lists.append_null();
    let file = rows(vec![("tags", Arc::new(lists.finish()))]);
    let mut job = load_job("without");
    job["configuration"]["load"]["schema"] = json!({"fields": fields});
    caller.load(&job, &file).await;
    caller.done("without").await;
    let tags = |service: &BigQuery| -> Vec<Value> {
        let found = service.query("select tags from `p.d.t`");
        found
            .into_iter()
            .map(|mut row| row.remove("tags").expect("a column"))
            .collect()
    };
    assert_eq!(tags(&service), [json!([]), json!([])]);
    job["jobReference"]["jobId"] = "with".into();
    job["configuration"]["load"]["parquetOptions"] = json!({"enableListInference": true});
    caller.load(&job, &file).await;
    caller.done("with").await;
    assert_eq!(
        tags(&service)[2..],
        [json!([{"v": "1"}, {"v": "2"}]), json!([])]
    );
}

#[tokio::test]
async fn decimals_go_where_the_load_says() {
    let fields = json!([{"name": "sum", "type": "BIGNUMERIC"}]);
    let (service, caller) = with_table(fields.clone()).await;
    let sums = Decimal128Array::from(vec![1_250_000_000_000_i128]).with_precision_and_scale(38, 12);
    let file = rows(vec![("sum", Arc::new(sums.expect("digits")))]);
    let mut job = load_job("small");
    job["configuration"]["load"]["schema"] = json!({"fields": fields});
    let (_, message) = failure(&caller, &job, &file).await;
    assert!(message.contains("decimalTargetTypes"), "{message}");
    job["jobReference"]["jobId"] = "big".into();
    job["configuration"]["load"]["decimalTargetTypes"] = json!(["NUMERIC", "BIGNUMERIC"]);
    caller.load(&job, &file).await;
    caller.done("big").await;
    assert_eq!(service.query("select sum from `p.d.t`")[0]["sum"], "1.25");
}

#[tokio::test]
async fn a_view_is_a_statement_that_can_be_run() {
    let (service, caller) = with_table(id_and_name()).await;
    let view = |statement: &str, is_legacy: Option<bool>| {
        json!({
            "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "v"},
            "view": {"query": statement, "useLegacySql": is_legacy},
        })
    };
    let good = "select name, count(*) as n from `p.d.t` group by name";
    for (statement, is_legacy) in [
        (good, None),
        (good, Some(true)),
        ("select nothing from `p.d.t`", Some(false)),
    ] {
        let told = caller
            .post("/datasets/d/tables", view(statement, is_legacy))
            .await;
        assert_eq!(
            (told.status, told.reason()),
            (400, "invalidQuery"),
            "{statement}"
        );
    }
    let made = caller
        .post("/datasets/d/tables", view(good, Some(false)))
        .await;
    assert_eq!((made.status, &made.body["type"]), (200, &json!("VIEW")));
    assert_eq!(made.body["schema"]["fields"][1]["type"], "INTEGER");
    caller
        .load(
            &rows_before(),
            &rows(vec![("name", words(&["a", "a", "b"]))]),
        )
        .await;
    caller.done("before").await;
    assert_eq!(
        service.query("select n from `p.d.v` where name = 'a'")[0]["n"],
        "2"
    );
}

#[tokio::test]
async fn a_query_is_a_job_whose_answer_may_come_later() {
    let service = BigQuery::with(Settings {
        slow_queries: true,
        ..Settings::default()
    });
    let caller = Caller::of(&service.url());
    caller.prepare("US", id_and_name()).await;
    let query = json!({"query": "select count(*) as n, date '2026-11-15' as d, timestamp '2026-11-15 00:00:00Z' as t from `p.d.t` where name = @name",
        "useLegacySql": false, "location": "US",
        "queryParameters": [{"name": "name", "parameterType": {"type": "STRING"}, "parameterValue": {"value": "it's"}}]});
    let told = caller.post("/queries", query.clone()).await.body;
    assert_eq!(told["jobComplete"], false);
    let job = told["jobReference"]["jobId"].as_str().expect("a job");
    let told = caller
        .get(&format!("/queries/{job}?location=US"))
        .await
        .body;
    assert_eq!(told["totalRows"], "1");
    assert_eq!(told["rows"][0]["f"][0]["v"], "0");
    assert_eq!(told["rows"][0]["f"][1]["v"], "2026-11-15");
    assert_eq!(told["schema"]["fields"][0]["type"], "INTEGER");

    let mut elsewhere = query.clone();
    elsewhere["location"] = "EU".into();
    let told = caller.post("/queries", elsewhere).await;
    assert_eq!((told.status, told.reason()), (404, "notFound"));
    let mut old = query;
    old["useLegacySql"] = Value::Null;
    assert_eq!(caller.post("/queries", old).await.reason(), "invalidQuery");
}

#[tokio::test]
async fn a_patch_adds_and_relaxes_and_does_nothing_else() {
    let fields = json!([{"name": "id", "type": "INTEGER", "mode": "REQUIRED"}]);
    let (service, caller) = with_table(fields).await;
    let patch = async |fields: Value| {
        let patched = caller.call(
            Method::PATCH,
            "/datasets/d/tables/t",
            Some(json!({"schema": {"fields": fields}})),
        );
        patched.await.expect("an answer")
    };
    let told =
        patch(json!([{"name": "id", "type": "INTEGER"}, {"name": "more", "type": "DATE"}])).await;
    assert_eq!(told.status, 200, "{told:?}");
    for bad in [
        json!([{"name": "id", "type": "INTEGER"}]),
        json!([{"name": "id", "type": "STRING"}, {"name": "more", "type": "DATE"}]),
        json!([{"name": "id", "type": "INTEGER", "mode": "REQUIRED"}, {"name": "more", "type": "DATE"}]),
        json!([{"name": "id", "type": "INTEGER"}, {"name": "more", "type": "DATE"}, {"name": "must", "type": "DATE", "mode": "REQUIRED"}]),
    ] {
        let told = patch(bad).await;
        assert_eq!((told.status, told.reason()), (400, "invalid"));
    }
    let table = service.table("p", "d", "t").expect("it is there");
    assert_eq!(table["schema"]["fields"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_label_that_no_label_may_be_is_refused() {
    let (_service, caller) = with_table(id_and_name()).await;
    let mut bad = load_job("four");
    bad["configuration"]["labels"] = json!({"run": "Not Good"});
    let told = caller.begin(&bad).await.expect_err("labels are checked");
    assert_eq!((told.status, told.reason()), (400, "invalid"));
}

#[tokio::test]
async fn what_lies_in_a_bucket_is_loaded_from_there() {
    let (service, caller) = with_table(id_and_name()).await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    for (key, number) in [("one", 1), ("two", 2)] {
        let url = format!("{}/storage/bucket/deep/{key}.parquet", service.url());
        let file = rows(vec![("id", numbers(&[Some(number)]))]);
        let put = client
            .put(url)
            .header("x-goog-if-generation-match", "0")
            .body(file);
        let again = put.try_clone().expect("it can be sent again");
        assert_eq!(put.send().await.expect("an answer").status().as_u16(), 200);
        assert_eq!(
            again.send().await.expect("an answer").status().as_u16(),
            412
        );
    }
    let mut job = load_job("staged");
    job["configuration"]["load"]["sourceUris"] = json!([
        "gs://bucket/deep/one.parquet",
        "gs://bucket/deep/two.parquet"
    ]);
    assert_eq!(caller.post("/jobs", job.clone()).await.status, 200);
    assert_eq!(
        caller.done("staged").await["statistics"]["load"]["outputRows"],
        "2"
    );
    assert_eq!(
        caller.post("/jobs", job.clone()).await.reason(),
        "duplicate"
    );
    job["jobReference"]["jobId"] = "lost".into();
    job["configuration"]["load"]["sourceUris"] = json!(["gs://bucket/nothing"]);
    assert_eq!(caller.post("/jobs", job).await.status, 200);
    assert_eq!(
        caller.done("lost").await["status"]["errorResult"]["reason"],
        "notFound"
    );
}
