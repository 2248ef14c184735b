//! Tests that are written from the rows of a run.

use crate::support::project::Project;

#[test]
fn a_test_is_written_from_rows_of_a_run_with_names_made_up() {
    let project = Project::customers();
    project.remove("sql/tests");
    project.succeed(["run", "-q"]);
    let customers = project.rows("models/customer_match.parquet");
    let customer = customers[7]["customer_id"].as_str().expect("an id is text");
    let condition = format!("customer_id = '{customer}'");
    for model in ["unified_customers", "events_extract"] {
        let it = format!("knows {customer}");
        project.succeed([
            "test",
            model,
            "--from-run",
            "last",
            "--where",
            &condition,
            "-m",
            &it,
        ]);
        let text = project.read(&format!("sql/tests/{model}.yml"));
        assert!(text.contains("it: \"knows customer-1\""), "{text}");
        assert!(!text.contains(customer), "{text}");
        let is_hash = |word: &str| word.len() == 64;
        let mut words = text.split(|letter: char| !letter.is_ascii_hexdigit());
        assert!(!words.any(is_hash), "{text}");
    }
    // A second one goes behind the first.
    project.succeed([
        "test",
        "unified_customers",
        "--from-run",
        "last",
        "--where",
        &condition,
        "-m",
        "once more",
    ]);
    assert_eq!(project.succeed(["test"]).stdout, "3 passed, 0 failed\n");
}

#[test]
fn a_test_that_would_not_pass_is_not_written() {
    let project = Project::customers();
    project.remove("sql/tests");
    project.succeed(["run", "-q"]);
    let condition = "feature = 'purchase_count'";
    let wish = [
        "test",
        "feature_limits",
        "--from-run",
        "last",
        "--where",
        condition,
        "-m",
        "caps",
    ];
    let outcome = project.run(wish);
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("nothing was written"),
        "{}",
        outcome.stderr
    );
    assert!(!project.path("sql/tests").exists());
    let nobody = [
        "test",
        "feature_limits",
        "--from-run",
        "last",
        "--where",
        "feature = 'x'",
        "-m",
        "caps",
    ];
    let outcome = project.run(nobody);
    assert!(
        outcome.stderr.contains("no row of `feature_limits`"),
        "{}",
        outcome.stderr
    );
}
