//! Reads what a run left behind, by other means than dfpipe's own.

use std::path::{Path, PathBuf};

use datafusion::{
    arrow::{array::RecordBatch, json::ArrayWriter},
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};
use dfpipe::table_file::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The rows of a Parquet file, batch by batch.
pub(crate) fn batches(path: &Path) -> Vec<RecordBatch> {
    let reader = reader(path).build().expect("a Parquet file has rows");
    reader
        .map(|batch| batch.expect("rows can be read"))
        .collect()
}

/// The rows of a Parquet file as JSON objects; nulls are absent.
pub(crate) fn rows(path: &Path) -> Vec<Value> {
    let mut writer = ArrayWriter::new(vec![]);
    for batch in batches(path) {
        writer.write(&batch).expect("rows can be JSON");
    }
    writer.finish().expect("rows can be JSON");
    match writer.into_inner() {
        none if none.is_empty() => vec![],
        some => serde_json::from_slice(&some).expect("JSON can be read back"),
    }
}

/// The names of the columns of a Parquet file.
pub(crate) fn columns(path: &Path) -> Vec<String> {
    let reader = reader(path);
    let fields = reader.schema().fields().iter();
    fields.map(|field| field.name().clone()).collect()
}

fn reader(path: &Path) -> ParquetRecordBatchReaderBuilder<std::fs::File> {
    let file = fs_err::File::open(path).expect("an artefact is there");
    ParquetRecordBatchReaderBuilder::try_new(file.into_file()).expect("it is a Parquet file")
}

/// A JSON document.
pub(crate) fn json(path: &Path) -> Value {
    let text = fs_err::read_to_string(path).expect("an artefact is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// The hash of a file.
pub(crate) fn sha256(path: &Path) -> String {
    let bytes = fs_err::read(path).expect("an artefact is there");
    hex(&Sha256::digest(bytes))
}

/// All files below a folder, in the order of their paths.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in fs_err::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("a folder can be read").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}
