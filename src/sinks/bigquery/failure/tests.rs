//! The table of refusals, one line per answer that the service or something before it gives.

use super::{super::access::Access, Class, Failure, classify};
use crate::error::Kind;

fn access() -> Access {
    Access::load("my-project", "p.d.t", Some("serviceAccount:a@b.test"))
}

#[test]
fn the_reason_decides_and_then_the_status() {
    for (reason, status, expected) in [
        (Some("rateLimitExceeded"), Some(403), Class::Passing),
        (Some("backendError"), Some(503), Class::Passing),
        (Some("internalError"), Some(500), Class::Passing),
        (Some("quotaExceeded"), Some(403), Class::Quota),
        (Some("accessDenied"), Some(403), Class::Denied),
        (Some("invalid"), Some(400), Class::Invalid),
        (Some("notFound"), Some(404), Class::Absent),
        (Some("duplicate"), Some(409), Class::Exists),
        (Some("conditionNotMet"), Some(412), Class::Changed),
        (Some("required"), Some(401), Class::Unknown),
        (Some("authError"), Some(401), Class::Unknown),
        (Some("stopped"), Some(200), Class::Other),
        (Some("somethingNew"), Some(503), Class::Passing),
        (Some("somethingNew"), Some(403), Class::Denied),
        (Some("somethingNew"), Some(200), Class::Other),
        (None, Some(502), Class::Passing),
        (None, Some(429), Class::Passing),
        (None, Some(408), Class::Passing),
        (None, Some(302), Class::Other),
        (None, Some(418), Class::Invalid),
        (None, None, Class::Passing),
    ] {
        assert_eq!(classify(reason, status), expected, "{reason:?} {status:?}");
    }
}

#[test]
fn an_error_page_is_passing_and_its_text_is_not_shown() {
    let page = b"<html><title>502 Bad Gateway: permission denied</title></html>";
    let failure = Failure::answered(&access(), 502, page, None);
    assert_eq!(failure.class, Class::Passing);
    assert_eq!(failure.message, "the service answers 502");
    assert!(!failure.is_refusal());
}

#[test]
fn slow_down_is_no_missing_permission_although_it_looks_like_one() {
    let body = br#"{"error":{"code":403,"message":"Exceeded rate limits","errors":[{"message":"m",
        "domain":"usageLimits","reason":"rateLimitExceeded"}],"status":"PERMISSION_DENIED"}}"#;
    let failure = Failure::answered(&access(), 403, body, None);
    assert_eq!(failure.class, Class::Passing);
    assert!(failure.is_refusal());
    assert_eq!(failure.name(), "rateLimitExceeded");
}

#[test]
fn a_missing_permission_is_told_with_who_lacks_it_and_how_to_grant_it() {
    let body = br#"{"error":{"code":403,"message":"Access Denied: Table p:d.t: Permission bigquery.tables.updateData denied on table p:d.t (or it may not exist).","errors":[{"reason":"accessDenied","message":"m"}]}}"#;
    let error = Failure::answered(&access(), 403, body, None).error();
    assert_eq!(error.kind(), Kind::Outside);
    let hint = error.hint().unwrap();
    for part in [
        "`bigquery.tables.updateData`",
        "`serviceAccount:a@b.test`",
        "gcloud projects add-iam-policy-binding my-project --member=serviceAccount:a@b.test \
         --role=roles/bigquery.dataEditor",
    ] {
        assert!(hint.contains(part), "{hint}");
    }
}

#[test]
fn a_used_up_quota_is_named_with_the_time_it_refills() {
    let body = br#"{"error":{"code":403,"message":"Quota exceeded: Your table exceeded quota for imports or query appends per table","errors":[{"reason":"quotaExceeded","message":"m"}]}}"#;
    let hint = Failure::answered(&access(), 403, body, None).error();
    let hint = hint.hint().unwrap().to_owned();
    assert!(hint.contains("24 hours"), "{hint}");
    assert!(hint.contains("project=my-project"), "{hint}");
}

#[test]
fn a_broken_connection_may_have_acted() {
    let failure = Failure::broken(&access(), "connection reset");
    assert!(failure.is_passing() && !failure.is_refusal());
    assert_eq!(failure.name(), "no answer");
}
