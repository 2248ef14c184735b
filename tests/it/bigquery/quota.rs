//! A quota that is used up: a stop that says when it refills, or, if that is wanted, a load in parts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::bigquery::{
    Call, Fault, Refusal, What, When,
    loading::{Loading, TABLE},
};

/// Customers of the loads that are divided.
const CUSTOMERS: usize = 40;

pub(super) fn divided() -> Loading {
    let loading = Loading::new().saying("split: true");
    let orders = (0..CUSTOMERS).map(|order| format!("{order},customer-{order:02},1.00\n"));
    let orders: String = orders.collect();
    loading.project.write(
        "data/orders.csv",
        format!("order_id,customer,amount\n{orders}"),
    );
    loading
}

fn holds_all_once(loading: &Loading) {
    let statement = format!(
        "select count(*) as n, count(distinct customer) as c, count(distinct run_id) as r from {TABLE}"
    );
    let found = &loading.query(&statement)[0];
    let all = json!(CUSTOMERS.to_string());
    assert_eq!(
        (&found["n"], &found["c"], &found["r"]),
        (&all, &all, &json!("1"))
    );
}

#[test]
fn a_quota_stops_the_run_and_tells_which_one_and_when_it_refills() {
    for is_late in [false, true] {
        let loading = Loading::new();
        if is_late {
            loading.service.judge([Some(Refusal::quota_exceeded())]);
        } else {
            let what = What::Refuses(Refusal::quota_exceeded());
            loading
                .service
                .fail([Fault::on(Call::BeginUpload, When::Before, what).times(9)]);
        }
        let outcome = loading.run_ends_with(3);
        for words in ["1,500 load jobs", "24 hours", "--resume"] {
            assert!(
                outcome.stderr.contains(words),
                "{words}\n{}",
                outcome.stderr
            );
        }
        assert_eq!(loading.service.calls(Call::BeginUpload), 1);
        assert!(loading.rows().is_empty());
        loading.service.recover();
        loading.resume();
        loading.holds_each_row_once();
    }
}

#[test]
fn a_load_that_a_quota_refuses_is_divided_by_key_if_that_is_wanted() {
    let loading = divided();
    loading.service.judge([Some(Refusal::quota_exceeded())]);
    loading.run_ends_with(0);
    holds_all_once(&loading);
    let jobs = loading.service.load_jobs();
    assert!(jobs.len() > 2, "{}", jobs.len());
    let ids: BTreeSet<_> = jobs
        .iter()
        .map(|job| job["jobReference"]["jobId"].to_string())
        .collect();
    assert_eq!(ids.len(), jobs.len());
    // What the latest load of a date is does not depend on how it was loaded.
    let latest = loading.query("select * from `test-project.shop.totals_latest`");
    assert_eq!(latest.len(), CUSTOMERS);
}

#[test]
fn a_part_that_fails_is_named_by_its_keys_and_only_that_one_is_loaded_again() {
    let loading = divided();
    let broken = Refusal::invalid("Error while reading data, error message: this part is odd");
    loading
        .service
        .judge([Some(Refusal::quota_exceeded()), None, Some(broken)]);
    let outcome = loading.run();
    assert!(matches!(outcome.code, Some(1 | 3)), "{}", outcome.screen());
    let receipt = loading.project.unfinished_json("step4_load_receipt.json");
    let parts = receipt["jobs"]
        .as_array()
        .expect("a receipt lists its jobs");
    let failed: Vec<_> = parts
        .iter()
        .filter(|part| part["state"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1, "{receipt}");
    for bound in ["first", "last"] {
        let key = failed[0]["keys"][bound][0].as_str().unwrap_or_default();
        assert!(key.starts_with("customer-"), "{receipt}");
        assert!(outcome.stderr.contains(key), "{key}\n{}", outcome.stderr);
    }
    let done =
        |job: &Value| job["status"]["state"] == "DONE" && job["status"]["errorResult"].is_null();
    let good = loading
        .service
        .load_jobs()
        .iter()
        .filter(|job| done(job))
        .count();
    assert!(good >= 1);

    loading.service.recover();
    loading.resume();
    holds_all_once(&loading);
    let jobs = loading.service.load_jobs();
    let mut rows: Vec<u64> = jobs
        .iter()
        .filter(|job| done(job))
        .filter_map(|job| {
            job["statistics"]["load"]["outputRows"]
                .as_str()?
                .parse()
                .ok()
        })
        .collect();
    rows.sort_unstable();
    assert_eq!(rows.iter().sum::<u64>(), CUSTOMERS as u64, "{rows:?}");
}

#[test]
fn a_divided_load_that_is_killed_is_completed_from_its_own_parts() {
    for lines in first_line_of_load()..first_line_of_load() + 12 {
        let loading = divided();
        loading.service.judge([Some(Refusal::quota_exceeded())]);
        if !loading.project.is_killed(["run", "-q"], lines) {
            return;
        }
        loading.resume();
        holds_all_once(&loading);
    }
}

#[test]
fn the_parts_of_a_divided_load_follow_each_other_slowly() {
    let loading = divided();
    loading.service.judge([Some(Refusal::quota_exceeded())]);
    let outcome = loading.project.succeed(["run", "--log-format", "json"]);
    let pauses = outcome
        .stderr
        .lines()
        .filter(|line| line.contains("\"stage\":\"pausing\""));
    let pauses: Vec<_> = pauses.collect();
    let parts = loading.service.load_jobs().len() - 1;
    assert_eq!(pauses.len(), parts - 1, "{}", outcome.stderr);
    assert!(
        pauses.iter().all(|line| line.contains("\"seconds\":10")),
        "{pauses:?}"
    );
}

/// The part that is left would have other rows than those that were promised for it.
#[test]
fn other_bytes_never_complete_an_old_load() {
    let over_quota = || {
        let loading = divided();
        loading.service.judge([Some(Refusal::quota_exceeded())]);
        loading
    };
    let second_part = line_of(&over_quota(), "\"note\":\"submitting\",\"part\":2,");
    let loading = over_quota();
    assert!(loading.project.is_killed(["run", "-q"], second_part));
    let before = loading.rows();
    assert!(!before.is_empty(), "the first part is there");
    let journal = loading.project.unfinished()[0].join("journal.ndjson");
    let written = fs_err::read_to_string(&journal).expect("a run has a journal");
    let receipt = loading.project.unfinished_json("step4_load_receipt.json");
    let hash = receipt["jobs"][1]["sha256"]
        .as_str()
        .expect("a part has a hash");
    let changed = written.replace(hash, &"0".repeat(64));
    assert_ne!(changed, written);
    fs_err::write(&journal, changed).expect("a file can be written");

    let outcome = loading.project.run(["run", "-q", "--resume"]);
    assert_eq!(outcome.code, Some(5), "{}", outcome.screen());
    assert!(
        outcome
            .stderr
            .contains("other bytes never complete an old load"),
        "{}",
        outcome.stderr
    );
    assert_eq!(loading.rows(), before);
    fs_err::write(&journal, written).expect("a file can be written");
    loading.resume();
    holds_all_once(&loading);
}

/// At which line of its journal an undisturbed run begins to load.
pub(super) fn first_line_of_load() -> usize {
    line_of(&Loading::new(), "\"load_begun\"")
}

/// At which line of its journal a run says `words` for the first time.
pub(super) fn line_of(loading: &Loading, words: &str) -> usize {
    loading.run_ends_with(0);
    let journal = loading.project.last_run().join("journal.ndjson");
    let journal = fs_err::read_to_string(journal).expect("a run has a journal");
    let mut lines = journal.lines();
    let found = lines.position(|line| line.contains(words));
    found.unwrap_or_else(|| panic!("no line has `{words}`\n{journal}")) + 1
}
