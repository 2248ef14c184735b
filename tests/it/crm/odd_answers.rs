//! An API that answers oddly: nothing is lost, and nothing that it says or that signs is shown.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use crate::support::project::{Outcome, Project};

/// What dfpipe makes of an API that gives these answers, one after the other.
fn run_with(pages: &'static [&[u8]], more: &str, key: &str) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let url = format!(
        "http://{}",
        listener.local_addr().expect("it has an address")
    );
    std::thread::spawn(move || {
        for page in pages {
            let (mut stream, _) = listener.accept().expect("a connection comes");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).expect("a request comes");
            let length = page.len();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let answer = [head.as_bytes(), page].concat();
            stream.write_all(&answer).expect("an answer can be sent");
        }
    });
    let project = Project::orders();
    let from = format!(
        "from: {{kind: crm, url: \"${{CRM_API_URL}}\", path: /orders, retries: 0, \
         timeout_seconds: 5, {more}}}"
    );
    project.edit("dfpipe.yml", "from: {kind: files, path: data/*.csv}", &from);
    let project = project
        .with_variable("CRM_API_URL", url)
        .with_variable("CRM_API_KEY", key);
    project.run(["run", "-q"])
}

const ONE: &[u8] = br#"{"total":3,"data":[{"order_id":1,"customer":"ada","amount":1.5}]}"#;
const TWO: &[u8] = br#"{"total":3,"data":[{"order_id":2,"customer":"bob","amount":2.5}]}"#;
const NONE: &[u8] = br#"{"data":[]}"#;

#[test]
fn pages_that_end_early_are_a_partial_extract_even_if_the_last_one_has_no_total() {
    let pagination = "pagination: {kind: page_number, total: total}";
    let outcome = run_with(&[ONE, TWO, NONE], pagination, "k");
    assert_eq!(outcome.code, Some(4), "{}", outcome.screen());
    assert!(outcome.stderr.contains("the API gave 2 of 3 records"));
}

#[test]
fn short_pages_are_not_the_last_ones() {
    let outcome = run_with(&[ONE, TWO, NONE], "pagination: {kind: page_number}", "k");
    assert_eq!(outcome.code, Some(0), "{}", outcome.screen());
}

#[test]
fn a_total_that_is_not_there_is_a_usage_error_that_names_its_path() {
    let pagination = "pagination: {kind: page_number, total: meta.count}";
    let outcome = run_with(&[ONE], pagination, "k");
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("`meta.count`"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_address_in_a_page_of_another_shape_is_not_shown() {
    let pages: &[&[u8]] = &[br#"{"data":"ada@example.com"}"#];
    let outcome = run_with(pages, "pagination: {kind: page_number}", "k");
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    assert!(!outcome.stderr.contains("ada@"), "{}", outcome.stderr);
}

#[test]
fn a_page_that_is_not_utf_8_is_refused_and_never_repaired() {
    let pages: &[&[u8]] = &[b"{\"data\":[{\"order_id\":1,\"customer\":\"Ren\xe9\"}]}"];
    let outcome = run_with(pages, "pagination: {kind: page_number}", "k");
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("is not UTF-8"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_key_that_no_header_can_hold_is_a_usage_error_and_not_shown() {
    let signed = "pagination: {kind: page_number}, auth: {bearer: \"${CRM_API_KEY}\"}";
    let outcome = run_with(&[], signed, "SECRETKEY123\n");
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("`auth.bearer`"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("SECRETKEY123"));
}

#[test]
fn a_key_at_the_wrong_place_is_a_usage_error_and_not_shown() {
    for slip in ["auth", "query"] {
        let more = format!("pagination: {{kind: page_number}}, {slip}: \"${{CRM_API_KEY}}\"");
        let outcome = run_with(&[], &more, "SECRETKEY123");
        assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
        assert!(!outcome.screen().contains("SECRETKEY123"), "{slip}");
    }
}
