//! `-s`: models by tag, by path, by what has changed.

use insta::assert_snapshot;

use crate::support::project::Project;

#[test]
fn models_are_selected_by_tag_path_and_state() {
    let project = Project::orders();
    project.write(
        "sql/daily/parts.sql",
        "/* dfpipe\nversion: 1\nkey: [order_id]\ntags: [daily]\n*/\nselect order_id, customer, amount from orders\n",
    );
    project.edit("sql/totals.sql", "from orders", "from parts");
    let built = |selector: &str| {
        let outcome = project.run(["run", "-s", selector]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.screen());
        let record = project.json("run.json");
        let models = record["models"].as_array().expect("models are a list");
        let names = models
            .iter()
            .map(|model| model["name"].as_str().unwrap_or_default().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_snapshot!(project.run(["run", "-q", "-s", "state:modified"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `state:modified` has nothing to compare with: no run has succeeded yet

    hint: begin with `dfpipe run`
    ");
    assert_eq!(built("tag:daily"), "parts");
    assert_eq!(built("path:sql/daily tag:daily+"), "parts totals");
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.screen());
    assert_snapshot!(project.run(["run", "-q", "-s", "state:modified"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the selection is empty

    hint: name a model: `-s +unified_customers` builds it and all that it reads
    ");
    project.edit("sql/totals.sql", "sum(amount)", "sum(distinct amount)");
    assert_eq!(built("+state:modified"), "parts totals");
    assert_snapshot!(project.run(["run", "-q", "-s", "tag:dayly"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `tag:dayly` selects nothing: no model has the tag `dayly`

    hint: did you mean `tag:daily`?
    ");
}
