//! What an API does wrong, and what is done about it: the rows of the table of failures, one by one.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{ends, landed, pipeline, pipeline_from, the_run, with};
use crate::support::api::{Api, Fault, Paging, Setup, ids, people};

/// Statuses that pass.
const PASSING: [u16; 5] = [429, 500, 502, 503, 504];

#[track_caller]
fn arrives_whole(api: &Api, expected_requests: usize) {
    let project = pipeline_from(api, &with(api, [("concurrency", json!(1))]));
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.screen());
    assert_eq!(ids(&landed(&the_run(&project))), ids(&api.records()));
    assert_eq!(api.asked().len(), expected_requests, "{:?}", api.requests());
}

#[test]
fn a_busy_or_broken_server_is_asked_again_and_nothing_is_lost_or_read_twice() {
    for status in PASSING {
        let api = Api::of(people(12), Setup::paged(Paging::Offset, 5));
        api.fail_at(1, Fault::Status(status, Some("0")));
        api.fail_at(3, Fault::Status(status, Some("0")));
        api.fail_at(4, Fault::Status(status, Some("0")));
        arrives_whole(&api, 6);
    }
}

#[test]
fn a_connection_that_is_reset_is_tried_again() {
    let api = Api::of(people(12), Setup::paged(Paging::Cursor, 5));
    api.fail_at(2, Fault::Reset);
    arrives_whole(&api, 4);
}

#[test]
fn a_body_that_is_cut_off_or_no_json_or_without_records_is_asked_for_again() {
    let faults = [
        Fault::Truncated,
        Fault::HalfSent,
        Fault::NotJson,
        Fault::NoRecords("back soon"),
    ];
    let served = faults.map(|fault| {
        let api = Api::of(people(12), Setup::paged(Paging::NextLink, 5));
        api.fail_at(2, fault);
        api
    });
    // Each waits a moment before it asks again: side by side they wait once.
    std::thread::scope(|threads| {
        for api in &served {
            threads.spawn(move || arrives_whole(api, 4));
        }
    });
}

#[test]
fn five_retries_are_made_when_nothing_is_said_about_them() {
    for status in PASSING {
        let api = Api::serve(people(3));
        api.fail_behind(0, Fault::Status(status, Some("0")));
        let mut from = api.from();
        from.as_object_mut()
            .expect("it is an object")
            .remove("retries");
        let outcome = pipeline_from(&api, &from).run(["run", "-q"]);
        assert_ne!(outcome.code, Some(0), "{}", outcome.screen());
        assert_eq!(api.asked().len(), 6, "{status}");
        assert!(
            outcome.stderr.contains("6 attempts"),
            "{}",
            outcome.screen()
        );
    }
}

/// The own back-off would be between half a second and a second.
#[test]
fn what_the_server_asks_to_wait_wins_over_the_own_back_off() {
    for status in [429, 503] {
        let api = Api::serve(people(3));
        api.fail([
            Fault::Status(status, Some("0")),
            Fault::Status(status, Some("0")),
        ]);
        arrives_whole(&api, 3);
        let asked = api.asked();
        let waited = asked[2].at - asked[0].at;
        assert!(waited < Duration::from_millis(500), "{status}: {waited:?}");
    }
}

#[test]
fn retry_after_is_kept_to_in_seconds_and_as_a_date() {
    let faults = [
        // A date has whole seconds: two of them are more than one, and at most two.
        (
            Fault::TooManyUntil(Duration::from_secs(2)),
            Duration::from_millis(900),
        ),
        (Fault::Status(429, Some("1")), Duration::from_secs(1)),
    ];
    std::thread::scope(|threads| {
        for (fault, least) in faults {
            threads.spawn(move || {
                let api = Api::serve(people(3));
                api.fail([fault.clone()]);
                arrives_whole(&api, 2);
                let asked = api.asked();
                let waited = asked[1].at - asked[0].at;
                assert!(waited >= least, "{fault:?}: {waited:?}");
                assert!(waited < Duration::from_secs(5), "{fault:?}: {waited:?}");
            });
        }
    });
}

#[test]
fn an_address_that_is_not_there_is_a_configuration_error_with_the_whole_url() {
    let api = Api::serve(people(3));
    let from = with(
        &api,
        [
            ("path", json!("/v2/customers")),
            (
                "auth",
                json!({"query": {"name": "api_key", "value": "${CRM_API_KEY}"}}),
            ),
        ],
    );
    let outcome = pipeline_from(&api, &from).run(["run", "-q"]);
    ends(
        &outcome,
        2,
        &[
            "404",
            &format!("{}/v2/customers", api.url()),
            "updated_since=",
        ],
    );
    assert!(!outcome.stderr.contains(Api::KEY), "{}", outcome.stderr);
    assert_eq!(api.requests().len(), 1);
}

#[test]
fn a_redirect_to_another_host_is_refused_and_the_key_is_not_sent_there() {
    for status_of_place in ["another host", "another port"] {
        let elsewhere = Api::serve(people(3));
        let api = Api::serve(people(3));
        let host = if status_of_place == "another host" {
            elsewhere.url().replace("127.0.0.1", "localhost")
        } else {
            elsewhere.url()
        };
        api.fail_behind(0, Fault::Redirect(format!("{host}{}?stolen=1", Api::PATH)));
        let outcome = pipeline(&api).run(["run", "-q"]);
        ends(&outcome, 3, &["redirect"]);
        assert_eq!(elsewhere.requests(), [""; 0], "{status_of_place}");
        assert_eq!(api.asked().len(), 1, "{status_of_place}");
    }
}

#[test]
fn a_link_to_another_host_is_refused_and_the_key_is_not_sent_there() {
    for paging in [Paging::NextLink, Paging::LinkHeader] {
        let elsewhere = Api::of(people(3), Setup::paged(paging, 5));
        let links_lead_to = Some(elsewhere.url());
        let api = Api::of(
            people(12),
            Setup {
                links_lead_to,
                ..Setup::paged(paging, 5)
            },
        );
        let outcome = pipeline(&api).run(["run", "-q"]);
        assert!(matches!(outcome.code, Some(2 | 3)), "{}", outcome.screen());
        assert_eq!(elsewhere.requests(), [""; 0], "{}", outcome.screen());
        assert_eq!(api.asked().len(), 1);
    }
}

/// The first 200 bytes say what came; addresses in them are masked, and what is behind them is not shown.
#[test]
fn a_body_that_is_no_page_is_quoted_without_addresses_and_not_to_its_end() {
    let said = "ask ada.lovelace@example.com for the records of this week, who is back on Monday: \
                until then nobody can say where they are, and this sentence goes on and on, further \
                than two hundred bytes, up to a word that nobody shall see: xylophone";
    let api = Api::serve(people(3));
    api.fail_behind(0, Fault::NoRecords(said));
    let from = with(&api, [("retries", json!(0))]);
    let project = pipeline_from(&api, &from);
    let outcome = project.run(["run"]);
    assert!(matches!(outcome.code, Some(3 | 4)), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("for the records of this week"),
        "{}",
        outcome.screen()
    );
    assert!(
        !outcome.stderr.contains("ada.lovelace"),
        "{}",
        outcome.screen()
    );
    assert!(
        !outcome.stderr.contains("xylophone"),
        "{}",
        outcome.screen()
    );
}

#[test]
fn a_server_that_is_not_there_is_an_error_that_says_how_often_it_was_tried() {
    let address = {
        let api = Api::serve(vec![]);
        api.url()
    };
    let api = Api::serve(vec![]);
    let from = with(&api, [("retries", json!(1))]);
    let project = pipeline_from(&api, &from).with_variable("CRM_API_URL", address);
    let begun = Instant::now();
    let outcome = project.run(["run", "-q"]);
    ends(&outcome, 3, &["2 attempts"]);
    assert!(begun.elapsed() < Duration::from_secs(20));
}
