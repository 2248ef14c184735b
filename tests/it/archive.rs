//! Where finished runs stay: whole, proven, found again, and removed when they are to be removed and not
//! otherwise; in a folder and in a store.

use std::{
    collections::BTreeMap,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{
    artefacts,
    project::Project,
    s3::{Bucket, S3},
};

/// A project of orders whose finished runs go to `archive`.
fn archiving_to(archive: &str) -> Project {
    let project = Project::orders();
    let pipeline = "pipeline: orders";
    project.edit(
        "dfpipe.yml",
        pipeline,
        &format!("{pipeline}\narchive: {archive}"),
    );
    project
}

/// All files of a folder by their path within it.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = artefacts::files(folder).into_iter();
    let named = files.map(|path| {
        let name = path.strip_prefix(folder).expect("it lies in the folder");
        (
            name.display().to_string(),
            fs_err::read(&path).expect("a file can be read"),
        )
    });
    named.collect()
}

/// What lies below the bucket's folder `pipeline_runs`, by run and path.
fn archived_in(bucket: &Bucket) -> BTreeMap<String, Vec<String>> {
    let mut runs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in bucket.keys() {
        let parts: Vec<_> = key.splitn(4, '/').collect();
        if let ["pipeline_runs", _, run, file] = parts.as_slice() {
            runs.entry((*run).to_owned())
                .or_default()
                .push((*file).to_owned());
        }
    }
    runs
}

fn loads(project: &Project) -> usize {
    artefacts::files(&project.path(".dfpipe/warehouse")).len()
}

fn run_id(folder: &Path) -> String {
    let name = folder.file_name().expect("a run has a name");
    name.to_string_lossy().into_owned()
}

// --- whole ------------------------------------------------------------------------------------------

#[test]
fn a_run_that_is_archived_to_a_bucket_is_whole_there_and_gone_here() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("archive-whole");
    let project = s3.serve(archiving_to("s3://archive-whole"));
    // What the run's folder holds just before it is archived.
    project.succeed(["run", "-q", "--until", "load"]);
    let folder = project.unfinished().pop().unwrap();
    let before = contents(&folder);

    project.succeed(["run", "-q", "--resume"]);

    assert!(
        project.unfinished().is_empty(),
        "{:?}",
        project.unfinished()
    );
    let run = run_id(&folder);
    let root = format!("pipeline_runs/2026-11-15/{run}");
    assert!(archived_in(&bucket)[&run].iter().eq(before.keys()));
    for (name, bytes) in &before {
        // The attempt that archives it writes these again.
        let again = ["run.json", "journal.ndjson", "report.html", "report.md"];
        if !again.contains(&name.as_str()) {
            assert!(bucket.get(&format!("{root}/{name}")) == *bytes, "{name}");
        }
    }
    let record: Value = serde_json::from_slice(&bucket.get(&format!("{root}/run.json"))).unwrap();
    assert_eq!(record["status"], "succeeded");
    assert_eq!(record["folder"], format!("s3://archive-whole/{root}"));
    assert_eq!(loads(&project), 1);
    // Not even the probe is left.
    assert!(bucket.keys().iter().all(|key| key.starts_with(&root)));
}

#[test]
fn a_file_of_many_parts_is_archived_whole() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("archive-parts");
    let project = s3.serve(archiving_to("s3://archive-parts/deep/down"));
    project.write("sql/noise.sql", NOISE);
    project.succeed(["run", "-q", "--until", "load"]);
    let folder = project.unfinished().pop().unwrap();
    let large = fs_err::read(folder.join("models/noise.parquet")).unwrap();
    assert!(
        large.len() > 9 * 1024 * 1024,
        "{} bytes are one part",
        large.len()
    );

    project.succeed(["run", "-q", "--resume"]);

    let run = run_id(&folder);
    let key = format!("deep/down/pipeline_runs/2026-11-15/{run}/models/noise.parquet");
    assert!(bucket.get(&key) == large);
}

/// A table that cannot be packed.
const NOISE: &str = "/* dfpipe
version: 1
description: Much that looks like chance.
key: [number]
*/
select value as number, sha512(cast(value as varchar)) as noise
from (select unnest(range(0, 160000)) as value)
";

#[test]
fn a_run_that_crosses_file_systems_arrives_with_its_modes() {
    let memory = Path::new("/dev/shm");
    let project = Project::orders();
    let device = |path: &Path| fs_err::metadata(path).map(|facts| facts.dev()).ok();
    if device(memory).is_none() || device(memory) == device(project.surroundings()) {
        // The copy itself is tested beside its code; here there is no second file system.
        return;
    }
    let archive = tempfile::tempdir_in(memory).unwrap();
    let pipeline = "pipeline: orders";
    let address = archive.path().display();
    project.edit(
        "dfpipe.yml",
        pipeline,
        &format!("{pipeline}\narchive: {address}"),
    );
    project.write(
        "data/more.csv",
        "order_id,customer,amount\nx,ada,1.00\n4,bob,much\n",
    );
    project.succeed(["run", "-q", "--until", "load"]);
    let folder = project.unfinished().pop().unwrap();
    let before = contents(&folder);

    project.succeed(["run", "-q", "--resume"]);

    assert!(project.unfinished().is_empty());
    let there = archive
        .path()
        .join("pipeline_runs/2026-11-15")
        .join(run_id(&folder));
    let after = contents(&there);
    assert!(before.keys().eq(after.keys()), "{:?}", after.keys());
    let mode = fs_err::metadata(there.join("extract/rejects/orders.parquet")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let asked = project.succeed([
        "query",
        "-o",
        "csv",
        "select count(*) as refused from extract_rejects",
    ]);
    assert_eq!(asked.stdout, "refused\n2\n");
}

// --- failing ----------------------------------------------------------------------------------------

#[test]
fn a_store_that_fails_behind_the_load_loses_nothing_and_resuming_only_archives() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("archive-fails");
    let gate = s3.gate();
    let project = s3
        .serve(archiving_to("s3://archive-fails"))
        .with_variable("AWS_ENDPOINT_URL", gate.endpoint());
    // The probe gets in, and most of the run.
    gate.refuse(|method, path| method == "PUT" && path.ends_with("/step4_load_receipt.json"));

    let failed = project.run(["run", "-q"]);

    let run = run_id(&project.unfinished()[0]);
    assert_snapshot!(failed.screen().replace(&run, "[run]"), @"
    exit code: 3
    ----- stderr -----
    error: load 1 of 2026-11-15 is in `[project]/.dfpipe/warehouse/shop/totals`, but the run could not be finished
    cause: the run cannot be archived: `s3://archive-fails/pipeline_runs/2026-11-15/[run]/step4_load_receipt.json` cannot be written: AccessDenied: Not today

    hint: do not load this date again: its rows are complete; look at `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, and at what they are allowed to do; nothing is lost: it lies in `[project]/.dfpipe/work/[run]`, and `dfpipe run --resume [run]` archives it
    ");
    assert_eq!(loads(&project), 1);
    assert!(!archived_in(&bucket)[&run].contains(&"run.json".to_owned()));
    let listed = project.succeed(["runs", "-o", "json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed[0]["status"], "failed");
    assert_eq!(listed[0]["failure"]["exit_code"], 3);
    assert_eq!(listed[0]["load"]["receipt"]["rows"], 2);

    gate.refuse(|_, _| false);
    project.succeed(["run", "-q", "--resume"]);

    assert!(project.unfinished().is_empty());
    assert_eq!(loads(&project), 1, "resuming loads nothing");
    assert!(archived_in(&bucket)[&run].contains(&"run.json".to_owned()));
    let shown = project.succeed(["runs", "show", "last", "-o", "json"]);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["status"], "succeeded");
    assert_eq!(shown["resumed"][0]["redone"], Value::Array(vec![]));
}

#[test]
fn a_run_that_died_around_its_archiving_is_archived_once_more_and_no_more() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("archive-dies");
    let project = s3.serve(archiving_to("s3://archive-dies"));
    // The last line of the journal is on disk, and nothing is archived yet.
    let project = project.with_variable("DFPIPE_KILL_AFTER", "14");
    assert_eq!(project.run(["run", "-q"]).code, None);
    let project = project.with_variable("DFPIPE_KILL_AFTER", "never");
    let folder = project.unfinished().pop().unwrap();
    let last = project.read(&format!(".dfpipe/work/{}/journal.ndjson", run_id(&folder)));
    assert!(
        last.ends_with("\"entry\":\"step_ended\",\"step\":\"finalize\"}\n"),
        "{last}"
    );
    let status = |project: &Project| {
        let listed = project.succeed(["runs", "-o", "json"]);
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), 1);
        listed[0]["status"].clone()
    };
    assert_eq!(status(&project), "interrupted");

    let aside = project.surroundings().join("aside");
    copy(&folder, &aside);
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(status(&project), "succeeded");
    let files = archived_in(&bucket);

    // It is archived, and was not removed here any more.
    copy(&aside, &folder);
    assert_eq!(status(&project), "interrupted");
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(status(&project), "succeeded");
    assert_eq!(archived_in(&bucket), files);
    assert!(project.unfinished().is_empty());
    assert_eq!(loads(&project), 1);
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp can be started").success());
}

#[test]
fn what_a_store_changes_on_the_way_is_not_archived() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("archive-changes");
    let gate = s3.gate();
    let project = s3
        .serve(archiving_to("s3://archive-changes"))
        .with_variable("AWS_ENDPOINT_URL", gate.endpoint());
    gate.spoil(|path| path.ends_with("/models/totals.parquet"));

    let failed = project.run(["run", "-q"]);

    assert_eq!(failed.code, Some(3), "{}", failed.screen());
    assert!(
        failed.stderr.contains("it was read back as"),
        "{}",
        failed.screen()
    );
    let run = run_id(&project.unfinished()[0]);
    assert!(!archived_in(&bucket)[&run].contains(&"run.json".to_owned()));
}

#[test]
fn an_archive_that_is_mended_gets_the_run_that_was_loaded_before() {
    let project = Project::orders();
    project.succeed(["run", "-q", "--until", "load"]);
    let run = run_id(&project.unfinished()[0]);
    project.remove(".dfpipe/archive");
    project.write(".dfpipe/archive", "in the way");

    let broken = project.run(["run", "-q", "--resume"]);
    assert_eq!(broken.code, Some(3), "{}", broken.screen());
    assert_eq!(run_id(&project.unfinished()[0]), run);
    assert_eq!(loads(&project), 1);

    project.remove(".dfpipe/archive");
    project.succeed(["run", "-q", "--resume"]);
    assert!(project.unfinished().is_empty());
    assert_eq!(run_id(&project.last_run()), run);
    assert_eq!(loads(&project), 1);
}

#[test]
fn an_archive_that_cannot_be_written_is_found_before_anything_is_read() {
    let Some(s3) = S3::get() else { return };
    let project = s3.serve(archiving_to("s3://archive-that-is-not-there/a"));
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"
    exit code: 3
    ----- stderr -----
    error: finished runs cannot be archived: `s3://archive-that-is-not-there/a/pipeline_runs/2026-11-15` cannot be written
    cause: NoSuchBucket: The specified bucket does not exist

    hint: look at the bucket's name: it is the first part of the address
    ");
    assert!(project.unfinished().is_empty());
    assert!(!project.path(".dfpipe/warehouse").exists());

    let bucket = s3.bucket("archive-read-only");
    let gate = s3.gate();
    gate.refuse(|method, _| method == "POST");
    let project = s3
        .serve(archiving_to("s3://archive-read-only"))
        .with_variable("AWS_ENDPOINT_URL", gate.endpoint());
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"
    exit code: 3
    ----- stderr -----
    error: finished runs cannot be archived: `s3://archive-read-only/pipeline_runs/2026-11-15` cannot be removed from
    cause: AccessDenied: Not today

    hint: look at `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, and at what they are allowed to do
    ");
    assert_eq!(
        bucket.keys().len(),
        1,
        "the probe that could not be removed"
    );
}

// --- asking -----------------------------------------------------------------------------------------

#[test]
fn runs_in_a_bucket_are_asked_like_runs_in_a_folder() {
    let Some(s3) = S3::get() else { return };
    s3.bucket("archive-asked");
    let here = Project::orders();
    let there = s3.serve(archiving_to("s3://archive-asked/a b"));
    for project in [&here, &there] {
        project.write("data/more.csv", "order_id,customer,amount\nx,ada,1.00\n");
        project.succeed(["run", "-q"]);
        project.write("data/more.csv", "order_id,customer,amount\n9,bob,93.00\n");
        project.succeed(["run", "-q"]);
    }
    assert!(!there.path(".dfpipe/archive").exists());
    for statement in [
        "show tables",
        "select * from totals order by 1",
        "select * from orders order by 1",
        "select * from extract_log",
        "select count(*) as refused from extract_rejects",
        "select count(*) as dead from dead_letters",
        "select customer, load_number from warehouse.totals_latest order by 1",
    ] {
        let [here, there] = [&here, &there].map(|project| project.succeed(["query", statement]));
        assert_eq!(
            in_order(&here.stdout),
            in_order(&there.stdout),
            "{statement}"
        );
    }
    let listed = there.succeed(["runs", "-o", "json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let first = listed[1]["run_id"].as_str().unwrap();
    assert!(listed[0]["run_id"].as_str().unwrap() > first);
    let replayed = there.succeed(["replay", first]);
    assert!(
        replayed.stdout.contains("all with the same bytes"),
        "{}",
        replayed.screen()
    );
    let statement = "select count(*) as refused from extract_rejects";
    let asked = there.succeed(["query", "-o", "csv", "--run", first, statement]);
    assert_eq!(asked.stdout, "refused\n1\n");
    assert_eq!(
        listed[0]["folder"],
        format!(
            "s3://archive-asked/a b/pipeline_runs/2026-11-15/{}",
            listed[0]["run_id"].as_str().unwrap()
        )
    );
}

/// Tables are listed in the order of chance.
fn in_order(table: &str) -> Vec<&str> {
    let mut lines: Vec<_> = table.lines().collect();
    lines.sort_unstable();
    lines
}

// --- retention --------------------------------------------------------------------------------------

/// What is no run of this pipeline and must stay, by path below `pipeline_runs`, given a run of it.
fn foreign(record: &Value) -> BTreeMap<String, String> {
    let mut other = record.clone();
    other["run_id"] = "2020-01-01T00-00-00-000000Z".into();
    let mut files = BTreeMap::new();
    let mut put = |folder: &str, record: &Value| {
        files.insert(format!("{folder}/run.json"), record.to_string());
        files.insert(
            format!("{folder}/models/a.parquet"),
            "not for reading".to_owned(),
        );
    };
    // A copy that somebody keeps, in the same date and under another date, and without a date.
    put("2026-11-15/2020-01-01-copy", record);
    put("2026-11-15/2020-01-02T00-00-00-000000Z", record);
    put("2020-01-01/2020-01-01T00-00-00-000000Z", &other);
    put("kept/2020-01-01T00-00-00-000000Z", &other);
    // Others' runs, and runs that did not go well.
    other["pipeline"] = "somebody_else".into();
    put("2026-11-15/2020-01-01T00-00-00-000000Z", &other);
    other = record.clone();
    other["run_id"] = "2020-01-03T00-00-00-000000Z".into();
    other["status"] = "failed".into();
    put("2026-11-15/2020-01-03T00-00-00-000000Z", &other);
    files.insert(
        "2026-11-15/2020-01-04T00-00-00-000000Z/run.json".to_owned(),
        "{}".to_owned(),
    );
    files.insert(
        "2026-11-15/2020-01-05T00-00-00-000000Z/models/b".to_owned(),
        "b".to_owned(),
    );
    files.insert("2026-11-15/note.txt".to_owned(), "a note".to_owned());
    files.insert("note.txt".to_owned(), "a note".to_owned());
    files
}

#[test]
fn the_oldest_runs_beyond_those_that_are_kept_are_removed_and_nothing_else() {
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "pipeline: orders",
        "pipeline: orders\nkeep_runs: 2",
    );
    // A date of its own, which will be empty.
    project.succeed(["run", "-q", "--as-of", "2026-11-08"]);
    let oldest = project.last_run();
    project.succeed(["run", "-q"]);
    let second = project.last_run();
    let runs = project.path(".dfpipe/archive/pipeline_runs");
    let record = artefacts::json(&second.join("run.json"));
    let foreign = foreign(&record);
    for (name, text) in &foreign {
        project.write(&format!(".dfpipe/archive/pipeline_runs/{name}"), text);
    }
    assert!(oldest.exists() && second.exists(), "two are kept");

    let third = project.succeed(["run", "-q"]);
    assert_eq!(third.stderr, "");
    assert!(!oldest.exists());
    assert!(
        !runs.join("2026-11-08").exists(),
        "an empty date is removed"
    );
    assert!(second.join("run.json").exists());
    project.succeed(["run", "-q"]);
    assert!(!second.exists());
    for (name, text) in &foreign {
        assert_eq!(
            fs_err::read_to_string(runs.join(name)).unwrap(),
            *text,
            "{name}"
        );
    }
    let listed = project.succeed(["runs", "-q", "-o", "json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let statuses: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["status"])
        .collect();
    assert_eq!(statuses, ["succeeded", "succeeded", "failed", "succeeded"]);
    assert_eq!(loads(&project), 4, "loads are nothing of the archive");
}

#[test]
fn a_bucket_keeps_as_many_runs_as_a_folder() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("archive-keeps");
    let project = s3.serve(archiving_to("s3://archive-keeps"));
    project.edit(
        "dfpipe.yml",
        "pipeline: orders",
        "pipeline: orders\nkeep_runs: 2",
    );
    project.succeed(["run", "-q"]);
    let first = archived_in(&bucket).into_keys().next().unwrap();
    let record = bucket.get(&format!("pipeline_runs/2026-11-15/{first}/run.json"));
    let foreign = foreign(&serde_json::from_slice(&record).unwrap());
    for (name, text) in &foreign {
        bucket.put(&format!("pipeline_runs/{name}"), text.as_bytes());
    }
    // Begins with the same letters, and is another's.
    let neighbour = format!("pipeline_runs/2026-11-15/{first}-1/note");
    bucket.put(&neighbour, "a note");

    project.succeed(["run", "-q"]);
    assert!(archived_in(&bucket).contains_key(&first));
    let third = project.succeed(["run", "-q"]);

    assert_eq!(third.stderr, "");
    assert!(!archived_in(&bucket).contains_key(&first));
    let ours = archived_in(&bucket).into_keys();
    assert_eq!(
        ours.filter(|run| run.starts_with("2026") && !run.ends_with("-1"))
            .count(),
        2
    );
    assert_eq!(bucket.get(&neighbour), b"a note");
    for (name, text) in &foreign {
        assert_eq!(
            bucket.get(&format!("pipeline_runs/{name}")),
            text.as_bytes(),
            "{name}"
        );
    }
}

#[test]
fn what_cannot_be_removed_is_a_warning_and_half_of_a_run_is_none() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("archive-half");
    let gate = s3.gate();
    let project = s3
        .serve(archiving_to("s3://archive-half"))
        .with_variable("AWS_ENDPOINT_URL", gate.endpoint());
    project.edit(
        "dfpipe.yml",
        "pipeline: orders",
        "pipeline: orders\nkeep_runs: 1",
    );
    project.succeed(["run", "-q"]);
    let first = archived_in(&bucket).into_keys().next().unwrap();
    // The probe is removed, and the record of the first run; then no more.
    let removals = AtomicUsize::new(0);
    gate.refuse(move |method, _| method == "POST" && removals.fetch_add(1, Relaxed) >= 2);

    let second = project.succeed(["run"]);

    assert!(
        second.stderr.contains("could not be removed: "),
        "{}",
        second.stderr
    );
    let left = &archived_in(&bucket)[&first];
    assert!(
        !left.is_empty() && !left.contains(&"run.json".to_owned()),
        "{left:?}"
    );
    let listed = project.succeed(["runs", "-o", "json"]);
    let runs: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(runs.as_array().unwrap().len(), 1);
    assert!(
        listed.stderr.contains("is left out: it has no run.json"),
        "{}",
        listed.stderr
    );
}

#[test]
fn a_run_that_was_set_aside_goes_with_the_runs_of_its_time() {
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "pipeline: orders",
        "pipeline: orders\nkeep_runs: 1",
    );
    let orders = project.read("data/orders.csv");
    project.write("data/orders.csv", "order_id,customer,amount\n1,ada,much\n");
    assert_eq!(project.run(["run", "-q"]).code, Some(1));
    let aside = project.unfinished().pop().unwrap();
    // Another date's, which can be resumed.
    assert_eq!(
        project.run(["run", "-q", "--as-of", "2026-11-08"]).code,
        Some(1)
    );
    let waiting = project.unfinished().pop().unwrap();
    project.write(".dfpipe/work/2020-01-01T00-00-00-000000Z/note", "not ours");
    project.write("data/orders.csv", &orders);

    project.succeed(["run", "-q", "--fresh"]);

    assert!(!aside.exists());
    assert!(waiting.exists());
    assert!(
        project
            .path(".dfpipe/work/2020-01-01T00-00-00-000000Z/note")
            .exists()
    );
    assert_eq!(project.archived().len(), 1);
}
