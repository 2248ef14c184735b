//! What BigQuery's refusal means: by its `reason`, then by the HTTP status, never by its words.
//!
//! The status alone misleads: "slow down" (`rateLimitExceeded`) comes as 403, as a missing permission
//! does. A proxy's error page has no reason at all.

use std::time::Duration;

use serde::Deserialize;

use super::{access::Access, wire::ErrorProto};
use crate::error::{Error, Kind};

/// What can be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Asking again can help.
    Passing,
    /// What was asked for is not there.
    Absent,
    /// What was to be made is there.
    Exists,
    /// The resource has changed since it was read.
    Changed,
    /// The key is no key.
    Unknown,
    /// The key may not.
    Denied,
    /// A quota is used up for hours.
    Quota,
    /// What was sent is wrong.
    Invalid,
    /// Nothing of the above: a person must look.
    Other,
}

/// Reasons, and what they mean.
const REASONS: [(&str, Class); 27] = [
    ("rateLimitExceeded", Class::Passing),
    ("userRateLimitExceeded", Class::Passing),
    ("jobRateLimitExceeded", Class::Passing),
    ("backendError", Class::Passing),
    ("jobBackendError", Class::Passing),
    ("internalError", Class::Passing),
    ("jobInternalError", Class::Passing),
    ("badGateway", Class::Passing),
    ("timeout", Class::Passing),
    ("tableUnavailable", Class::Passing),
    ("notFound", Class::Absent),
    ("duplicate", Class::Exists),
    ("alreadyExists", Class::Exists),
    ("conditionNotMet", Class::Changed),
    ("authError", Class::Unknown),
    ("required", Class::Invalid),
    ("accessDenied", Class::Denied),
    ("forbidden", Class::Denied),
    ("insufficientPermissions", Class::Denied),
    ("quotaExceeded", Class::Quota),
    ("invalid", Class::Invalid),
    ("invalidQuery", Class::Invalid),
    ("badRequest", Class::Invalid),
    ("parseError", Class::Invalid),
    ("billingNotEnabled", Class::Other),
    ("blocked", Class::Other),
    ("stopped", Class::Other),
];

/// What `reason` and `status` mean together; no status is a broken connection.
pub fn classify(reason: Option<&str>, status: Option<u16>) -> Class {
    // A request without credentials is told as "required".
    if status == Some(401) {
        return Class::Unknown;
    }
    let known = reason.and_then(|reason| REASONS.iter().find(|(name, _)| *name == reason));
    match (known, status) {
        (Some((_, class)), _) => *class,
        (None, None | Some(408 | 429 | 500..=599)) => Class::Passing,
        (None, Some(403)) => Class::Denied,
        (None, Some(404)) => Class::Absent,
        (None, Some(409)) => Class::Exists,
        (None, Some(412)) => Class::Changed,
        (None, Some(400..=499)) => Class::Invalid,
        _ => Class::Other,
    }
}

/// A request that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What can be done about it.
    pub class: Class,
    /// Its short name, where the service gave one.
    pub reason: Option<String>,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The service's words.
    pub message: String,
    /// All that the service said, where that is more.
    pub details: Vec<ErrorProto>,
    /// How long the service asks to wait.
    pub wait: Option<Duration>,
    /// What was tried, and what it needs.
    pub access: Box<Access>,
}

impl Failure {
    /// There was no answer, or none that can be read.
    pub fn broken(access: &Access, cause: impl std::fmt::Display) -> Self {
        Self {
            class: Class::Passing,
            reason: None,
            status: None,
            message: cause.to_string(),
            details: vec![],
            wait: None,
            access: Box::new(access.clone()),
        }
    }

    /// An answer with `status`, which is no success.
    pub fn answered(access: &Access, status: u16, body: &[u8], wait: Option<Duration>) -> Self {
        let said = serde_json::from_slice::<Body>(body)
            .unwrap_or_default()
            .error;
        Self {
            wait,
            ..Self::said(access, status, said.message, said.errors)
        }
    }

    /// An error that the service told in its own form.
    pub fn said(access: &Access, status: u16, message: String, details: Vec<ErrorProto>) -> Self {
        let reason = details.first().map(|error| error.reason.clone());
        let reason = reason.filter(|reason| !reason.is_empty());
        let message = match message {
            message if message.is_empty() => format!("the service answers {status}"),
            message => message,
        };
        Self {
            class: classify(reason.as_deref(), Some(status)),
            reason,
            status: Some(status),
            message,
            details,
            wait: None,
            access: Box::new(access.clone()),
        }
    }

    /// The same after so many attempts.
    #[must_use]
    pub fn after(mut self, attempts: u32) -> Self {
        if attempts > 1 {
            self.message = format!("{}, after {attempts} attempts", self.message);
        }
        self
    }

    /// A job that ended with an error.
    pub fn of_job(access: &Access, error: &ErrorProto, all: &[ErrorProto]) -> Self {
        Self {
            class: classify(Some(&error.reason), Some(200)),
            reason: Some(error.reason.clone()),
            status: None,
            message: error.message.clone(),
            details: all.to_vec(),
            wait: None,
            access: Box::new(access.clone()),
        }
    }

    /// Whether asking again can help.
    pub fn is_passing(&self) -> bool {
        self.class == Class::Passing
    }

    /// Whether the service did nothing for certain: it said no itself.
    pub fn is_refusal(&self) -> bool {
        self.status
            .is_some_and(|status| status < 500 && status != 408)
    }

    /// What it is called in a journal.
    pub fn name(&self) -> String {
        match (&self.reason, self.status) {
            (Some(reason), _) => reason.clone(),
            (None, Some(status)) => format!("HTTP {status}"),
            (None, None) => "no answer".to_owned(),
        }
    }

    /// The same as the last word.
    pub fn error(&self) -> Error {
        let error = Error::outside(self.access.cannot());
        let cause = match &self.reason {
            Some(reason) => format!("{} ({reason})", self.message),
            None => self.message.clone(),
        };
        let error = error.because(cause);
        match self.class {
            Class::Denied => error.with_hint(self.access.grant(&self.message)),
            Class::Unknown => error.with_hint(
                "look at `destination.auth` in dfpipe.yml and at what it reads: the key may be wrong, \
                 expired or switched off",
            ),
            Class::Quota => error.with_hint(self.quota()),
            Class::Passing => error.with_hint(
                "the service or the way to it is disturbed: nothing is lost, go on later with \
                 `dfpipe run --resume`",
            ),
            Class::Invalid | Class::Exists | Class::Changed => error,
            Class::Absent => error.with_hint(self.access.look()),
            Class::Other => error.with_hint(match self.reason.as_deref() {
                Some("billingNotEnabled") => "switch billing on for the project",
                Some("stopped") => "somebody has cancelled the job; `dfpipe run --resume` tries again",
                _ => "https://cloud.google.com/bigquery/docs/error-messages tells what it means",
            }),
        }
    }

    /// Which quota it is, and when it refills.
    fn quota(&self) -> String {
        let words = self.message.to_lowercase();
        let which = QUOTAS.iter().find(|(part, _)| words.contains(part));
        let which = which.map_or(
            "a quota of the project or table is used up",
            |(_, which)| which,
        );
        format!(
            "{which}; a daily quota refills within 24 hours: then `dfpipe run --resume` goes on. The \
             project's quotas: https://console.cloud.google.com/iam-admin/quotas?project={}",
            self.access.project
        )
    }
}

/// Words by which the service names a quota: for readers only, nothing is decided by them.
const QUOTAS: [(&str, &str); 6] = [
    (
        "partition modifications",
        "a table takes 30,000 changes of partitions a day",
    ),
    (
        "imports or query appends per table",
        "a table takes 1,500 load jobs a day, failed ones included",
    ),
    (
        "load jobs per table",
        "a table takes 1,500 load jobs a day, failed ones included",
    ),
    (
        "table update operations",
        "a table takes 5 changes in 10 seconds and 1,500 a day",
    ),
    (
        "imports per project",
        "a project takes 100,000 load jobs a day",
    ),
    (
        "load jobs per project",
        "a project takes 100,000 load jobs a day",
    ),
];

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error()
    }
}

/// Kind of an error that leaves open what happened.
pub fn unknown(message: impl Into<String>) -> Error {
    Error::new(Kind::UnknownOutcome, message).with_hint(
        "do not run again before you know: `dfpipe run --resume` asks BigQuery and finishes the run",
    )
}

#[derive(Default, Deserialize)]
struct Body {
    error: Said,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    message: String,
    errors: Vec<ErrorProto>,
}

#[cfg(test)]
mod tests;
