//! A file that is too large for an upload goes to Google Cloud Storage and is loaded from there, in one
//! job.
//!
//! The job is submitted in one request, so there is no session to lose; a second submission finds the
//! file there.

use std::path::Path;

use super::{
    Client, Target,
    access::Access,
    failure::{Class, Failure},
    upload::Submission,
    wire::Job,
};
use crate::{
    error::{Error, Result},
    storage::Location,
};

/// A file in a bucket.
pub struct Staged {
    place: Location,
}

impl Staged {
    /// Where the file of the job `id` lies below `folder`.
    pub fn new(folder: &str, id: &str) -> Result<Self> {
        let place = Location::parse(folder)?.join(&[&format!("{id}.parquet")]);
        Ok(Self { place })
    }

    /// Its address, as a load job names it.
    pub fn uri(&self) -> String {
        self.place.display()
    }

    /// Copies the file there.
    pub async fn put(&self, file: &Path) -> Result<()> {
        self.place.upload(file).await.map_err(|error| {
            let message = format!("`{}` cannot be written", self.uri());
            self.place.refused(message, &*error)
        })
    }

    /// Removes it; what remains is a matter of storage alone, so a failure is a sentence.
    pub async fn remove(&self) -> Option<String> {
        let removed = object_store::ObjectStoreExt::delete(&*self.place.store, &self.place.path);
        let error = removed.await.err()?;
        let reason = self.place.reason(&error);
        Some(format!("`{}` could not be removed: {reason}", self.uri()))
    }
}

/// Submits a job that loads from a bucket.
pub async fn submit(client: &Client, target: &Target, job: &Job) -> Submission {
    let access = Access::load(&target.project, &target.path(), client.principal());
    match client.insert_job(&access, job).await {
        Ok(job) => Submission::Taken(Box::new(job)),
        Err(failure) if failure.class == Class::Unknown || failure.is_refusal() => {
            Submission::Refused(failure)
        }
        Err(failure) => Submission::Lost(failure),
    }
}

/// An error of a bucket, as a submission that never was.
pub fn unsent(target: &Target, error: &Error) -> Submission {
    let access = Access::load(&target.project, &target.path(), None);
    Submission::Unsent(Failure {
        class: Class::Other,
        ..Failure::broken(&access, error)
    })
}
