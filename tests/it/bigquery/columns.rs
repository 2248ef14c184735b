//! Columns that change between two loads: what can be added comes with the load, the rest stops before it.

use serde_json::json;

use crate::support::bigquery::{
    Call,
    loading::{Loading, TABLE},
};

const TOTALS: &str = "sql/totals.sql";

fn loaded_once() -> Loading {
    let loading = Loading::new();
    loading.run_ends_with(0);
    loading
}

#[test]
fn a_column_that_is_new_is_added_with_the_load() {
    let loading = loaded_once();
    loading.project.edit(
        TOTALS,
        "sum(amount) as amount",
        "sum(amount) as amount, count(*) as orders",
    );
    loading.project.succeed(["run", "-q", "--new-load"]);
    let found = loading.query(&format!(
        "select load_number, orders from {TABLE} where customer = 'ada' order by 1"
    ));
    assert_eq!(
        (&found[0]["orders"], &found[1]["orders"]),
        (&json!(null), &json!("2"))
    );
    let latest = loading
        .query("select orders from `test-project.shop.totals_latest` where customer = 'ada'");
    assert_eq!(latest[0]["orders"], "2");
    let options = &loading.service.load_jobs()[1]["configuration"]["load"]["schemaUpdateOptions"];
    assert!(
        options.to_string().contains("ALLOW_FIELD_ADDITION"),
        "{options}"
    );
    // The table changes together with its rows or not at all; the view is written again.
    for seen in loading.service.requests() {
        let is_of_table = seen.call == Call::PatchTable && seen.path.ends_with("/totals");
        assert!(!is_of_table, "{seen:?}");
    }
}

#[test]
fn a_column_that_is_new_stops_the_load_if_changes_are_switched_off() {
    let loading = Loading::new().saying("schema_changes: false");
    loading.run_ends_with(0);
    loading.project.edit(
        TOTALS,
        "sum(amount) as amount",
        "sum(amount) as amount, count(*) as orders",
    );
    let outcome = loading.project.run(["run", "-q", "--new-load"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    assert!(outcome.stderr.contains("orders"), "{}", outcome.stderr);
    assert_eq!(loading.rows().len(), 2);
}

#[test]
fn what_cannot_be_changed_stops_before_the_upload_with_a_table_of_differences() {
    for (from, to, words) in [
        (
            "sum(amount) as amount",
            "sum(amount) as spent",
            ["amount", "spent"],
        ),
        (
            "sum(amount) as amount",
            "cast(sum(amount) as varchar) as amount",
            ["amount", "not safe"],
        ),
        (
            "customer,\n    sum(amount) as amount",
            "customer",
            ["amount", "it is lost"],
        ),
    ] {
        let loading = loaded_once();
        let uploads = loading.service.calls(Call::BeginUpload);
        loading.project.edit(TOTALS, from, to);
        let outcome = loading.project.run(["run", "-q", "--new-load"]);
        assert_eq!(outcome.code, Some(1), "{to}\n{}", outcome.screen());
        for word in words {
            assert!(outcome.stderr.contains(word), "{word}\n{}", outcome.stderr);
        }
        assert!(outcome.stderr.contains("hint:"), "{}", outcome.stderr);
        assert_eq!(loading.service.calls(Call::BeginUpload), uploads, "{to}");
        assert_eq!(loading.rows().len(), 2);
    }
}

#[test]
fn a_table_that_is_laid_out_otherwise_stops_before_the_upload() {
    let loading = loaded_once().saying("cluster_by: [customer]");
    let uploads = loading.service.calls(Call::BeginUpload);
    let outcome = loading.project.run(["run", "-q", "--new-load"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    assert!(outcome.stderr.contains("cluster"), "{}", outcome.stderr);
    assert_eq!(loading.service.calls(Call::BeginUpload), uploads);
}

#[test]
fn a_table_is_laid_out_as_the_configuration_says() {
    let loading = Loading::new().saying("cluster_by: [customer]\n  partition_expiration_days: 800");
    loading.run_ends_with(0);
    let table = loading
        .service
        .table("test-project", "shop", "totals")
        .expect("it was made");
    assert_eq!(table["clustering"]["fields"], json!(["customer"]));
    assert_eq!(
        table["timePartitioning"]["expirationMs"],
        (800_u64 * 86_400_000).to_string()
    );
}
