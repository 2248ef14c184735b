//! Files that are too large for an upload: put into a bucket, loaded from there in one job, taken away again.

use std::{
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use axum::http::Method;
use serde_json::{Value, json};

use super::{
    failures::passing,
    loads::{MANY, orders_of},
    secrets::federated,
};
use crate::support::{
    bigquery::{
        BigQuery, Call, Fault, Refusal, Seen, What, When,
        loading::{Loading, TABLE, into},
    },
    chaos::asked,
    project::Project,
};

/// A project whose file is larger than the limit beyond which files are staged.
fn staging() -> Loading {
    staged_by(Loading::new())
}

fn staged_by(Loading { project, service }: Loading) -> Loading {
    let project = through_bucket(project, &service);
    Loading { project, service }
}

/// The same project with many orders, which go into the service's own buckets first.
fn through_bucket(project: Project, service: &BigQuery) -> Project {
    let said = "  on_repeat: refuse\n";
    let more = format!("{said}  staging: gs://bucket/deep\n  upload_limit_mb: 1\n");
    project.edit("dfpipe.yml", said, &more);
    orders_of(&project, MANY);
    project
        .with_variable("GOOGLE_BASE_URL", format!("{}/storage", service.url()))
        .with_variable("GOOGLE_ALLOW_HTTP", "true")
}

#[track_caller]
fn holds_all_once(loading: &Loading, customers: usize) {
    let found = loading.query(&format!(
        "select count(*) as n, count(distinct customer) as c, count(distinct run_id) as r from {TABLE}"
    ));
    let all = json!(customers.to_string());
    let found = (&found[0]["n"], &found[0]["c"], &found[0]["r"]);
    assert_eq!(found, (&all, &all, &json!("1")));
}

/// How often something was put into the bucket.
fn puts(loading: &Loading) -> usize {
    let is_put = |seen: &&Seen| seen.call == Call::Bucket && seen.method == Method::PUT;
    loading.service.requests().iter().filter(is_put).count()
}

/// Waits for what a process beside the test does.
#[track_caller]
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(2), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Begins a run that really waits where it would wait.
fn begin(project: &Project) -> Child {
    let mut run = project.command(["run", "-q"]);
    let run = run
        .env_remove("DFPIPE_HASTE")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    run.spawn().expect("dfpipe can be started")
}

#[test]
fn a_file_beyond_the_limit_goes_through_a_bucket_and_does_not_stay_there() {
    let loading = staging();
    loading.run_ends_with(0);
    holds_all_once(&loading, MANY);
    assert_eq!(loading.service.calls(Call::BeginUpload), 0);
    assert_eq!(
        (puts(&loading), loading.service.calls(Call::InsertJob)),
        (1, 1)
    );
    let receipt = loading.receipt();
    let name = format!(
        "gs://bucket/deep/dfpipe-{}.parquet",
        receipt["sha256"].as_str().expect("a hash")
    );
    let jobs = loading.service.load_jobs();
    assert_eq!(
        jobs[0]["configuration"]["load"]["sourceUris"],
        json!([name])
    );
    assert_eq!(jobs[0]["jobReference"]["location"], "US");
    assert!(loading.service.objects().is_empty());
    assert_eq!(receipt["warnings"], json!([]), "{receipt}");
    assert_eq!(receipt["verification"]["is_equal"], true, "{receipt}");
}

#[test]
fn a_file_below_the_limit_is_uploaded() {
    let loading = staging();
    let few = "order_id,customer,amount\n1,ada,12.50\n2,bob,7.00\n3,ada,0.50\n";
    loading.project.write("data/orders.csv", few);
    loading.run_ends_with(0);
    loading.holds_each_row_once();
    assert_eq!(loading.service.calls(Call::Bucket), 0);
}

#[test]
fn a_large_file_goes_into_the_bucket_in_parts_and_its_progress_is_told() {
    const CUSTOMERS: usize = 500_000;
    let loading = staging();
    orders_of(&loading.project, CUSTOMERS);
    let outcome = loading
        .project
        .succeed(["-v", "run", "--log-format", "json"]);
    holds_all_once(&loading, CUSTOMERS);
    assert!(puts(&loading) > 1, "a part is smaller than the file");
    let stages = outcome.stderr.lines().filter_map(|line| {
        let event: Value = serde_json::from_str(line).expect("each line is an object");
        (event["stage"] == "uploading").then(|| (event["bytes"].clone(), event["expected"].clone()))
    });
    let stages: Vec<_> = stages.collect();
    assert!(stages.len() > 1, "{}", outcome.stderr);
    let bytes = loading.receipt()["bytes"].clone();
    assert_eq!(stages.last(), Some(&(bytes.clone(), bytes)));
    assert!(loading.service.objects().is_empty());
}

/// The job was never heard of, the file is in its bucket.
#[test]
fn a_run_that_is_killed_between_the_bucket_and_the_job_sends_its_file_once() {
    let loading = staging();
    let busy = What::Page(503);
    loading
        .service
        .fail([Fault::on(Call::InsertJob, When::Before, busy).times(usize::MAX)]);
    let mut run = begin(&loading.project);
    wait_for("the job is submitted", || {
        loading.service.calls(Call::InsertJob) > 0
    });
    run.kill().expect("it can be killed");
    run.wait().expect("it ends");
    assert_eq!(loading.service.objects().len(), 1);
    assert!(loading.service.load_jobs().is_empty());

    loading.service.recover();
    loading.resume();
    holds_all_once(&loading, MANY);
    assert_eq!((puts(&loading), loading.attempts()), (1, vec!["a0".into()]));
    assert!(loading.service.objects().is_empty());
}

#[test]
fn a_run_that_is_killed_behind_its_job_finds_it_and_clears_the_bucket() {
    let loading = staging();
    loading.service.hold_jobs(true);
    let mut run = begin(&loading.project);
    wait_for("there is a job", || !loading.service.load_jobs().is_empty());
    run.kill().expect("it can be killed");
    run.wait().expect("it ends");
    loading.service.hold_jobs(false);
    loading.resume();
    holds_all_once(&loading, MANY);
    assert_eq!((puts(&loading), loading.attempts()), (1, vec!["a0".into()]));
    assert_eq!(loading.receipt()["adopted"], true);
    assert!(loading.service.objects().is_empty());
}

#[test]
fn whatever_passes_on_the_way_through_a_bucket_loads_nothing_twice() {
    let of_stores = [What::Page(503), What::Page(429), What::Resets];
    let of_jobs = passing();
    let all = of_stores
        .iter()
        .flat_map(|what| [(Call::Bucket, 0, what), (Call::Bucket, 1, what)])
        .chain(of_jobs.iter().map(|what| (Call::InsertJob, 0, what)));
    // Every second one in its turn; all of them, where that is asked for.
    let whens = [When::Before, When::After];
    for (number, (call, skipped, what)) in all.enumerate() {
        let is_due = |at: usize| asked().is_some() || at == number % 2;
        for (_, when) in (0..).zip(whens).filter(|(at, _)| is_due(*at)) {
            let loading = staging();
            let met = format!("{what:?} {when:?} {call:?} {skipped}");
            loading
                .service
                .fail([Fault::on(call, when, what.clone()).skipping(skipped)]);
            let outcome = loading.run();
            assert_eq!(outcome.code, Some(0), "{met}\n{}", outcome.screen());
            holds_all_once(&loading, MANY);
            assert_eq!(loading.attempts(), ["a0"], "{met}");
            assert!(loading.service.objects().is_empty(), "{met}");
        }
    }
}

#[test]
fn a_bucket_that_cannot_be_written_is_told_with_what_to_do() {
    for (status, words) in [
        (
            403,
            [
                "`storage.objects.create` on `gs://bucket`",
                "gcloud storage buckets add-iam-policy-binding gs://bucket",
                "roles/storage.objectUser",
            ],
        ),
        (404, ["`gs://bucket/deep`", "destination.staging", "bucket"]),
        (401, ["`gs://bucket/deep`", "destination.auth", "key"]),
    ] {
        let loading = staging();
        loading
            .service
            .fail([Fault::on(Call::Bucket, When::Before, What::Page(status)).times(usize::MAX)]);
        let outcome = loading.run_ends_with(3);
        for word in words {
            assert!(outcome.stderr.contains(word), "{word}\n{}", outcome.stderr);
        }
        assert_eq!(loading.service.calls(Call::InsertJob), 0);
        loading.service.recover();
        loading.resume();
        holds_all_once(&loading, MANY);
    }
}

#[test]
fn a_load_that_failed_leaves_no_file_in_the_bucket_and_is_gone_on_with() {
    let loading = staging();
    let denied = "BigQuery BigQuery: Permission denied while globbing file pattern. The account does not have \
                  storage.objects.get access to the Google Cloud Storage object gs://bucket/deep.";
    loading
        .service
        .judge([Some(Refusal::access_denied(denied))]);
    let outcome = loading.run_ends_with(3);
    for word in [
        "`storage.objects.get` on `gs://bucket`",
        "gcloud storage buckets add-iam-policy-binding gs://bucket",
    ] {
        assert!(outcome.stderr.contains(word), "{word}\n{}", outcome.stderr);
    }
    assert!(loading.service.objects().is_empty());
    loading.resume();
    holds_all_once(&loading, MANY);
    assert_eq!(loading.attempts(), ["a0", "a1"]);
    assert!(loading.service.objects().is_empty());
}

#[test]
fn a_load_whose_end_is_unknown_leaves_its_file_to_the_job() {
    let loading = staging().saying("timeout_minutes: 1");
    loading.service.hold_jobs(true);
    loading.run_ends_with(5);
    assert_eq!(loading.service.objects().len(), 1);
    loading.service.hold_jobs(false);
    loading.resume();
    holds_all_once(&loading, MANY);
    assert!(loading.service.objects().is_empty());
}

/// Both have found the date free. The one that comes too late has put its file into the same folder by the time
/// that the other's job reads.
#[test]
fn two_runs_of_a_date_never_read_each_others_files() {
    let first = staging();
    let busy = What::Page(503);
    first
        .service
        .fail([Fault::on(Call::InsertJob, When::Before, busy).times(usize::MAX)]);
    let second = through_bucket(into(&first.service.url()), &first.service);
    let mut runs = [&first.project, &second].map(begin);
    wait_for("both have put their files there", || {
        first.service.objects().len() == 2
    });
    first.service.hold_jobs(true);
    first.service.recover();
    wait_for("the one that came too late gives up", || {
        let mut ended = runs.iter_mut().map(Child::try_wait);
        ended.any(|ended| ended.expect("it can be asked").is_some())
    });
    first.service.hold_jobs(false);
    let mut codes = runs.map(|mut run| run.wait().expect("it ends").code());
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(3)]);
    holds_all_once(&first, MANY);
    let loaded = first.query(&format!("select distinct run_id from {TABLE}"));
    let run_id = loaded[0]["run_id"].as_str().expect("a run").to_lowercase();
    let jobs = first.service.load_jobs();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0]["configuration"]["labels"]["dfpipe_run"], run_id);
}

#[test]
fn who_loads_is_also_who_stages() {
    let loading = staged_by(federated());
    loading.run_ends_with(0);
    holds_all_once(&loading, MANY);
    assert!(loading.service.calls(Call::Bucket) > 1);
    for seen in loading.service.requests() {
        let is_signed = seen
            .authorization
            .is_some_and(|shown| shown.contains("ya29."));
        let is_of_bucket = seen.call == Call::Bucket;
        assert!(is_signed || !is_of_bucket, "{} {}", seen.method, seen.path);
    }
}
