//! The receipts that real runs leave, whatever became of them, against the schema that others count on.

use std::path::Path;

use dfpipe::config::{
    conform::conform,
    yaml::{Text, parse},
};
use serde_json::{Value, json};

use super::quota::{divided, first_line_of_load, line_of};
use crate::support::{
    artefacts,
    bigquery::{Call, Fault, Refusal, What, When, loading::Loading},
};

const RECEIPT: &str = "step4_load_receipt.json";

/// A receipt as it is on disk, once it has been found to be what the committed schema says.
#[track_caller]
fn checked(folder: &Path) -> Value {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = artefacts::json(&home.join("receipt.schema.json"));
    let written = fs_err::read_to_string(folder.join(RECEIPT)).expect("there is a receipt");
    let text = Text {
        file: RECEIPT,
        source: &written,
        lines_before: 0,
    };
    let node = parse(&text).expect("a receipt is JSON");
    if let Err(problems) = conform(&node, &schema, &text) {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("{problems:?}\n{written}");
    }
    serde_json::from_str(&written).expect("a receipt is JSON")
}

fn of_unfinished(loading: &Loading) -> Value {
    let run = loading.project.unfinished().pop();
    checked(&run.expect("a run did not finish"))
}

/// What nobody knows is null in the receipt, never 0 and never empty.
#[track_caller]
fn are_null(receipt: &Value, pointers: &[&str]) {
    for pointer in pointers {
        let value = receipt.pointer(pointer);
        assert_eq!(value, Some(&Value::Null), "{pointer}\n{receipt:#}");
    }
}

#[test]
fn a_receipt_of_a_load_that_went_well_knows_everything() {
    let loading = Loading::new();
    loading.run_ends_with(0);
    let receipt = checked(&loading.project.last_run());
    assert_eq!(
        (&receipt["state"], &receipt["adopted"]),
        (&json!("loaded"), &json!(false))
    );
    assert_eq!(receipt["partition"], "run_date=2026-11-15");
    for pointer in [
        "/load_id",
        "/verified_rows",
        "/verification/file_rows",
        "/verification/job_rows",
        "/verification/counted_rows",
        "/timings/submitted_at",
        "/timings/loaded_at",
        "/timings/upload_seconds",
        "/timings/job_seconds",
        "/timings/verify_seconds",
        "/jobs/0/job_rows",
        "/jobs/0/how",
    ] {
        assert!(
            receipt.pointer(pointer).is_some_and(|it| !it.is_null()),
            "{pointer}"
        );
    }
    // An emulator has no console, and a load in one piece no ranges of keys.
    are_null(
        &receipt,
        &["/console", "/jobs/0/keys", "/jobs/0/attempts/0/reason"],
    );
}

#[test]
fn a_receipt_is_there_before_anything_is_submitted() {
    let loading = Loading::new();
    let submitting = line_of(&Loading::new(), "\"note\":\"submitting\"");
    assert!(loading.project.is_killed(["run", "-q"], submitting));
    let receipt = of_unfinished(&loading);
    assert_eq!(receipt["state"], "begun");
    are_null(
        &receipt,
        &[
            "/load_id",
            "/adopted",
            "/verified_rows",
            "/verification/job_rows",
            "/verification/counted_rows",
            "/verification/is_equal",
            "/timings/submitted_at",
            "/timings/loaded_at",
            "/timings/upload_seconds",
            "/jobs/0/job_id",
            "/jobs/0/how",
            "/jobs/0/job_rows",
        ],
    );
    assert_eq!(receipt["jobs"][0]["attempts"], json!([]));
}

#[test]
fn a_receipt_of_a_load_whose_end_is_unknown_says_so_and_guesses_nothing() {
    let loading = Loading::new().saying("timeout_minutes: 1");
    loading.service.hold_jobs(true);
    loading.run_ends_with(5);
    let receipt = of_unfinished(&loading);
    assert_eq!(
        (&receipt["state"], &receipt["jobs"][0]["state"]),
        (&json!("unknown"), &json!("unknown"))
    );
    assert!(
        receipt["load_id"].is_string(),
        "the job that may have loaded is named"
    );
    are_null(
        &receipt,
        &[
            "/adopted",
            "/verified_rows",
            "/verification/job_rows",
            "/verification/counted_rows",
            "/verification/is_equal",
            "/timings/loaded_at",
            "/timings/verify_seconds",
            "/jobs/0/job_rows",
        ],
    );
    loading.service.hold_jobs(false);
    loading.resume();
    let receipt = checked(&loading.project.last_run());
    assert_eq!(
        (&receipt["state"], &receipt["adopted"]),
        (&json!("loaded"), &json!(true))
    );
}

#[test]
fn a_receipt_of_a_load_that_was_refused_says_why() {
    for refusal in [
        Refusal::quota_exceeded(),
        Refusal::access_denied("no"),
        Refusal::invalid("Required field customer cannot be null"),
    ] {
        let loading = Loading::new();
        let what = What::Refuses(refusal);
        loading
            .service
            .fail([Fault::on(Call::BeginUpload, When::Before, what)]);
        let outcome = loading.run();
        assert!(matches!(outcome.code, Some(1 | 3)), "{}", outcome.screen());
        let receipt = of_unfinished(&loading);
        assert_eq!(receipt["state"], "failed");
        let attempt = &receipt["jobs"][0]["attempts"][0];
        assert!(
            attempt["reason"].is_string() && attempt["message"].is_string(),
            "{receipt:#}"
        );
        are_null(
            &receipt,
            &[
                "/adopted",
                "/verification/counted_rows",
                "/timings/loaded_at",
            ],
        );
    }
}

/// A process that dies with the first part on its way has left behind what all parts are.
#[test]
fn all_parts_stand_in_the_receipt_before_the_first_of_them_is_submitted() {
    let over_quota = || {
        let loading = divided();
        loading.service.judge([Some(Refusal::quota_exceeded())]);
        loading
    };
    let first_part = line_of(&over_quota(), "\"note\":\"submitting\",\"part\":1,");
    assert!(first_part > first_line_of_load());
    let loading = over_quota();
    assert!(loading.project.is_killed(["run", "-q"], first_part));
    assert_eq!(loading.attempts(), ["a0"], "the whole, which was refused");
    let receipt = of_unfinished(&loading);
    assert_eq!(receipt["state"], "begun");
    let parts = receipt["jobs"].as_array().expect("parts");
    assert_eq!(parts.len(), 4);
    let mut last = String::new();
    for (part, number) in parts.iter().zip(1..) {
        let key = |bound: &str| {
            part["keys"][bound][0]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        assert!(
            last < key("first") && key("first") <= key("last"),
            "{receipt:#}"
        );
        last = key("last");
        assert_eq!(part["part"], number);
        assert_eq!(
            part["sha256"].as_str().map(str::len),
            Some(64),
            "{receipt:#}"
        );
    }
    let warnings = receipt["warnings"].to_string();
    assert!(warnings.contains("divided into 4 jobs"), "{warnings}");
}
