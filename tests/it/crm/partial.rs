//! An extract that is not whole: what arrived is kept, it is said what is missing, and nobody takes it for
//! success.

use serde_json::{Value, json};

use super::{ends, landed, pipeline_from, the_run, with};
use crate::support::{
    api::{Api, Fault, Paging, Setup, ids, people},
    artefacts,
    project::Project,
};

/// What is said when twenty of forty came.
const HALF: &str = "20 of 40 records";

/// Forty people, ten at a time, of whom the API gives only the first twenty.
fn half_of_forty(paging: Paging) -> Api {
    let api = Api::of(people(40), Setup::paged(paging, 10));
    api.fail_behind(20, Fault::Status(503, Some("0")));
    api
}

fn project_of(api: &Api) -> Project {
    let from = with(api, [("retries", json!(1)), ("concurrency", json!(1))]);
    pipeline_from(api, &from)
}

#[test]
fn retries_used_up_midway_are_partial_what_arrived_is_kept_and_what_is_missing_is_said() {
    for paging in Paging::COUNTED.into_iter().chain(Paging::CHAINED) {
        let api = half_of_forty(paging);
        let project = project_of(&api);
        let outcome = project.run(["run", "-q"]);
        // Offsets overlap by one record, so the third page would have begun with the nineteenth.
        let came = if paging == Paging::Offset { 19 } else { 20 };
        let (gave, missing) = (
            format!("{came} of 40 records"),
            format!("{} records are missing, about ", 40 - came),
        );
        ends(&outcome, 4, &[&gave, &missing, "503", "--allow-partial"]);
        let rows = landed(&the_run(&project));
        assert_eq!(ids(&rows), ids(&people(came)), "{paging:?}");
    }
}

#[test]
fn retries_used_up_midway_say_what_arrived_where_nobody_knows_how_much_there_is() {
    let setup = Setup {
        has_total: false,
        ..Setup::paged(Paging::Cursor, 10)
    };
    let api = Api::of(people(40), setup);
    api.fail_behind(20, Fault::Status(503, Some("0")));
    let project = project_of(&api);
    let outcome = project.run(["run", "-q"]);
    ends(&outcome, 4, &["20 records", "503"]);
    assert_eq!(ids(&landed(&the_run(&project))), ids(&people(20)));
}

#[test]
fn a_partial_extract_is_gone_on_with_if_asked_and_every_receipt_and_report_says_partial() {
    let api = half_of_forty(Paging::PageNumber);
    let project = project_of(&api);
    let outcome = project.run(["run", "--allow-partial"]);
    ends(&outcome, 0, &["partial", HALF]);
    assert_eq!(ids(&project.rows("everyone.parquet")), ids(&people(20)));
    for file in [
        "run.json",
        "step4_load_receipt.json",
        "report.md",
        "report.html",
    ] {
        let text = fs_err::read_to_string(project.last_run().join(file)).expect("it is there");
        assert!(
            text.to_lowercase().contains("partial"),
            "{file} does not say so\n{text}"
        );
    }
}

#[test]
fn a_whole_extract_is_nowhere_called_partial_even_if_it_would_be_allowed() {
    let api = Api::of(people(40), Setup::paged(Paging::PageNumber, 10));
    let project = project_of(&api);
    project.succeed(["run", "-q", "--allow-partial"]);
    let receipt = project.json("step4_load_receipt.json");
    let is_partial = |value: &Value| value.as_bool() == Some(true);
    assert!(!receipt.get("partial").is_some_and(is_partial), "{receipt}");
    let report = fs_err::read_to_string(project.last_run().join("report.md")).expect("it is there");
    assert!(!report.to_lowercase().contains("partial"), "{report}");
}

#[test]
fn fewer_records_than_the_total_are_partial_and_no_success() {
    for paging in Paging::ALL {
        let api = Api::of(people(12), Setup::paged(paging, 5));
        api.fail((0..20).map(|_| Fault::Total(15)));
        let project = project_of(&api);
        let outcome = project.run(["run", "-q"]);
        ends(
            &outcome,
            4,
            &["12 of 15 records", "3 records are missing, about 1 page"],
        );
        assert_eq!(
            ids(&landed(&the_run(&project))),
            ids(&people(12)),
            "{paging:?}"
        );
        assert!(api.asked().len() < 15, "{paging:?}: {:?}", api.requests());
    }
}

/// A total that changes from page to page: more than it said last is no loss.
#[test]
fn a_total_that_shifts_is_followed() {
    for paging in Paging::ALL {
        let api = Api::of(people(12), Setup::paged(paging, 5));
        api.fail([Fault::Total(11), Fault::Total(13)]);
        let project = project_of(&api);
        let outcome = project.run(["run", "-q"]);
        let rows = ids(&landed(&the_run(&project)));
        assert_eq!(rows, ids(&people(12)), "{paging:?}\n{}", outcome.screen());
        assert!(
            matches!(outcome.code, Some(0 | 4)),
            "{paging:?}\n{}",
            outcome.screen()
        );
    }
}

#[test]
fn a_partial_run_that_is_resumed_asks_for_the_rest_and_is_whole() {
    for paging in [
        Paging::PageNumber,
        Paging::Offset,
        Paging::Cursor,
        Paging::LinkHeader,
    ] {
        let api = half_of_forty(paging);
        let project = project_of(&api);
        assert_eq!(project.run(["run", "-q"]).code, Some(4));
        api.recover();
        project.succeed(["run", "-q", "--resume"]);
        assert_eq!(
            ids(&project.rows("everyone.parquet")),
            ids(&people(40)),
            "{paging:?}"
        );
        assert_eq!(
            ids(&landed(&project.last_run())),
            ids(&people(40)),
            "{paging:?}"
        );
    }
}

#[test]
fn a_partial_extract_is_not_adopted_as_whole_by_a_run_that_resumes_it() {
    let api = half_of_forty(Paging::Cursor);
    let project = project_of(&api);
    assert_eq!(project.run(["run", "-q"]).code, Some(4));
    let outcome = project.run(["run", "-q", "--resume"]);
    ends(&outcome, 4, &[HALF]);
    assert!(!artefacts::files(&the_run(&project)).is_empty());
}
