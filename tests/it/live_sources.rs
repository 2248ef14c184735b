//! Questions to a source as it is now: no more is asked of it than a question needs.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{
    orders_api::{numbered, page, project},
    pages::{Pages, parameter},
};

/// A hundred pages of ten orders.
fn orders(wanted: &str) -> (u16, String) {
    numbered(wanted, 1000)
}

const PAGED: &str = "pagination: {kind: page_number, size: 10, total: total}";

#[test]
fn a_limit_asks_for_one_page_of_no_more_records_than_are_needed() {
    let api = Pages::serve(orders);
    let project = project(&api, PAGED);
    let rows = project.succeed([
        "query",
        "-o",
        "json",
        "select order_id from source.orders limit 6",
    ]);
    let rows: Value = serde_json::from_str(&rows.stdout).expect("it is JSON");
    assert_eq!(rows.as_array().map(Vec::len), Some(6));
    let asked = api.take_requests();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(parameter(&asked[0], "per_page").as_deref(), Some("6"));
}

/// The seventh record is refused, so a page of seven is one too few.
#[test]
fn a_limit_goes_on_to_the_next_page_only_if_records_were_refused() {
    let api = Pages::serve(orders);
    let project = project(&api, PAGED);
    let outcome = project.succeed([
        "query",
        "-o",
        "csv",
        "select order_id from source.orders limit 7",
    ]);
    assert_eq!(outcome.stdout.lines().count(), 8);
    let asked: Vec<_> = api.take_requests().iter().map(|one| page(one)).collect();
    assert_eq!(asked, [1, 2]);
    assert!(
        outcome.stderr.contains("of `orders` were refused"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn the_names_of_the_fields_that_a_question_needs_are_sent_and_no_others() {
    let api = Pages::serve(orders);
    let project = project(
        &api,
        "fields: {parameter: fields, separator: ','}, pagination: {kind: page_number, size: 10, total: total}",
    );
    project.edit(
        "dfpipe.yml",
        "customer: {type: text}",
        "customer: {type: text, path: buyer.name}",
    );
    project.succeed(["query", "select customer from source.orders limit 3"]);
    let asked = api.take_requests();
    // The order's number is required, so it decides whether a record is refused.
    assert_eq!(
        parameter(&asked[0], "fields").as_deref(),
        Some("order_id,buyer.name")
    );
    project.succeed(["query", "select * from source.orders limit 3"]);
    let asked = api.take_requests();
    assert_eq!(
        parameter(&asked[0], "fields").as_deref(),
        Some("order_id,buyer.name,amount")
    );
}

#[test]
fn a_filter_becomes_the_apis_own_and_the_engine_filters_what_comes_all_the_same() {
    let seen = Arc::new(Mutex::new(vec![]));
    let asked = Arc::clone(&seen);
    let api = Pages::serve(move |wanted| {
        let bound = |name: &str| parameter(wanted, name).unwrap_or_default();
        asked
            .lock()
            .expect("nobody has panicked")
            .push([bound("since"), bound("before")]);
        // An API that takes its filter lightly.
        let data: Vec<_> = (1..=3).map(|hour| json!({"order_id": hour, "updated_at": format!("2026-11-14T0{hour}:00:00Z")})).collect();
        (200, json!({"data": data}).to_string())
    });
    let project = project(
        &api,
        "query: {since: \"${window_start}\"}, filter: {column: updated_at, from: since, to: before}, pagination: {kind: single_page}",
    );
    project.edit(
        "dfpipe.yml",
        "customer: {type: text}",
        "customer: {type: text}\n      updated_at: {type: timestamp}",
    );
    let count = |condition: &str| {
        let query = format!("select count(*) as n from source.orders {condition}");
        let rows = project.succeed(["query", "-o", "csv", &query]);
        rows.stdout.lines().nth(1).map(str::to_owned)
    };
    assert_eq!(count("").as_deref(), Some("3"));
    assert_eq!(
        count("where updated_at >= '2026-11-14T02:00:00Z' and updated_at < '2026-11-14T03:00:00Z'")
            .as_deref(),
        Some("1")
    );
    assert_eq!(
        count("where updated_at > '2026-01-01'").as_deref(),
        Some("3")
    );
    let seen = seen.lock().expect("nobody has panicked");
    let expected = [
        ["2026-11-08T00:00:00Z", ""],
        // A second wider at both ends: the API may take its bounds for included or not.
        ["2026-11-14T01:59:59Z", "2026-11-14T03:00:02Z"],
        // Never wider than the configuration.
        ["2026-11-08T00:00:00Z", ""],
    ];
    assert_eq!(*seen, expected.map(|pair| pair.map(str::to_owned)));
}

#[test]
fn an_answer_that_is_not_all_is_an_error() {
    let api = Pages::serve(|wanted| match page(wanted) {
        3.. => (503, String::new()),
        _ => orders(wanted),
    });
    let project = project(&api, PAGED);
    let outcome = project.run(["query", "select count(*) from source.orders"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.screen());
    assert!(outcome.stderr.contains("is partial"), "{}", outcome.stderr);
}
