//! Records that are not what they should be: refused one by one with their place, or kept and counted.

use serde_json::{Value, json};

use super::{ends, landed, pipeline, refused, the_run};
use crate::support::{
    api::{Api, Paging, Setup, id, ids, people, person},
    project::Project,
};

/// Twelve people in pages of five, of whom some are spoilt.
fn spoilt(spoil: impl Fn(&mut Vec<Value>)) -> Api {
    let mut records = people(12);
    spoil(&mut records);
    Api::of(records, Setup::paged(Paging::PageNumber, 5))
}

fn without(record: &mut Value, field: &str) {
    record
        .as_object_mut()
        .expect("a record is an object")
        .remove(field);
}

#[test]
fn a_record_without_what_is_required_or_of_a_wrong_type_is_a_reject_with_reason_page_and_position()
{
    let api = spoilt(|records| {
        without(&mut records[2], "customer_id");
        without(&mut records[6], "updated_at");
        records[7]["updated_at"] = "last tuesday".into();
        records[8]["lifetime_value"] = "a lot".into();
        records[10]["support_tickets"] = json!([1, 2]);
        records[11] = json!("not even an object");
    });
    let project = pipeline(&api);
    project.run(["run", "-q"]);
    let run = the_run(&project);

    let kept: Vec<_> = [1, 2, 4, 5, 6, 10].map(person).to_vec();
    assert_eq!(ids(&landed(&run)), ids(&kept));
    let mut found: Vec<_> = refused(&run).iter().map(reject).collect();
    found.sort();
    let reject = |reason: &str, page, position, key: Option<usize>| {
        (page, position, reason.to_owned(), key.map(id))
    };
    let mut expected = vec![
        reject("missing_field", 1, 3, None),
        reject("missing_field", 2, 2, Some(7)),
        reject("wrong_type", 2, 3, Some(8)),
        reject("wrong_type", 2, 4, Some(9)),
        reject("wrong_type", 3, 1, Some(11)),
    ];
    if found.len() > expected.len() {
        expected.push(reject("wrong_type", 3, 2, None));
    }
    assert_eq!(found, expected);
}

fn reject(row: &Value) -> (i64, i64, String, Option<String>) {
    let number = |name: &str| row[name].as_i64().expect("it is a number");
    let text = |name: &str| row[name].as_str().map(str::to_owned);
    let reason = text("reason").expect("there is a reason");
    (
        number("part"),
        number("position"),
        reason,
        text("record_key"),
    )
}

/// The page and the position are those that the API would know them by, however they were read.
#[test]
fn the_place_of_a_reject_can_be_asked_for() {
    let api = spoilt(|records| records[8]["support_tickets"] = "many".into());
    let project = pipeline(&api);
    project.run(["run", "-q"]);
    let rejects = refused(&the_run(&project));
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0]["place"], "page 2, record 4");
    let detail = rejects[0]["detail"].as_str().expect("it is text");
    assert!(detail.contains("support_tickets"), "{detail}");
}

#[test]
fn another_field_that_is_missing_is_null_and_counted_by_name_in_the_report() {
    let api = spoilt(|records| {
        without(&mut records[2], "tier");
        // What is there and null is a value that is null, and no field that is missing.
        records[3]["tier"] = Value::Null;
        without(&mut records[5], "support_tickets");
    });
    let project = pipeline(&api);
    let outcome = project.succeed(["run"]);
    let rows = project.rows("everyone.parquet");
    assert_eq!(rows.len(), 12);
    assert_eq!(
        rows.iter().filter(|row| row.get("tier").is_none()).count(),
        2
    );
    let report = fs_err::read_to_string(project.last_run().join("report.md")).expect("it is there");
    for (field, missing) in [("tier", "1"), ("support_tickets", "1")] {
        let names_both = |text: &str| {
            let mut lines = text.lines().filter(|line| line.contains(field));
            lines.any(|line| line.contains(missing))
        };
        assert!(names_both(&report), "{field} is not counted\n{report}");
        assert!(
            names_both(&outcome.screen()),
            "{field} is not counted\n{}",
            outcome.screen()
        );
    }
}

#[test]
fn a_field_that_no_record_has_is_a_warning_by_name() {
    let api = spoilt(|records| {
        for record in records {
            without(record, "tier");
        }
    });
    let project = pipeline(&api);
    let outcome = project.succeed(["run"]);
    let screen = outcome.screen();
    let warns = screen
        .lines()
        .any(|line| line.contains("warning") && line.contains("`tier`"));
    assert!(warns, "{screen}");
}

/// The shipped pipeline over an API instead of files, as far as its rejects.
fn customers(records: Vec<Value>) -> Project {
    let api = Api::of(records, Setup::paged(Paging::Cursor, 100));
    let project = Project::customers();
    let files = "from: {kind: files, path: fixtures/crm/page-*.json, records: data}";
    project.edit("dfpipe.yml", files, &format!("from: {}", api.from()));
    let project = project
        .with_variable("CRM_API_URL", api.url())
        .with_variable("CRM_API_KEY", Api::KEY);
    let outcome = project.run(["run", "-q", "-s", "+rejects +crm_extract"]);
    ends(&outcome, 0, &[]);
    project
}

#[test]
fn of_the_same_customer_twice_the_newest_wins_and_the_other_is_a_reject_duplicate() {
    let mut records = people(150);
    let mut newer = person(7);
    newer["updated_at"] = "2026-11-14T12:00:00Z".into();
    newer["support_tickets"] = 77.into();
    let mut older = person(9);
    older["updated_at"] = "2026-11-08T00:00:30Z".into();
    older["support_tickets"] = 99.into();
    records.insert(3, newer);
    records.push(older);
    let project = customers(records);

    let rows = project.rows("step1_crm_extract.parquet");
    let tickets = |number: usize| {
        let all = rows
            .iter()
            .filter(|row| row["customer_id"] == json!(id(number)));
        all.map(|row| row["support_tickets"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!((tickets(7), tickets(9)), (vec![json!(77)], vec![json!(4)]));
    assert_eq!(rows.len(), 150);
    let rejects = project.rows("rejects.parquet");
    let duplicates = rejects.iter().filter(|row| row["reason"] == "duplicate");
    let of_people = duplicates.filter(|row| row["source"] == "crm_customers");
    let mut found: Vec<_> = of_people.map(|row| row["customer_id"].clone()).collect();
    found.sort_by_key(Value::to_string);
    assert_eq!(found, [json!(id(7)), json!(id(9))]);
}
