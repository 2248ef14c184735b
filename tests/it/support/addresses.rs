//! Finds the e-mail addresses of the fixtures, however they are disguised.
//!
//! Their domains are common to all, so what gives one away is its local part: `uma.ueda3`.

use std::{collections::BTreeSet, path::Path, sync::LazyLock};

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::DataType,
};
use regex::Regex;

use super::{artefacts, fixtures};

/// The local parts of all addresses of the fixtures, in lower case.
pub(crate) fn of_fixtures() -> &'static BTreeSet<String> {
    static ADDRESSES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let files = fixtures::files("crm")
            .into_iter()
            .chain(fixtures::files("events"));
        files.flat_map(|file| local_parts(&text(&file))).collect()
    });
    &ADDRESSES
}

/// The addresses of the fixtures that stand in this text.
pub(crate) fn found_in(text: &str) -> BTreeSet<String> {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[\p{L}\p{M}\p{N}._+-]+").expect("it is a regex"));
    let text = undisguised(text);
    let words = WORD.find_iter(&text).map(|word| word.as_str());
    words
        .filter(|word| of_fixtures().contains(*word))
        .map(str::to_owned)
        .chain(local_parts(&text))
        .collect()
}

/// The addresses of the fixtures that stand in a file: in its name, its bytes, and if it is Parquet,
/// in the values of its columns.
pub(crate) fn found_in_file(path: &Path) -> BTreeSet<String> {
    let mut found = found_in(&path.display().to_string());
    found.append(&mut found_in(&text(path)));
    if path
        .extension()
        .is_some_and(|extension| extension == "parquet")
    {
        for batch in artefacts::batches(path) {
            found.append(&mut found_in_batch(&batch));
        }
    }
    found
}

/// The addresses of the fixtures that stand in the text or bytes of some rows.
pub(crate) fn found_in_batch(batch: &RecordBatch) -> BTreeSet<String> {
    let texts = batch.columns().iter().flat_map(texts);
    found_in(&texts.collect::<Vec<_>>().join("\n"))
}

/// Local parts of what looks like an address, if only of their kind.
fn local_parts(text: &str) -> Vec<String> {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"([\p{L}\p{M}\p{N}._+-]+)@example\.(?:com|org|net)";
        Regex::new(pattern).expect("it is a regex")
    });
    let text = undisguised(text);
    let addresses = ADDRESS.captures_iter(&text);
    addresses.map(|address| address[1].to_owned()).collect()
}

/// As it would be read by a person: one case, one kind of `@`.
fn undisguised(text: &str) -> String {
    text.to_lowercase()
        .replace("%40", "@")
        .replace("\\u0040", "@")
        .replace("&#64;", "@")
        .replace('＠', "@")
}

fn text(path: &Path) -> String {
    let bytes = fs_err::read(path).expect("a file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn texts(column: &ArrayRef) -> Vec<String> {
    match column.data_type() {
        DataType::Utf8 => owned(column.as_string::<i32>().iter()),
        DataType::Binary => {
            let bytes = column.as_binary::<i32>().iter();
            let texts = bytes.map(|bytes| bytes.map(String::from_utf8_lossy));
            texts.flatten().map(std::borrow::Cow::into_owned).collect()
        }
        DataType::Date32
        | DataType::Timestamp(..)
        | DataType::Decimal128(..)
        | DataType::Boolean => vec![],
        kind if kind.is_numeric() => vec![],
        other => panic!("nobody looks into a column of {other}"),
    }
}

fn owned<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Vec<String> {
    texts.flatten().map(str::to_owned).collect()
}
