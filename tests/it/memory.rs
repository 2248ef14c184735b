//! Tables that are larger than the memory limit: what does not fit is computed another way.

use crate::support::project::Project;

/// Neither side of the join fits: a join by hashes is refused its memory, and one that merges what is sorted takes its
/// place.
#[test]
fn a_model_and_a_check_whose_joins_do_not_fit_into_memory_come_to_their_end() {
    let project = Project::orders();
    let engine = "pipeline: orders\nengine: {memory_limit: 32MB, partitions: 2}";
    project.edit("dfpipe.yml", "pipeline: orders", engine);
    let header = "version: 1\ndescription: Wide.\nkey: [value]";
    let rows = "select value, repeat('x', 200) || value as text from generate_series(1, 300000) as t (value)";
    for model in ["one", "other"] {
        project.write(
            &format!("sql/{model}.sql"),
            format!("/* dfpipe\n{header}\n*/\n{rows}\n"),
        );
    }
    let joined = "from one join other on one.value = other.value";
    let both = format!(
        "/* dfpipe\n{header}\n*/\nselect one.value, one.text || other.text as text {joined}\n"
    );
    project.write("sql/both.sql", both);
    let short = "where length(one.text) + length(other.text) < 300";
    let check = format!("/* dfpipe\ndescription: None.\n*/\nselect one.value {joined} {short}\n");
    project.write("sql/checks/none_is_short.sql", check);
    project.succeed(["run", "-q"]);
    let run = project.json("run.json");
    let mut models = run["models"].as_array().expect("a list").iter();
    let both = models.find(|model| model["name"] == "both");
    assert_eq!(both.expect("it was built")["file"]["rows"], 300_000);
    let mut checks = run["checks"].as_array().expect("a list").iter();
    let check = checks.find(|check| check["name"] == "none_is_short");
    assert_eq!(check.expect("it was asked")["bad_rows"], 0);
}
