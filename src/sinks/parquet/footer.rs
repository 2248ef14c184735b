//! Whose file it is: facts in a Parquet file's footer, written once and read by every later run.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::parquet::{
    errors::ParquetError,
    file::metadata::{ParquetMetaData, ParquetMetaDataReader},
};
use object_store::{GetOptions, GetRange, ObjectStoreExt};

use super::super::{Load, Loaded};
use crate::{
    error::{Error, Result},
    storage::Location,
};

const RUN_ID: &str = "dfpipe.run_id";
const RECORD_COUNT: &str = "dfpipe.record_count";

/// A footer is rarely longer; a longer one is read in a second step.
const TAIL: u64 = 64 * 1024;

/// What the footer of a load says.
pub fn facts(load: &Load) -> [(&'static str, String); 2] {
    [
        (RUN_ID, load.run_id.clone()),
        (RECORD_COUNT, load.rows.to_string()),
    ]
}

/// Reads the footer of the load at `location`.
pub async fn read(location: &Location, load_number: u32) -> Result<Loaded> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::outside(format!("`{}` cannot be read", location.display()))
            .because(error)
            .with_hint("a file that is no load of dfpipe must not lie in its warehouse")
    };
    let head = location
        .store
        .head(&location.path)
        .await
        .map_err(|error| unreadable(&error))?;
    let metadata = footer(location, head.size)
        .await
        .map_err(|error| unreadable(&error))?;
    let pairs = metadata.file_metadata().key_value_metadata();
    let value = |key: &str| {
        let pair = pairs?.iter().find(|pair| pair.key == key)?;
        pair.value.clone()
    };
    let run_id = value(RUN_ID).ok_or_else(|| unreadable(&"its footer names no run"))?;
    let record_count = value(RECORD_COUNT).and_then(|text| text.parse().ok());
    Ok(Loaded {
        load_number,
        run_id,
        rows: u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0),
        record_count: record_count.ok_or_else(|| unreadable(&"its footer counts no rows"))?,
        location: location.clone(),
    })
}

async fn footer(
    location: &Location,
    size: u64,
) -> Result<Arc<ParquetMetaData>, Box<dyn std::error::Error + Send + Sync>> {
    let mut tail = TAIL.min(size);
    loop {
        let bytes = last(location, tail).await?;
        let mut reader = ParquetMetaDataReader::new();
        match reader.try_parse_sized(&bytes, size) {
            Ok(()) => return Ok(Arc::new(reader.finish()?)),
            Err(ParquetError::NeedMoreData(needed)) if (needed as u64) > tail && tail < size => {
                tail = (needed as u64).min(size);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn last(location: &Location, bytes: u64) -> object_store::Result<Bytes> {
    let options = GetOptions {
        range: Some(GetRange::Suffix(bytes)),
        ..GetOptions::default()
    };
    location
        .store
        .get_opts(&location.path, options)
        .await?
        .bytes()
        .await
}
