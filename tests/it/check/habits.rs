//! Models that nobody uses, rows that nothing names; and a project that is well kept.

use insta::assert_snapshot;

use crate::support::project::Project;

#[test]
fn a_well_kept_project_has_nothing_to_say() {
    assert_snapshot!(Project::customers().run(["check", "--strict"]).screen(), @"
    exit code: 0
    ----- stdout -----
    37 models and 11 checks are well
    ");
}

#[test]
fn a_loaded_model_names_its_columns_and_its_rows() {
    let project = Project::orders();
    project.write(
        "sql/totals.sql",
        "/* dfpipe\nversion: 1\n*/\nselect orders.*\nfrom orders\n",
    );
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the model `totals` has no key
     --> sql/totals.sql:2:10
      |
    2 | version: 1
      |          ^

    hint: name the columns that tell its rows apart: `key: [customer_id]`

    error: the last select of `totals` takes all columns there are, and it is loaded
     --> sql/totals.sql:4:8
      |
    4 | select orders.*
      |        ^^^^^^

    hint: name the columns: then only this file decides what the destination's readers get
    ");
}

#[test]
fn what_nobody_uses_and_what_has_no_key_is_only_said() {
    let project = Project::orders();
    project.write(
        "sql/old/spare.sql",
        "/* dfpipe\nversion: 1\n*/\nselect customer\nfrom orders\n",
    );
    let outcome = project.run(["check"]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 0
    ----- stdout -----
    2 models and 0 checks are well
    ----- stderr -----
    note: the model `spare` has no key
     --> sql/old/spare.sql:2:10
      |
    2 | version: 1
      |          ^

    hint: name the columns that tell its rows apart: `key: [customer_id]`

    note: nothing uses the model `spare`
     --> sql/old/spare.sql:4:1
      |
    4 | select customer
      | ^

    hint: remove it, read it, or say why it stays: `allow: {unused: …}`
    ");
    assert_snapshot!(project.run(["check", "--strict"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the model `spare` has no key
     --> sql/old/spare.sql:2:10
      |
    2 | version: 1
      |          ^

    hint: name the columns that tell its rows apart: `key: [customer_id]`

    error: nothing uses the model `spare`
     --> sql/old/spare.sql:4:1
      |
    4 | select customer
      | ^

    hint: remove it, read it, or say why it stays: `allow: {unused: …}`
    ");
}
