//! The service of the tests fails as it is told to, before it has acted and after.

use std::time::Duration;

use axum::http::HeaderMap;
use reqwest::Method;
use serde_json::json;

use crate::support::bigquery::{
    BigQuery, Call, Fault, Refusal, Settings, What, When,
    caller::{Caller, load_job},
    tokens,
};

fn dataset() -> serde_json::Value {
    json!({"datasetReference": {"datasetId": "d"}})
}

#[tokio::test]
async fn a_fault_strikes_the_call_that_it_is_for_and_no_other() {
    let service = BigQuery::serve();
    let caller = Caller::of(&service.url());
    let limit = || What::Refuses(Refusal::rate_limit_exceeded());
    service.fail([Fault::on(Call::GetDataset, When::Before, limit())
        .skipping(1)
        .times(2)]);
    assert_eq!(caller.post("/datasets", dataset()).await.status, 200);
    let mut statuses = vec![];
    for _ in 0..4 {
        statuses.push(caller.get("/datasets/d").await.status);
    }
    assert_eq!(statuses, [200, 403, 403, 200]);
    assert_eq!(service.calls(Call::GetDataset), 4);
}

#[tokio::test]
async fn a_rate_limit_looks_like_a_missing_permission_but_for_its_reason() {
    let service = BigQuery::serve();
    service.fail([Fault::on(
        Call::Any,
        When::Before,
        What::Refuses(Refusal::rate_limit_exceeded()),
    )]);
    let told = Caller::of(&service.url()).get("/datasets/d").await;
    assert_eq!((told.status, told.reason()), (403, "rateLimitExceeded"));
    assert_eq!(told.body["error"]["status"], "PERMISSION_DENIED");
    assert_eq!(told.body["error"]["errors"][0]["domain"], "usageLimits");
}

#[tokio::test]
async fn before_and_after_differ_in_what_is_left() {
    for (when, is_made) in [(When::Before, false), (When::After, true)] {
        for what in [
            What::Page(503),
            What::Resets,
            What::Refuses(Refusal::backend_error()),
        ] {
            let service = BigQuery::serve();
            let caller = Caller::of(&service.url());
            let is_broken = matches!(what, What::Resets);
            service.fail([Fault::on(Call::InsertDataset, when, what)]);
            let told = caller
                .call(Method::POST, "/datasets", Some(dataset()))
                .await;
            assert_eq!(told.is_err(), is_broken, "{told:?}");
            if let Ok(told) = told {
                assert_eq!(told.status, 503);
            }
            assert_eq!(service.dataset("p", "d").is_some(), is_made, "{when:?}");
        }
    }
}

#[tokio::test]
async fn a_piece_that_breaks_off_is_kept_in_part() {
    let service = BigQuery::serve();
    let caller = Caller::of(&service.url());
    caller
        .prepare("US", json!([{"name": "id", "type": "INTEGER"}]))
        .await;
    service.fail([Fault::on(Call::Piece, When::Before, What::KeepsHalf)]);
    let session = caller.begin(&load_job("one")).await.expect("a session");
    let piece = vec![0; 1024 * 1024];
    let sent = caller
        .put(&session, "bytes 0-1048575/2000000", &piece)
        .await;
    assert!(sent.is_err(), "{sent:?}");
    let asked = caller
        .put(&session, "bytes */2000000", &[])
        .await
        .expect("an answer");
    assert_eq!(asked.headers["range"], "bytes=0-524287");

    service.fail([Fault::on(Call::Probe, When::Before, What::Forgets(410))]);
    let asked = caller
        .put(&session, "bytes */2000000", &[])
        .await
        .expect("an answer");
    assert_eq!(asked.status, 410);
    let asked = caller
        .put(&session, "bytes */2000000", &[])
        .await
        .expect("an answer");
    assert_eq!(asked.status, 404);
}

#[tokio::test]
async fn only_those_are_let_in_who_show_a_token_that_was_given_out() {
    let service = BigQuery::with(Settings {
        needs_token: true,
        ..Settings::default()
    });
    let caller = Caller::of(&service.url());
    assert_eq!(caller.get("/datasets/d").await.status, 401);
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let given = client
        .post(service.url() + "/token")
        .send()
        .await
        .expect("an answer");
    let given: serde_json::Value = given.json().await.expect("a token");
    let token = given["access_token"].as_str().expect("a token");
    assert!(token.starts_with(tokens::PREFIX));
    let url = service.url() + "/bigquery/v2/projects/p/datasets/d";
    let told = client
        .get(url)
        .bearer_auth(token)
        .send()
        .await
        .expect("an answer");
    assert_eq!(told.status().as_u16(), 404);
    let seen = service.requests();
    let last = seen.last().expect("there was one");
    assert_eq!(
        (&last.method, last.path.as_str()),
        (&Method::GET, "/bigquery/v2/projects/p/datasets/d")
    );
    assert_eq!(
        last.authorization.as_deref(),
        Some(&*format!("Bearer {token}"))
    );
    assert_eq!(service.busiest(Duration::from_mins(1)), 3);
}

#[test]
fn every_call_has_a_name() {
    let probe: HeaderMap = [("content-range", "bytes */100")]
        .into_iter()
        .map(|(name, value)| {
            (
                name.parse().expect("a name"),
                value.parse().expect("a value"),
            )
        })
        .collect();
    let none = HeaderMap::new();
    for (method, path, headers, call) in [
        (
            Method::POST,
            "/bigquery/v2/projects/p/jobs",
            &none,
            Call::InsertJob,
        ),
        (
            Method::GET,
            "/bigquery/v2/projects/p/jobs/j",
            &none,
            Call::GetJob,
        ),
        (
            Method::POST,
            "/upload/bigquery/v2/projects/p/jobs",
            &none,
            Call::BeginUpload,
        ),
        (
            Method::PUT,
            "/upload/bigquery/v2/projects/p/jobs",
            &none,
            Call::Piece,
        ),
        (
            Method::PUT,
            "/upload/bigquery/v2/projects/p/jobs",
            &probe,
            Call::Probe,
        ),
        (
            Method::PATCH,
            "/bigquery/v2/projects/p/datasets/d/tables/t",
            &none,
            Call::PatchTable,
        ),
        (
            Method::GET,
            "/bigquery/v2/projects/p/datasets/d/tables/t",
            &none,
            Call::GetTable,
        ),
        (
            Method::POST,
            "/bigquery/v2/projects/p/queries",
            &none,
            Call::Query,
        ),
        (
            Method::GET,
            "/bigquery/v2/projects/p/queries/j",
            &none,
            Call::Results,
        ),
        (Method::POST, "/token", &none, Call::Token),
    ] {
        assert_eq!(Call::of(&method, path, headers), call, "{method} {path}");
    }
}
