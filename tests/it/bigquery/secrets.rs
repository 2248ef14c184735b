//! The token is sent to the service and is found nowhere else, whatever goes wrong.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{
    artefacts,
    bigquery::{Call, Fault, Refusal, What, When, loading::Loading, tokens},
};

/// A project that asks for its tokens as a federation of workloads does: a token of somebody else's for
/// one of Google's.
pub(super) fn federated() -> Loading {
    let loading = Loading::new();
    loading.service.set(|settings| settings.needs_token = true);
    let project = &loading.project;
    project.write("subject", "token-of-somebody-else");
    let file = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/it",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/token", loading.service.url()),
        "credential_source": {"file": project.path("subject")},
    });
    project.write("federation.json", file.to_string());
    project.edit("dfpipe.yml", "auth: none", "auth: {file: federation.json}");
    loading
}

#[track_caller]
fn knows_no_token(folder: &Path) {
    for file in artefacts::files(folder) {
        let content = fs_err::read(&file).expect("a file can be read");
        let is_there = content
            .windows(tokens::PREFIX.len())
            .any(|part| part == tokens::PREFIX.as_bytes());
        assert!(!is_there, "{}", file.display());
    }
}

#[test]
fn a_federation_of_workloads_loads_and_every_request_is_signed() {
    let loading = federated();
    loading.run_ends_with(0);
    loading.holds_each_row_once();
    for seen in loading.service.requests() {
        let is_signed = seen
            .authorization
            .is_some_and(|shown| shown.contains(tokens::PREFIX));
        assert!(
            is_signed || seen.call == Call::Token,
            "{} {}",
            seen.method,
            seen.path
        );
    }
    knows_no_token(loading.project.surroundings());
}

/// A federation that acts as an account of the project's: that one lacks the permission, and is named.
#[test]
fn a_permission_that_is_missing_is_told_with_the_account_that_lacks_it() {
    let loading = federated();
    let account = "loader@test-project.iam.gserviceaccount.com";
    let path = format!("/v1/projects/-/serviceAccounts/{account}:generateAccessToken");
    let mut file: Value =
        serde_json::from_str(&loading.project.read("federation.json")).expect("it is JSON");
    file["service_account_impersonation_url"] = format!("{}{path}", loading.service.url()).into();
    loading.project.write("federation.json", file.to_string());
    let denied = What::Refuses(Refusal::access_denied("no"));
    loading
        .service
        .fail([Fault::on(Call::BeginUpload, When::Before, denied)]);
    let outcome = loading.run_ends_with(3);
    for words in [
        format!("`serviceAccount:{account}` needs the permission `bigquery.jobs.create`"),
        format!("--member=serviceAccount:{account} --role=roles/bigquery.jobUser"),
    ] {
        assert!(
            outcome.stderr.contains(&words),
            "{words}\n{}",
            outcome.stderr
        );
    }
    let requests = loading.service.requests();
    assert!(
        requests.iter().any(|seen| seen.path == path),
        "it acted as the account"
    );
    loading.resume();
    loading.holds_each_row_once();
}

#[test]
fn the_token_is_never_shown_whatever_goes_wrong() {
    let what = [
        (
            Call::BeginUpload,
            What::Refuses(Refusal::access_denied("no")),
        ),
        (Call::BeginUpload, What::Refuses(Refusal::unauthenticated())),
        (Call::GetTable, What::Page(503)),
        (Call::Piece, What::Resets),
        (
            Call::GetJob,
            What::Redirects("http://127.0.0.1:1/".to_owned()),
        ),
    ];
    for (call, what) in what {
        let loading = federated();
        loading
            .service
            .fail([Fault::on(call, When::Before, what).times(usize::MAX)]);
        let outcome = loading.project.run(["-v", "run", "--log-format", "text"]);
        assert_ne!(outcome.code, Some(0), "{}", outcome.screen());
        assert!(
            !outcome.stderr.contains(tokens::PREFIX),
            "{}",
            outcome.stderr
        );
        assert!(
            !outcome.stdout.contains(tokens::PREFIX),
            "{}",
            outcome.stdout
        );
        knows_no_token(loading.project.surroundings());
    }
}

#[test]
fn nobody_is_only_let_in_on_this_machine() {
    let loading = Loading::new();
    let here = format!("endpoint: {}", loading.service.url());
    loading.project.edit(
        "dfpipe.yml",
        &here,
        "endpoint: https://bigquery.example.com",
    );
    let outcome = loading.run_ends_with(2);
    assert!(outcome.stderr.contains("auth: none"), "{}", outcome.stderr);
}
