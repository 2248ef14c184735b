//! A file goes to BigQuery in pieces; the last one makes the job.
//!
//! ```text
//! begin ─▶ piece ─▶ piece ─▶ … ─▶ last piece ─▶ job
//!   ▲        └─ broken, 5xx ─▶ how much is there? ─▶ on from there
//!   └───────── the session is gone: anew, for the same job
//! ```

use std::{
    io::{self, SeekFrom},
    path::Path,
};

use bytes::BytesMut;
use futures::stream;
use reqwest::{
    Body, Method, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderName, LOCATION, RANGE},
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use url::Url;

use super::{
    Client, Target,
    access::Access,
    failure::{Class, Failure},
    pace::{Pace, back_off},
    rest::{Reply, Request, patiently},
    wire::Job,
};

/// How often a piece is sent without anything arriving, and sessions are begun.
const TRIES: u32 = 6;

/// Bytes that are read from the file at a time, while those before are sent.
const BLOCK: usize = 1024 * 1024;

/// Time without progress after which an upload is given up.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(10);

/// What became of a submission.
#[derive(Debug)]
pub enum Submission {
    /// The service has taken it.
    Taken(Box<Job>),
    /// The service said no: there is no job.
    Refused(Failure),
    /// It never got so far that there could be a job.
    Unsent(Failure),
    /// There may be a job.
    Lost(Failure),
}

/// A file on its way.
pub struct Upload<'a> {
    /// Through which client.
    pub client: &'a Client,
    /// Into which table.
    pub target: &'a Target,
    /// As which job.
    pub job: &'a Job,
    /// The file.
    pub file: &'a Path,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes of a piece.
    pub chunk: usize,
    /// Hears how much has arrived.
    pub arrived: &'a (dyn Fn(u64) + Sync),
}

/// What an answer to a piece, or to the question how much has arrived, says.
enum Answer {
    /// The first so many bytes are there.
    Arrived(u64),
    /// All is there, and it is a job.
    Job(Box<Job>),
}

impl Upload<'_> {
    /// Sends the file. Whatever happens, at most one job comes of it.
    pub async fn send(&self) -> Submission {
        let access = self.access();
        let mut last = Failure::broken(&access, "no session lasts");
        for _ in 0..TRIES {
            let session = match self.begin(&access).await {
                Ok(session) => session,
                Err(failure) if failure.is_passing() => return Submission::Unsent(failure),
                Err(failure) => return Submission::Refused(failure),
            };
            match self.pieces(&access, &session).await {
                Ok(submission) => return submission,
                Err(gone) => last = gone,
            }
        }
        Submission::Unsent(last)
    }

    fn access(&self) -> Access {
        let (project, table) = (&self.target.project, self.target.path());
        Access::load(project, &table, self.client.principal())
    }

    /// Begins a session: an address that takes the pieces.
    async fn begin(&self, access: &Access) -> Result<Url, Failure> {
        let rest = self.client.rest();
        let project = ["projects", &*self.target.project, "jobs"];
        let mut url = rest.url("upload/bigquery/v2", &project);
        url.query_pairs_mut().append_pair("uploadType", "resumable");
        let (kind, length) = ("x-upload-content-type", "x-upload-content-length");
        let request = Request::with_json(Method::POST, url, self.job)
            .with_header(HeaderName::from_static(kind), "application/octet-stream")
            .with_header(HeaderName::from_static(length), self.bytes.to_string());
        let reply = patiently(async || {
            let reply = rest.exchange(access, request.clone()).await?;
            if reply.status.is_success() {
                Ok(reply)
            } else {
                Err(reply.failure(access))
            }
        });
        let reply = reply.await?;
        let address = reply.header(LOCATION.as_str());
        let address = address.and_then(|address| Url::parse(address).ok());
        // The pieces are signed: they go nowhere else.
        let same = address.filter(|address| address.origin() == rest.base().origin());
        same.ok_or_else(|| Failure {
            class: Class::Other,
            ..Failure::broken(
                access,
                "the service wants the upload to go to another address",
            )
        })
    }

    /// Sends the pieces; an error is a session that is gone before there could be a job.
    async fn pieces(&self, access: &Access, session: &Url) -> Result<Submission, Failure> {
        (self.arrived)(0);
        let mut pace = Pace::new(PATIENCE);
        let (mut from, mut stalled, mut asks) = (0, 0, false);
        // Whether the last piece has been sent, so that there may be a job.
        let mut may_exist = false;
        loop {
            let sent = if asks {
                self.probe(access, session).await
            } else {
                let end = (from + self.chunk as u64).min(self.bytes);
                may_exist |= end == self.bytes;
                self.piece(access, session, from, end).await
            };
            let failure = match sent {
                Ok(Answer::Job(job)) => {
                    (self.arrived)(self.bytes);
                    return Ok(Submission::Taken(job));
                }
                Ok(Answer::Arrived(arrived)) => {
                    let has_moved = arrived > from;
                    let goes_on = arrived < self.bytes && (has_moved || asks);
                    (from, asks) = (arrived.min(self.bytes), !goes_on);
                    (self.arrived)(from);
                    if has_moved {
                        (pace, stalled) = (Pace::new(PATIENCE), 0);
                    }
                    if goes_on {
                        continue;
                    }
                    Failure::broken(access, "what was uploaded does not become a job")
                }
                Err(failure) => failure,
            };
            (stalled, asks) = (stalled + 1, true);
            let is_gone = matches!(failure.status, Some(404 | 410));
            if is_gone && !may_exist {
                return Err(failure);
            }
            if is_gone || stalled > TRIES || pace.is_over() {
                return Ok(ended(failure, may_exist));
            }
            // A refusal of a piece is a refusal of the job.
            if !failure.is_passing() {
                return Ok(Submission::Refused(failure));
            }
            let wait = failure.wait.unwrap_or_else(|| back_off(stalled));
            pace.wait(wait).await;
        }
    }

    async fn piece(
        &self,
        access: &Access,
        session: &Url,
        from: u64,
        end: u64,
    ) -> Result<Answer, Failure> {
        let body = self.body(from, end).await.map_err(|error| Failure {
            class: Class::Other,
            ..Failure::broken(access, format!("`{}`: {error}", self.file.display()))
        })?;
        let last = end.saturating_sub(1);
        let range = format!("bytes {from}-{last}/{}", self.bytes);
        self.put(access, session, range, end - from, body).await
    }

    /// Asks how much has arrived.
    async fn probe(&self, access: &Access, session: &Url) -> Result<Answer, Failure> {
        let range = format!("bytes */{}", self.bytes);
        self.put(access, session, range, 0, Body::default()).await
    }

    async fn put(
        &self,
        access: &Access,
        session: &Url,
        range: String,
        length: u64,
        body: Body,
    ) -> Result<Answer, Failure> {
        let request = Request::new(Method::PUT, session.clone())
            .with_header(CONTENT_RANGE, range)
            .with_header(CONTENT_LENGTH, length.to_string());
        let rest = self.client.rest();
        let reply = rest.exchange_with(access, request, body).await?;
        match reply.status {
            StatusCode::PERMANENT_REDIRECT => Ok(Answer::Arrived(arrived(&reply))),
            _ => reply.read(access).map(|job| Answer::Job(Box::new(job))),
        }
    }

    /// A part of the file, which is read while it is sent.
    async fn body(&self, from: u64, end: u64) -> io::Result<Body> {
        let mut file = File::open(self.file).await?;
        file.seek(SeekFrom::Start(from)).await?;
        let blocks = stream::try_unfold(file.take(end - from), |mut left| async move {
            let mut block = BytesMut::with_capacity(BLOCK);
            let read = left.read_buf(&mut block).await?;
            io::Result::Ok((read > 0).then(|| (block.freeze(), left)))
        });
        Ok(Body::wrap_stream(blocks))
    }
}

fn ended(failure: Failure, may_exist: bool) -> Submission {
    if may_exist {
        Submission::Lost(failure)
    } else {
        Submission::Unsent(failure)
    }
}

/// How many bytes the service says it has.
fn arrived(reply: &Reply) -> u64 {
    let range = reply.header(RANGE.as_str());
    range.and_then(behind).unwrap_or(0)
}

/// The byte behind a range such as `bytes=0-99`.
fn behind(range: &str) -> Option<u64> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first == 0).then_some(last.checked_add(1)?)
}

#[cfg(test)]
mod tests {
    use super::behind;

    #[test]
    fn what_has_arrived_is_counted_from_the_first_byte() {
        for (range, expected) in [
            ("bytes=0-99", Some(100)),
            ("bytes=0-0", Some(1)),
            ("bytes=5-99", None),
            ("bytes=0-18446744073709551615", None),
            ("0-99", None),
            ("bytes=0-", None),
            ("", None),
        ] {
            assert_eq!(behind(range), expected, "{range}");
        }
    }
}
