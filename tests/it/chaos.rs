//! Killed at moments that nobody chose, and resumed: every row is loaded exactly once.
//!
//! A few seeds here; `make chaos` sets `DFPIPE_CHAOS` to many, and then kills the customer pipeline at
//! every line of its journal as well.

use crate::support::{
    artefacts,
    chaos::{Random, asked, finish_while_killed},
    project::Project,
    s3::S3,
    shared::first_run,
};

/// Seeds that are tried when nobody asks for more.
const FEW: u64 = 8;

/// A run of the pipeline of orders takes less, in milliseconds, on a machine that is not overwhelmed.
const LONGEST: u64 = 600;

#[test]
fn a_run_that_is_killed_at_random_moments_loads_each_row_once() {
    let expected = undisturbed();
    for seed in 0..asked().unwrap_or(FEW) {
        let project = Project::orders();
        finish_while_killed(&project, &mut Random::of(seed), LONGEST);
        assert_eq!(
            project.sha256("models/totals.parquet"),
            expected,
            "seed {seed}"
        );
        let folder = project.path(".dfpipe/warehouse/shop/totals/run_date=2026-11-15");
        let loads = artefacts::files(&folder);
        assert_eq!(loads.len(), 1, "seed {seed}: {loads:?}");
        assert_eq!(artefacts::rows(&loads[0]).len(), 2, "seed {seed}");
    }
}

/// As above, but nothing is ever renamed or linked there: a load is put into its name if that is free.
#[test]
fn a_run_into_a_bucket_that_is_killed_at_random_moments_loads_each_row_once() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("chaos");
    let expected = undisturbed();
    for seed in 0..asked().unwrap_or(FEW) {
        let project = s3.serve(Project::orders());
        let place = format!("  kind: parquet\n  path: s3://chaos/seed-{seed}\n");
        project.edit("dfpipe.yml", "  kind: parquet\n", &place);
        finish_while_killed(&project, &mut Random::of(seed), 2 * LONGEST);
        assert_eq!(
            project.sha256("models/totals.parquet"),
            expected,
            "seed {seed}"
        );
        let prefix = format!("seed-{seed}/shop/totals/run_date=2026-11-15/");
        let keys = bucket.keys();
        let loads: Vec<_> = keys.iter().filter(|key| key.starts_with(&prefix)).collect();
        assert_eq!(loads.len(), 1, "seed {seed}: {loads:?}");
        let copy = project.path("load.parquet");
        project.write("load.parquet", bucket.get(loads[0]));
        assert_eq!(artefacts::rows(&copy).len(), 2, "seed {seed}");
    }
}

/// The hash of what a run gives that nobody kills.
fn undisturbed() -> String {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.sha256("models/totals.parquet")
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
