//! The policies of the customer pipeline on weeks that are not as they should be: what is decided is in the rows, in
//! the transform log, and in what needs a human.

use serde_json::{Value, json};

use crate::support::project::Project;

/// A customer of the CRM: its id, and the name in its address.
type Customer<'a> = (&'a str, &'a str);

/// The shipped pipeline in a week with these customers, and one event of each of the others.
fn week(
    crm: &[Customer<'_>],
    events: &[Customer<'_>],
    change: impl Fn(usize, &mut Value),
) -> Project {
    let project = Project::customers();
    project.remove("fixtures");
    let records = crm.iter().enumerate().map(|(number, (id, name))| {
        let mut record = json!({
            "customer_id": id, "email": format!("{name}@example.org"), "signup_date": "2025-01-01",
            "last_activity_date": if number % 2 == 0 { "2026-11-14" } else { "2026-10-01" },
            "subscription_tier": "free", "lifetime_value": 10 * (number + 1), "support_tickets": number,
            "updated_at": "2026-11-10T12:00:00Z",
        });
        change(number, &mut record);
        record
    });
    let page = json!({"data": records.collect::<Vec<_>>()});
    project.write("fixtures/crm/page-0001.json", page.to_string());
    let events = events.iter().enumerate().map(|(number, (id, name))| {
        let event = json!({
            "event_id": format!("evt-{number}"), "customer_id": id, "event_type": "page_view",
            "occurred_at": "2026-11-11T08:00:00Z", "email": format!("{name}@example.org"),
            "properties": {"page": "/"},
        });
        format!("{event}\n")
    });
    project.write("fixtures/events/events.ndjson", events.collect::<String>());
    project
}

fn as_it_is(_: usize, _: &mut Value) {}

const TEN: [Customer<'_>; 10] = [
    ("CUS-00001", "a"),
    ("CUS-00002", "b"),
    ("CUS-00003", "c"),
    ("CUS-00004", "d"),
    ("CUS-00005", "e"),
    ("CUS-00006", "f"),
    ("CUS-00007", "g"),
    ("CUS-00008", "h"),
    ("CUS-00009", "i"),
    ("CUS-00010", "j"),
];

/// The checks that found something.
fn failed(record: &Value) -> Vec<&str> {
    let checks = record["checks"].as_array().expect("checks are a list");
    let failed = checks.iter().filter(|check| check["bad_rows"] != 0);
    failed.filter_map(|check| check["name"].as_str()).collect()
}

/// The entries of the transform log with this decision, as `subject: detail: records`.
fn decisions(project: &Project, decision: &str) -> Vec<String> {
    let log = project.json("step3_transform_log.json");
    let entries = log["decisions"].as_array().expect("decisions are a list");
    let entries = entries.iter().filter(|entry| entry["decision"] == decision);
    let told = entries.map(|entry| {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        format!(
            "{}: {}: {}",
            text("subject"),
            text("detail"),
            entry["records"]
        )
    });
    told.collect()
}

/// One customer matches by id, so the others are looked for by canonical id, and those who are left by their address.
#[test]
fn when_fewer_than_half_match_by_id_the_fallback_matches_the_others_and_each_row_says_how() {
    let events = [
        ("CUS-00001", "x"),
        ("cus 00002", "x"),
        ("cus_00003", "x"),
        ("Cus-00004", "x"),
        ("cus00005", "x"),
        ("cus 00006", "x"),
        ("cus 00007", "x"),
        ("visitor-8", "h"),
        // An address says nothing against an id.
        ("visitor-9", " I"),
    ];
    let project = week(&TEN, &events, as_it_is);
    project.succeed(["run", "-q"]);

    let rows = project.rows("step3_unified_customers.parquet");
    let matched = rows.iter().map(|row| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        (
            text("customer_id"),
            text("event_customer_id"),
            text("matched_by"),
        )
    });
    let matched: Vec<_> = matched.collect();
    let mut expected = vec![("CUS-00001", "CUS-00001", "customer_id")];
    let canonical = TEN.iter().zip(&events).skip(1).take(6);
    expected.extend(canonical.map(|((crm, _), (event, _))| (*crm, *event, "canonical_id")));
    expected.push(("CUS-00008", "visitor-8", "email_hash"));
    expected.push(("CUS-00009", "visitor-9", "email_hash"));
    let expected = expected.into_iter();
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(matched, expected.collect::<Vec<_>>());

    assert_eq!(
        decisions(&project, "matched"),
        [
            "canonical_id: customers: 6",
            "customer_id: customers: 1",
            "email_hash: customers: 2"
        ]
    );
    assert_eq!(decisions(&project, "id_shape").len(), 5);
    let shapes = decisions(&project, "id_shape").join("\n");
    for shape in [
        "crm: A-9, for example CUS-00001: 10",
        "events: A 9, for example cus 00002: 3",
    ] {
        assert!(shapes.contains(shape), "{shapes}");
    }
    let record = project.json("run.json");
    assert!(
        failed(&record).contains(&"matched_by_fallback"),
        "{:?}",
        failed(&record)
    );
}

/// Six of ten match by id: no fallback, and somebody should look at it.
#[test]
fn a_match_rate_below_80_percent_is_only_said_and_so_are_many_missing_values() {
    let project = week(&TEN, &TEN[..6], |number, record| {
        if number < 3 {
            record["lifetime_value"] = Value::Null;
        }
    });
    project.succeed(["run", "-q"]);
    let record = project.json("run.json");
    let failed = failed(&record);
    assert!(failed.contains(&"match_rate_below_80"), "{failed:?}");
    assert!(
        failed.contains(&"missing_values_above_20_percent"),
        "{failed:?}"
    );
    assert!(!failed.contains(&"matched_by_fallback"), "{failed:?}");
    assert_eq!(record["load"]["receipt"]["rows"], 6);

    // 40, 50, … 100 are known.
    let imputed = decisions(&project, "imputed");
    let median = "lifetime_value: median of the valid CRM customers: 3";
    assert!(imputed.iter().any(|entry| entry == median), "{imputed:?}");
    let rows = project.rows("step3_unified_customers.parquet");
    let imputed = rows
        .iter()
        .filter(|row| row["is_lifetime_value_imputed"] == true);
    assert!(imputed.clone().all(|row| row["lifetime_value"] == 70.0));
    assert_eq!(imputed.count(), 3);
}

#[test]
fn a_match_rate_below_50_percent_after_the_fallback_loads_nothing() {
    let events = [
        ("CUS-00001", "x"),
        ("cus 00002", "x"),
        ("visitor", "c"),
        ("another", "x"),
    ];
    let project = week(&TEN, &events, as_it_is);
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    let record = project.unfinished_json("run.json");
    let failed = failed(&record);
    assert!(failed.contains(&"match_rate_below_50"), "{failed:?}");
    assert!(
        outcome.stderr.contains("match_rate_below_50"),
        "{}",
        outcome.stderr
    );
    assert!(!project.path(".dfpipe/warehouse").exists());
}
