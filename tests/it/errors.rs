//! A configuration or a call that means nothing is an error that a person can act on: each is a screen here.

use insta::assert_snapshot;

use crate::support::project::Project;

#[test]
fn a_folder_without_dfpipe_yml_is_no_project() {
    let project = Project::empty();
    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: this is no dfpipe project: no dfpipe.yml here or in a folder above

    hint: go into the project's folder, or name it: `--project DIR`
    ");
}

#[test]
fn all_problems_of_a_configuration_are_shown_at_once() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "destination:", "destinaton:");
    project.edit("dfpipe.yml", "type: text", "type: txt");
    project.edit("dfpipe.yml", "path: data", "paht: data");
    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `sources.orders.columns.customer.type` cannot be `txt`
      --> dfpipe.yml:11:24
       |
    11 |       customer: {type: txt}
       |                        ^^^

    hint: it can be: text, integer, double, boolean, date, timestamp, decimal(p,s)

    error: `sources.orders.from` has no key `paht`
      --> dfpipe.yml:13:25
       |
    13 |     from: {kind: files, paht: data/*.csv}
       |                         ^^^^

    hint: did you mean `path`?

    error: `sources.orders.from` lacks the key `path`
      --> dfpipe.yml:13:11
       |
    13 |     from: {kind: files, paht: data/*.csv}
       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    error: this file has no key `destinaton`
      --> dfpipe.yml:15:1
       |
    15 | destinaton:
       | ^^^^^^^^^^

    hint: did you mean `destination`?

    error: this file lacks the key `destination`
     --> dfpipe.yml:2:1
      |
    2 | pipeline: orders
      | ^
    ");
}

#[test]
fn a_value_that_means_nothing_is_shown_with_its_place() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "type: text", "type: txt");
    project.edit("dfpipe.yml", "on_repeat: add", "on_repeat: replace");
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `sources.orders.columns.customer.type` cannot be `txt`
      --> dfpipe.yml:11:24
       |
    11 |       customer: {type: txt}
       |                        ^^^

    hint: it can be: text, integer, double, boolean, date, timestamp, decimal(p,s)

    error: `destination.on_repeat` cannot be `replace`
      --> dfpipe.yml:20:14
       |
    20 |   on_repeat: replace
       |              ^^^^^^^

    hint: it can be: refuse, add
    ");
}

#[test]
fn a_file_that_is_no_yaml_is_shown_with_its_place() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "key: order_id", "key: [order_id");
    assert_snapshot!(project.run(["check"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: `dfpipe.yml` is not valid YAML: illegal placement of ':' indicator
     --> dfpipe.yml:9:12
      |
    9 |     columns:
      |            ^
    ");
}

#[test]
fn a_profile_names_all_variables_that_it_lacks() {
    let project = Project::customers();
    assert_snapshot!(project.run(["run", "--profile", "prod"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: the environment variable `CRM_API_URL` is not set
      --> dfpipe.yml:93:16
       |
    93 |           url: ${CRM_API_URL}
       |                ^^^^^^^^^^^^^^

    hint: set it (`export CRM_API_URL=…`) or give a default: `${CRM_API_URL:-default}`

    error: the environment variable `CRM_API_KEY` is not set
       --> dfpipe.yml:100:21
        |
    100 |             bearer: ${CRM_API_KEY}
        |                     ^^^^^^^^^^^^^^

    hint: set it (`export CRM_API_KEY=…`) or give a default: `${CRM_API_KEY:-default}`

    error: the environment variable `KAFKA_BROKERS` is not set
       --> dfpipe.yml:107:20
        |
    107 |           brokers: ${KAFKA_BROKERS}
        |                    ^^^^^^^^^^^^^^^^

    hint: set it (`export KAFKA_BROKERS=…`) or give a default: `${KAFKA_BROKERS:-default}`

    error: the environment variable `EMAIL_HASH_KEY` is not set
      --> dfpipe.yml:69:21
       |
    69 |     email_hash_key: ${EMAIL_HASH_KEY}
       |                     ^^^^^^^^^^^^^^^^^

    hint: set it (`export EMAIL_HASH_KEY=…`) or give a default: `${EMAIL_HASH_KEY:-default}`

    error: the environment variable `GCP_PROJECT_ID` is not set
       --> dfpipe.yml:113:16
        |
    113 |       project: ${GCP_PROJECT_ID}
        |                ^^^^^^^^^^^^^^^^^

    hint: set it (`export GCP_PROJECT_ID=…`) or give a default: `${GCP_PROJECT_ID:-default}`
    ");
}

#[test]
fn an_unknown_profile_is_answered_with_those_there_are() {
    let project = Project::customers();
    assert_snapshot!(project.run(["run", "--profile", "prd"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: there is no profile `prd`
      --> dfpipe.yml:49:3
       |
    49 |   local:
       |   ^

    hint: the profiles are: local, prod
    ");
}

#[test]
fn absent_files_are_named() {
    let project = Project::orders();
    project.remove("data/orders.csv");
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: source `orders` has no files at `[project]/data/*.csv`

    hint: look at `path` in dfpipe.yml; a relative path begins at the project
    ");
}

#[test]
fn a_moment_that_is_none_is_refused() {
    let project = Project::orders();
    assert_snapshot!(project.run(["run", "--as-of", "last week"]).screen(), @"
    exit code: 2
    ----- stderr -----
    error: invalid value 'last week' for '--as-of <TIME>': not a time: write 2026-11-22 or 2026-11-22T08:00:00Z

    For more information, try '--help'.
    ");
}

#[test]
fn a_mistyped_model_is_guessed() {
    let project = Project::customers();
    let outcome = project.run(["run", "-q", "-s", "engagment_score"]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 2
    ----- stderr -----
    error: there is no source or model `engagment_score`

    hint: did you mean `engagement_score`?
    ");
}

#[test]
fn a_selection_that_lacks_what_it_reads_says_so() {
    let project = Project::customers();
    let outcome = project.run(["run", "-q", "-s", "engagement_score"]);
    assert_snapshot!(outcome.screen(), @"
    exit code: 2
    ----- stderr -----
    error: `engagement_score` reads `capped_customers`, which is not selected
      --> sql/engagement_score.sql:30:19
       |
    30 |     select * from capped_customers
       |                   ^^^^^^^^^^^^^^^^

    hint: select all that it reads: `-s +engagement_score`
    ");
}
