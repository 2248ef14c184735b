//! Made-up people, as many as a test wants: each has another id, address and time of change.

use serde_json::{Value, json};

/// So many people, in the order of their numbers and of their times.
pub(crate) fn people(count: usize) -> Vec<Value> {
    (1..=count).map(person).collect()
}

/// The person with this number, from 1.
pub(crate) fn person(number: usize) -> Value {
    // A minute apart, from the first day of the window on.
    let (day, minute) = (8 + number / 1440, number % 1440);
    let tiers = ["free", "basic", "premium"];
    json!({
        "customer_id": id(number),
        "email": format!("person.{number}@example.com"),
        "tier": tiers[number % tiers.len()],
        "lifetime_value": format!("{}.50", number * 3),
        "support_tickets": number % 5,
        "updated_at": format!("2026-11-{day:02}T{:02}:{:02}:00Z", minute / 60, minute % 60),
    })
}

/// The id of the person with this number.
pub(crate) fn id(number: usize) -> String {
    format!("CUS-{number:05}")
}

/// The ids of these records, sorted.
pub(crate) fn ids(records: &[Value]) -> Vec<String> {
    let ids = records.iter().map(|record| &record["customer_id"]);
    let mut ids: Vec<_> = ids
        .map(|id| id.as_str().expect("an id is text").to_owned())
        .collect();
    ids.sort();
    ids
}
