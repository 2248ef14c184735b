//! Of what a table was made. As long as that is the same, a table on disk is as good as a new one:
//! this is what resuming, planning and replaying ask.

use std::collections::BTreeMap;

use datafusion::DATAFUSION_VERSION;
use dfpipe_udfs::EmailHasher;
use sha2::{Digest, Sha256};

use super::record::{Build, ModelRecord, SourceRecord};
use crate::{
    config::{self, From, Secret, Source},
    engine::{DEAD_LETTERS, EXTRACT_LOG, EXTRACT_REJECTS},
    error::{Error, Result},
    model::{Model, Parameters, filled_fingerprint},
    sources::Window,
    table_file::hex,
};

/// The program that runs, with the key that e-mail addresses are hashed under.
pub fn build(email_key: &Secret) -> Build {
    Build {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        source: env!("DFPIPE_SOURCE_HASH").to_owned(),
        udfs: env!("DFPIPE_UDFS_HASH").to_owned(),
        datafusion: DATAFUSION_VERSION.to_owned(),
        email_key: key_check(email_key),
    }
}

/// Tells keys apart without telling them: what the key makes of a fixed text, cut short.
fn key_check(key: &Secret) -> String {
    let hash = EmailHasher::new(key.expose().as_bytes()).hash("key-check@dfpipe.invalid");
    hash.unwrap_or_default().chars().take(8).collect()
}

/// The identity of what `source` gives: its declaration and the window, not how it is reached.
pub fn of_source(source: &Source, window: Window, email_key: &str) -> String {
    let mut source = source.clone();
    source.max_dead_letters = 0.0;
    source.description = None;
    source.checks.clear();
    match &mut source.from {
        From::Files(_) => {}
        From::Crm(crm) => without_transport(crm),
        From::Kafka(kafka) => {
            kafka.timeout = std::time::Duration::ZERO;
            kafka.stall_timeout = std::time::Duration::ZERO;
            kafka.options.clear();
            if let Some(registry) = kafka.format.registry_mut() {
                without_transport(&mut registry.0);
            }
        }
    }
    digest([
        format!("{source:?}"),
        format!("{window:?}"),
        email_key.to_owned(),
    ])
}

fn without_transport(crm: &mut config::Crm) {
    crm.auth = None;
    crm.timeout = std::time::Duration::ZERO;
    crm.requests_per_minute = 0;
    crm.retries = 0;
    crm.concurrency = 0;
    if let Some(size) = &mut crm.pagination.size {
        size.records = 0;
    }
}

/// The identity of the table of `model`, given the hashes of all tables that are there by now.
pub fn of_model(
    model: &Model,
    parameters: &Parameters,
    inputs: &BTreeMap<String, String>,
    build: &Build,
) -> Result<String> {
    let mut parts = vec![
        filled_fingerprint(&model.sql, parameters),
        model.header.key.join(","),
        build.source.clone(),
        build.datafusion.clone(),
        build.email_key.clone(),
    ];
    for read in &model.sql.reads {
        let hash = inputs.get(&read.table).ok_or_else(|| {
            Error::bug(format!("`{}` is built before `{}`", model.name, read.table))
        })?;
        parts.push(format!("{}={hash}", read.table));
    }
    parts[5..].sort();
    parts.dedup();
    Ok(digest(parts))
}

/// The hashes of the extracts, by table.
pub fn extracts(sources: &[SourceRecord]) -> BTreeMap<String, String> {
    let mut inputs = BTreeMap::new();
    let mut counts = vec![];
    let mut refused = vec![];
    for source in sources {
        let files = source.files.iter().map(|file| file.sha256.clone());
        inputs.insert(source.name.clone(), digest(files));
        counts.push(format!(
            "{} {} {} {}",
            source.name, source.rows, source.rejected, source.dead_lettered
        ));
        refused.extend(source.refused.iter().map(|file| file.sha256.clone()));
    }
    inputs.insert(EXTRACT_LOG.to_owned(), digest(counts));
    inputs.insert(EXTRACT_REJECTS.to_owned(), digest(refused.clone()));
    inputs.insert(DEAD_LETTERS.to_owned(), digest(refused));
    inputs
}

/// Why a table that was there has to be made again, in words.
pub fn difference(
    earlier: &ModelRecord,
    model: &Model,
    builds: [&Build; 2],
    redone: &dyn Fn(&str) -> bool,
) -> String {
    if earlier.fingerprint != model.fingerprint {
        return "its SQL has changed".to_owned();
    }
    if let Some(read) = model.sql.reads.iter().find(|read| redone(&read.table)) {
        return format!("`{}` was made again", read.table);
    }
    if builds[0] != builds[1] {
        return "dfpipe itself has changed".to_owned();
    }
    "a parameter or its key has changed".to_owned()
}

fn digest(parts: impl IntoIterator<Item = String>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}
