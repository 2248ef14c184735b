//! Killed at moments that nobody chose, and resumed: every row is loaded exactly once.
//!
//! A few seeds here; `make chaos` sets `DFPIPE_CHAOS` to many, and then kills the customer pipeline at
//! every line of its journal as well.

use std::process::Command;

use crate::support::{artefacts, project::Project, shared::first_run};

/// Seeds that are tried when nobody asks for more.
const FEW: u64 = 8;

/// A run of the pipeline of orders takes less, in milliseconds, on a machine that is not overwhelmed.
const LONGEST: u64 = 600;

#[test]
fn a_run_that_is_killed_at_random_moments_loads_each_row_once() {
    let undisturbed = Project::orders();
    undisturbed.succeed(["run", "-q"]);
    let expected = undisturbed.sha256("models/totals.parquet");
    for seed in 0..asked().unwrap_or(FEW) {
        let project = Project::orders();
        let mut random = Random(seed + 1);
        let mut died = killed_within(&project, &["run", "-q"], random.below(LONGEST));
        while died {
            let folder = project.path(".dfpipe/work");
            let has_begun = folder.is_dir() && !project.unfinished().is_empty();
            // Killed before it had a name, there is nothing to go on with.
            let arguments: &[&str] = if has_begun && is_resumable(&project) {
                &["run", "-q", "--resume"]
            } else if project.archived().is_empty() {
                &["run", "-q"]
            } else {
                break;
            };
            died = killed_within(&project, arguments, random.below(LONGEST));
        }
        assert_eq!(
            project.sha256("models/totals.parquet"),
            expected,
            "seed {seed}"
        );
        let loads =
            fs_err::read_dir(project.path(".dfpipe/warehouse/shop/totals/run_date=2026-11-15"));
        let loads: Vec<_> = loads
            .expect("it was loaded")
            .map(|load| load.expect("a folder can be read").path())
            .collect();
        assert_eq!(loads.len(), 1, "seed {seed}: {loads:?}");
        assert_eq!(artefacts::rows(&loads[0]).len(), 2, "seed {seed}");
    }
}

/// Takes minutes: only where it is asked for.
#[test]
fn the_customer_pipeline_is_killed_at_every_line_of_its_journal() {
    if asked().is_none() {
        return;
    }
    let expected = first_run()
        .project
        .sha256("step3_unified_customers.parquet");
    for lines in 1.. {
        let project = Project::customers();
        if !project.is_killed(["run", "-q"], lines) {
            assert!(lines > 40, "only {lines} lines");
            break;
        }
        project.succeed(["run", "-q", "--resume"]);
        assert_eq!(
            project.sha256("step3_unified_customers.parquet"),
            expected,
            "{lines}"
        );
    }
}

fn asked() -> Option<u64> {
    std::env::var("DFPIPE_CHAOS").ok()?.parse().ok()
}

/// A folder whose journal has no line yet is not a run.
fn is_resumable(project: &Project) -> bool {
    let mut runs = project.unfinished().into_iter();
    runs.any(|run| {
        let journal = fs_err::read_to_string(run.join("journal.ndjson"));
        journal.is_ok_and(|text| text.contains('\n'))
    })
}

/// Calls `dfpipe` and kills it after so many milliseconds. Whether it was still running.
fn killed_within(project: &Project, arguments: &[&str], milliseconds: u64) -> bool {
    let call = project.command([]);
    let mut command = Command::new("timeout");
    command
        .args(["-s", "KILL", &format!("0.{milliseconds:03}")])
        .arg(call.get_program())
        .args(arguments)
        .current_dir(project.folder());
    for (name, value) in call.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let outcome = project.ended(command.output().expect("`timeout` can be started"));
    match outcome.code {
        Some(0) => false,
        // `timeout` dies of the signal that it sends, or tells it as the shell does.
        None | Some(137) => true,
        Some(_) => panic!("{}", outcome.screen()),
    }
}

/// The same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*: good enough to pick moments.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}
