//! Pages that never end are noticed; nothing is asked for forever.

use super::{ends, pipeline};
use crate::support::api::{Api, Endless, Fault, Paging, Setup, people};

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

/// New cursors for ever, to pages that are empty, or full of the same.
#[test]
fn cursors_that_lead_nowhere_are_an_error_and_no_endless_loop() {
    for paging in Paging::CHAINED {
        for endless in [Endless::Empty, Endless::Same] {
            for has_total in [true, false] {
                let endless = Some(endless);
                let setup = Setup {
                    endless,
                    has_total,
                    ..Setup::paged(paging, 5)
                };
                let api = Api::of(people(12), setup);
                let outcome = pipeline(&api).run(["run", "-q"]);
                ends(&outcome, 3, &["end"]);
                let asked = api.asked().len();
                assert!(
                    asked < 30,
                    "{paging:?} {endless:?} {has_total}: {asked} requests"
                );
            }
        }
    }
}

#[test]
fn counted_pages_that_are_always_the_same_are_an_error_and_no_endless_loop() {
    for paging in Paging::COUNTED {
        for has_total in [true, false] {
            let endless = Some(Endless::Same);
            let setup = Setup {
                endless,
                has_total,
                ..Setup::paged(paging, 5)
            };
            let api = Api::of(people(12), setup);
            api.fail((0..100).map(|_| Fault::Total(1_000_000)));
            let outcome = pipeline(&api).run(["run", "-q"]);
            assert!(matches!(outcome.code, Some(3 | 4)), "{}", outcome.screen());
            let asked = api.asked().len();
            assert!(asked < 30, "{paging:?} {has_total}: {asked} requests");
        }
    }
}
