//! A run that died while pages were read goes on where it was: nothing is asked for twice, nothing is read
//! twice.

use serde_json::json;

use super::{ends, landed, pipeline_from, the_run, with};
use crate::support::{
    api::{Api, Fault, Paging, Setup, ids, people},
    project::Project,
};

/// More lines than any journal of this pipeline has.
const MANY: usize = 60;

fn one_at_a_time(api: &Api) -> Project {
    pipeline_from(api, &with(api, [("concurrency", json!(1))]))
}

#[test]
fn a_run_that_is_killed_at_any_line_of_its_journal_reads_each_record_once() {
    for paging in Paging::ALL {
        let mut points = 0;
        for lines in 1..MANY {
            let api = Api::of(people(23), Setup::paged(paging, 5));
            let project = one_at_a_time(&api);
            if !project.is_killed(["run", "-q", "--until", "extract"], lines) {
                break;
            }
            points += 1;
            project.succeed(["run", "-q", "--resume"]);
            let told = format!("{paging:?} after {lines} lines: {:#?}", api.requests());
            assert_eq!(
                ids(&landed(&project.last_run())),
                ids(&people(23)),
                "{told}"
            );
        }
        assert!(points >= 3, "{paging:?}: only {points} points");
    }
}

#[test]
fn an_api_that_has_nobody_is_read_to_its_end_whenever_the_run_dies_and_nothing_is_loaded() {
    for paging in Paging::ALL {
        let api = Api::of(vec![], Setup::paged(paging, 5));
        let project = one_at_a_time(&api);
        assert!(project.is_killed(["run", "-q", "--until", "extract"], 1));
        assert!(project.is_killed(["run", "-q", "--resume", "--until", "extract"], 2));
        let outcome = project.run(["run", "-q", "--resume"]);
        ends(
            &outcome,
            1,
            &["`everyone` has no rows, so nothing is loaded"],
        );
        assert_eq!(landed(&the_run(&project)), [json!(null); 0], "{paging:?}");
    }
}

/// What came before the process died is on disk: at most what was under way is asked for again.
#[test]
fn pages_that_have_landed_are_not_asked_for_again() {
    for paging in [
        Paging::PageNumber,
        Paging::Offset,
        Paging::Cursor,
        Paging::CursorHeader,
        Paging::NextLink,
        Paging::LinkHeader,
    ] {
        let api = Api::of(people(100), Setup::paged(paging, 5));
        let project = one_at_a_time(&api);
        // The sixth page never comes: the run fails with five pages landed.
        api.fail_behind(25, Fault::Status(503, Some("0")));
        assert_eq!(project.run(["run", "-q"]).code, Some(4), "{paging:?}");
        let before = api.asked().len();
        api.recover();
        project.succeed(["run", "-q", "--resume"]);
        let asked = api.asked().len() - before;
        assert_eq!(
            ids(&landed(&project.last_run())),
            ids(&people(100)),
            "{paging:?}"
        );
        // Fifteen pages are left; offsets overlap by one record of five.
        assert!(
            asked <= 20,
            "{paging:?}: {asked} requests\n{:#?}",
            api.requests()
        );
    }
}

#[test]
fn a_cursor_that_the_api_no_longer_takes_restarts_the_extract() {
    for paging in Paging::CHAINED {
        for status_of_forgotten_cursors in [400, 410] {
            let setup = Setup {
                status_of_forgotten_cursors,
                ..Setup::paged(paging, 5)
            };
            let api = Api::of(people(40), setup);
            let project = one_at_a_time(&api);
            api.fail_behind(20, Fault::Status(503, Some("0")));
            assert_eq!(project.run(["run", "-q"]).code, Some(4), "{paging:?}");
            api.recover();
            api.forget_cursors();
            let outcome = project.run(["run", "-q", "--resume"]);
            let told = format!("{paging:?} {status_of_forgotten_cursors}");
            assert_eq!(outcome.code, Some(0), "{told}\n{}", outcome.screen());
            assert_eq!(ids(&landed(&the_run(&project))), ids(&people(40)), "{told}");
        }
    }
}

/// Cursors that are refused again and again are no reason to begin again and again.
#[test]
fn an_api_that_takes_no_cursor_at_all_is_an_error_and_no_endless_loop() {
    let api = Api::of(people(40), Setup::paged(Paging::Cursor, 5));
    for number in 2..40 {
        api.fail_at(number * 2, Fault::Status(410, None));
    }
    api.fail_at(2, Fault::Status(410, None));
    let outcome = one_at_a_time(&api).run(["run", "-q"]);
    assert!(matches!(outcome.code, Some(3 | 4)), "{}", outcome.screen());
    assert!(api.asked().len() < 20, "{:#?}", api.requests());
}
