//! The README's first command: the whole customer pipeline on the fixtures, and all that it promises.

use std::collections::{BTreeMap, BTreeSet};

use dfpipe::clock::parse_time;
use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{
    artefacts::{self, columns, rows},
    fixtures,
    project::Project,
    shared,
};

#[test]
#[expect(clippy::too_many_lines, reason = "a screen is as long as it is")]
fn the_first_command_runs_the_pipeline_and_reports() {
    assert_snapshot!(shared::first_run().outcome.screen(), @r#"
    exit code: 0
    ----- stdout -----
    customer_analytics 2026-11-15 completed in [time]
    run [run] · profile local · window 2026-11-08 00:00 to 2026-11-15 00:00 UTC

    Figures
      Customers processed                              657
      Customers in the output                          497
      Customers rejected                               160
      New customers this week                           23
      Match rate of the CRM customers               89.9 %
      Match rate of the event customers             83.2 %
      Data quality score                            79.9 %
      Active customers                                 301
      Customers at risk                                139
      Churned customers                                 57
      Events read                                   25,370
      Events aggregated                             24,821
      Records rejected                                 407
      Dead letters                                       7
      Purchases of the customers in the output  193,505.36

    Records per step
      extract crm_customers (files)          618 of 634
      extract customer_events (files)  25,347 of 25,370
      transform crm_extract                         553
      transform events_extract                      597
      transform rejects                             407
      transform unified_customers                   497
      transform transform_log                        78
      load                                          497

    Records left out
      crm_customers: duplicate                  30
      crm_customers: future_date                 7
      crm_customers: missing_field               7
      crm_customers: negative_lifetime_value    10
      crm_customers: negative_support_tickets    4
      crm_customers: wrong_type                  9
      customer_events: duplicate               142
      customer_events: missing_field             9
      customer_events: negative_amount           9
      customer_events: unknown_kind            173
      customer_events: wrong_type                7
      customer_events: unreadable                7

    Result
      loaded into  [project]/.dfpipe/warehouse/customer_analytics/weekly_customer_profiles
      as           load 1 of 2026-11-15
      file         [project]/.dfpipe/warehouse/customer_analytics/weekly_customer_profiles/run_date=2026-11-15/load-0001.parquet
      run folder   [project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]
      ask it       dfpipe query "show tables"

    Needs a human
      warning: purchases_in_other_currencies (3 rows against it): Every purchase is in the currency of the pipeline.
        These purchases count, but their amounts are in no sum. Convert them in the source if they matter.
        see them: dfpipe query --run [run] "select * from check_purchases_in_other_currencies"
      warning: unknown_event_kinds (2 rows against it): Every event is of a known kind.
        These events were left out. Is a name one of the four kinds? Then give it a line in sql/staging/event_names.sql.
        see them: dfpipe query --run [run] "select * from check_unknown_event_kinds"
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
      crm_customers              618 rows       16 refused  [time]
      customer_events         25,347 rows       23 refused  [time]
    transform
      crm_records                618 rows  [time]
      crm_extract                553 rows  [time]
      event_names                  4 rows  [time]
      imputation_values            1 row  [time]
      repeated_events            143 rows  [time]
      odd_events                 466 rows  [time]
      duplicate_events           142 rows  [time]
      event_counts                84 rows  [time]
      events_extract             597 rows  [time]
      id_match                   497 rows  [time]
      fallback_customers           0 rows  [time]
      canonical_id_match           0 rows  [time]
      email_hash_match             0 rows  [time]
      ambiguous_customers          0 rows  [time]
      customer_match             497 rows  [time]
      joined_customers           497 rows  [time]
      feature_limits               8 rows  [time]
      capped_customers           497 rows  [time]
      engagement_score           497 rows  [time]
      log_matching                 8 rows  [time]
      refused_events             324 rows  [time]
      customers_in_scope         657 rows  [time]
      customer_quality           581 rows  [time]
      log_events                   6 rows  [time]
      rejects                    407 rows  [time]
      log_extract                 24 rows  [time]
      scaled_customers           497 rows  [time]
      unified_customers          497 rows  [time]
      log_values                  28 rows  [time]
      rejected_customers         160 rows  [time]
      log_output                  12 rows  [time]
      run_charts                  33 rows  [time]
      run_flow                    28 rows  [time]
      run_summary                 15 rows  [time]
      transform_log               78 rows  [time]
    checks
      176 of 178 passed, 2 to look at
    load
      497 rows into [project]/.dfpipe/warehouse/customer_analytics/weekly_customer_profiles  [time]
    "#);
}

#[test]
fn a_finished_run_holds_all_its_files_and_leaves_none_behind() {
    let project = &shared::first_run().project;
    let run = project.last_run();
    for promised in [
        "dead_letters.parquet",
        "extract/crm_customers",
        "extract/customer_events",
        "journal.ndjson",
        "models/engagement_score.parquet",
        "rejects.parquet",
        "report.html",
        "report.md",
        "run.json",
        "step1_crm_extract.parquet",
        "step2_events_extract.parquet",
        "step3_transform_log.json",
        "step3_unified_customers.parquet",
        "step4_load_receipt.json",
    ] {
        assert!(run.join(promised).exists(), "{promised} is missing");
    }
    let unfinished = project.unfinished();
    assert!(unfinished.is_empty(), "{unfinished:?}");
}

#[test]
fn neither_runs_nor_questions_leave_temporary_files() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.succeed(["query", "select customer from totals order by 1"]);
    let temporary = fs_err::read_dir(project.surroundings().join("tmp"));
    assert_eq!(temporary.expect("a folder can be read").count(), 0);
}

#[test]
fn each_step_has_the_columns_that_are_promised() {
    let run = shared::first_run().project.last_run();
    let columns = |file| columns(&run.join(file)).join(" ");
    assert_snapshot!(columns("step1_crm_extract.parquet"), @"customer_id email_hash signup_date last_activity_date subscription_tier lifetime_value support_tickets updated_at");
    assert_snapshot!(columns("step2_events_extract.parquet"), @"customer_id email_hash total_page_views unique_features_used purchase_count purchase_amount support_interactions first_event_at last_event_at event_count");
    assert_snapshot!(columns("step3_unified_customers.parquet").replace(' ', "\n"), @"
    customer_id
    event_customer_id
    matched_by
    email_hash
    signup_date
    last_activity_date
    subscription_tier
    lifetime_value
    support_tickets
    crm_updated_at
    total_page_views
    unique_features_used
    purchase_count
    purchase_amount
    support_interactions
    event_count
    first_event_at
    last_event_at
    days_since_last_activity
    category
    engagement_score
    lifetime_value_scaled
    support_tickets_scaled
    total_page_views_scaled
    unique_features_used_scaled
    purchase_count_scaled
    purchase_amount_scaled
    support_interactions_scaled
    days_since_last_activity_scaled
    is_last_activity_date_imputed
    is_subscription_tier_imputed
    is_lifetime_value_imputed
    is_support_tickets_imputed
    is_lifetime_value_capped
    is_support_tickets_capped
    is_total_page_views_capped
    is_unique_features_used_capped
    is_purchase_count_capped
    is_purchase_amount_capped
    is_support_interactions_capped
    is_days_since_last_activity_capped
    ");
    assert_snapshot!(columns("models/rejected_customers.parquet"), @"customer_id reason all_reasons in_crm in_events");
}

#[test]
fn the_result_is_ordered_and_has_no_holes_where_none_may_be() {
    let rows = shared::first_run()
        .project
        .rows("step3_unified_customers.parquet");
    assert!(rows.len() > 400, "{} rows", rows.len());
    let ids = texts(&rows, "customer_id");
    assert!(ids.is_sorted_by(|a, b| a < b), "unordered, or not unique");
    let optional = BTreeSet::from(["email_hash", "signup_date"]);
    let columns = columns(
        &shared::first_run()
            .project
            .last_run()
            .join("step3_unified_customers.parquet"),
    );
    for column in columns
        .iter()
        .filter(|column| !optional.contains(column.as_str()))
    {
        let holes = rows.iter().filter(|row| row.get(column).is_none());
        assert_eq!(holes.count(), 0, "{column}");
    }
}

/// By the rules of the design, computed once more from what the file says itself.
#[test]
fn scores_categories_and_scaled_numbers_are_what_they_are_defined_to_be() {
    for row in shared::first_run()
        .project
        .rows("step3_unified_customers.parquet")
    {
        let days = row["days_since_last_activity"].as_i64().expect("a number");
        let category = match days {
            0..=6 => "active",
            7..=30 => "at_risk",
            _ => "churned",
        };
        assert_eq!(row["category"], category, "{row}");
        let score = row["engagement_score"].as_f64().expect("a number");
        assert!((0.0..=100.0).contains(&score), "{row}");
        for (name, value) in row.as_object().expect("a row") {
            if name.ends_with("_scaled") {
                assert!(
                    (0.0..=1.0).contains(&value.as_f64().expect("a number")),
                    "{name} of {row}"
                );
            }
        }
    }
}

#[test]
fn the_receipt_proves_what_was_loaded() {
    let project = &shared::first_run().project;
    let receipt = project.json("step4_load_receipt.json");
    let loaded = warehouse(project);
    let [file] = loaded.as_slice() else {
        panic!("not one load: {loaded:?}");
    };
    let result = project.rows("step3_unified_customers.parquet");
    let rows = rows(file);
    assert_eq!(receipt["load_id"], file.display().to_string());
    assert_eq!(receipt["sha256"], artefacts::sha256(file));
    assert_eq!(receipt["rows"], rows.len());
    assert_eq!(receipt["verified_rows"], result.len());
    assert_eq!(project.json("run.json")["load"]["receipt"], receipt);
}

#[test]
fn loaded_rows_are_the_result_and_say_where_they_come_from() {
    let project = &shared::first_run().project;
    let [file] = warehouse(project).try_into().expect("one load");
    let run = project.json("run.json");
    let result = project.rows("step3_unified_customers.parquet");
    let loaded = rows(&file);
    assert_eq!(loaded.len(), result.len());
    for (loaded, row) in loaded.into_iter().zip(result) {
        let mut loaded = as_map(loaded);
        let mut taken = |name: &str| loaded.remove(name).expect("a metadata column");
        assert_eq!(taken("run_id"), run["run_id"]);
        assert!(taken("run_timestamp").is_string());
        assert_eq!(taken("run_date"), "2026-11-15");
        assert_eq!(taken("load_number"), 1);
        assert_eq!(taken("source_version"), run["source_version"]);
        assert_eq!(taken("record_count"), run["load"]["receipt"]["rows"]);
        assert_eq!(loaded, as_map(row));
    }
}

#[test]
fn the_last_run_answers_questions() {
    let project = &shared::first_run().project;
    let question = "select category, count(*) from unified_customers group by 1 order by 1";
    assert_snapshot!(project.run(["query", question]).screen(), @"
    exit code: 0
    ----- stdout -----
    +----------+----------+
    | category | count(*) |
    +----------+----------+
    | active   |      301 |
    | at_risk  |      139 |
    | churned  |       57 |
    +----------+----------+
    ");
    let latest = "select count(*) as rows, max(load_number) as load \
                  from warehouse.weekly_customer_profiles_latest";
    assert_snapshot!(project.run(["query", latest, "-o", "csv"]).screen(), @"
    exit code: 0
    ----- stdout -----
    rows,load
    497,1
    ");
    let parameters = "select $run_date as run_date, $as_of as as_of, $currency as currency";
    assert_snapshot!(project.run(["query", parameters, "-o", "json"]).screen(), @r#"
    exit code: 0
    ----- stdout -----
    [{"run_date":"2026-11-15","as_of":"2026-11-15T00:00:00Z","currency":"EUR"}]
    "#);
}

#[test]
fn the_transform_log_tells_every_decision_and_the_formula() {
    let log = shared::first_run().project.json("step3_transform_log.json");
    let decisions: BTreeSet<_> = log["decisions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["decision"].as_str().expect("a name"))
        .collect();
    assert_snapshot!(decisions.into_iter().collect::<Vec<_>>().join("\n"), @"
    capped
    dead_lettered
    deduplicated
    id_shape
    imputed
    kept
    left_out
    match_rate
    matched
    missing
    not_summed
    out_of_scope
    output
    read
    rejected
    scaled
    unknown_kind
    ");
    let models = log["models"].as_array().expect("a list");
    let score = models
        .iter()
        .find(|model| model["model"] == "engagement_score");
    let score = score.expect("the score is among the models");
    assert!(
        score["formula"]
            .as_str()
            .is_some_and(|formula| formula.contains("purchases"))
    );
    let is_versioned =
        |model: &Value| model["version"].is_u64() && model["fingerprint"].is_string();
    assert!(models.iter().all(is_versioned));
}

/// No Rust is built between the two runs.
#[test]
fn a_changed_weight_changes_the_scores() {
    let before = shared::first_run()
        .project
        .rows("models/engagement_score.parquet");
    let project = Project::customers();
    let file = "sql/engagement_score.sql";
    project.edit(file, "purchase_weight  => 0.5", "purchase_weight  => 0.6");
    project.edit(file, "feature_weight   => 0.3", "feature_weight   => 0.2");

    project.succeed(["run", "-q", "-s", "+engagement_score"]);

    let after = project.rows("models/engagement_score.parquet");
    assert_eq!(texts(&before, "customer_id"), texts(&after, "customer_id"));
    let changed = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after);
    assert!(changed.count() > before.len() / 2);
    assert!(
        warehouse(&project).is_empty(),
        "what is not whole must not be loaded"
    );
}

/// Counted from the raw fixtures by other code: nobody is lost, nobody is counted twice.
#[test]
fn every_customer_is_in_the_output_or_among_the_rejected() {
    let project = &shared::first_run().project;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for row in project.rows("step3_unified_customers.parquet") {
        let ids = [&row["customer_id"], &row["event_customer_id"]].map(text);
        for id in BTreeSet::from(ids) {
            *seen.entry(id).or_default() += 1;
        }
    }
    for row in project.rows("models/rejected_customers.parquet") {
        assert!(!text(&row["reason"]).is_empty(), "{row}");
        *seen.entry(text(&row["customer_id"])).or_default() += 1;
    }
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let seen: BTreeSet<_> = seen.into_keys().collect();
    assert_eq!(seen, customers_in_window());
}

#[test]
fn more_than_four_in_five_good_customers_match() {
    let summary = shared::first_run().project.json("run.json")["summary"].clone();
    let rates: Vec<_> = summary
        .as_array()
        .expect("a list")
        .iter()
        .filter(|figure| text(&figure["label"]).starts_with("Match rate"))
        .map(|figure| figure["value"].as_f64().expect("a number"))
        .collect();
    assert_eq!(rates.len(), 2);
    assert!(rates.iter().all(|rate| *rate > 80.0), "{rates:?}");
}

/// The distinct ids of both sources; what is known to lie outside the window is out of scope.
fn customers_in_window() -> BTreeSet<String> {
    let customers = fixtures::customers()
        .into_iter()
        .map(|record| (record, "updated_at"));
    let events = fixtures::events()
        .into_iter()
        .map(|record| (record, "occurred_at"));
    customers
        .chain(events)
        .filter(|(record, time)| !is_outside_window(&record[time]))
        .filter_map(|(record, _)| record["customer_id"].as_str().map(str::to_owned))
        .filter(|id| !id.trim().is_empty())
        .collect()
}

fn is_outside_window(time: &Value) -> bool {
    let moment = |text| parse_time(text).expect("it is a time");
    let window = moment("2026-11-08")..moment("2026-11-15");
    let time = time.as_str().and_then(parse_time);
    time.is_some_and(|time| !window.contains(&time))
}

fn warehouse(project: &Project) -> Vec<std::path::PathBuf> {
    let folder = project.path(".dfpipe/warehouse");
    if folder.exists() {
        artefacts::files(&folder)
    } else {
        vec![]
    }
}

fn texts(rows: &[Value], column: &str) -> Vec<String> {
    rows.iter().map(|row| text(&row[column])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn as_map(row: Value) -> serde_json::Map<String, Value> {
    match row {
        Value::Object(map) => map,
        other => panic!("no row: {other}"),
    }
}
