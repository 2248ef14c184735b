//! Whatever goes wrong at random, on both sides and at the same time: each row is loaded exactly once.
//!
//! A few seeds here; `make chaos` sets `DFPIPE_CHAOS` to many, and then tries every fault of every call.

use super::failures::{CALLS, gets_over, passing};
use crate::support::{
    bigquery::{Call, Fault, Refusal, Settings, What, When, loading::Loading},
    chaos::{End, Random, asked, killed_within, next_call},
};

/// Seeds that are tried when nobody asks for more.
const FEW: u64 = 10;

/// A load takes less, in milliseconds, on a machine that is not overwhelmed.
const LONGEST: u64 = 4000;

/// After so many calls nothing goes wrong any more: what is tried is that it ends well, not that it
/// never ends.
const PATIENCE: usize = 6;

#[test]
fn whatever_fails_and_dies_at_random_each_row_is_loaded_once() {
    for seed in 0..asked().unwrap_or(FEW) {
        let mut random = Random::of(seed);
        let loading = Loading::with(settings(&mut random));
        let faults = random.below(5);
        let faults: Vec<_> = (0..faults).map(|_| fault(&mut random)).collect();
        let told = format!("seed {seed}: {faults:?}");
        loading.service.fail(faults);
        let verdicts = random.pick(&[vec![], vec![], vec![Some(Refusal::backend_error())]]);
        loading.service.judge(verdicts);
        finish(&loading, &mut random, &told);

        assert_eq!(loading.rows(), ["ada 13 1", "bob 7 1"], "{told}");
        let jobs = loading.service.load_jobs();
        let is_good = |job: &&serde_json::Value| job["status"]["errorResult"].is_null();
        assert_eq!(jobs.iter().filter(is_good).count(), 1, "{told}");
        let latest = loading.query("select * from `test-project.shop.totals_latest`");
        assert_eq!(latest.len(), 2, "{told}");
        assert_eq!(loading.receipt()["rows"], 2, "{told}");
    }
}

/// Goes on as a person would, who kills what takes too long.
fn finish(loading: &Loading, random: &mut Random, told: &str) {
    for calls in 0.. {
        let Some(call) = next_call(&loading.project) else {
            return;
        };
        let mut patience = random.below(LONGEST);
        if calls >= PATIENCE {
            loading.service.recover();
            patience = 60_000;
        }
        let end = killed_within(&loading.project, call, patience);
        if let End::Failed(outcome) = end {
            // "The service said no", or "it is not known": both are for trying again.
            let is_passing = matches!(outcome.code, Some(3 | 5));
            assert!(
                is_passing && calls <= PATIENCE,
                "{told}\n{}",
                outcome.screen()
            );
        }
    }
}

fn settings(random: &mut Random) -> Settings {
    let few = |random: &mut Random| usize::try_from(random.below(3)).expect("it is small");
    Settings {
        polls_pending: few(random),
        polls_running: few(random),
        tells_duplicate_early: random.below(2) == 0,
        late_jobs: few(random),
        slow_queries: random.below(2) == 0,
        needs_token: false,
    }
}

fn fault(random: &mut Random) -> Fault {
    let calls = [&CALLS[..], &[Call::Probe, Call::Results, Call::Piece]].concat();
    let call = random.pick(&calls);
    let mut failures = passing().to_vec();
    match call {
        Call::Piece => failures.extend([What::KeepsHalf, What::Forgets(404)]),
        Call::Probe => failures.push(What::Forgets(410)),
        _ => {}
    }
    let (when, what) = (
        random.pick(&[When::Before, When::After]),
        random.pick(&failures),
    );
    let small = |random: &mut Random| usize::try_from(random.below(3)).expect("it is small");
    Fault::on(call, when, what)
        .skipping(small(random))
        .times(1 + small(random))
}

/// Only where it is asked for: it takes minutes.
#[test]
fn every_passing_failure_of_every_call_is_got_over() {
    if asked().is_none() {
        return;
    }
    for call in CALLS {
        for what in passing() {
            for when in [When::Before, When::After] {
                gets_over(call, when, what.clone());
            }
        }
    }
}
