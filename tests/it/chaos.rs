//! Killed at moments that nobody chose, and resumed: every row is loaded exactly once, into files and into BigQuery
//! as others understand it. (`bigquery/chaos.rs` adds a service that fails as well.)
//!
//! A few seeds here; `make chaos` sets `DFPIPE_CHAOS` to many, and then kills the customer pipeline at
//! every line of its journal as well.

use crate::support::{
    artefacts,
    bigquery::loading::in_dataset,
    chaos::{Longest, Random, asked, finish_while_killed, tell},
    emulator::Emulator,
    project::Project,
    s3::{Bucket, S3},
    shared::first_run,
};

/// Seeds that are tried when nobody asks for more.
const FEW: u64 = 8;

/// Seeds for a service of which each seed takes long.
const FEWER: u64 = 4;

/// The pipeline of orders into a folder.
const INTO_FOLDER: Longest = Longest {
    run: 600,
    load: 100,
};

/// And into a store or a service beside it.
const INTO_SERVICE: Longest = Longest {
    run: 1200,
    load: 500,
};

/// More lines than any journal of the pipeline of orders has.
const MANY: usize = 40;

#[test]
fn a_run_that_is_killed_at_random_moments_loads_each_row_once() {
    let expected = undisturbed();
    let kills = (0..asked().unwrap_or(FEW)).map(|seed| {
        let project = Project::orders();
        let kills = finish_while_killed(&project, &mut Random::of(seed), INTO_FOLDER);
        assert_eq!(
            project.sha256("models/totals.parquet"),
            expected,
            "seed {seed}"
        );
        let folder = project.path(".dfpipe/warehouse/shop/totals/run_date=2026-11-15");
        let loads = artefacts::files(&folder);
        assert_eq!(loads.len(), 1, "seed {seed}: {loads:?}");
        assert_eq!(artefacts::rows(&loads[0]).len(), 2, "seed {seed}");
        kills
    });
    tell("into a folder", &kills.collect::<Vec<_>>());
}

/// As above, but nothing is ever renamed or linked there: a load is put into its name if that is free.
#[test]
fn a_run_into_a_bucket_that_is_killed_at_random_moments_loads_each_row_once() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("chaos");
    let expected = undisturbed();
    let kills = (0..asked().unwrap_or(FEW)).map(|seed| {
        let name = format!("seed-{seed}");
        let project = into_bucket(s3, "chaos", &name);
        let kills = finish_while_killed(&project, &mut Random::of(seed), INTO_SERVICE);
        assert_eq!(
            project.sha256("models/totals.parquet"),
            expected,
            "seed {seed}"
        );
        holds_one_load(&bucket, &project, &name);
        kills
    });
    tell("into a bucket", &kills.collect::<Vec<_>>());
}

#[test]
fn a_run_into_a_bucket_that_is_killed_at_any_line_of_its_journal_loads_each_row_once() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("chaos-lines");
    for lines in 1..MANY {
        let name = format!("lines-{lines}");
        let project = into_bucket(s3, "chaos-lines", &name);
        if !project.is_killed(["run", "-q"], lines) {
            assert!(lines > 10, "only {lines} lines");
            return;
        }
        project.succeed(["run", "-q", "--resume"]);
        holds_one_load(&bucket, &project, &name);
    }
}

#[test]
fn a_run_into_the_emulator_that_is_killed_at_random_moments_loads_each_row_once() {
    let Some(emulator) = Emulator::get() else {
        return;
    };
    let kills = (0..asked().unwrap_or(FEWER)).map(|seed| {
        let dataset = format!("chaos_{seed}");
        let project = in_dataset(emulator.url(), &dataset);
        let kills = finish_while_killed(&project, &mut Random::of(seed), INTO_SERVICE);
        let rows = ["ada 13 1", "bob 7 1"];
        assert_eq!(
            emulator.totals(&format!("{dataset}.totals")),
            rows,
            "seed {seed}"
        );
        let latest = emulator.totals(&format!("{dataset}.totals_latest"));
        assert_eq!(latest, rows, "seed {seed}");
        let receipt = project.json("step4_load_receipt.json");
        assert_eq!(
            receipt["verification"]["is_equal"], true,
            "seed {seed}: {receipt}"
        );
        kills
    });
    tell("into the emulator", &kills.collect::<Vec<_>>());
}

/// A project whose warehouse is the folder `name` of a bucket.
fn into_bucket(s3: &S3, bucket: &str, name: &str) -> Project {
    let project = s3.serve(Project::orders());
    let place = format!("  kind: parquet\n  path: s3://{bucket}/{name}\n");
    project.edit("dfpipe.yml", "  kind: parquet\n", &place);
    project
}

#[track_caller]
fn holds_one_load(bucket: &Bucket, project: &Project, name: &str) {
    let prefix = format!("{name}/shop/totals/run_date=2026-11-15/");
    let keys = bucket.keys();
    let loads: Vec<_> = keys.iter().filter(|key| key.starts_with(&prefix)).collect();
    assert_eq!(loads.len(), 1, "{name}: {loads:?}");
    let copy = project.path("load.parquet");
    project.write("load.parquet", bucket.get(loads[0]));
    assert_eq!(artefacts::rows(&copy).len(), 2, "{name}");
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
