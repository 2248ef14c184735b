//! Pages that never end are noticed; nothing is asked for forever.

use super::{ends, landed, pipeline, the_run};
use crate::support::api::{Api, Endless, Fault, Paging, Setup, ids, people};

#[test]
fn a_cursor_that_is_repeated_is_an_error_and_no_endless_loop() {
    for paging in Paging::CHAINED {
        let api = Api::of(people(30), Setup::paged(paging, 5));
        // The second page points to itself.
        api.fail_at(2, Fault::SameCursor);
        api.fail_at(3, Fault::SameCursor);
        let outcome = pipeline(&api).run(["run", "-q"]);
        ends(&outcome, 3, &["repeats", "page 2"]);
        assert!(api.asked().len() <= 3, "{paging:?}: {:?}", api.requests());
    }
}

/// New cursors for ever, to pages that are empty, or full of the same. Some APIs have empty pages in between, so
/// a few of them are no end.
#[test]
fn cursors_that_lead_nowhere_are_an_error_and_no_endless_loop() {
    for paging in Paging::CHAINED {
        for (endless, size) in [(Endless::Empty, 5), (Endless::Same, 5), (Endless::Same, 1)] {
            for has_total in [true, false] {
                let setup = Setup {
                    endless: Some(endless),
                    has_total,
                    ..Setup::paged(paging, size)
                };
                let api = Api::of(people(12), setup);
                api.fail_at(1000, Fault::Status(404, None));
                let outcome = pipeline(&api).run(["run", "-q"]);
                let asked = api.asked().len();
                let told = format!("{paging:?} {endless:?} {size} {has_total}: {asked} requests");
                assert!(asked < 130, "{told}\n{}", outcome.screen());
                ends(&outcome, 3, &["end"]);
            }
        }
    }
}

/// An API that gives its last page for every page behind it. Without a total that is an end like another one.
#[test]
fn counted_pages_that_are_always_the_same_are_no_endless_loop() {
    for paging in Paging::COUNTED {
        for (has_total, size) in [(true, 5), (false, 5), (true, 1), (false, 1)] {
            let endless = Some(Endless::Same);
            let setup = Setup {
                has_total,
                endless,
                ..Setup::paged(paging, size)
            };
            let api = Api::of(people(12), setup);
            api.fail((0..200).map(|_| Fault::Total(1_000_000)));
            let project = pipeline(&api);
            let outcome = project.run(["run", "-q"]);
            let asked = api.asked().len();
            let told = format!("{paging:?} {has_total} {size}: {asked} requests");
            assert!(asked < 130, "{told}\n{}", outcome.screen());
            let rows = ids(&landed(&the_run(&project)));
            if outcome.code == Some(0) {
                assert!(!has_total, "{told}");
                assert_eq!(rows, ids(&people(12)), "{told}");
            } else {
                assert!(
                    matches!(outcome.code, Some(3 | 4)),
                    "{told}\n{}",
                    outcome.screen()
                );
            }
        }
    }
}
