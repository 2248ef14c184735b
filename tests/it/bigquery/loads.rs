//! A load that nothing disturbs: what it makes, what it says, and what a second one does.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    bigquery::{
        Call, Settings,
        loading::{Loading, TABLE},
    },
    chaos::Random,
    project::Project,
};

#[test]
fn the_first_run_makes_dataset_table_and_view() {
    let loading = Loading::new();
    let screen = loading.run_ends_with(0).stdout;
    assert!(screen.contains("\n  job          dfpipe_"), "{screen}");

    let service = &loading.service;
    let dataset = service
        .dataset("test-project", "shop")
        .expect("it was made");
    assert_eq!(dataset["location"], "US");
    let table = service
        .table("test-project", "shop", "totals")
        .expect("it was made");
    assert_eq!(table["timePartitioning"]["type"], "DAY");
    assert_eq!(table["timePartitioning"]["field"], "run_date");
    let fields = table["schema"]["fields"]
        .as_array()
        .expect("it has columns");
    let names: Vec<_> = fields
        .iter()
        .filter_map(|field| field["name"].as_str())
        .collect();
    let metadata = [
        "run_id",
        "run_timestamp",
        "run_date",
        "load_number",
        "source_version",
        "record_count",
    ];
    assert_eq!(names, [&["customer", "amount"][..], &metadata].concat());
    assert!(
        fields.iter().all(|field| field["mode"] == "NULLABLE"),
        "{fields:?}"
    );
    loading.holds_each_row_once();

    let latest =
        loading.query("select customer, amount from `test-project.shop.totals_latest` order by 1");
    assert_eq!((&latest[0]["amount"], latest.len()), (&json!("13"), 2));
}

#[test]
fn the_job_says_whose_it_is_and_where() {
    let loading = Loading::new();
    loading.run_ends_with(0);
    let jobs = loading.service.load_jobs();
    assert_eq!(jobs.len(), 1);
    let reference = &jobs[0]["jobReference"];
    assert_eq!(reference["location"], "US");
    let id = reference["jobId"].as_str().expect("it has an id");
    assert!(
        id.starts_with("dfpipe_") && id.ends_with("_a0") && id.len() == 50,
        "{id}"
    );
    let configuration = &jobs[0]["configuration"];
    let load = &configuration["load"];
    assert_eq!(load["writeDisposition"], "WRITE_APPEND");
    assert_eq!(load["parquetOptions"]["enableListInference"], true);
    assert!(load["schema"]["fields"].is_array());
    let labels = &configuration["labels"];
    let receipt = loading.receipt();
    let run_id = receipt["run_id"].as_str().expect("a run").to_lowercase();
    assert_eq!(labels["dfpipe_run"], run_id.as_str());
    let sha256 = receipt["sha256"].as_str().expect("a hash");
    assert_eq!(labels["dfpipe_file"], sha256[..60]);
    assert_eq!(labels["dfpipe_rows"], "2");
    for seen in loading.service.requests() {
        let needs_place = matches!(seen.call, Call::GetJob | Call::Results);
        assert!(
            !needs_place || seen.query.contains("location=US"),
            "{seen:?}"
        );
    }
}

#[test]
fn the_receipt_says_what_was_loaded_and_how_that_is_known() {
    let loading = Loading::new();
    loading.run_ends_with(0);
    let receipt = loading.receipt();
    assert_eq!(receipt["destination"], "test-project.shop.totals");
    assert_eq!(
        (&receipt["rows"], &receipt["load_number"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(receipt["adopted"], false);
    let jobs = loading.service.load_jobs();
    let id = jobs[0]["jobReference"]["jobId"]
        .as_str()
        .expect("it has an id");
    assert!(receipt.to_string().contains(id), "{receipt}");
    assert_eq!(
        (&receipt["kind"], &receipt["state"]),
        (&json!("bigquery"), &json!("loaded"))
    );
    assert_eq!(
        receipt["console"],
        json!(null),
        "nobody finds this table in Google's console"
    );
    let job = &receipt["jobs"][0];
    assert_eq!(
        (&job["job_id"], &job["how"]),
        (&json!(id), &json!("submitted"))
    );
    assert_eq!(job["attempts"].as_array().map(Vec::len), Some(1));
    // Counted by a query of its own, not believed.
    let verification = json!({"file_rows": 2, "job_rows": 2, "counted_rows": 2, "is_equal": true});
    assert_eq!(receipt["verification"], verification);
    assert_eq!(receipt["schema_changes"], json!([]));
}

#[test]
fn a_location_that_is_not_the_default_is_always_sent() {
    let loading = Loading::new().saying("location: europe-west3");
    loading.run_ends_with(0);
    let dataset = loading
        .service
        .dataset("test-project", "shop")
        .expect("it was made");
    assert_eq!(dataset["location"], "europe-west3");
    loading.holds_each_row_once();
}

#[test]
fn a_date_that_is_loaded_is_refused_before_anything_is_extracted() {
    let loading = Loading::new();
    loading.run_ends_with(0);
    let outcome = loading.run_ends_with(7);
    assert!(
        outcome.stderr.contains("2026-11-15 is loaded already"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("--new-load"), "{}", outcome.stderr);
    assert!(
        loading.project.unfinished().is_empty(),
        "nothing was extracted"
    );
    loading.holds_each_row_once();
}

#[test]
fn a_machine_that_remembers_nothing_finds_out_that_the_date_is_loaded() {
    let loading = Loading::new();
    loading.run_ends_with(0);
    loading.project.remove(".dfpipe");
    loading.run_ends_with(7);
    loading.holds_each_row_once();
}

#[test]
fn a_new_load_of_a_date_is_appended_and_the_view_shows_it() {
    let loading = Loading::new();
    loading.run_ends_with(0);
    loading
        .project
        .write("data/late.csv", "order_id,customer,amount\n4,bob,1.00\n");
    loading.project.succeed(["run", "-q", "--new-load"]);
    assert_eq!(
        loading.rows(),
        ["ada 13 1", "bob 7 1", "ada 13 2", "bob 8 2"]
    );
    let latest =
        loading.query("select amount from `test-project.shop.totals_latest` order by customer");
    assert_eq!((&latest[1]["amount"], latest.len()), (&json!("8"), 2));
    assert_eq!(loading.attempts(), ["a0", "a0"]);
}

#[test]
fn dates_do_not_get_in_each_others_way() {
    let loading = Loading::new();
    loading.run_ends_with(0);
    loading
        .project
        .succeed(["run", "-q", "--as-of", "2026-11-16"]);
    let dates = loading.query(&format!(
        "select run_date, count(*) as n from {TABLE} group by 1 order by 1"
    ));
    assert_eq!(
        (&dates[1]["run_date"], &dates[1]["n"]),
        (&json!("2026-11-16"), &json!("2"))
    );
    let latest = loading.query("select run_date from `test-project.shop.totals_latest`");
    assert_eq!(latest.len(), 4);
}

#[test]
fn slow_answers_are_waited_for() {
    let loading = Loading::with(Settings {
        polls_pending: 2,
        polls_running: 3,
        late_jobs: 1,
        slow_queries: true,
        ..Settings::default()
    });
    loading.run_ends_with(0);
    loading.holds_each_row_once();
    assert_eq!(loading.attempts(), ["a0"]);
}

#[test]
fn requests_stay_below_ten_per_second() {
    let loading = Loading::with(Settings {
        polls_running: 30,
        ..Settings::default()
    });
    loading.run_ends_with(0);
    assert!(loading.service.calls(Call::GetJob) > 30);
    // In two seconds: on a busy machine, what was sent apart may arrive together.
    let busiest = loading.service.busiest(Duration::from_secs(2));
    assert!(busiest <= 20, "{busiest} requests in two seconds");
}

#[test]
fn a_large_file_goes_in_pieces() {
    let loading = Loading::new().saying("chunk_mb: 1");
    many_orders(&loading);
    loading.run_ends_with(0);
    assert!(loading.service.calls(Call::Piece) > 1);
    let found = loading.query(&format!(
        "select count(*) as n, count(distinct customer) as c from {TABLE}"
    ));
    assert_eq!(
        (&found[0]["n"], &found[0]["c"]),
        (&json!("60000"), &json!("60000"))
    );
}

#[test]
fn how_far_a_load_is_is_told() {
    let loading = Loading::new();
    let outcome = loading
        .project
        .succeed(["-v", "run", "--log-format", "json"]);
    let stages: Vec<_> = outcome
        .stderr
        .lines()
        .filter_map(|line| {
            let event: Value = serde_json::from_str(line).expect("each line is an object");
            Some(event["stage"].as_str()?.to_owned())
        })
        .collect();
    for stage in ["uploading", "waiting", "verifying"] {
        assert!(
            stages.iter().any(|told| told == stage),
            "{stage}: {stages:?}"
        );
    }
}

/// Customers of the orders whose file has more than a mebibyte.
pub(super) const MANY: usize = 60_000;

/// Orders of so many customers that their file has more than a mebibyte.
pub(super) fn many_orders(loading: &Loading) {
    orders_of(&loading.project, MANY);
}

/// An order of each of so many customers.
pub(super) fn orders_of(project: &Project, customers: usize) {
    use std::fmt::Write;

    let mut orders = "order_id,customer,amount\n".to_owned();
    let mut random = Random::of(1);
    for order in 0..customers {
        // Names that no compression makes short.
        let mut name = || random.below(u64::from(u32::MAX));
        let (a, b, c, d) = (name(), name(), name(), name());
        writeln!(orders, "{order},{a:08x}{b:08x}{c:08x}{d:08x}{order:x},1.00")
            .expect("a text can be written");
    }
    project.write("data/orders.csv", orders);
}
