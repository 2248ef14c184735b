//! Nothing that an API puts into its cursors, links and bodies leaks, and no key does: not into a file, not
//! onto the screen, not into a name.

use std::path::Path;

use serde_json::json;

use super::{pipeline, pipeline_from, with};
use crate::support::{
    addresses::{found_in, found_in_file},
    api::{Api, Fault, Paging, Setup, Signing, people},
    artefacts,
    project::{Outcome, Project},
};

/// What every token of the API begins with.
const TOKEN: &str = "token-of-the-test-crm";

/// An API that puts an address and its own key into whatever leads to the next page.
fn talkative(paging: Paging, signing: Signing) -> Api {
    let setup = Setup {
        signing,
        tells_in_cursors: "email=ada.lovelace@example.com&key=key-of-the-test-crm",
        ..Setup::paged(paging, 5)
    };
    Api::of(people(23), setup)
}

#[track_caller]
fn holds_no_secret(project: &Project, outcomes: &[&Outcome], told: &str) {
    for outcome in outcomes {
        let screen = format!("{}\n{}", outcome.stdout, outcome.stderr);
        assert!(
            !screen.contains(Api::KEY) && !screen.contains(TOKEN),
            "{told}\n{screen}"
        );
        assert!(found_in(&screen).is_empty(), "{told}\n{screen}");
    }
    let files = artefacts::files(&project.path(".dfpipe"));
    assert!(!files.is_empty(), "{told}");
    for file in files {
        assert!(
            !holds_a_key(&file),
            "{told}: {} holds a key",
            file.display()
        );
        assert!(!leaks(&file), "{told}: {} leaks", file.display());
    }
}

/// What a run that died was still writing is no Parquet yet: its bytes are looked at.
fn leaks(file: &Path) -> bool {
    let bytes = fs_err::read(file).expect("an artefact can be read");
    let is_parquet = file.extension().is_some_and(|kind| kind == "parquet");
    if is_parquet && !(bytes.len() > 8 && bytes.ends_with(b"PAR1")) {
        return !found_in(&String::from_utf8_lossy(&bytes)).is_empty();
    }
    !found_in_file(file).is_empty()
}

fn holds_a_key(file: &Path) -> bool {
    let bytes = fs_err::read(file).expect("an artefact can be read");
    let text = String::from_utf8_lossy(&bytes);
    // As it is, in a query, and in base64 as basic authorization has it.
    [Api::KEY, TOKEN, "ZGZwaXBlOmtleS1vZi10aGUtdGVzdC1jcm0"]
        .iter()
        .any(|key| text.contains(key))
}

#[test]
fn no_key_and_no_address_of_a_cursor_is_in_what_a_finished_run_leaves_or_shows() {
    for signing in Signing::ALL {
        for paging in Paging::CHAINED {
            let api = talkative(paging, signing);
            let project = pipeline(&api);
            let outcome = project.succeed(["run", "-v"]);
            holds_no_secret(&project, &[&outcome], &format!("{signing:?} {paging:?}"));
        }
    }
}

#[test]
fn no_key_and_no_address_of_a_cursor_is_in_what_a_run_leaves_that_died_or_was_cut_short() {
    for paging in Paging::CHAINED {
        let api = talkative(paging, Signing::Query);
        api.fail_behind(10, Fault::Status(503, Some("0")));
        let project = pipeline(&api);
        let partial = project.run(["run", "-v"]);
        assert_eq!(partial.code, Some(4), "{}", partial.screen());
        let told = format!("{paging:?}");
        holds_no_secret(&project, &[&partial], &told);
        api.recover();
        for lines in 1..5 {
            project.is_killed(["run", "-q", "--resume", "--until", "extract"], lines);
            holds_no_secret(&project, &[], &told);
        }
        let resumed = project.succeed(["run", "-v", "--resume"]);
        holds_no_secret(&project, &[&resumed], &told);
    }
}

/// Each of these is told with the address of the page, or with what came from there.
#[test]
fn no_error_shows_a_key_or_an_address() {
    let quoted = "ada.lovelace@example.com may not see key-of-the-test-crm";
    for fault in [
        Fault::Status(401, None),
        Fault::Status(403, None),
        Fault::Status(404, None),
        Fault::Status(400, None),
        Fault::Status(500, Some("0")),
        Fault::NoRecords(quoted),
        Fault::SameCursor,
        Fault::Reset,
        Fault::Redirect(format!(
            "/v1/customers?api_key={}&email=ada.lovelace@example.com",
            Api::KEY
        )),
    ] {
        for first in [0, 5] {
            let api = talkative(Paging::NextLink, Signing::Query);
            api.fail_behind(first, fault.clone());
            let from = with(&api, [("retries", json!(0))]);
            let project = pipeline_from(&api, &from);
            let outcome = project.run(["run", "-v"]);
            assert_ne!(outcome.code, Some(0), "{fault:?}\n{}", outcome.screen());
            holds_no_secret(&project, &[&outcome], &format!("{fault:?} from {first}"));
        }
    }
}

#[test]
fn no_key_is_in_a_plan_or_in_what_the_doctor_says() {
    for signing in Signing::ALL {
        let api = talkative(Paging::Cursor, signing);
        let project = pipeline(&api);
        for arguments in [["plan", "-v"], ["doctor", "-v"], ["check", "-v"]] {
            let outcome = project.run(arguments);
            let screen = format!("{}\n{}", outcome.stdout, outcome.stderr);
            assert!(
                !screen.contains(Api::KEY) && !screen.contains(TOKEN),
                "{signing:?}\n{screen}"
            );
            assert!(found_in(&screen).is_empty(), "{signing:?}\n{screen}");
        }
    }
}
