//! Errors as the service words them: `error.errors[].reason` says what to do, the HTTP status does not.

use axum::{
    Json,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use serde_json::{Value, json};

/// An answer that is an error, or the same thing as the `errorResult` of a job.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: u16,
    /// The status as remote procedure calls name it, which the service sends as well.
    grpc: &'static str,
    errors: Vec<Value>,
}

impl Refusal {
    fn new(status: u16, grpc: &'static str, reason: &str, message: impl Into<String>) -> Self {
        let refusal = Self {
            status,
            grpc,
            errors: vec![],
        };
        refusal.and(reason, message)
    }

    /// The same with one more error in its list.
    pub(crate) fn and(mut self, reason: &str, message: impl Into<String>) -> Self {
        let domain = match reason {
            "rateLimitExceeded" | "quotaExceeded" => "usageLimits",
            _ => "global",
        };
        let message: String = message.into();
        self.errors
            .push(json!({"message": message, "domain": domain, "reason": reason}));
        self
    }

    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(404, "NOT_FOUND", "notFound", format!("Not found: {what}"))
    }

    pub(crate) fn duplicate(what: impl std::fmt::Display) -> Self {
        let message = format!("Already Exists: {what}");
        Self::new(409, "ALREADY_EXISTS", "duplicate", message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", "invalid", message)
    }

    pub(crate) fn invalid_query(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", "invalidQuery", message)
    }

    pub(crate) fn condition_not_met() -> Self {
        let message = "Precondition check failed.";
        Self::new(412, "FAILED_PRECONDITION", "conditionNotMet", message)
    }

    /// HTTP 403 like a refusal that is final, although it is none.
    pub(crate) fn rate_limit_exceeded() -> Self {
        let message = "Exceeded rate limits: too many table update operations for this table. For more \
                       information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas";
        Self::new(403, "PERMISSION_DENIED", "rateLimitExceeded", message)
    }

    pub(crate) fn quota_exceeded() -> Self {
        let message = "Quota exceeded: Your table exceeded quota for imports or query appends per table. For \
                       more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas";
        Self::new(403, "PERMISSION_DENIED", "quotaExceeded", message)
    }

    pub(crate) fn access_denied(message: impl Into<String>) -> Self {
        let message = format!("Access Denied: {}", message.into());
        Self::new(403, "PERMISSION_DENIED", "accessDenied", message)
    }

    pub(crate) fn backend_error() -> Self {
        let message = "Error encountered during execution. Retrying may solve the problem.";
        Self::new(503, "UNAVAILABLE", "backendError", message)
    }

    pub(crate) fn internal_error() -> Self {
        let message =
            "An internal error occurred and the request could not be completed. Error: 8675309";
        Self::new(500, "INTERNAL", "internalError", message)
    }

    pub(crate) fn unauthenticated() -> Self {
        let message = "Request is missing required authentication credential. Expected OAuth 2 access token, \
                       login cookie or other valid authentication credential.";
        Self::new(401, "UNAUTHENTICATED", "required", message)
    }

    /// The first error, as a job has it.
    pub(crate) fn error_result(&self) -> Value {
        let error = &self.errors[0];
        json!({"reason": error["reason"], "message": error["message"]})
    }

    /// All errors, as a job lists them.
    pub(crate) fn errors(&self) -> Vec<Value> {
        let errors = self.errors.iter();
        errors
            .map(|error| json!({"reason": error["reason"], "message": error["message"]}))
            .collect()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("a refusal has a valid status");
        let body = json!({"error": {
            "code": self.status,
            "message": self.errors[0]["message"],
            "errors": self.errors,
            "status": self.grpc,
        }});
        (status, Json(body)).into_response()
    }
}

/// What stands before the service answers for it, to people.
pub(crate) fn page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).expect("a fault has a valid status");
    let body = "<!DOCTYPE html>\n<html lang=en>\n<title>Error 503 (Server Error)!!1</title>\n\
                <p>The service you requested is not available at this time.</html>\n";
    (status, Html(body)).into_response()
}
