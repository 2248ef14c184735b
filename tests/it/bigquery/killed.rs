//! Killed at each point of a load that the journal knows, and resumed: each row is there exactly once.

use super::quota::first_line_of_load;
use crate::support::bigquery::{Call, Fault, Settings, What, When, loading::Loading};

#[test]
fn a_load_that_is_killed_at_any_line_of_its_journal_is_finished_exactly_once() {
    let first = first_line_of_load();
    for lines in first.. {
        let loading = Loading::new();
        if !loading.project.is_killed(["run", "-q"], lines) {
            assert!(lines >= first + 4, "only {lines} lines");
            break;
        }
        loading.resume();
        assert_eq!(loading.rows(), ["ada 13 1", "bob 7 1"], "{lines}");
        assert_eq!(loading.attempts(), ["a0"], "{lines}");
    }
}

#[test]
fn a_load_that_is_killed_again_and_again_is_finished_exactly_once() {
    let loading = Loading::new();
    let first = first_line_of_load();
    assert!(loading.project.is_killed(["run", "-q"], first + 1));
    for lines in 1..30 {
        if !loading.project.is_killed(["run", "-q", "--resume"], lines) {
            break;
        }
    }
    loading.holds_each_row_once();
}

/// The process dies after the service has taken the job, and before it could hear of it.
#[test]
fn a_job_that_was_submitted_by_a_process_that_died_is_adopted() {
    for is_early in [false, true] {
        let loading = Loading::with(Settings {
            tells_duplicate_early: is_early,
            late_jobs: 1,
            ..Settings::default()
        });
        // It hears nothing, and what it hears of the job is that the service is busy, until it is killed.
        let busy = || What::Page(503);
        loading.service.fail([
            Fault::on(Call::Piece, When::After, busy()).times(usize::MAX),
            Fault::on(Call::Probe, When::Before, busy()).times(usize::MAX),
            Fault::on(Call::BeginUpload, When::Before, busy())
                .skipping(1)
                .times(usize::MAX),
            Fault::on(Call::GetJob, When::Before, busy())
                .behind(Call::Piece)
                .times(usize::MAX),
        ]);
        let mut run = loading.project.command(["run", "-q"]);
        let mut run = run
            .env_remove("DFPIPE_HASTE")
            .spawn()
            .expect("dfpipe can be started");
        let is_taken = || loading.service.load_jobs().len() == 1;
        for _ in 0..600 {
            if is_taken() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(is_taken());
        run.kill().expect("it can be killed");
        run.wait().expect("it ends");
        loading.service.recover();
        loading.resume();
        loading.holds_each_row_once();
        assert_eq!(loading.attempts(), ["a0"]);
    }
}
