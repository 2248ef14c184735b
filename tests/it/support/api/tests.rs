//! Does the bench do what the tests believe? Asked with another client than dfpipe's own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Api, Encoding, Fault, Paging, Setup, Signing, ids, limit::Limit, people, person};

/// What an asker gets: status and body.
async fn ask(api: &Api, query: &str) -> (u16, Value) {
    let url = format!("{}{}{query}", api.url(), Api::PATH);
    follow(&url).await
}

async fn follow(url: &str) -> (u16, Value) {
    let asked = reqwest::Client::new().get(url).bearer_auth(Api::KEY);
    let answer = asked.send().await.expect("the API answers");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("the API answers in full");
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[tokio::test]
async fn the_api_counts_pages_and_records_for_those_who_have_the_key() {
    let api = Api::serve(people(3));
    let (status, page) = ask(&api, "?page=2&per_page=2").await;
    assert_eq!(status, 200);
    let expected = json!({
        "data": [person(3)], "total": 3, "page": 2, "per_page": 2, "total_pages": 2,
    });
    assert_eq!(page, expected);
    let (_, page) = ask(&api, "?updated_since=2026-11-08T00:03:00Z").await;
    assert_eq!(page["total"], 1);
    assert_eq!(ask(&api, "?page=0").await.0, 400);
    let client = reqwest::Client::new();
    let unsigned = client
        .get(api.url() + Api::PATH)
        .send()
        .await
        .expect("an answer");
    assert_eq!(unsigned.status().as_u16(), 401);
    assert_eq!(
        api.requests()[..2],
        [
            "GET /v1/customers?page=2&per_page=2",
            "GET /v1/customers?updated_since=2026-11-08T00:03:00Z",
        ]
    );
}

#[tokio::test]
async fn whoever_follows_the_links_gets_each_record_once_whatever_comes_and_goes_before_them() {
    let api = Api::of(people(5), Setup::paged(Paging::NextLink, 2));
    api.change_at(2, |records| {
        records.insert(0, person(9));
        records.remove(1);
    });
    let mut found = vec![];
    let mut next = format!("{}{}?limit=2", api.url(), Api::PATH);
    loop {
        let (_, page) = follow(&next).await;
        found.extend(page["data"].as_array().expect("a list").clone());
        let Some(link) = page["links"]["next"].as_str() else {
            break;
        };
        next = link.to_owned();
    }
    assert_eq!(ids(&found), ids(&people(5)));
    api.forget_cursors();
    assert_eq!(follow(&next).await.0, 410);
}

#[tokio::test]
async fn the_api_fails_as_ordered_and_then_recovers() {
    let api = Api::serve(people(3));
    api.fail([
        Fault::Status(429, Some("2")),
        Fault::TooManyUntil(Duration::from_mins(1)),
        Fault::NotJson,
        Fault::Truncated,
        Fault::HalfSent,
        Fault::Reset,
        Fault::Total(7),
    ]);
    let send = || {
        let asked = reqwest::Client::new().get(api.url() + Api::PATH);
        asked.bearer_auth(Api::KEY).send()
    };
    let refusal = send().await.expect("an answer");
    assert_eq!(refusal.status().as_u16(), 429);
    assert_eq!(refusal.headers()["retry-after"], "2");
    let refusal = send().await.expect("an answer");
    let date = refusal.headers()["retry-after"].to_str().expect("a date");
    assert!(date.ends_with(" GMT"), "{date}");
    assert!(chrono::DateTime::parse_from_rfc2822(date).is_ok(), "{date}");
    let page = send().await.expect("an answer").text().await;
    assert_eq!(page.expect("a text"), "<h1>Back in five minutes</h1>");
    let truncated = send().await.expect("the head of an answer").bytes().await;
    assert!(truncated.is_err(), "{truncated:?}");
    assert_eq!(ask(&api, "").await, (200, Value::Null));
    let reset = format!("{:?}", send().await.expect_err("no answer"));
    assert!(reset.contains("ConnectionReset"), "{reset}");
    assert_eq!(ask(&api, "").await.1["total"], 7);
    assert_eq!(ask(&api, "").await.1["total"], 3);
}

#[tokio::test]
async fn a_fault_behind_a_record_spares_the_pages_before_it_and_stays() {
    let api = Api::serve(people(6));
    api.fail_behind(4, Fault::Status(500, None));
    for (page, status) in [(1, 200), (2, 200), (3, 500), (3, 500)] {
        assert_eq!(
            ask(&api, &format!("?page={page}&per_page=2")).await.0,
            status
        );
    }
    api.recover();
    assert_eq!(ask(&api, "?page=3&per_page=2").await.0, 200);
}

#[tokio::test]
async fn bodies_are_packed_for_those_who_can_unpack_them() {
    for (encoding, name) in [(Encoding::Gzip, "gzip"), (Encoding::Zstd, "zstd")] {
        let setup = Setup {
            encoding: Some(encoding),
            ..Setup::default()
        };
        let api = Api::of(people(3), setup);
        let client = reqwest::Client::builder().no_gzip().no_zstd().build();
        let client = client.expect("a client can be made");
        let asked = client.get(api.url() + Api::PATH).bearer_auth(Api::KEY);
        let packed = asked
            .header("accept-encoding", name)
            .send()
            .await
            .expect("an answer");
        assert_eq!(packed.headers()["content-encoding"], name);
        assert_eq!(ask(&api, "").await.1["total"], 3);
    }
}

#[tokio::test]
async fn a_token_is_good_for_so_many_requests_and_then_for_none() {
    let setup = Setup {
        signing: Signing::OAuth2(1),
        ..Setup::default()
    };
    let api = Api::of(people(1), setup);
    let client = reqwest::Client::new();
    let form = "grant_type=client_credentials&client_id=dfpipe&\
                scope=customers.read+customers.list&client_secret=";
    let get = async |secret: &str| {
        let asked = client
            .post(api.url() + Api::TOKENS)
            .body(format!("{form}{secret}"));
        asked.send().await.expect("an answer")
    };
    assert_eq!(get("a guess").await.status().as_u16(), 401);
    let token = get(Api::KEY).await.text().await.expect("a token");
    let token: Value = serde_json::from_str(&token).expect("it is JSON");
    let token = token["access_token"].as_str().expect("it is a text");
    for status in [200, 401] {
        let asked = client.get(api.url() + Api::PATH).bearer_auth(token);
        assert_eq!(
            asked.send().await.expect("an answer").status().as_u16(),
            status
        );
    }
    assert_eq!((api.tokens_asked(), api.asked().len()), (2, 2));
}

#[test]
fn the_limit_holds_in_any_stretch_of_time_and_not_by_the_clock() {
    let mut limit = Limit::new(2, Duration::from_mins(1));
    let begun = Instant::now();
    let mut take = |seconds| limit.take(begun + Duration::from_secs(seconds));
    assert_eq!(take(50), Ok(()));
    assert_eq!(take(59), Ok(()));
    assert_eq!(take(61), Err(Duration::from_secs(49)));
    assert_eq!(take(110), Ok(()));
    assert_eq!(take(118), Err(Duration::from_secs(1)));
    assert_eq!(limit.refused(), 2);
}
