//! Every way from a page to the next, on every kind of body: each record arrives, and none twice.

use serde_json::json;

use super::{landed, pipeline, pipeline_from, the_run, with};
use crate::support::api::{Api, Encoding, Paging, RecordsAt, Setup, ids, people};

/// Reads all, and holds it against what was served.
#[track_caller]
fn arrives_whole(api: &Api) {
    let project = pipeline(api);
    project.succeed(["run", "-q"]);
    let rows = landed(&the_run(&project));
    assert_eq!(ids(&rows), ids(&api.records()));
    assert_eq!(project.rows("everyone.parquet").len(), rows.len());
}

#[test]
fn each_pagination_brings_every_record_once() {
    for paging in Paging::ALL {
        for count in [0, 1, 10, 11] {
            let api = Api::of(people(count), Setup::paged(paging, 5));
            let project = pipeline(&api);
            let outcome = project.run(["run", "-q", "--until", "extract"]);
            assert_eq!(
                outcome.code,
                Some(0),
                "{paging:?} {count}\n{}",
                outcome.screen()
            );
            let rows = landed(&the_run(&project));
            assert_eq!(ids(&rows), ids(&api.records()), "{paging:?} {count}");
        }
    }
}

#[test]
fn each_pagination_ends_without_a_total_too() {
    for paging in Paging::ALL {
        let api = Api::of(
            people(10),
            Setup {
                has_total: false,
                ..Setup::paged(paging, 5)
            },
        );
        arrives_whole(&api);
    }
}

/// Some APIs name a further page until one is empty.
#[test]
fn an_empty_page_at_the_end_is_the_end() {
    for paging in Paging::CHAINED {
        let setup = Setup {
            ends_with_an_empty_page: true,
            ..Setup::paged(paging, 5)
        };
        let api = Api::of(people(10), setup);
        arrives_whole(&api);
        assert_eq!(api.asked().len(), 3, "{paging:?}");
    }
}

#[test]
fn an_api_that_gives_less_at_a_time_than_it_is_asked_for_is_read_to_its_end() {
    for paging in Paging::ALL {
        for has_total in [true, false] {
            let setup = Setup {
                most: 3,
                has_total,
                ..Setup::paged(paging, 50)
            };
            // Numbered pages are as long as the API makes them.
            arrives_whole(&Api::of(people(10), setup));
        }
    }
}

#[test]
fn records_are_found_deep_in_a_body_and_where_the_body_is_the_list() {
    for paging in Paging::ALL {
        for records_at in [RecordsAt::Deep, RecordsAt::Body] {
            let is_in_body = matches!(paging, Paging::Cursor | Paging::NextLink);
            if records_at == RecordsAt::Body && is_in_body {
                continue;
            }
            let setup = Setup {
                records_at,
                ..Setup::paged(paging, 4)
            };
            arrives_whole(&Api::of(people(10), setup));
        }
    }
}

#[test]
fn links_without_a_host_are_followed_as_well() {
    for paging in [Paging::NextLink, Paging::LinkHeader] {
        let setup = Setup {
            has_absolute_links: false,
            ..Setup::paged(paging, 4)
        };
        arrives_whole(&Api::of(people(10), setup));
    }
}

#[test]
fn packed_bodies_are_asked_for_and_unpacked() {
    for (encoding, name) in [(Encoding::Gzip, "gzip"), (Encoding::Zstd, "zstd")] {
        let api = Api::of(
            people(300),
            Setup {
                encoding: Some(encoding),
                ..Setup::default()
            },
        );
        arrives_whole(&api);
        let accepted = api.asked()[0].header("accept-encoding").map(str::to_owned);
        assert!(accepted.is_some_and(|accepted| accepted.contains(name)));
    }
}

#[test]
fn the_window_and_further_headers_go_with_every_request() {
    for paging in Paging::ALL {
        let api = Api::of(people(10), Setup::paged(paging, 4));
        let query = json!({"updated_since": "${window_start}", "updated_before": "${window_end}"});
        let headers = json!({"Accept-Version": "2"});
        let project = pipeline_from(&api, &with(&api, [("query", query), ("headers", headers)]));
        project.succeed(["run", "-q"]);
        for asked in api.asked() {
            assert_eq!(
                asked.parameter("updated_since"),
                Some("2026-11-08T00:00:00Z"),
                "{paging:?}"
            );
            assert_eq!(
                asked.parameter("updated_before"),
                Some("2026-11-15T00:00:00Z"),
                "{paging:?}"
            );
            assert_eq!(asked.header("accept-version"), Some("2"), "{paging:?}");
        }
    }
}

#[test]
fn pages_may_be_counted_from_zero() {
    let api = Api::serve(people(10));
    let mut from = api.from();
    from["pagination"]["first"] = 0.into();
    let project = pipeline_from(&api, &from);
    let outcome = project.run(["run", "-q", "--until", "extract"]);
    // This API counts from 1, so it is the question that counts.
    assert_ne!(outcome.code, Some(0), "{}", outcome.screen());
    assert_eq!(api.asked()[0].parameter("page"), Some("0"));
}
