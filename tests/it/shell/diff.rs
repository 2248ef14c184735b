//! `dfpipe diff`: what an edit changes, on the frozen extract of a run.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::project::Project;

const BIG: &str = "/* dfpipe\nversion: 1\nkey: [customer]\n*/\n\
                   select customer, amount > 10 as is_big from totals\n";

fn with_a_run() -> Project {
    let project = Project::orders();
    project.write("sql/big.sql", BIG);
    project.succeed(["run", "-q"]);
    // What the sources hold now is not asked.
    project.remove("data/orders.csv");
    project
}

#[test]
fn nothing_differs_before_something_is_edited() {
    let project = with_a_run();
    let outcome = project.run(["diff", "totals", "--fail-if-diff"]);
    assert_snapshot!(outcome.screen(), @"");
}

#[test]
fn rows_that_are_added_removed_and_changed_are_counted_and_shown_in_all_that_depends_on_it() {
    let project = with_a_run();
    project.edit(
        "sql/totals.sql",
        "    customer,\n    sum(amount) as amount\nfrom orders",
        "    case customer when 'bob' then 'carl' else customer end as customer,\n    \
         sum(amount) / 2 as amount,\n    count(*) as orders\nfrom orders",
    );
    project.edit("sql/totals.sql", "group by customer", "group by 1");
    assert_snapshot!(project.succeed(["diff", "totals"]).screen(), @"");
    assert_snapshot!(project.run(["diff", "totals", "-o", "markdown", "--fail-if-diff"]).screen(), @"");
    let json: Value =
        serde_json::from_str(&project.succeed(["diff", "totals", "-o", "json"]).stdout)
            .expect("it is JSON");
    let totals = &json["tables"][0];
    assert_eq!(
        (&totals["added"], &totals["removed"], &totals["changed"]),
        (&1.into(), &1.into(), &1.into())
    );
    // Nothing was loaded or left behind.
    assert_eq!(project.archived().len(), 1);
}

#[test]
fn released_versions_are_compared_with_each_other_and_with_the_file() {
    let project = with_a_run();
    project.succeed(["release", "totals", "-m", "the first"]);
    project.edit("sql/totals.sql", "sum(amount) as", "min(amount) as");
    project.succeed(["release", "totals", "-m", "the least"]);
    let differs = |arguments: [&str; 4]| project.run(arguments).code;
    assert_eq!(
        differs(["diff", "totals@1", "totals@2", "--fail-if-diff"]),
        Some(6)
    );
    assert_eq!(
        differs(["diff", "totals@2", "totals", "--fail-if-diff"]),
        Some(0)
    );
    assert_eq!(
        differs(["diff", "totals@1", "totals", "--fail-if-diff"]),
        Some(6)
    );
}

#[test]
fn what_cannot_be_compared_says_why() {
    let project = with_a_run();
    for (arguments, message) in [
        (["diff", "totls", "totls@1"], "there is no"),
        (["diff", "totals", "big"], "are two models"),
        (
            ["diff", "totals@1", "totals"],
            "there is no released version 1",
        ),
        (["diff", "totals@x", "totals"], "names no version"),
        (["diff", "totals", "--run=1999"], "there is no run `1999`"),
    ] {
        let outcome = project.run(arguments);
        assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
        assert!(outcome.stderr.contains(message), "{}", outcome.screen());
    }
}
