//! What a source says of itself before it is read: for a plan, and for whoever looks for faults.
//!
//! Apart from reading, because nothing is extracted here and nothing is written: a question or two per
//! source, each bounded by the source's own `timeout_seconds` (an object store's by its client).

use serde::Serialize;

use super::{Privacy, Window, crm, files, kafka};
use crate::{
    config::{From, Source},
    error::Result,
};

/// What reading a source will take. What the source does not tell is `None`, never 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Survey {
    /// Records that there will be. Of a topic, the most: some offsets hold no message.
    pub records: Option<u64>,
    /// Requests that reading them takes.
    pub requests: Option<u64>,
    /// Minutes that these take at least, by the rate limit.
    pub minutes: Option<f64>,
    /// Bytes to read.
    pub bytes: Option<u64>,
    /// Files or partitions, in the order in which they are numbered.
    pub parts: Vec<SurveyPart>,
    /// What a person should know, such as a window that retention has cut.
    pub notes: Vec<String>,
}

/// A file or a partition of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SurveyPart {
    /// The file, below the folder of all; or the partition.
    pub name: String,
    /// The first offset that would be read.
    pub first: Option<i64>,
    /// The first offset that would not.
    pub end: Option<i64>,
    /// Its size.
    pub bytes: Option<u64>,
    /// Whether messages of the window may be gone from it.
    pub is_cut: bool,
}

/// What was found of a source by looking at it closely.
#[derive(Debug)]
pub enum Examined {
    /// Files.
    Files(files::Examined),
    /// A REST API.
    Crm(crm::Examined),
    /// A Kafka topic.
    Kafka(kafka::Examined),
}

/// Asks a source, without reading it, what reading it will take. A source that cannot be reached, or
/// does not let us in, is an error with its reason.
pub async fn survey(source: &Source, window: Window, privacy: &Privacy) -> Result<Survey> {
    match &source.from {
        From::Files(files) => files::survey(files, &source.name).await,
        From::Crm(crm) => crm::survey(crm, window, privacy).await,
        From::Kafka(kafka) => kafka::survey(kafka, window).await,
    }
}

/// Looks for all that could be in the way of reading a source.
pub async fn examine(source: &Source, window: Window, privacy: &Privacy) -> Result<Examined> {
    Ok(match &source.from {
        From::Files(files) => Examined::Files(files::examine(files, &source.name).await?),
        From::Crm(crm) => Examined::Crm(crm::examine(crm, window, privacy).await?),
        From::Kafka(kafka) => Examined::Kafka(kafka::examine(kafka, window).await),
    })
}
