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
    assert_snapshot!(outcome.screen(), @r#"
    exit code: 0
    ----- stdout -----
    totals: the file against the run, on the extract of [run]

    no difference in 2 tables
    "#);
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
    assert_snapshot!(project.succeed(["diff", "totals"]).screen(), @r#"
    exit code: 0
    ----- stdout -----
    totals: the file against the run, on the extract of [run]

    totals: 2 rows, 1 added, 1 removed, 1 changed
      new column orders
      column amount: Decimal128(28, 2) → Decimal128(32, 6)
      amount: changed in 1 row
      ~ ada: amount 13.00 → 6.500000
      + carl
      - bob

    big: 2 rows, 1 added, 1 removed, 1 changed
      is_big: changed in 1 row
      ~ ada: is_big true → false
      + carl
      - bob
    "#);
    assert_snapshot!(project.run(["diff", "totals", "-o", "markdown", "--fail-if-diff"]).screen(), @r#"
    exit code: 6
    ----- stdout -----
    ### `totals`: the file against the run

    On the extract of `[run]`.

    | table | rows before | rows after | added | removed | changed |
    |---|--:|--:|--:|--:|--:|
    | `totals` | 2 | 2 | 1 | 1 | 1 |
    | `big` | 2 | 2 | 1 | 1 | 1 |

    #### `totals`

    - new column `orders`
    - column `amount`: `Decimal128(28, 2)` → `Decimal128(32, 6)`
    - `amount` changed in 1 row
    - added: carl
    - removed: bob

    | customer | column | before | after |
    |---|---|---|---|
    | ada | `amount` | 13.00 | 6.500000 |

    #### `big`

    - `is_big` changed in 1 row
    - added: carl
    - removed: bob

    | customer | column | before | after |
    |---|---|---|---|
    | ada | `is_big` | true | false |
    ----- stderr -----
    error: `totals` differs: the file against the run
    "#);
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
