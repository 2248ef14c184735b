//! The pipeline of orders, read from a topic.

use dfpipe::clock::parse_time;

use super::{
    kafka::{Kafka, Message},
    project::Project,
};

/// An order that came in so many hours before the run's date. The date is in the past for any clock.
pub(crate) fn order(number: i64, hours_before: i64) -> Message {
    let customer =
        ["ada", "bob", "eve"][usize::try_from(number % 3).expect("a number of an order")];
    let text =
        format!("{{\"order_id\": {number}, \"customer\": \"{customer}\", \"amount\": {number}}}");
    let as_of = parse_time(DATE).expect("it is a date").timestamp_millis();
    (None, text.into_bytes(), as_of - hours_before * 3_600_000)
}

/// The run's date.
pub(crate) const DATE: &str = "2024-11-08";

/// The pipeline of orders on a topic, whose `from` says `more` beside its place.
pub(crate) fn project(kafka: &Kafka, topic: &str, more: &str) -> Project {
    let project = Project::orders();
    let from = format!(
        "from: {{kind: kafka, brokers: \"{}\", topic: {topic}, group: readers-of-{topic}{more}}}",
        kafka.bootstrap()
    );
    project.edit("dfpipe.yml", "from: {kind: files, path: data/*.csv}", &from);
    project.edit("dfpipe.yml", "as_of: 2026-11-15", &format!("as_of: {DATE}"));
    project
}

/// The group of that project.
pub(crate) fn group(topic: &str) -> String {
    format!("readers-of-{topic}")
}
