//! The models of a run on a cluster of real processes: the same bytes, whatever dies.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{
    cluster::{Cluster, send},
    project::Project,
    s3::S3,
    shared,
};

/// The customer pipeline whose models a cluster builds; its machines have the folder of runs.
fn on_cluster(scheduler: &str, store: Option<&str>) -> Project {
    let project = Project::customers();
    let config = project.read("dfpipe.yml") + &engine(scheduler, store);
    project.write("dfpipe.yml", config);
    project
}

fn engine(scheduler: &str, store: Option<&str>) -> String {
    let store = store.map_or(String::new(), |store| format!(", store: \"{store}\""));
    format!("\nengine: {{partitions: 2, ballista: {{scheduler: \"df://{scheduler}\"{store}}}}}\n")
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
        let models = project.json("run.json")["models"].clone();
        let mut models = models.as_array().expect("a list").iter();
        let scored = models.find(|model| model["name"] == "engagement_score");
        let job = &scored.expect("it was built")["job"];
        assert_eq!(job["tasks_done"], job["tasks"]);
        assert!(job["stages"].as_u64() > Some(0), "{job}");
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
    let examined = project.succeed(["doctor"]);
    assert!(
        examined.stdout.contains("has 2 executors"),
        "{}",
        examined.screen()
    );
    project.succeed(["check"]);
    project.succeed(["run", "-q"]);
    assert_eq!(models(&project), models(&shared::first_run().project));
    assert_eq!(bucket.keys(), Vec::<String>::new());
    let report = project.succeed(["runs", "show", "last"]);
    assert!(
        report.stdout.contains("2 executors of df://"),
        "{}",
        report.screen()
    );
}

/// Starts a run, does something the moment that it begins to build a model, and waits for its end.
fn run_and_when_building(
    project: &Project,
    model: &str,
    act: impl FnOnce(u32),
) -> (Option<i32>, Vec<Value>) {
    let mut run = project
        .command(["run", "--log-format", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a run can be started");
    let mut act = Some(act);
    let mut events = vec![];
    for line in BufReader::new(run.stderr.take().expect("it is piped")).lines() {
        let line = line.expect("a line can be read");
        let event: Value = serde_json::from_str(&line).expect("a line is an object");
        if event["event"] == "building" && event["model"] == model {
            act.take().expect("a model is built once")(run.id());
        }
        events.push(event);
    }
    (run.wait().expect("it ends").code(), events)
}

#[test]
fn an_executor_that_is_killed_in_the_middle_of_a_model_costs_time_and_nothing_else() {
    let Some(s3) = S3::get() else { return };
    s3.bucket("cluster-killed");
    let roles = s3.serve(Project::customers());
    let mut cluster = Cluster::start(&roles, 2);
    let project = s3.serve(on_cluster(
        &cluster.address,
        Some("s3://cluster-killed/runs"),
    ));
    let (code, events) = run_and_when_building(&project, "event_counts", |_| {
        cluster.kill_an_executor_at_its_work();
    });
    assert_eq!(code, Some(0), "{events:#?}");
    assert_eq!(models(&project), models(&shared::first_run().project));
}

#[test]
fn a_scheduler_that_is_lost_stops_the_run_which_goes_on_with_another() {
    let roles = Project::customers();
    let mut cluster = Cluster::start(&roles, 1);
    let project = on_cluster(&cluster.address, None);
    let address = cluster.address.clone();
    let (code, events) =
        run_and_when_building(&project, "event_counts", |_| cluster.kill_scheduler());
    assert_eq!(code, Some(3), "{events:#?}");
    let said = events.last().expect("an error");
    let message = said["message"].as_str().expect("a message");
    assert_eq!(
        message,
        format!("the scheduler `df://{address}` does not answer")
    );

    let another = Cluster::start(&roles, 1);
    project.edit("dfpipe.yml", &address, &another.address);
    let resumed = project.succeed(["run", "--resume"]);
    assert!(resumed.stderr.contains("(kept)"), "{}", resumed.screen());
    assert_eq!(models(&project), models(&shared::first_run().project));
    let built: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "built")
        .collect();
    assert!(!built.is_empty());
    let kept = resumed.stderr.matches("(kept)").count();
    assert!(kept >= built.len(), "{}", resumed.screen());
}

#[test]
fn a_run_that_is_interrupted_leaves_no_query_behind() {
    let roles = Project::customers();
    let cluster = Cluster::start(&roles, 1);
    let project = on_cluster(&cluster.address, None);
    let (code, events) = run_and_when_building(&project, "crm_records", |run| {
        // It is sure to go on while nobody does anything about it.
        cluster.signal("-STOP");
        cluster.wait_until(|hello| hello.jobs == 1);
        send("-TERM", run);
    });
    assert_eq!(code, Some(130), "{events:#?}");
    cluster.wait_until(|hello| hello.jobs == 0);
    cluster.signal("-CONT");
}

#[test]
fn a_store_that_no_executor_may_read_is_named() {
    let Some(s3) = S3::get() else { return };
    let Some(strangers) = S3::that_knows_nobody() else {
        return;
    };
    s3.bucket("cluster-strangers");
    let roles = strangers.serve(Project::customers());
    let cluster = Cluster::start(&roles, 1);
    let project = s3.serve(on_cluster(
        &cluster.address,
        Some("s3://cluster-strangers/runs"),
    ));
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    for said in [
        "error: the cluster cannot read a table",
        "403 Forbidden",
        "hint: every machine of it has to reach `engine.ballista.store`",
    ] {
        assert!(outcome.stderr.contains(said), "{}", outcome.screen());
    }
}

#[test]
fn data_that_a_model_cannot_take_is_told_as_on_one_machine() {
    let project = Project::customers();
    let cluster = Cluster::start(&project, 1);
    let header = "/* dfpipe\nversion: 1\ndescription: Odd.\nkey: [number]\n*/";
    let query = "select cast(customer_id as bigint) as number from crm_extract";
    let odd = |project: Project| {
        project.write("sql/odd.sql", format!("{header}\n{query}\n"));
        project.run(["run", "-q", "--select", "+odd"]).stderr
    };
    let here = odd(Project::customers());
    assert!(
        here.contains("Cannot cast") || here.contains("cannot cast"),
        "{here}"
    );
    assert_eq!(odd(on_cluster(&cluster.address, None)), here);
}

#[test]
fn the_shell_asks_the_cluster_and_takes_back_what_it_lent() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("cluster-shell");
    let roles = s3.serve(Project::customers());
    let cluster = Cluster::start(&roles, 1);
    let project = s3.serve(Project::customers());
    project.succeed(["run", "-q"]);
    let store = Some("s3://cluster-shell/lent");
    let config = project.read("dfpipe.yml") + &engine(&cluster.address, store);
    project.write("dfpipe.yml", config);
    let script = "\\engine\n\\engine ballista\nselect category, count(*) as customers from unified_customers group by 1 order by 1;\n\\engine local\nselect category, count(*) as customers from unified_customers group by 1 order by 1;\n\\engine far\n";
    let outcome = project.pipe(["shell"], script);
    assert_snapshot!(outcome.screen(), @r"
    exit code: 2
    ----- stdout -----
    +----------+-----------+
    | category | customers |
    +----------+-----------+
    | active   |       301 |
    | at_risk  |       139 |
    | churned  |        57 |
    +----------+-----------+
    +----------+-----------+
    | category | customers |
    +----------+-----------+
    | active   |       301 |
    | at_risk  |       139 |
    | churned  |        57 |
    +----------+-----------+
    ----- stderr -----
    questions are answered here
    questions about the run are answered by 1 executor of df://[address]
    questions are answered here
    error: there is no engine `far`

    hint: the engines are: local, ballista
    error: the script had errors
    ");
    assert_eq!(bucket.keys(), Vec::<String>::new());
}

#[test]
fn a_scheduler_that_is_not_there_stops_a_run_before_it_begins() {
    let project = on_cluster("127.0.0.1:1", None);
    assert_snapshot!(project.run(["run", "-q"]).screen(), @r"
    exit code: 3
    ----- stderr -----
    error: the scheduler `df://127.0.0.1:1` does not answer
    cause: error sending request: client error (Connect): tcp connect error: Connection refused

    hint: is `dfpipe cluster scheduler` running there, and may this machine reach it?
    ");
    assert!(project.unfinished().is_empty());
    let plan = project.run(["plan", "-o", "json"]);
    assert_eq!(plan.code, Some(0), "{}", plan.screen());
    let plan: Value = serde_json::from_str(&plan.stdout).expect("a plan is JSON");
    assert_eq!(plan["obstacles"][0]["obstacle"], "cluster", "{plan}");
    assert_eq!(plan["obstacles"][0]["exit_code"], 3);
    let examined = project.run(["doctor"]);
    assert_eq!(examined.code, Some(3), "{}", examined.screen());
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

#[test]
fn an_executor_with_another_key_is_refused_with_both_named() {
    let cluster = Cluster::start(&Project::customers(), 0);
    let project = Project::customers();
    project.edit(
        "dfpipe.yml",
        "email_hash_key: dfpipe-fixtures-key",
        "email_hash_key: another-key",
    );
    let scheduler = format!("df://{}", cluster.address);
    let outcome = project.run(["cluster", "executor", "--scheduler", &scheduler]);
    assert_snapshot!(outcome.screen(), @r"
    exit code: 2
    ----- stderr -----
    error: this executor and the scheduler `df://[address]` are not the same program
    cause: this executor has a key for e-mail addresses that is checked as `43befa25`, the scheduler a key for e-mail addresses that is checked as `82e19067`

    hint: start the scheduler, the executors and the driver from one image of dfpipe, with one key for e-mail addresses
    ");
}
