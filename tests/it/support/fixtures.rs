//! The raw records of `fixtures/`, read without dfpipe.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::artefacts;

/// What the CRM would answer, page after page.
pub(crate) fn customers() -> Vec<Value> {
    let pages = files("crm").into_iter().map(|page| artefacts::json(&page));
    pages
        .flat_map(|page| page["data"].as_array().cloned().expect("a page has data"))
        .collect()
}

/// What the topic would hold, as bytes: some of it is no JSON.
pub(crate) fn lines() -> Vec<Vec<u8>> {
    let mut lines = vec![];
    for file in files("events") {
        let bytes = fs_err::read(file).expect("a fixture can be read");
        let each = bytes.split_inclusive(|byte| *byte == b'\n');
        lines.extend(each.map(|line| line.trim_ascii_end().to_vec()));
    }
    lines
}

/// The lines that are JSON.
pub(crate) fn events() -> Vec<Value> {
    let lines = lines();
    let read = lines.iter().map(|line| serde_json::from_slice(line));
    read.filter_map(Result::ok).collect()
}

/// The files of a folder of `fixtures/`, in the order of their names.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    artefacts::files(&fixtures.join(folder))
}
