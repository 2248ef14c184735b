//! What goes wrong on the way, before the service has acted and after: each row of the table of failures.

use crate::support::bigquery::{BigQuery, Call, Fault, Refusal, What, When, loading::Loading};

/// What passes by itself.
pub(super) fn passing() -> [What; 5] {
    [
        What::Refuses(Refusal::rate_limit_exceeded()),
        What::Refuses(Refusal::backend_error()),
        What::Refuses(Refusal::internal_error()),
        What::Page(502),
        What::Resets,
    ]
}

/// The calls of an undisturbed load.
pub(super) const CALLS: [Call; 8] = [
    Call::GetDataset,
    Call::InsertDataset,
    Call::GetTable,
    Call::InsertTable,
    Call::BeginUpload,
    Call::Piece,
    Call::GetJob,
    Call::Query,
];

/// A run that meets this fault succeeds, with one job.
pub(super) fn gets_over(call: Call, when: When, what: What) {
    let loading = Loading::new();
    let meets = format!("{what:?} {when:?} {call:?}");
    loading.service.fail([Fault::on(call, when, what)]);
    let outcome = loading.run();
    assert_eq!(outcome.code, Some(0), "{meets}\n{}", outcome.screen());
    assert_eq!(loading.rows(), ["ada 13 1", "bob 7 1"], "{meets}");
    assert_eq!(loading.attempts(), ["a0"], "{meets}");
}

#[test]
fn what_passes_before_the_service_has_acted_costs_only_time() {
    for (call, what) in CALLS.into_iter().zip(passing().into_iter().cycle()) {
        gets_over(call, When::Before, what);
    }
}

#[test]
fn what_passes_after_the_service_has_acted_loads_nothing_twice() {
    for (call, what) in CALLS.into_iter().zip(passing().into_iter().cycle().skip(1)) {
        gets_over(call, When::After, what);
    }
}

#[test]
fn every_passing_failure_of_the_last_piece_is_met_with_the_same_job() {
    for what in passing() {
        gets_over(Call::Piece, When::After, what.clone());
        gets_over(Call::Piece, When::Before, what);
    }
}

#[test]
fn an_id_that_is_found_taken_when_the_upload_begins_is_our_own_job() {
    let loading = Loading::new();
    loading
        .service
        .set(|settings| settings.tells_duplicate_early = true);
    loading
        .service
        .fail([Fault::on(Call::Piece, When::After, What::Resets)]);
    // The session that could tell is gone as well.
    loading
        .service
        .fail([Fault::on(Call::Probe, When::Before, What::Forgets(404))]);
    loading.run_ends_with(0);
    loading.holds_each_row_once();
    assert_eq!(loading.attempts(), ["a0"]);
}

#[test]
fn a_piece_that_broke_off_is_not_sent_again_from_its_beginning() {
    let loading = Loading::new().saying("chunk_mb: 1");
    super::loads::many_orders(&loading);
    loading
        .service
        .fail([Fault::on(Call::Piece, When::Before, What::KeepsHalf)]);
    loading.run_ends_with(0);
    assert!(loading.service.calls(Call::Probe) >= 1);
    assert_eq!(loading.service.calls(Call::BeginUpload), 1);
    assert_eq!(loading.rows().len(), 60_000);
}

#[test]
fn a_session_that_is_gone_is_begun_anew_with_the_same_job() {
    for status in [404, 410] {
        let loading = Loading::new().saying("chunk_mb: 1");
        super::loads::many_orders(&loading);
        loading
            .service
            .fail([Fault::on(Call::Piece, When::Before, What::Forgets(status)).skipping(1)]);
        loading.run_ends_with(0);
        assert_eq!(loading.service.calls(Call::BeginUpload), 2, "{status}");
        assert_eq!(loading.rows().len(), 60_000, "{status}");
        assert_eq!(loading.attempts(), ["a0"], "{status}");
    }
}

#[test]
fn a_job_that_failed_for_a_passing_reason_is_tried_as_the_next_attempt() {
    for refusal in [
        Refusal::backend_error(),
        Refusal::internal_error(),
        Refusal::rate_limit_exceeded(),
    ] {
        let loading = Loading::new();
        loading
            .service
            .judge([Some(refusal.clone()), Some(refusal)]);
        loading.run_ends_with(0);
        loading.holds_each_row_once();
        assert_eq!(loading.attempts(), ["a0", "a1", "a2"]);
    }
}

#[test]
fn a_service_that_does_not_recover_is_given_up_after_a_bounded_number_of_attempts() {
    for call in [Call::GetTable, Call::BeginUpload] {
        let loading = Loading::new();
        loading
            .service
            .fail([Fault::on(call, When::Before, What::Page(503)).times(usize::MAX)]);
        let outcome = loading.run();
        assert!(matches!(outcome.code, Some(3 | 5)), "{}", outcome.screen());
        let tries = loading.service.calls(call);
        assert!((2..=40).contains(&tries), "{tries}");
        loading.service.recover();
        if loading.project.unfinished().is_empty() {
            loading.run_ends_with(0);
        } else {
            loading.resume();
        }
        loading.holds_each_row_once();
    }
}

#[test]
fn a_job_that_always_fails_is_given_up_and_a_resumed_run_tries_again() {
    let loading = Loading::new();
    loading
        .service
        .judge(vec![Some(Refusal::backend_error()); 20]);
    loading.run_ends_with(3);
    let tries = loading.attempts().len();
    assert!((2..=8).contains(&tries), "{tries}");
    loading.service.recover();
    loading.resume();
    loading.holds_each_row_once();
}

#[test]
fn a_job_that_goes_on_for_long_is_not_abandoned() {
    let loading = Loading::new().saying("timeout_minutes: 1");
    loading.service.hold_jobs(true);
    let outcome = loading.run_ends_with(5);
    assert!(outcome.stderr.contains("--resume"), "{}", outcome.stderr);
    loading.service.hold_jobs(false);
    loading.resume();
    loading.holds_each_row_once();
    assert_eq!(loading.attempts(), ["a0"]);
    assert_eq!(loading.receipt()["adopted"], true);
}

#[test]
fn a_job_that_nobody_can_ask_for_any_more_is_an_unknown_outcome() {
    let loading = Loading::new();
    let busy = || What::Page(503);
    loading.service.fail([
        Fault::on(Call::GetJob, When::Before, busy())
            .behind(Call::Piece)
            .times(usize::MAX),
        Fault::on(Call::Piece, When::After, busy()).times(usize::MAX),
        Fault::on(Call::Probe, When::Before, busy()).times(usize::MAX),
    ]);
    let outcome = loading.run_ends_with(5);
    assert!(outcome.stderr.contains("--resume"), "{}", outcome.stderr);
    loading.service.recover();
    loading.resume();
    loading.holds_each_row_once();
    assert_eq!(loading.attempts(), ["a0"]);
}

#[test]
fn a_permission_that_is_missing_stops_at_once_and_says_how_to_grant_it() {
    let denied = "Table test-project:shop.totals: User does not have bigquery.tables.updateData permission for \
                  table test-project:shop.totals, or perhaps it does not exist.";
    for call in [Call::GetTable, Call::InsertTable, Call::BeginUpload] {
        let loading = Loading::new();
        loading.service.fail([Fault::on(
            call,
            When::Before,
            What::Refuses(Refusal::access_denied(denied)),
        )
        .times(9)]);
        let outcome = loading.run_ends_with(3);
        assert_eq!(loading.service.calls(call), 1, "{call:?}");
        for word in ["bigquery.", "gcloud ", "test-project"] {
            assert!(
                outcome.stderr.contains(word),
                "{call:?} {word}\n{}",
                outcome.stderr
            );
        }
        assert!(loading.rows().is_empty());
    }
}

#[test]
fn a_job_that_may_not_read_or_write_is_not_tried_again_until_somebody_has_granted_it() {
    let loading = Loading::new();
    let denied = "Permission bigquery.tables.updateData denied on table test-project:shop.totals";
    loading
        .service
        .judge([Some(Refusal::access_denied(denied))]);
    let outcome = loading.run_ends_with(3);
    for words in [
        "`bigquery.tables.updateData` on `test-project.shop.totals`",
        "`gcloud projects add-iam-policy-binding test-project ",
        "--role=roles/bigquery.dataEditor",
    ] {
        assert!(
            outcome.stderr.contains(words),
            "{words}\n{}",
            outcome.stderr
        );
    }
    assert_eq!(loading.attempts(), ["a0"]);
    loading.resume();
    loading.holds_each_row_once();
    assert_eq!(loading.attempts(), ["a0", "a1"]);
}

#[test]
fn what_bigquery_finds_invalid_is_told_by_column() {
    let loading = Loading::new();
    let refusal = Refusal::invalid(
        "Error while reading data, error message: Could not convert column amount to NUMERIC",
    )
    .and(
        "invalid",
        "Error while reading data, error message: Required field customer cannot be null; row 1.",
    );
    loading.service.judge([Some(refusal)]);
    let outcome = loading.run();
    assert!(matches!(outcome.code, Some(1 | 3)), "{}", outcome.screen());
    for word in [
        "Could not convert column amount",
        "Required field customer",
        "`customer` (Utf8): ada, bob",
        "`amount` (Decimal128(",
        "): 13.00, 7.00",
    ] {
        assert!(outcome.stderr.contains(word), "{word}\n{}", outcome.stderr);
    }
    assert_eq!(loading.attempts(), ["a0"]);
    // What was wrong is mended: the id that failed is not in the way.
    loading.resume();
    loading.holds_each_row_once();
    assert_eq!(loading.attempts(), ["a0", "a1"]);
}

#[test]
fn another_runs_job_is_never_taken_for_ones_own() {
    let loading = Loading::new().saying("timeout_minutes: 1");
    loading.service.hold_jobs(true);
    loading.run_ends_with(5);
    let first = loading.service.load_jobs()[0]["configuration"]["labels"]["dfpipe_run"].clone();
    // Another machine, which knows nothing of it.
    loading.project.remove(".dfpipe");
    let outcome = loading.run();
    assert_ne!(outcome.code, Some(0), "{}", outcome.screen());
    loading.service.hold_jobs(false);
    let resumed = if loading.project.unfinished().is_empty() {
        loading.run()
    } else {
        loading.project.run(["run", "-q", "--resume"])
    };
    // By now the date may be found loaded, which is no failure of ours but no success either.
    assert_ne!(resumed.code, Some(0), "{}", resumed.screen());
    for job in loading.service.load_jobs() {
        let id = job["jobReference"]["jobId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let is_first = job["configuration"]["labels"]["dfpipe_run"] == first;
        assert!(is_first || job["status"]["errorResult"].is_object(), "{id}");
    }
}

#[test]
fn rows_that_are_not_there_are_not_verified() {
    let loading = Loading::new();
    // The job says that all went well, and somebody has removed the rows by the time they are counted.
    loading.service.lose_rows(true);
    let outcome = loading.run_ends_with(1);
    assert!(outcome.stderr.contains("rows"), "{}", outcome.stderr);
    let receipt = loading.project.unfinished_json("step4_load_receipt.json");
    assert_eq!(receipt["verification"]["is_equal"], false, "{receipt}");
    assert_eq!(receipt["verification"]["counted_rows"], 1, "{receipt}");
}

#[test]
fn nobody_elsewhere_is_sent_anything() {
    let elsewhere = BigQuery::serve();
    let place = format!(
        "{}/upload/bigquery/v2/projects/test-project/jobs?upload_id=x",
        elsewhere.url()
    );
    for fault in [
        Fault::on(
            Call::BeginUpload,
            When::After,
            What::UploadsTo(place.clone()),
        )
        .times(9),
        Fault::on(Call::Piece, When::Before, What::Redirects(place.clone())).times(9),
        Fault::on(Call::GetTable, When::Before, What::Redirects(place.clone())).times(9),
        Fault::on(
            Call::GetDataset,
            When::Before,
            What::Redirects(place.clone()),
        )
        .times(9),
        Fault::on(Call::Query, When::Before, What::Redirects(place.clone())).times(9),
    ] {
        let loading = Loading::new();
        loading.service.fail([fault]);
        let outcome = loading.run();
        assert_ne!(outcome.code, Some(0), "{}", outcome.screen());
        let strangers = elsewhere.requests();
        assert!(strangers.is_empty(), "{strangers:?}");
    }
}

#[test]
fn pieces_that_never_arrive_are_given_up() {
    let loading = Loading::new();
    loading
        .service
        .fail([Fault::on(Call::Piece, When::Before, What::Resets).times(usize::MAX)]);
    let outcome = loading.run();
    assert!(matches!(outcome.code, Some(3 | 5)), "{}", outcome.screen());
    let pieces = loading.service.calls(Call::Piece);
    // So many tries of a session, in so many sessions.
    assert!(pieces <= 60, "{pieces}");
    loading.service.recover();
    loading.resume();
    loading.holds_each_row_once();
}
