//! An archived run is built again anywhere, from its own extract and SQL, and compared.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;

use crate::support::{artefacts, project::Project, shared::first_run};

#[test]
fn an_archived_run_gives_the_same_bytes_in_another_folder_without_its_project() {
    let run = first_run().project.last_run();
    let elsewhere = Project::empty();
    let copy = copied(&run, &elsewhere);
    let outcome = elsewhere.run(["replay", "-q", &copy]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.screen());
    assert!(
        outcome.stdout.contains("all with the same bytes"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_run_is_replayed_by_its_name() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    // What the project says by now does not matter.
    project.edit("sql/totals.sql", "sum(amount)", "max(amount)");
    let run = project.last_run();
    let name = run.file_name().expect("a run has a name").to_string_lossy();
    assert_snapshot!(project.run(["replay", &name]).screen(), @"
    exit code: 0
    ----- stdout -----
    run [run] replayed: 1 models, all with the same bytes
    ----- stderr -----
      totals          2 rows  [time]
    ");
    assert_snapshot!(project.run(["replay", "1999"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: there is no run `1999`

    hint: the last one is `[run]`; `dfpipe runs` lists them
    ");
}

#[test]
fn a_table_that_comes_out_otherwise_is_named() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    let copy = copied(&project.last_run(), &project);
    // The record of another run: one whose table had another hash.
    let record = project.read("copy/run.json");
    let hash = project.sha256("models/totals.parquet");
    project.write("copy/models/totals.parquet", "other rows");
    let other = project.path("copy/models/totals.parquet");
    let record = record.replace(&hash, &artefacts::sha256(&other));
    let bytes = fs_err::metadata(project.last_run().join("models/totals.parquet"));
    let bytes = bytes.expect("a table has a size").len();
    project.write(
        "copy/run.json",
        record.replace(&format!("\"bytes\": {bytes}"), "\"bytes\": 10"),
    );
    let outcome = project.run(["replay", "-q", &copy]);
    assert_eq!(outcome.code, Some(6), "{}", outcome.screen());
    let expected = "`totals` is the first model whose bytes differ";
    assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
}

#[test]
fn an_archive_that_was_changed_proves_nothing() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    let copy = copied(&project.last_run(), &project);
    project.edit("copy/sql/totals.sql", "sum(amount)", "max(amount)");
    assert_snapshot!(project.run(["replay", &copy]).screen(), @"
    exit code: 6
    ----- stderr -----
    error: the archive is not what the run left: `sql/totals.sql` is another statement
    ");
    project.edit("copy/sql/totals.sql", "max(amount)", "sum(amount)");
    project.write("copy/models/totals.parquet", "rubbish");
    let outcome = project.run(["replay", &copy]);
    assert_eq!(outcome.code, Some(6), "{}", outcome.screen());
    assert!(
        outcome
            .stderr
            .contains("`models/totals.parquet` is missing or changed")
    );
    project.remove("copy/sql/totals.sql");
    let outcome = project.run(["replay", &copy]);
    assert_eq!(outcome.code, Some(6), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("`sql/totals.sql` is missing"),
        "{}",
        outcome.stderr
    );
    let copy = copied(&project.last_run(), &project);
    project.write("copy/extract/orders/part-00000.parquet", "rubbish");
    assert_snapshot!(project.run(["replay", &copy]).screen(), @"
    exit code: 6
    ----- stderr -----
    error: the archive is not what the run left: `extract/orders/part-00000.parquet` is missing or changed
    ");
}

#[test]
fn a_run_that_hashed_addresses_is_replayed_under_its_own_key_only() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "    customer,",
        "    email_hash(customer) as customer,",
    );
    project.succeed(["run", "-q"]);
    let elsewhere = Project::empty();
    let copy = copied(&project.last_run(), &elsewhere);
    assert_snapshot!(elsewhere.run(["replay", &copy]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the run hashed addresses under another key

    hint: set `EMAIL_HASH_KEY` to the key of that run
    ");
    let elsewhere = elsewhere.with_variable("EMAIL_HASH_KEY", "good for tests only");
    elsewhere.succeed(["replay", &copy]);
}

/// A copy of the run, as `copy` in the project's folder.
fn copied(run: &Path, project: &Project) -> String {
    let target = project.path("copy");
    copy(run, &target);
    "copy".to_owned()
}

fn copy(from: &Path, to: &PathBuf) {
    fs_err::create_dir_all(to).expect("a folder can be made");
    for entry in fs_err::read_dir(from).expect("a folder can be read") {
        let path = entry.expect("a folder can be read").path();
        let target = to.join(path.file_name().expect("a file has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs_err::copy(&path, &target).expect("a file can be copied");
        }
    }
}
