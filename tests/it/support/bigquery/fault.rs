//! What goes wrong, where and when: before the service acts, or after it has, when only its answer is lost.

use axum::http::{HeaderMap, Method};

use super::refusal::Refusal;

/// One fault: happens once, or as often as it says.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    on: Call,
    /// Nothing happens before this call has arrived.
    awaits: Option<Call>,
    /// Calls that go well before it.
    skip: usize,
    times: usize,
    pub(super) when: When,
    pub(super) what: What,
}

/// Whether the service had done what it was asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum When {
    Before,
    After,
}

/// What the caller gets instead of its answer.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Refuses(Refusal),
    /// A page for people, as a proxy sends it.
    Page(u16),
    /// The connection is reset.
    Resets,
    /// Half of the piece is kept, then the connection is reset.
    KeepsHalf,
    /// The session of the upload is gone.
    Forgets(u16),
    /// The caller is sent elsewhere.
    Redirects(String),
    /// The session of the upload lies elsewhere.
    UploadsTo(String),
}

/// The calls that can be told from each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Call {
    Any,
    GetDataset,
    InsertDataset,
    GetTable,
    InsertTable,
    PatchTable,
    BeginUpload,
    Piece,
    Probe,
    InsertJob,
    GetJob,
    Query,
    Results,
    Token,
    Bucket,
    Other,
}

impl Call {
    /// Which call this request is.
    pub(crate) fn of(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        if path.starts_with("/storage/") {
            return Self::Bucket;
        }
        let Some((base, path)) = path.split_once("/v2/projects/") else {
            return Self::Token;
        };
        let parts: Vec<_> = path.split('/').skip(1).collect();
        let is_post = method == Method::POST;
        match (base.starts_with("/upload"), parts.as_slice()) {
            (true, _) if is_post => Self::BeginUpload,
            (true, _) if is_probe(headers) => Self::Probe,
            (true, _) => Self::Piece,
            (_, ["datasets"]) if is_post => Self::InsertDataset,
            (_, ["datasets", _]) => Self::GetDataset,
            (_, ["datasets", _, "tables"]) if is_post => Self::InsertTable,
            (_, ["datasets", _, "tables", _]) if method == Method::GET => Self::GetTable,
            (_, ["datasets", _, "tables", _]) => Self::PatchTable,
            (_, ["jobs"]) if is_post => Self::InsertJob,
            (_, ["jobs", _]) => Self::GetJob,
            (_, ["queries"]) => Self::Query,
            (_, ["queries", _]) => Self::Results,
            _ => Self::Other,
        }
    }
}

fn is_probe(headers: &HeaderMap) -> bool {
    let range = headers.get("content-range");
    let range = range.and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with("bytes */"))
}

impl Fault {
    /// On the first of these calls.
    pub(crate) fn on(on: Call, when: When, what: What) -> Self {
        Self {
            on,
            awaits: None,
            skip: 0,
            times: 1,
            when,
            what,
        }
    }

    /// Not before this call has arrived once.
    pub(crate) fn behind(mut self, call: Call) -> Self {
        self.awaits = Some(call);
        self
    }

    /// Not before so many of these calls went well.
    pub(crate) fn skipping(mut self, calls: usize) -> Self {
        self.skip = calls;
        self
    }

    /// So often, one call after the other.
    pub(crate) fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Whether this call is the one.
    fn strikes(&mut self, call: Call) -> bool {
        if self.awaits.is_some() {
            self.awaits = self.awaits.filter(|awaited| *awaited != call);
            return false;
        }
        if self.times == 0 || !(self.on == call || self.on == Call::Any) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.times -= 1;
        true
    }
}

/// The fault that strikes this call, if one does. Every fault counts the calls for itself.
pub(super) fn strike(faults: &mut [Fault], call: Call) -> Option<Fault> {
    let mut struck = None;
    for fault in faults {
        // Behind one that strikes, the others do not hear of the call: it never arrived.
        if struck.is_none() && fault.strikes(call) {
            struck = Some(fault.clone());
        }
    }
    struck
}
