//! What is outside says no, or nothing: what a person is told, and how often was asked.

use insta::assert_snapshot;

use crate::support::{api::Api, project::Project};

/// The customer pipeline with a CRM at `url` and nothing else that is remote.
fn with_crm_at(url: &str) -> Project {
    let project = Project::customers();
    let local = "from: {kind: files, path: fixtures/crm/page-*.json, records: data}";
    let remote = "from:
          kind: crm
          url: ${CRM_API_URL}
          path: /v1/customers
          auth: {bearer: \"${CRM_API_KEY}\"}
          pagination: {kind: page_number}
          timeout_seconds: 1
          retries: 1";
    project.edit("dfpipe.yml", local, remote);
    project
        .with_variable("CRM_API_URL", url)
        .with_variable("CRM_API_KEY", "a-key-that-nobody-gave-out")
}

#[test]
fn a_refused_key_is_never_printed() {
    let crm = Api::serve(vec![]);
    let project = with_crm_at(&crm.url());

    let outcome = project.run(["run", "-q"]);

    assert_snapshot!(outcome.screen(), @"
    exit code: 3
    ----- stderr -----
    error: `http://[address]/v1/customers` answers 401 Unauthorized

    hint: `sources.crm_customers.from.auth.bearer` (read from `CRM_API_KEY`) holds the key: it may be wrong, expired, or lack permission
    ");
    assert_eq!(crm.requests().len(), 1, "a refusal is final");
}

#[test]
fn a_crm_that_is_not_there_is_asked_again_before_it_is_an_error() {
    let project = with_crm_at("http://127.0.0.1:1");
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"
    exit code: 3
    ----- stderr -----
    error: `http://127.0.0.1:1/v1/customers` gives no usable answer (after 2 attempts)
    cause: error sending request: client error (Connect): tcp connect error: Connection refused

    hint: the server may be down or overloaded: run again later
    ");
}

#[test]
fn a_broker_that_is_not_there_is_an_error_after_its_time() {
    let project = Project::customers().with_variable("KAFKA_BROKERS", "127.0.0.1:1");
    let local = "from: {kind: files, path: fixtures/events/*.ndjson}";
    let remote = "from: {kind: kafka, brokers: \"${KAFKA_BROKERS}\", topic: customer-events, \
                  group: tests, timeout_seconds: 2}";
    project.edit("dfpipe.yml", local, remote);
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"
    exit code: 3
    ----- stderr -----
    error: no broker of `127.0.0.1:1` gave an answer within 2s
    cause: 127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused; 1/1 brokers are down

    hint: check the address in `brokers` (KAFKA_BROKERS in the shipped project), `security.protocol` in `options`, and that no VPN or firewall stands between
    ");
}
