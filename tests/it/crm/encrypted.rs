//! Encrypted connections: to whom the system's authorities have vouched for, by HTTP/2 where the server can.

use serde_json::json;

use super::{ends, landed, pipeline_from, the_run, with};
use crate::support::{
    api::{Api, Paging, Setup, Signing, ids, people},
    tls::EncryptedListener,
};

fn encrypted() -> Api {
    let setup = Setup {
        is_encrypted: true,
        signing: Signing::OAuth2(1000),
        ..Setup::paged(Paging::PageNumber, 5)
    };
    Api::of(people(42), setup)
}

#[test]
fn an_encrypted_api_is_read_by_http_2_if_its_authority_is_trusted() {
    let api = encrypted();
    let project = pipeline_from(&api, &with(&api, [("concurrency", json!(4))]))
        .with_variable("SSL_CERT_FILE", EncryptedListener::authority());
    project.succeed(["run", "-q"]);
    assert_eq!(ids(&landed(&the_run(&project))), ids(&people(42)));
    for asked in api.asked() {
        assert_eq!(format!("{:?}", asked.version), "HTTP/2.0");
    }
}

#[test]
fn an_authority_that_nobody_trusts_vouches_for_nobody_and_no_key_is_sent() {
    let api = encrypted();
    let from = with(&api, [("retries", json!(0))]);
    let outcome = pipeline_from(&api, &from).run(["run", "-q"]);
    ends(&outcome, 3, &["https://localhost", "certificate"]);
    assert_eq!(api.requests(), [""; 0]);
}
