//! A file that is too large for an upload goes to Google Cloud Storage and is loaded from there, in one
//! job.
//!
//! Its name is its hash. Two runs that are after the same load have other bytes, so that neither puts its
//! file where the other's job reads; and a file that was put there before is not sent again. The job is
//! submitted in one request, so there is no session to lose.

use std::{error::Error as StdError, path::Path, sync::Arc};

use async_trait::async_trait;
use object_store::{CredentialProvider, ObjectStoreExt, gcp::GcpCredential};

use super::{
    Client, Target,
    access::Access,
    auth::Credentials,
    failure::{Class, Failure},
    upload::Submission,
    wire::Job,
};
use crate::{config, error::Result, sinks::Part, storage::Location};

/// A file in a bucket.
pub struct Staged {
    place: Location,
    credentials: Credentials,
    access: Access,
}

/// The folder that a file of so many bytes goes through, if it does.
pub fn folder(to: &config::BigQuery, bytes: u64) -> Option<&str> {
    let is_large = bytes > to.upload_limit;
    to.staging.as_deref().filter(|_| is_large)
}

/// Puts the part in `file` into the bucket, and submits a job that loads it from there.
pub async fn send(
    client: &Client,
    target: &Target,
    staged: &Staged,
    mut job: Job,
    (part, file): (&Part, &Path),
    arrived: &(dyn Fn(u64) + Sync),
) -> Submission {
    if let Err(failure) = staged.put(part, file, arrived).await {
        return Submission::Unsent(failure);
    }
    if let Some(load) = job.configuration.as_mut().and_then(|it| it.load.as_mut()) {
        load.source_uris = vec![staged.uri()];
    }
    let access = Access::load(&target.project, &target.path(), client.principal());
    match client.insert_job(&access, &job).await {
        Ok(job) => Submission::Taken(Box::new(job)),
        Err(failure) if failure.class == Class::Unknown || failure.is_refusal() => {
            Submission::Refused(failure)
        }
        Err(failure) => Submission::Lost(failure),
    }
}

impl Staged {
    /// Where the file of `part` lies below `folder`.
    pub fn new(client: &Client, target: &Target, folder: &str, part: &Part) -> Result<Self> {
        let credentials = client.rest().credentials().clone();
        let tokens = Arc::new(Tokens(credentials.clone()));
        let name = format!("dfpipe-{}.parquet", part.sha256);
        Ok(Self {
            place: Location::signed(folder, tokens)?.join(&[&name]),
            access: Access::stage(&target.project, folder, client.principal()),
            credentials,
        })
    }

    /// Its address, as a load job names it.
    pub fn uri(&self) -> String {
        self.place.display()
    }

    /// Copies the file there, unless it is there.
    async fn put(
        &self,
        part: &Part,
        file: &Path,
        arrived: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Failure> {
        // The store's own errors could not say why there is no token.
        self.credentials.token().await?;
        if self.is_there(part.bytes).await {
            arrived(part.bytes);
            return Ok(());
        }
        let put = self.place.upload_telling(file, arrived).await;
        put.map_err(|error| self.failure(&*error))
    }

    /// An object is there as a whole or not at all, and its name says what it holds.
    async fn is_there(&self, bytes: u64) -> bool {
        let found = self.place.store.head(&self.place.path).await;
        found.is_ok_and(|found| found.size == bytes)
    }

    fn failure(&self, error: &(dyn StdError + 'static)) -> Failure {
        let class = match error.downcast_ref() {
            Some(object_store::Error::PermissionDenied { .. }) => Class::Denied,
            Some(object_store::Error::Unauthenticated { .. }) => Class::Unknown,
            Some(object_store::Error::NotFound { .. }) => Class::Absent,
            Some(_) => Class::Passing,
            None => Class::Other,
        };
        Failure {
            class,
            ..Failure::broken(&self.access, self.place.reason(error))
        }
    }

    /// Removes it, if it is there; what remains is a matter of storage alone, so a failure is a sentence.
    pub async fn remove(&self) -> Option<String> {
        let error = self.place.remove_file().await.err()?;
        let reason = self.place.reason(&*error);
        Some(format!("`{}` could not be removed: {reason}", self.uri()))
    }
}

/// Our credentials, as stores want them: who loads is also who stages.
#[derive(Debug)]
struct Tokens(Credentials);

#[async_trait]
impl CredentialProvider for Tokens {
    type Credential = GcpCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<GcpCredential>> {
        let token = self.0.token().await;
        let bearer = token.map_err(|failure| object_store::Error::Generic {
            store: "GCS",
            source: failure.message.into(),
        })?;
        Ok(Arc::new(GcpCredential { bearer }))
    }
}
