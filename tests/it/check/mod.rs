//! `dfpipe check` finds more than types: each rule is a screen here, on a project made up for it.

mod chance;
mod destination_columns;
mod habits;
mod personal;

use crate::support::project::Project;

/// The shop, with personal data in its orders.
pub(crate) fn shop() -> Project {
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "      amount:",
        "      name:     {type: text, pii: name}\n      phone:    {type: text, pii: phone}\n      amount:",
    );
    project
}

/// A model of the shop, with this key.
pub(crate) fn model(key: &str, select: &str) -> String {
    format!("/* dfpipe\nversion: 1\nkey: [{key}]\n*/\n{select}\n")
}

/// The screen of the check of a shop whose loaded model is this.
pub(crate) fn screen(select: &str) -> String {
    let project = Project::orders();
    project.write("sql/totals.sql", model("customer", select));
    project.run(["check"]).screen()
}
