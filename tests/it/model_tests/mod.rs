//! `dfpipe test`: models on made-up rows.

mod results;
mod running;
mod watched;
mod written;
mod wrong;

use crate::support::project::Project;

/// The orders with `tests` of their totals.
pub(crate) fn totals(tests: &str) -> Project {
    let project = Project::orders();
    project.write(
        "sql/tests/totals.yml",
        format!("model: totals\ntests:\n{tests}"),
    );
    project
}

pub(crate) const PASSES: &str = "  - it: adds up what a customer bought
    given:
      orders:
        - {customer: ada, amount: 1}
        - {customer: ada, amount: 1.50}
    expect:
      - {customer: ada, amount: 2.50}
";

/// Three models in a row, the last of which fails on what is no number.
pub(crate) fn chain() -> Project {
    let project = totals(PASSES);
    let model = |select: &str| format!("/* dfpipe\nversion: 1\n*/\n{select}\n");
    project.write(
        "sql/rich.sql",
        model("select customer, amount from totals where amount >= 10"),
    );
    project.write(
        "sql/numbers.sql",
        model("with named as (select customer as name from rich), last as (select cast(name as int) as number from named)\nselect number from last"),
    );
    project
}
