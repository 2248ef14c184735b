//! A server that is too slow for large pages: they are halved, and nothing is skipped or read twice.

use serde_json::json;

use super::{ends, landed, pipeline_from, the_run, with};
use crate::support::{
    api::{Api, Fault, Paging, Setup, ids, people},
    project::Project,
};

/// Asks for so many records at a time, and gives up after a second.
fn impatient(api: &Api) -> Project {
    let settings = [
        ("timeout_seconds", json!(1)),
        ("retries", json!(5)),
        ("concurrency", json!(1)),
    ];
    pipeline_from(api, &with(api, settings))
}

fn sizes(api: &Api) -> Vec<usize> {
    let parameter = |asked: crate::support::api::Asked| {
        let size = asked
            .parameter(api.paging().size_parameter())
            .map(str::to_owned);
        size.and_then(|size| size.parse().ok())
    };
    api.asked().into_iter().filter_map(parameter).collect()
}

#[test]
fn a_time_out_asks_for_the_same_page_with_half_the_size_which_then_stays() {
    let paged = [
        Paging::PageNumber,
        Paging::Offset,
        Paging::Cursor,
        Paging::CursorHeader,
        Paging::NextLink,
        Paging::LinkHeader,
    ];
    std::thread::scope(|threads| {
        for paging in paged {
            threads.spawn(move || {
                let api = Api::of(people(700), Setup::paged(paging, 200));
                // The first page is given in full: the size changes midway.
                api.fail_behind(200, Fault::SilenceAbove(100));
                let project = impatient(&api);
                let outcome = project.run(["run", "-q"]);
                assert_eq!(outcome.code, Some(0), "{paging:?}\n{}", outcome.screen());
                let rows = ids(&landed(&the_run(&project)));
                assert_eq!(rows, ids(&people(700)), "{paging:?}");
                let sizes = sizes(&api);
                assert_eq!(sizes[..2], [200, 200], "{paging:?}");
                assert!(
                    sizes[2..].iter().all(|size| *size == 100),
                    "{paging:?}: {sizes:?}"
                );
            });
        }
    });
}

#[test]
fn a_page_is_not_halved_below_fifty_records() {
    let api = Api::of(people(300), Setup::paged(Paging::Cursor, 120));
    api.fail_behind(120, Fault::SilenceAbove(0));
    let settings = [("timeout_seconds", json!(1)), ("retries", json!(3))];
    let project = pipeline_from(&api, &with(&api, settings));
    let outcome = project.run(["run", "-q"]);
    ends(&outcome, 4, &["120 of 300 records", "180 records"]);
    let sizes = sizes(&api);
    assert_eq!(sizes[..4], [120, 120, 60, 50], "{sizes:?}");
    assert!(sizes[4..].iter().all(|size| *size == 50), "{sizes:?}");
}

/// Nothing is halved below fifty, and what is smaller stays as it is.
#[test]
fn a_small_page_that_times_out_is_asked_for_as_it_is() {
    let api = Api::of(people(30), Setup::paged(Paging::PageNumber, 20));
    api.fail_at(1, Fault::Silence);
    let project = impatient(&api);
    project.succeed(["run", "-q"]);
    assert_eq!(ids(&landed(&the_run(&project))), ids(&people(30)));
    assert!(sizes(&api).iter().all(|size| *size == 20));
}
