//! The budget as the server sees it: never exceeded, retries included, and used in full.
//!
//! A minute is long: here the API tells a limit with a short period of its own, and enforces it strictly.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{landed, pipeline_from, the_run, with};
use crate::support::api::{Api, Asked, Fault, Paging, Setup, Signing, ids, people};

/// So many requests in any stretch of this length.
const LIMIT: usize = 20;
const PERIOD: Duration = Duration::from_secs(2);

fn strict(paging: Paging, signing: Signing, count: usize) -> Api {
    let setup = Setup {
        signing,
        limit: Some((LIMIT, PERIOD)),
        announces_its_limit: true,
        ..Setup::paged(paging, 1)
    };
    Api::of(people(count), setup)
}

/// How long after the request before it whose place it takes each request came.
fn waits(asked: &[Asked]) -> Vec<Duration> {
    let pairs = asked.iter().zip(asked.iter().skip(LIMIT));
    let mut waits: Vec<_> = pairs.map(|(one, next)| next.at - one.at).collect();
    waits.sort();
    waits
}

#[test]
fn a_server_that_enforces_its_limit_never_refuses_and_is_used_to_within_five_percent() {
    std::thread::scope(|threads| {
        for paging in [Paging::PageNumber, Paging::Cursor] {
            threads.spawn(move || is_used_in_full(paging));
        }
    });
}

fn is_used_in_full(paging: Paging) {
    let api = strict(paging, Signing::Bearer, 2 * LIMIT + 5);
    let project = pipeline_from(&api, &api.from());
    project.succeed(["run", "-q", "--until", "extract"]);
    assert_eq!(ids(&landed(&the_run(&project))), ids(&api.records()));
    assert_eq!(api.refused(), 0, "{paging:?}");
    assert!(api.busiest(PERIOD) <= LIMIT, "{paging:?}");
    let waits = waits(&api.asked());
    // A busy machine makes waits longer, and never shorter: the shortest is the pace. The tests of the ledger hold
    // each of them, on a clock that is told the time.
    let pace = waits[0];
    assert!(pace >= PERIOD, "{paging:?}: {waits:?}");
    assert!(pace <= PERIOD.mul_f64(1.05), "{paging:?}: {waits:?}");
}

#[test]
fn retries_count_as_well() {
    let api = strict(Paging::Offset, Signing::Bearer, LIMIT + 5);
    for number in [3, 4, 9, 15, 21, 24] {
        api.fail_at(number, Fault::Status(503, Some("0")));
    }
    let project = pipeline_from(&api, &with(&api, [("retries", json!(5))]));
    project.succeed(["run", "-q", "--until", "extract"]);
    assert_eq!(ids(&landed(&the_run(&project))), ids(&api.records()));
    assert!(api.asked().len() >= LIMIT + 11);
    assert_eq!(api.refused(), 0, "{:#?}", api.requests());
}

/// An API that gives the tokens itself counts them with the pages.
#[test]
fn requests_for_tokens_count_as_well() {
    let api = strict(Paging::Cursor, Signing::OAuth2(4), 2 * LIMIT);
    let project = pipeline_from(&api, &api.from());
    project.succeed(["run", "-q", "--until", "extract"]);
    assert_eq!(ids(&landed(&the_run(&project))), ids(&api.records()));
    assert!(api.tokens_asked() >= LIMIT / 2, "{:#?}", api.requests());
    assert_eq!(api.refused(), 0, "{:#?}", api.requests());
}

/// Within the budget nothing waits for anything.
#[test]
fn a_hundred_pages_are_asked_for_at_once() {
    let setup = Setup {
        limit: Some((100, Duration::from_mins(1))),
        ..Setup::paged(Paging::PageNumber, 1)
    };
    let api = Api::of(people(95), setup);
    let project = pipeline_from(&api, &with(&api, [("requests_per_minute", json!(100))]));
    let begun = Instant::now();
    project.succeed(["run", "-q", "--until", "extract"]);
    assert_eq!(api.refused(), 0);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

/// Pages whose addresses are known are asked for side by side, and those of a chain never are.
#[test]
fn counted_pages_are_under_way_together_but_no_more_of_them_than_was_said() {
    for (paging, concurrency) in [
        (Paging::PageNumber, 1),
        (Paging::PageNumber, 3),
        (Paging::Offset, 4),
        (Paging::Cursor, 4),
    ] {
        let setup = Setup {
            is_slow: true,
            ..Setup::paged(paging, 2)
        };
        let api = Api::of(people(40), setup);
        let settings = [("concurrency", json!(concurrency))];
        let project = pipeline_from(&api, &with(&api, settings));
        project.succeed(["run", "-q", "--until", "extract"]);
        assert_eq!(ids(&landed(&the_run(&project))), ids(&people(40)));
        let together = api.most_together();
        let most = if paging == Paging::Cursor {
            1
        } else {
            concurrency
        };
        assert_eq!(together, most, "{paging:?} {concurrency}");
    }
}
