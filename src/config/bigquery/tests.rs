//! What may be said of a BigQuery destination, and what is refused.

use std::{path::Path, time::Duration};

use super::super::{BigQuery, Config, GoogleAuth, To, load};
use crate::error::{Error, Result};

const LEAST: &str = "kind: bigquery, model: m, project: p-1, dataset: d, table: t";

fn read(destination: &str) -> Result<Config> {
    let folder = tempfile::tempdir().unwrap();
    let text =
        format!("pipeline: p\nemail_hash_key: k\nsources: {{}}\ndestination: {{{destination}}}\n");
    fs_err::write(folder.path().join("dfpipe.yml"), text).unwrap();
    load(folder.path(), None, &|name| {
        (name == "HOST").then(|| "http://hunter2.test".to_owned())
    })
}

fn meant(more: &str) -> BigQuery {
    match read(&format!("{LEAST}{more}")).unwrap().destination.to {
        To::BigQuery(meant) => *meant,
        To::Parquet(_) => panic!("BigQuery was meant"),
    }
}

fn problems(destination: &str) -> Vec<String> {
    let error = read(destination).unwrap_err();
    let problems = error.problems().map(Error::message);
    problems.map(str::to_owned).collect()
}

#[test]
fn what_is_not_said_has_its_default() {
    let meant = meant("");
    assert_eq!(meant.location, "US");
    assert_eq!(meant.auth, GoogleAuth::Adc);
    assert_eq!(meant.endpoint.as_str(), "https://bigquery.googleapis.com/");
    assert_eq!(meant.chunk, 100 * 1024 * 1024);
    assert_eq!(meant.upload_limit, 1024 * 1024 * 1024);
    assert_eq!(meant.timeout, Duration::from_hours(1));
    assert!(meant.schema_changes && !meant.split);
    assert!(meant.staging.is_none() && meant.partition_expiration_days.is_none());
}

#[test]
fn all_that_can_be_said_is_meant() {
    let meant = meant(
        ", location: europe-west3, on_repeat: add, auth: none, endpoint: 'http://127.0.0.1:9050', \
         cluster_by: [a, b], partition_expiration_days: 800, schema_changes: false, chunk_mb: 1, \
         staging: 'gs://b/x', upload_limit_mb: 2, split: true, timeout_minutes: 5",
    );
    assert_eq!(meant.auth, GoogleAuth::None);
    assert_eq!(meant.endpoint.as_str(), "http://127.0.0.1:9050/");
    assert_eq!(meant.cluster_by, ["a", "b"]);
    assert_eq!(meant.partition_expiration_days, Some(800));
    assert_eq!(meant.staging.as_deref(), Some("gs://b/x"));
    assert!(meant.split && !meant.schema_changes);
}

#[test]
fn a_key_file_lies_in_the_project_unless_its_path_is_absolute() {
    let GoogleAuth::File(path) = meant(", auth: {file: /run/key.json}").auth else {
        panic!("a file was meant")
    };
    assert_eq!(path, Path::new("/run/key.json"));
    let GoogleAuth::File(path) = meant(", auth: {file: key.json}").auth else {
        panic!("a file was meant")
    };
    assert!(path.is_absolute() && path.ends_with("key.json"), "{path:?}");
}

#[test]
fn auth_none_is_only_for_this_machine() {
    for here in ["http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1"] {
        assert_eq!(
            meant(&format!(", auth: none, endpoint: '{here}'")).auth,
            GoogleAuth::None
        );
    }
    for far in [
        "",
        ", endpoint: 'https://bigquery.googleapis.com'",
        ", endpoint: 'https://localhost.evil.test'",
        ", endpoint: 'https://10.0.0.1'",
    ] {
        assert_eq!(
            problems(&format!("{LEAST}, auth: none{far}")),
            ["`auth: none` is only for an `endpoint` on this machine"],
            "{far}"
        );
    }
}

#[test]
fn a_key_is_never_sent_without_tls_to_another_machine() {
    let found = problems(&format!("{LEAST}, endpoint: '${{HOST}}'"));
    assert_eq!(
        found,
        ["`endpoint` must be an https URL: over http the key could be read on its way"]
    );
}

#[test]
fn all_problems_of_a_destination_come_at_once() {
    let found = problems(
        "kind: bigquery, model: m, project: Not_One, dataset: D, table: t-t, location: 'U S', \
         endpoint: 'ftp://x', staging: 's3://b/x', cluster_by: [a, a], chunk_mb: 0, \
         upload_limit_mb: 0, timeout_minutes: 0, partition_expiration_days: 0",
    );
    assert_eq!(
        found,
        [
            "`Not_One` cannot be the id of a project",
            "`D` cannot be the name of a dataset",
            "`t-t` cannot be the name of a table",
            "`U S` cannot be a location: such as `US`, `EU` or `europe-west3`",
            "`cluster_by` names up to four columns, each once",
            "`endpoint` is not an http or https URL without a path",
            "`chunk_mb` must lie between 1 and 1024, not 0",
            "`upload_limit_mb` must lie between 1 and 4000000, not 0",
            "`timeout_minutes` must lie between 1 and 1440, not 0",
            "`partition_expiration_days` must lie between 1 and 36500, not 0",
            "`staging` is not a folder of Google Cloud Storage, such as `gs://bucket/folder`",
        ]
    );
}

#[test]
fn an_unknown_way_to_sign_is_told_with_those_there_are() {
    let found = read(&format!("{LEAST}, auth: adcc")).unwrap_err();
    assert_eq!(found.message(), "`destination.auth` cannot be `adcc`");
    assert!(found.hint().unwrap().contains("adc"), "{:?}", found.hint());
    let found = read(&format!("{LEAST}, auth: {{fil: x}}")).unwrap_err();
    assert_eq!(found.message(), "`destination.auth` is not understood");
}
