//! A dry run does everything but the load, says what a real one would do, and leaves nothing behind.

use std::path::PathBuf;

use crate::support::{
    artefacts,
    project::{Outcome, Project},
};

#[test]
fn a_dry_run_leaves_no_file_and_no_folder_behind() {
    let project = Project::orders();
    let before = all_below(&project);
    let outcome = project.succeed(["run", "--dry-run"]);
    assert_eq!(all_below(&project), before);
    assert!(outcome.stdout.contains("totals"), "{}", outcome.stdout);
    assert!(nothing_loaded(&outcome).contains("a real run would append load 1 of 2026-11-15 to "));
}

#[test]
fn a_dry_run_that_fails_leaves_nothing_behind_either() {
    for (file, content, code) in [
        (
            "sql/checks/nobody_is_rich.sql",
            "/* dfpipe\ndescription: Nobody is.\n*/\nselect customer from totals where amount > 10\n",
            1,
        ),
        ("data/orders.csv", "order_id,customer,amount\nx,y,z\n", 1),
        ("sql/totals.sql", "select nope from orders\n", 2),
    ] {
        let project = Project::orders();
        project.write(file, content);
        let before = all_below(&project);
        let outcome = project.run(["run", "--dry-run"]);
        assert_eq!(outcome.code, Some(code), "{}", outcome.screen());
        assert_eq!(all_below(&project), before, "{file}");
        assert!(!outcome.stderr.contains("--resume"), "{}", outcome.stderr);
        let begun = code == 1;
        assert_eq!(
            outcome.stderr.contains("nothing of it is kept"),
            begun,
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn what_was_there_stays_as_it_was() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    let before = contents(&project);
    let outcome = project.succeed(["run", "--dry-run"]);
    assert_eq!(contents(&project), before);
    assert!(nothing_loaded(&outcome).contains("a real run would append load 2 of 2026-11-15 to "));
}

#[test]
fn a_dry_run_says_what_a_real_one_would_do_about_a_loaded_date() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "on_repeat: add", "on_repeat: refuse");
    project.succeed(["run", "-q"]);
    let outcome = project.succeed(["run", "--dry-run"]);
    let line = nothing_loaded(&outcome);
    assert!(
        line.contains("a real run would stop, since 2026-11-15 is loaded already"),
        "{line}"
    );
    let warning = "a real run would stop: 2026-11-15 is loaded already";
    assert!(outcome.stdout.contains(warning), "{}", outcome.stdout);
    let outcome = project.succeed(["run", "--dry-run", "--new-load"]);
    assert!(nothing_loaded(&outcome).contains("a real run would append load 2 of 2026-11-15 to "));
    assert!(!outcome.stdout.contains("would stop"), "{}", outcome.stdout);
}

#[test]
fn a_dry_run_says_that_an_unfinished_run_is_in_the_way() {
    let project = Project::orders();
    project.succeed(["run", "-q", "--until", "extract"]);
    let outcome = project.succeed(["run", "--dry-run"]);
    let line = nothing_loaded(&outcome);
    assert!(
        line.contains("a real run would stop, since run `"),
        "{line}"
    );
    assert_eq!(project.unfinished().len(), 1, "that one stays");
}

#[test]
fn a_dry_run_of_a_part_says_that_a_real_one_would_not_load_either() {
    let project = Project::orders();
    project.write(
        "sql/customers.sql",
        "/* dfpipe\nversion: 1\ndescription: For a test.\n*/\nselect distinct customer from orders\n",
    );
    let outcome = project.succeed(["run", "--dry-run", "-s", "customers"]);
    assert!(nothing_loaded(&outcome).contains("would not load either"));
}

/// The line that stands where a load would.
fn nothing_loaded(outcome: &Outcome) -> &str {
    let mut lines = outcome.stderr.lines();
    let line = lines.find(|line| line.starts_with("  nothing: this is a dry run; "));
    line.unwrap_or_else(|| panic!("{}", outcome.screen()))
}

/// All that is there, folders too, and what lies in the folder for temporary files.
fn all_below(project: &Project) -> Vec<PathBuf> {
    fn collect(folder: &std::path::Path, into: &mut Vec<PathBuf>) {
        for entry in fs_err::read_dir(folder).expect("a folder can be read") {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                collect(&path, into);
            }
            into.push(path);
        }
    }
    let mut paths = vec![];
    collect(project.surroundings(), &mut paths);
    paths.sort();
    paths
}

/// Every file with its hash.
fn contents(project: &Project) -> Vec<(PathBuf, String)> {
    let files = all_below(project).into_iter().filter(|path| path.is_file());
    files
        .map(|path| {
            let hash = artefacts::sha256(&path);
            (path, hash)
        })
        .collect()
}
