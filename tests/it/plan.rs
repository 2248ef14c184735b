//! `dfpipe plan`: what a run would do, what has changed since the last one, and nothing done.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::project::Project;

/// A model above the loaded one.
const CUSTOMERS: &str = "/* dfpipe\nversion: 1\ndescription: For a test.\nkey: [customer]\n*/\n\
                         select distinct customer from totals\n";

#[test]
fn the_first_plan_says_all_that_would_be_done_and_does_nothing() {
    let project = Project::orders();
    project.write(
        "sql/checks/nobody_owes.sql",
        "/* dfpipe\ndescription: Nobody owes us anything.\n*/\nselect customer from totals where amount < 0\n",
    );
    assert_snapshot!(project.run(["plan"]).screen(), @"
    exit code: 0
    ----- stdout -----
    plan of orders for 2026-11-15 · profile local
    window 2026-11-08 00:00 to 2026-11-15 00:00 UTC, as the profile fixes it
    compared with nothing: no run of this profile has succeeded yet

    Sources
      orders  files  unknown how many records, 59 B

    Models: 1 in this order
      totals

    Checks
      1 can stop the load, among them
        nobody_owes  Nobody owes us anything.

    Load
      what  totals
      into  [project]/.dfpipe/warehouse/shop/totals, which adds a second load of a date
      as    load 1 of 2026-11-15
      by    1 file is put if it is absent; no quota
    ");
    assert!(!project.path(".dfpipe").exists(), "nothing is left behind");
}

#[test]
fn after_a_run_nothing_has_changed() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    assert_snapshot!(project.run(["plan"]).screen(), @"
    exit code: 0
    ----- stdout -----
    plan of orders for 2026-11-15 · profile local
    window 2026-11-08 00:00 to 2026-11-15 00:00 UTC, as the profile fixes it
    compared with run [run] of 2026-11-15

    Sources
        orders  files  3 records in the last run, 59 B

    Models: 1 in this order, nothing has changed
        totals

    Load
      what  totals
      into  [project]/.dfpipe/warehouse/shop/totals, which adds a second load of a date
      as    load 2 of 2026-11-15
      by    1 file is put if it is absent; no quota
    ");
}

/// Every type of the shipped models must be planned as it is stored.
#[test]
fn after_a_run_nothing_has_changed_in_the_shipped_pipeline() {
    let project = Project::customers();
    project.succeed(["run", "-q"]);
    let plan = plan(&project);
    assert_eq!(plan["configuration"], json!([]));
    let changes = changes(&plan);
    assert_eq!(changes.len(), plan["models"].as_array().map_or(0, Vec::len));
    assert!(
        changes.values().all(|change| change == "unchanged"),
        "{changes:?}"
    );

    project.edit(
        "sql/engagement_score.sql",
        "from capped_customers",
        "from capped_customers where true",
    );
    let plan = self::plan(&project);
    let edited = self::changes(&plan).into_iter();
    let edited = edited.filter(|(_, change)| change != "unchanged");
    let names: Vec<_> = edited.map(|(name, _)| name).collect();
    assert_snapshot!(names.join(" "), @"engagement_score log_output log_values rejected_customers run_charts run_flow run_summary transform_log unified_customers");
}

#[test]
fn an_edit_changes_the_model_and_all_that_read_it() {
    let project = Project::orders();
    project.write("sql/customers.sql", CUSTOMERS);
    project.write(
        "sql/untouched.sql",
        "/* dfpipe\nversion: 1\ndescription: For a test.\n*/\nselect order_id from orders\n",
    );
    project.succeed(["run", "-q"]);
    project.edit(
        "sql/totals.sql",
        "sum(amount) as amount",
        "sum(amount) * 2 as amount -- twice",
    );
    let changed = plan(&project);
    let expected = [
        ("customers", "changed"),
        ("totals", "changed"),
        ("untouched", "unchanged"),
    ];
    assert_eq!(
        changes(&changed),
        expected
            .map(|(model, change)| (model.into(), change.into()))
            .into()
    );
    assert_eq!(reasons(&changed, "totals")[0], json!({"reason": "sql"}));
    assert_eq!(
        reasons(&changed, "customers"),
        json!([{"reason": "reads", "tables": ["totals"]}])
    );

    project.edit(
        "sql/totals.sql",
        "sum(amount) * 2 as amount -- twice",
        "sum(amount)\n as  amount -- once",
    );
    let same = plan(&project);
    assert!(
        changes(&same).values().all(|change| change == "unchanged"),
        "white space is no change"
    );
}

#[test]
fn a_plan_tells_new_removed_and_retyped() {
    let project = Project::orders();
    project.write("sql/customers.sql", CUSTOMERS);
    project.succeed(["run", "-q"]);
    project.remove("sql/customers.sql");
    project.write("sql/clients.sql", CUSTOMERS);
    project.edit(
        "sql/totals.sql",
        "sum(amount) as amount",
        "cast(sum(amount) as double) as amount",
    );
    assert_snapshot!(project.run(["plan"]).screen(), @"
    exit code: 0
    ----- stdout -----
    plan of orders for 2026-11-15 · profile local
    window 2026-11-08 00:00 to 2026-11-15 00:00 UTC, as the profile fixes it
    compared with run [run] of 2026-11-15

    A run would stop
      with exit code 1: `totals` does not fit the destination `[project]/.dfpipe/warehouse/shop/totals` any more
        cause: its columns differ
          column  here    there
          amount  double  decimal(28,2)  not safe: of another type
        hint: a column of another type: cast it to what it is there, or give the new values another name; or load into a new table: `destination.table` in dfpipe.yml

    Sources
        orders  files  3 records in the last run, 59 B

    Models: 2 in this order, 3 changes
      ~ totals     its SQL has changed; its columns: amount Decimal128(28, 2) → Float64
      + clients    is new
      - customers  is no more

    Load
      what  totals
      into  [project]/.dfpipe/warehouse/shop/totals, which adds a second load of a date
      as    load 2 of 2026-11-15
      by    1 file is put if it is absent; no quota
    ");
}

#[test]
fn another_key_is_a_change_although_the_sql_is_the_same() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.edit("sql/totals.sql", "key: [customer]", "key: [amount]");
    assert_eq!(
        reasons(&plan(&project), "totals"),
        json!([{"reason": "key"}])
    );
}

#[test]
fn another_value_of_a_parameter_changes_what_reads_it() {
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "sources:",
        "parameters: {least: 1, unread: 1}\n\nsources:",
    );
    project.edit(
        "sql/totals.sql",
        "from orders",
        "from orders where amount >= $least",
    );
    project.succeed(["run", "-q"]);
    project.edit(
        "dfpipe.yml",
        "{least: 1, unread: 1}",
        "{least: 2, unread: 2}",
    );
    let plan = plan(&project);
    assert_eq!(
        reasons(&plan, "totals"),
        json!([{"reason": "parameters", "names": ["least"]}])
    );
    let expected = json!([
        {"key": "parameters.least", "before": 1, "after": 2},
        {"key": "parameters.unread", "before": 1, "after": 2},
    ]);
    assert_eq!(plan["configuration"], expected);
}

/// The moment of a run is no change: else every model would have changed every week.
#[test]
fn another_date_changes_nothing_and_another_declaration_does() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "from orders",
        "from orders where $run_date > date '2000-01-01'",
    );
    project.succeed(["run", "-q"]);
    let later = project.succeed(["plan", "--as-of", "2026-11-22", "-o", "json"]);
    let later: Value = serde_json::from_str(&later.stdout).expect("a plan is JSON");
    assert_eq!(later["run_date"], "2026-11-22");
    assert_eq!(later["window_start"], "2026-11-15T00:00:00Z");
    assert_eq!(later["load"]["load_number"], 1);
    assert_eq!(changes(&later)["totals"], "unchanged");

    project.edit(
        "dfpipe.yml",
        "customer: {type: text}",
        "customer: {type: text, required: true}",
    );
    let plan = plan(&project);
    assert_eq!(plan["sources"][0]["change"], "changed");
    assert_eq!(
        reasons(&plan, "totals"),
        json!([{"reason": "reads", "tables": ["orders"]}])
    );
}

/// Tables of another program cannot be told to be the same, whatever the SQL.
#[test]
fn another_program_and_another_key_of_addresses_change_every_model() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.edit("dfpipe.yml", "good for tests only", "good for other tests");
    assert_eq!(
        reasons(&plan(&project), "totals"),
        json!([{"reason": "email_key"}])
    );
    project.edit("dfpipe.yml", "good for other tests", "good for tests only");
    for (part, reason) in [
        ("source", "dfpipe"),
        ("datafusion", "dfpipe"),
        ("udfs", "functions"),
    ] {
        let path = project.last_run().join("run.json");
        let text = fs_err::read_to_string(&path).expect("a run has a record");
        let mut record: Value = serde_json::from_str(&text).expect("a record is JSON");
        record["build"][part] = "another".into();
        fs_err::write(&path, record.to_string()).expect("a record can be written");
        let told = plan(&project);
        fs_err::write(&path, text).expect("a record can be written");
        assert_eq!(
            reasons(&told, "totals"),
            json!([{"reason": reason}]),
            "{part}"
        );
        let of_source = if part == "udfs" {
            "unchanged"
        } else {
            "unknown"
        };
        assert_eq!(told["sources"][0]["change"], of_source, "{part}");
    }
}

/// Another profile is another pipeline, and a run of a part says nothing of the rest.
#[test]
fn the_last_whole_run_of_the_profile_is_compared_with() {
    let project = Project::orders();
    let yml = project.read("dfpipe.yml");
    project.write(
        "dfpipe.yml",
        format!("{yml}\nprofiles:\n  local:\n  other:\n"),
    );
    project.write("sql/customers.sql", CUSTOMERS);
    project.succeed(["run", "-q"]);
    let whole = plan(&project)["compared_with"]["run_id"].clone();
    project.succeed(["run", "-q", "-s", "totals"]);
    assert_eq!(plan(&project)["compared_with"]["run_id"], whole);
    project.succeed(["run", "-q", "--profile", "other"]);
    assert_eq!(plan(&project)["compared_with"]["run_id"], whole);
}

#[test]
fn a_loaded_date_is_told_and_planning_goes_on() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "on_repeat: add", "on_repeat: refuse");
    project.succeed(["run", "-q"]);
    assert_snapshot!(project.run(["plan"]).screen(), @"
    exit code: 0
    ----- stdout -----
    plan of orders for 2026-11-15 · profile local
    window 2026-11-08 00:00 to 2026-11-15 00:00 UTC, as the profile fixes it
    compared with run [run] of 2026-11-15

    A run would stop
      with exit code 7: 2026-11-15 is loaded already: run `[run]`, 2 rows
        cause: `[project]/.dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet` holds it as load 1; its receipt is `[project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]/step4_load_receipt.json`
        hint: `dfpipe run --new-load` appends a further load of that date

    Sources
        orders  files  3 records in the last run, 59 B

    Models: 1 in this order, nothing has changed
        totals

    Load
      what  totals
      into  [project]/.dfpipe/warehouse/shop/totals, which refuses a second load of a date
      as    load 2 of 2026-11-15, with --new-load
      by    1 file is put if it is absent; no quota
    ");
    let further = project.succeed(["plan", "--new-load", "-o", "json"]);
    let further: Value = serde_json::from_str(&further.stdout).expect("a plan is JSON");
    assert_eq!(further["obstacles"], json!([]));
    assert_eq!(further["load"]["load_number"], 2);
}

#[test]
fn an_unfinished_run_and_a_held_lock_are_told() {
    let project = Project::orders();
    project.succeed(["run", "-q", "--until", "extract"]);
    let obstacle = |plan: &Value| plan["obstacles"][0]["obstacle"].clone();
    let plan_of_unfinished = plan(&project);
    assert_eq!(obstacle(&plan_of_unfinished), "unfinished_run");
    assert_eq!(plan_of_unfinished["obstacles"][0]["exit_code"], 2);

    let path = project.path(".dfpipe/work/.orders.lock");
    let lock = fs_err::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("the lock is there");
    lock.file().lock().expect("nobody holds it");
    let plan_of_held = plan(&project);
    assert_eq!(obstacle(&plan_of_held), "lock_held");
    assert_eq!(plan_of_held["obstacles"][0]["exit_code"], 3);
    assert_eq!(plan_of_held["obstacles"].as_array().map(Vec::len), Some(1));
    assert_eq!(project.run(["run", "-q"]).code, Some(3), "as the plan said");
}

#[test]
fn a_part_is_planned_as_it_would_be_built() {
    let project = Project::orders();
    project.write("sql/customers.sql", CUSTOMERS);
    project.succeed(["run", "-q"]);
    let part = project.succeed(["plan", "-s", "totals", "-o", "json"]);
    let part: Value = serde_json::from_str(&part.stdout).expect("a plan is JSON");
    assert_eq!(changes(&part).into_keys().collect::<Vec<_>>(), ["totals"]);
    let alone = project.run(["plan", "-s", "customers"]);
    assert_eq!(alone.code, Some(2), "it reads what is not selected");
}

/// Programs read these names.
#[test]
fn a_plan_is_json_with_stable_names() {
    let project = Project::orders();
    project.edit(
        "sql/totals.sql",
        "key: [customer]",
        "key: [customer]\nchecks:\n  - unique: [customer]",
    );
    project.succeed(["run", "-q"]);
    let mut plan = plan(&project);
    for (object, name) in [
        ("compared_with", "run_id"),
        ("compared_with", "finished_at"),
    ] {
        assert!(plan[object][name].is_string());
        plan[object][name] = "[…]".into();
    }
    plan["load"]["destination"] = "[…]".into();
    let pretty = serde_json::to_string_pretty(&plan).expect("it is JSON");
    assert_snapshot!(pretty, @r#"
    {
      "pipeline": "orders",
      "profile": "local",
      "run_date": "2026-11-15",
      "as_of": "2026-11-15T00:00:00Z",
      "is_as_of_fixed": true,
      "window_start": "2026-11-08T00:00:00Z",
      "window_end": "2026-11-15T00:00:00Z",
      "source_version": "80d23a6bda55acce",
      "obstacles": [],
      "compared_with": {
        "run_id": "[…]",
        "run_date": "2026-11-15",
        "finished_at": "[…]"
      },
      "configuration": [],
      "sources": [
        {
          "name": "orders",
          "kind": "files",
          "change": "unchanged",
          "basis": "last_run",
          "records": 3,
          "requests": null,
          "minutes": null,
          "bytes": 59,
          "notes": []
        }
      ],
      "models": [
        {
          "name": "totals",
          "source": "sql/totals.sql",
          "version": 1,
          "change": "unchanged",
          "reasons": []
        }
      ],
      "removed": [],
      "checks": {
        "stopping": [
          {
            "name": "totals.unique(customer)",
            "description": "No two rows have the same `customer`.",
            "is_file": false
          }
        ],
        "warning": []
      },
      "load": {
        "model": "totals",
        "destination": "[…]",
        "kind": "parquet",
        "on_repeat": "add",
        "load_number": 2,
        "jobs": 1,
        "quota": null,
        "notes": []
      }
    }
    "#);
}

#[test]
fn what_is_wrong_is_an_error_of_the_plan() {
    let project = Project::orders();
    project.edit("sql/totals.sql", "sum(amount)", "sum(amuont)");
    let outcome = project.run(["plan"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    assert!(
        outcome.stderr.contains("did you mean `amount`?"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_rate_limit_is_told_in_minutes() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.edit(
        "dfpipe.yml",
        "from: {kind: files, path: data/*.csv}",
        "from: {kind: crm, url: \"http://127.0.0.1:9\", path: /orders, requests_per_minute: 1, \
         pagination: {kind: page_number, size: 1, total: total}}",
    );
    let plan = plan(&project);
    let source = &plan["sources"][0];
    let told = ["basis", "records", "requests", "minutes"].map(|name| source[name].clone());
    assert_eq!(told, [json!("last_run"), json!(3), json!(3), json!(2.0)]);
}

fn plan(project: &Project) -> Value {
    let outcome = project.succeed(["plan", "-o", "json"]);
    serde_json::from_str(&outcome.stdout).expect("a plan is JSON")
}

/// How each model stands.
fn changes(plan: &Value) -> BTreeMap<String, String> {
    let models = plan["models"].as_array().expect("a plan has models");
    let text = |value: &Value| value.as_str().expect("it is text").to_owned();
    let changes = models
        .iter()
        .map(|model| (text(&model["name"]), text(&model["change"])));
    changes.collect()
}

fn reasons(plan: &Value, model: &str) -> Value {
    let mut models = plan["models"].as_array().expect("a plan has models").iter();
    let model = models.find(|planned| planned["name"] == model);
    model.expect("the model is planned")["reasons"].clone()
}
