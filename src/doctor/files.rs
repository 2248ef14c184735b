//! Whether a source's files are there and can be read.

use super::{Finding, words};
use crate::{
    config::{From, Source},
    sources::files::Examined,
};

/// Files that are named one by one.
const NAMED: usize = 5;

/// Judges what was found of files.
pub fn judge(source: &Source, found: &Examined) -> Vec<Finding> {
    let remedy = "let this user read it";
    let refused = &found.unreadable;
    if !refused.is_empty() {
        let named = refused.iter().take(NAMED);
        let mut findings: Vec<_> = named
            .map(|error| Finding::problem(&source.name, error, remedy))
            .collect();
        if refused.len() > NAMED
            && let Some(last) = findings.last_mut()
        {
            last.what = format!("{} (and {} more)", last.what, refused.len() - NAMED);
        }
        return findings;
    }
    let files = words::of(found.survey.parts.len() as u64, "file");
    let bytes = words::bytes(found.survey.bytes.unwrap_or_default());
    let place = match &source.from {
        From::Files(files) => files.path.as_str(),
        From::Crm(_) | From::Kafka(_) => "",
    };
    let what = format!("{files}, {bytes} at `{place}`");
    vec![Finding::ok(&source.name, what)]
}
