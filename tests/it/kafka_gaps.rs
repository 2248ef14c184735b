//! What is missing of a window is told, by whom it was taken, and stops a run where it is to.

use chrono::Duration;
use dfpipe::clock::Clock;

use crate::{
    kafka::{PATIENCE, Reading, delete_before, event, in_window, transaction, transactional},
    support::{
        kafka::Kafka,
        orders_topic::{order, project},
    },
};
use rdkafka::producer::Producer;

/// Every place where a person learns of a run.
#[test]
fn a_window_that_retention_cut_is_told_everywhere_and_fails_only_if_it_is_to() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "cut-by-retention";
    kafka.create_topic(topic, 1);
    kafka.produce(topic, 0, &[order(1, 160), order(2, 100), order(3, 1)]);
    tokio::runtime::Runtime::new()
        .expect("a runtime can be made")
        .block_on(delete_before(kafka.bootstrap(), topic, 1));
    let words = "retention has removed what stood before offset 1 of partition 0 of `cut-by-retention`: messages of \
                 2024-11-01 00:00 to 2024-11-03 20:00 UTC may be missing";

    let warned = project(kafka, topic, "");
    let outcome = warned.succeed(["run"]);
    assert!(outcome.stderr.contains(words), "{}", outcome.screen());
    for file in [
        "step4_load_receipt.json",
        "report.md",
        "report.html",
        "run.json",
    ] {
        let text = fs_err::read_to_string(warned.last_run().join(file));
        let text = text.expect("a run writes it").replace("&#96;", "`");
        assert!(
            text.contains("retention has removed what stood before offset 1"),
            "{file}"
        );
    }
    assert!(warned.succeed(["plan"]).stdout.contains(words));

    let failing = project(kafka, topic, ", on_gap: fail");
    let outcome = failing.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.screen());
    assert!(outcome.stderr.contains(words), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("--allow-partial"),
        "{}",
        outcome.screen()
    );
    failing.succeed(["run", "-q", "--resume", "--allow-partial"]);
    let record = failing.json("run.json");
    assert!(record["sources"][0]["partial"].is_object());
    assert_eq!(record["sources"][0]["records"], 2);
}

#[test]
fn a_window_that_an_open_transaction_cuts_is_told_and_whole_once_it_ends() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "cut-by-a-transaction";
    kafka.create_topic(topic, 1);
    kafka.produce(
        topic,
        0,
        &[event("a", in_window(0)), event("b", in_window(150))],
    );
    let producer = transactional(kafka.bootstrap(), topic);
    transaction(&producer, topic, 0, "c");
    let notes = || {
        Reading::of(kafka.bootstrap(), topic)
            .survey()
            .expect("it answers")
            .notes
    };
    assert_eq!(
        notes(),
        [
            "an open transaction hides offsets 2 to 3 of partition 0 of `cut-by-a-transaction`, the first of \
             2024-11-01 01:00 UTC: messages of the window are missing"
        ]
    );
    producer.commit_transaction(PATIENCE).expect("it ends");
    assert_eq!(notes(), Vec::<String>::new());
}

#[test]
fn too_many_messages_leave_three_days_and_the_receipt_says_so() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "too-many";
    kafka.create_topic(topic, 1);
    let days = (0..7).rev().map(|day| order(7 - day, day * 24 + 12));
    kafka.produce(topic, 0, &days.collect::<Vec<_>>());
    let project = project(kafka, topic, ", max_messages: 6");
    let outcome = project.succeed(["run"]);
    let words = "topic `too-many` holds 7 messages for the window, more than `max_messages`, which is 6: only its last \
                 3 days are read, 3 messages; 2024-11-01 00:00 to 2024-11-05 00:00 UTC is left out";
    assert!(outcome.stderr.contains(words), "{}", outcome.screen());
    let run = project.last_run();
    for file in ["step4_load_receipt.json", "run.json", "report.md"] {
        let text = fs_err::read_to_string(run.join(file)).expect("a run writes it");
        assert!(text.contains(words), "{file}");
    }
    assert_eq!(project.json("run.json")["sources"][0]["records"], 3);
}

#[test]
fn a_topic_without_messages_in_the_window_says_why() {
    let Some(kafka) = Kafka::get() else { return };
    let notes = |topic: &str| {
        let survey = Reading::of(kafka.bootstrap(), topic).survey();
        survey.expect("the topic can be asked").notes
    };
    kafka.create_topic("nothing-ever-1", 2);
    kafka.create_topic("nothing-ever-2", 2);
    let [note] = &notes("nothing-ever-1")[..] else {
        panic!("one note")
    };
    let empty = "topic `nothing-ever-1` is empty: nothing was ever written to its 2 partitions; did you mean \
                 `nothing-ever-2`?";
    assert_eq!(note, empty);
    kafka.create_topic("nothing-but-old", 2);
    kafka.produce(
        "nothing-but-old",
        1,
        &[event("a", in_window(-50)), event("b", in_window(-48))],
    );
    assert_eq!(
        notes("nothing-but-old"),
        [
            "topic `nothing-but-old` holds nothing for the window, which is read from 2024-10-31 23:00 UTC on: its \
             messages are of 2024-10-29 22:00 to 2024-10-30 00:00 UTC"
        ]
    );
}

/// Retention itself is waited for.
#[test]
fn a_topic_that_keeps_less_than_the_window_says_both_spans() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "kept-too-short";
    kafka.create_topic_with(topic, 1, &[("retention.ms", "7200000")]);
    kafka.produce(
        topic,
        0,
        &[event("a", in_window(1)), event("b", in_window(2))],
    );
    kafka.wait_for("retention removes what is old", || {
        kafka.begin(topic, 0) == 2
    });
    let notes = Reading::of(kafka.bootstrap(), topic)
        .survey()
        .expect("it answers")
        .notes;
    assert_eq!(
        notes,
        [
            "topic `kept-too-short` is empty by now: all 2 offsets that it ever held were removed; it keeps messages \
             for 2 hours, and the window is 7 days long"
        ]
    );
}

#[test]
fn messages_that_do_not_span_the_window_are_told_with_the_first_and_the_last_of_each_partition() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "half-a-window";
    kafka.create_topic(topic, 2);
    kafka.produce(topic, 0, &[order(1, 80), order(2, 10)]);
    kafka.produce(topic, 1, &[order(3, 60)]);
    let project = project(kafka, topic, "");
    project.succeed(["run", "-q"]);
    let warnings = &project.json("run.json")["sources"][0]["warnings"];
    let expected = "`orders`: the messages do not span the window of 2024-11-01 00:00 to 2024-11-08 00:00 UTC: \
                    partition 0 has those of 2024-11-04 16:00 to 2024-11-07 14:00 UTC, partition 1 has those of \
                    2024-11-05 12:00 to 2024-11-05 12:00 UTC";
    assert_eq!(warnings[0], expected);
}

/// The broker's times are of now, and in order: a window of the past ends before the last message.
#[test]
fn a_topic_that_its_brokers_stamp_ends_by_time() {
    let Some(kafka) = Kafka::get() else { return };
    let clock = Clock::system();
    for (topic, settings, expected) in [
        (
            "stamped-by-brokers",
            &[("message.timestamp.type", "LogAppendTime")][..],
            1,
        ),
        ("stamped-by-producers", &[], 2),
    ] {
        kafka.create_topic_with(topic, 1, settings);
        let now = clock.now().timestamp_millis();
        kafka.produce(topic, 0, &[event("a", now)]);
        // The same machine's clock: once it has moved on, what follows is later.
        let between = clock.now() + Duration::milliseconds(2);
        kafka.wait_for("the clock moves on", || clock.now() > between);
        kafka.produce(topic, 0, &[event("b", clock.now().timestamp_millis())]);
        let mut reading = Reading::of(kafka.bootstrap(), topic).made_for(between);
        reading.kafka.max_lateness = Duration::zero();
        assert_eq!(reading.rows().len(), expected, "{topic}");
        reading.kafka.ends_by_time = Some(expected == 2);
        let mut other = Reading::of(kafka.bootstrap(), topic).made_for(between);
        other.kafka = reading.kafka;
        assert_eq!(other.rows().len(), 3 - expected, "{topic} the other way");
    }
}
