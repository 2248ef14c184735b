//! Whose file it is: facts in a Parquet file's footer, written once and read by every later run.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::{
    arrow::datatypes::SchemaRef,
    parquet::{
        arrow::parquet_to_arrow_schema,
        errors::ParquetError,
        file::metadata::{ParquetMetaData, ParquetMetaDataReader},
    },
};
use object_store::{Error as StoreError, Error::NotFound, GetOptions, GetRange, ObjectStoreExt};

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
    let found = find(location, load_number).await?;
    found.ok_or_else(|| unreadable(location).because("it is gone"))
}

/// The columns of the load at `location`; none if it is gone.
pub async fn columns(location: &Location) -> Result<Option<SchemaRef>> {
    let Some(metadata) = metadata(location).await? else {
        return Ok(None);
    };
    let file = metadata.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata());
    let schema = schema.map_err(|error| unreadable(location).because(error))?;
    Ok(Some(Arc::new(schema)))
}

/// Reads the footer of the load at `location`, if there is one.
pub async fn find(location: &Location, load_number: u32) -> Result<Option<Loaded>> {
    let Some(metadata) = metadata(location).await? else {
        return Ok(None);
    };
    let pairs = metadata.file_metadata().key_value_metadata();
    let value = |key: &str| {
        let pair = pairs?.iter().find(|pair| pair.key == key)?;
        pair.value.clone()
    };
    let run_id = value(RUN_ID);
    let record_count = value(RECORD_COUNT).and_then(|text| text.parse().ok());
    Ok(Some(Loaded {
        load_number,
        run_id: run_id.ok_or_else(|| unreadable(location).because("its footer names no run"))?,
        rows: u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0),
        record_count: record_count
            .ok_or_else(|| unreadable(location).because("its footer counts no rows"))?,
        load_id: location.display(),
        file: Some(location.clone()),
    }))
}

/// What the footer of the file at `location` holds; none if there is no file.
async fn metadata(location: &Location) -> Result<Option<Arc<ParquetMetaData>>> {
    let size = match location.store.head(&location.path).await {
        Ok(object) => object.size,
        Err(NotFound { .. }) => return Ok(None),
        Err(error) => return Err(location.refused(unreadable(location).message(), &error)),
    };
    match footer(location, size).await {
        Ok(metadata) => Ok(Some(metadata)),
        Err(Unreadable::Store(error)) => {
            Err(location.refused(unreadable(location).message(), &error))
        }
        Err(Unreadable::File(error)) => Err(unreadable(location).because(error)),
    }
}

/// The file is no load of ours.
fn unreadable(location: &Location) -> Error {
    Error::outside(format!("`{}` cannot be read", location.display()))
        .with_hint("a file that is no load of dfpipe must not lie in its warehouse")
}

/// Why there is no footer: the store, or the file itself.
enum Unreadable {
    Store(StoreError),
    File(ParquetError),
}

async fn footer(location: &Location, size: u64) -> Result<Arc<ParquetMetaData>, Unreadable> {
    let mut tail = TAIL.min(size);
    loop {
        let bytes = last(location, tail).await.map_err(Unreadable::Store)?;
        let mut reader = ParquetMetaDataReader::new();
        match reader.try_parse_sized(&bytes, size) {
            Ok(()) => return reader.finish().map(Arc::new).map_err(Unreadable::File),
            Err(ParquetError::NeedMoreData(needed)) if (needed as u64) > tail && tail < size => {
                tail = (needed as u64).min(size);
            }
            Err(error) => return Err(Unreadable::File(error)),
        }
    }
}

/// The last bytes of a file. One that has none is no Parquet file, which its reader says better
/// than a store does.
async fn last(location: &Location, bytes: u64) -> object_store::Result<Bytes> {
    if bytes == 0 {
        return Ok(Bytes::new());
    }
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
