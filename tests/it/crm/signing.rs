//! Every way to sign a request; the key goes where it belongs and nowhere else.

use serde_json::json;

use super::{ends, landed, pipeline, pipeline_from, the_run, with};
use crate::support::api::{Api, Fault, Paging, Setup, Signing, ids, people};

fn signed(signing: Signing) -> Api {
    let setup = Setup {
        signing,
        ..Setup::paged(Paging::PageNumber, 5)
    };
    Api::of(people(12), setup)
}

#[test]
fn each_way_to_sign_is_taken_by_an_api_that_insists_on_it() {
    for signing in Signing::ALL {
        let api = signed(signing);
        let project = pipeline(&api);
        project.succeed(["run", "-q"]);
        let rows = landed(&the_run(&project));
        assert_eq!(ids(&rows), ids(&api.records()), "{signing:?}");
    }
}

#[test]
fn one_token_is_asked_for_and_used_for_all_pages() {
    let api = signed(Signing::OAuth2(1000));
    pipeline(&api).succeed(["run", "-q"]);
    assert_eq!((api.tokens_asked(), api.asked().len()), (1, 3));
}

/// A token that the server has forgotten is no wrong key.
#[test]
fn a_token_that_is_no_longer_taken_is_renewed_and_the_page_asked_for_again() {
    let setup = Setup {
        signing: Signing::OAuth2(2),
        ..Setup::paged(Paging::Cursor, 2)
    };
    let api = Api::of(people(9), setup);
    let project = pipeline(&api);
    project.succeed(["run", "-q"]);
    assert_eq!(ids(&landed(&the_run(&project))), ids(&people(9)));
    assert_eq!(api.tokens_asked(), 3, "{:?}", api.requests());
}

#[test]
fn a_client_that_the_token_server_does_not_know_stops_at_once_and_names_the_variable() {
    let api = signed(Signing::OAuth2(1000));
    let project = pipeline(&api).with_variable("CRM_API_KEY", "SECRETKEY123");
    let outcome = project.run(["run", "-q"]);
    ends(&outcome, 3, &["401", "CRM_API_KEY"]);
    assert!(!outcome.screen().contains("SECRETKEY123"));
    assert_eq!((api.tokens_asked(), api.asked().len()), (1, 0));
}

/// 401 and 403: there is no use in asking again.
#[test]
fn a_refused_key_stops_at_once_and_says_which_variable_holds_it_and_that_it_may_be_expired() {
    let ways = Signing::ALL.into_iter();
    for signing in ways.filter(|way| !matches!(way, Signing::None | Signing::OAuth2(_))) {
        let api = signed(signing);
        let mut from = api.from();
        from["auth"] = serde_json::from_str(
            &from["auth"]
                .to_string()
                .replace("CRM_API_KEY", "ACME_TOKEN"),
        )
        .expect("it is JSON");
        let project = pipeline_from(&api, &from).with_variable("ACME_TOKEN", "SECRETKEY123");
        let outcome = project.run(["run", "-q"]);
        ends(&outcome, 3, &["401", "ACME_TOKEN", "expired"]);
        assert!(!outcome.screen().contains("SECRETKEY123"), "{signing:?}");
        assert_eq!(api.asked().len(), 1, "{signing:?}");
    }
}

#[test]
fn a_key_that_may_not_read_this_stops_at_once_too() {
    let api = signed(Signing::Bearer);
    api.fail([Fault::Status(403, Some("0"))]);
    let outcome = pipeline(&api).run(["run", "-q"]);
    ends(&outcome, 3, &["403", "CRM_API_KEY", "expired"]);
    assert_eq!(api.asked().len(), 1);
}

/// What is refused midway is no partial extract: a person has to do something first.
#[test]
fn a_key_that_is_revoked_midway_stops_at_once() {
    let api = signed(Signing::Bearer);
    api.fail_behind(5, Fault::Status(401, None));
    let from = with(&api, [("concurrency", json!(1))]);
    let outcome = pipeline_from(&api, &from).run(["run", "-q"]);
    ends(&outcome, 3, &["401", "CRM_API_KEY"]);
    assert_eq!(api.asked().len(), 2);
}

#[test]
fn more_than_one_way_to_sign_is_a_usage_error() {
    let api = signed(Signing::Bearer);
    let both =
        json!({"bearer": "${CRM_API_KEY}", "header": {"name": "X", "value": "${CRM_API_KEY}"}});
    let outcome = pipeline_from(&api, &with(&api, [("auth", both)])).run(["check"]);
    ends(&outcome, 2, &["auth"]);
    assert!(!outcome.screen().contains(Api::KEY));
}
