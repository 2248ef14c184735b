//! Tells the brokers how far a group has read. Apart from reading, which moves nothing: a run commits when its load
//! is there, and nobody else commits at all.

use std::sync::Arc;

use tokio::{task::spawn_blocking, time::timeout};

use super::{client::Client, failure::Reason, offsets::Place};
use crate::{
    config::Kafka,
    error::{Error, Result},
};

/// Questions of a commit, each of which may take as long as any other.
const QUESTIONS: u32 = 2;

/// Commits that all before these offsets is read, by partition; never backwards.
pub async fn commit(kafka: &Kafka, offsets: Vec<Place>) -> Result<()> {
    let kafka = Arc::new(kafka.clone());
    let committing = spawn_blocking({
        let kafka = Arc::clone(&kafka);
        move || Client::new(kafka, 1)?.commit(&offsets)
    });
    match timeout(kafka.timeout * QUESTIONS, committing).await {
        Ok(committed) => committed
            .map_err(|error| Error::bug("the commit of offsets broke off").because(error))?,
        Err(_) => Err(Reason::Unavailable.error(&kafka)),
    }
}
