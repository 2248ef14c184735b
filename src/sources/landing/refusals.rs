//! The refused records of a group of pages, in the order in which they came, a line of JSON for each.
//!
//! Lines and no Parquet, since rejects and dead letters stand in one order: only in that order does a resumed extract
//! write the bytes that an undisturbed one writes.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    sources::record::Refusal,
    table_file::{FileFacts, hex},
};

/// Writes the file, which only the owner may read, and makes sure that it is on disk.
pub fn write(path: &Path, refusals: &[Refusal]) -> Result<FileFacts> {
    let unwritable = |error: &dyn std::fmt::Display| {
        Error::outside("refused records cannot be kept, so the extraction stops").because(error)
    };
    let mut text = vec![];
    for refusal in refusals {
        serde_json::to_writer(&mut text, refusal).map_err(|error| unwritable(&error))?;
        text.push(b'\n');
    }
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use fs_err::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(|error| unwritable(&error))?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .map_err(|error| unwritable(&error))?;
    Ok(FileFacts {
        rows: refusals.len() as u64,
        bytes: text.len() as u64,
        sha256: hex(&Sha256::digest(&text)),
    })
}

/// Gives every refusal of the file to `take`.
pub fn read(path: &Path, take: &mut dyn FnMut(Refusal) -> Result<()>) -> Result<()> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::outside(format!("`{}` cannot be read", path.display())).because(error)
    };
    let file = fs_err::File::open(path).map_err(|error| unreadable(&error))?;
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|error| unreadable(&error))?;
        take(serde_json::from_str(&line).map_err(|error| unreadable(&error))?)?;
    }
    Ok(())
}
