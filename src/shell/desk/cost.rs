//! What reading a live source will cost: said before it is read.

use super::{Desk, SOURCE};
use crate::{
    config::From,
    sources::{Privacy, Survey, survey},
};

/// Bytes of files that are read without a word.
const MUCH: u64 = 100_000_000;

impl Desk {
    /// What is to be said before a statement is answered, a line for each live source that it names.
    pub async fn cost(&self, statement: &str) -> Vec<String> {
        let statement = statement.to_lowercase();
        let privacy = Privacy::new(&self.config.email_hash_key);
        let is_default = self.engine.default_schema() == SOURCE;
        let mut lines = vec![];
        for source in self.config.sources.values() {
            let name = format!("{SOURCE}.{}", source.name);
            let bare = is_default && statement.contains(&source.name.to_lowercase());
            if !bare && !statement.contains(&name.to_lowercase()) {
                continue;
            }
            // One that cannot be asked says so itself, as soon as it is read.
            let Ok(survey) = survey(source, self.window, &privacy).await else {
                continue;
            };
            let limit = match &source.from {
                From::Crm(crm) => format!("at most {} requests a minute", crm.requests_per_minute),
                From::Kafka(_) => "the window only, read once, without a commit".to_owned(),
                From::Files(_) if survey.bytes.is_some_and(|bytes| bytes > MUCH) => String::new(),
                From::Files(_) => continue,
            };
            lines.push(format!("{name} is read live: {}", words(&survey, limit)));
        }
        lines
    }
}

fn words(survey: &Survey, limit: String) -> String {
    let records = survey.records.map(|count| format!("up to {count} records"));
    let requests = survey.requests.map(|count| format!("{count} requests"));
    let minutes = survey
        .minutes
        .map(|minutes| format!("at least {minutes:.1} min"));
    let bytes = survey
        .bytes
        .map(|bytes| format!("{} MB", bytes / 1_000_000));
    let limit = Some(limit).filter(|limit| !limit.is_empty());
    let parts: Vec<String> = [records, requests, minutes, bytes, limit]
        .into_iter()
        .flatten()
        .collect();
    format!(
        "{} (a `limit` reads less, Ctrl-C stops it)",
        parts.join(", ")
    )
}
