//! The models of a run on a cluster of real processes: the same bytes, whatever dies.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{cluster::Cluster, project::Project, s3::S3, shared};

/// The customer pipeline whose models a cluster builds; its machines have the folder of runs.
fn on_cluster(scheduler: &str, store: Option<&str>) -> Project {
    let project = Project::customers();
    let store = store.map_or(String::new(), |store| format!(", store: \"{store}\""));
    let yaml = format!(
        "\nengine: {{partitions: 2, ballista: {{scheduler: \"df://{scheduler}\"{store}}}}}\n"
    );
    let config = project.read("dfpipe.yml") + &yaml;
    project.write("dfpipe.yml", config);
    project
}

/// Name and hash of each model, in the order of building.
fn models(project: &Project) -> Vec<(Value, Value)> {
    let models = project.json("run.json")["models"].clone();
    let models = models.as_array().expect("a list").iter();
    models
        .filter(|model| model["file"]["bytes"] != 0)
        .map(|model| (model["name"].clone(), model["file"]["sha256"].clone()))
        .collect()
}

#[test]
fn one_two_and_three_executors_give_every_model_the_bytes_of_one_machine() {
    let roles = Project::customers();
    let expected = models(&shared::first_run().project);
    for executors in 1..=3 {
        let cluster = Cluster::start(&roles, executors);
        let project = on_cluster(&cluster.address, None);
        project.succeed(["run", "-q"]);
        assert_eq!(models(&project), expected, "{executors} executors");
        let engine = project.json("run.json")["engine"].clone();
        assert_eq!(engine["cluster"]["executors"], executors);
    }
}

#[test]
fn tables_that_go_through_a_store_give_the_same_bytes_and_are_taken_back() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("cluster-store");
    let roles = s3.serve(Project::customers());
    let cluster = Cluster::start(&roles, 2);
    let project = s3.serve(on_cluster(
        &cluster.address,
        Some("s3://cluster-store/runs"),
    ));
    project.succeed(["run", "-q"]);
    assert_eq!(models(&project), models(&shared::first_run().project));
    assert_eq!(bucket.keys(), Vec::<String>::new());
}

#[test]
fn a_scheduler_that_is_not_there_stops_a_run_before_it_begins() {
    let project = on_cluster("127.0.0.1:1", None);
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"");
    assert!(project.unfinished().is_empty());
}

#[test]
fn a_scheduler_without_executors_stops_a_run_before_it_begins() {
    let cluster = Cluster::start(&Project::customers(), 0);
    let project = on_cluster(&cluster.address, None);
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("has no executors"),
        "{}",
        outcome.screen()
    );
}

#[test]
fn a_driver_with_another_key_is_refused_with_both_named() {
    let cluster = Cluster::start(&Project::customers(), 1);
    let project = on_cluster(&cluster.address, None);
    project.edit(
        "dfpipe.yml",
        "email_hash_key: dfpipe-fixtures-key",
        "email_hash_key: another-key",
    );
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("are not the same program"),
        "{}",
        outcome.screen()
    );
}
