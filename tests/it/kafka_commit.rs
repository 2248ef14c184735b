//! The offsets of a group move when a load is there, and for nothing else.

use rdkafka::consumer::Consumer;

use crate::{
    kafka::PATIENCE,
    support::{
        artefacts,
        kafka::Kafka,
        orders_topic::{group, order, project},
    },
};

#[test]
fn what_was_read_is_committed_once_the_load_is_there_and_never_backwards() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "committed";
    kafka.create_topic(topic, 3);
    kafka.produce(topic, 0, &[order(1, 160), order(2, 10), order(4, 1)]);
    kafka.produce(topic, 1, &[order(3, 1000), order(5, 2)]);
    // Another reader of the group has been there.
    kafka.commit(&group(topic), topic, 0, 1);
    let project = project(kafka, topic, ", ends_by_time: true");
    let committed = || [0, 1, 2].map(|partition| kafka.committed(&group(topic), topic, partition));

    project.succeed(["run", "-q"]);
    assert_eq!(committed(), [Some(3), Some(2), None]);
    let ranges = &project.json("run.json")["sources"][0]["ranges"];
    assert_eq!(ranges[0]["first_at"], "2024-11-01T08:00:00Z");
    assert_eq!(ranges[0]["last_at"], "2024-11-07T23:00:00Z");

    // A run of an earlier date ends before.
    project.succeed(["run", "-q", "--as-of", "2024-11-05"]);
    assert_eq!(
        project.json("run.json")["sources"][0]["ranges"][0]["end"],
        1
    );
    assert_eq!(committed(), [Some(3), Some(2), None]);
}

#[test]
fn who_only_looks_commits_nothing() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "only-looked-at";
    kafka.create_topic(topic, 1);
    kafka.produce(topic, 0, &[order(1, 100), order(2, 10)]);
    let project = project(kafka, topic, "");
    project.succeed(["query", "select * from source.orders"]);
    project.succeed(["plan"]);
    project.succeed(["doctor"]);
    project.succeed(["run", "-q", "--dry-run"]);
    project.run(["run", "-q", "--until", "transform"]);
    assert_eq!(kafka.committed(&group(topic), topic, 0), None);
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(kafka.committed(&group(topic), topic, 0), Some(2));
}

#[test]
fn a_run_that_dies_between_load_and_commit_commits_when_it_goes_on() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "died-before-the-commit";
    kafka.create_topic(topic, 1);
    kafka.produce(topic, 0, &[order(1, 100), order(2, 10)]);
    let project = project(kafka, topic, "");
    let lines = lines_up_to_the_load(kafka);
    assert!(project.is_killed(["run", "-q"], lines), "it came so far");
    assert_eq!(kafka.committed(&group(topic), topic, 0), None);
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(kafka.committed(&group(topic), topic, 0), Some(2));
}

/// How many lines the journal of such a run has when the load is there.
fn lines_up_to_the_load(kafka: &Kafka) -> usize {
    let topic = "never-died";
    kafka.create_topic(topic, 1);
    kafka.produce(topic, 0, &[order(1, 100), order(2, 10)]);
    let project = project(kafka, topic, "");
    project.succeed(["run", "-q"]);
    let journal = fs_err::read_to_string(project.last_run().join("journal.ndjson"));
    let journal = journal.expect("a run has a journal");
    let mut lines = journal.lines();
    let line = lines.position(|line| line.contains("\"entry\":\"loaded\""));
    line.expect("the load is in the journal") + 1
}

#[test]
fn a_commit_that_is_refused_is_a_warning_of_a_load_that_is_there() {
    let Some(kafka) = Kafka::get() else { return };
    let topic = "commit-refused";
    kafka.create_topic(topic, 1);
    kafka.produce(topic, 0, &[order(1, 100), order(2, 10)]);
    // Somebody else subscribes as the same group: then only its members may commit.
    let member = kafka.member(&group(topic));
    member
        .subscribe(&[topic])
        .expect("a topic can be subscribed to");
    let deadline = std::time::Instant::now() + PATIENCE;
    while member
        .assignment()
        .is_ok_and(|assigned| assigned.count() == 0)
    {
        assert!(std::time::Instant::now() < deadline, "nothing is assigned");
        member.poll(std::time::Duration::from_millis(50));
    }
    let project = project(kafka, topic, "");

    let outcome = project.succeed(["run"]);

    let warning = "the offsets of group `readers-of-commit-refused` on topic `commit-refused` are not committed: \
                   group `readers-of-commit-refused` has members that subscribe to topics";
    assert!(outcome.stderr.contains(warning), "{}", outcome.screen());
    for file in ["step4_load_receipt.json", "report.md", "run.json"] {
        let text = fs_err::read_to_string(project.last_run().join(file));
        assert!(text.expect("a run writes it").contains(warning), "{file}");
    }
    assert_eq!(
        artefacts::rows(&project.last_run().join("models/totals.parquet")).len(),
        2
    );
}
