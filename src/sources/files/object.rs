//! A Parquet file in any store, read by ranges.
//!
//! Our own, since the reader that the Parquet crate brought for this is deprecated in favour of
//! implementing its trait.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use datafusion::parquet::{
    arrow::{arrow_reader::ArrowReaderOptions, async_reader::AsyncFileReader},
    errors::{ParquetError, Result as ParquetResult},
    file::metadata::{ParquetMetaData, ParquetMetaDataReader},
};
use futures::{FutureExt, future::BoxFuture};
use object_store::ObjectStoreExt;

use super::input::unreadable;
use crate::{error::Result, storage::Location};

/// An object and its size.
pub struct ParquetObject {
    location: Location,
    size: u64,
}

impl ParquetObject {
    /// Asks the store for the size.
    pub async fn open(location: &Location) -> Result<Self> {
        let head = location.store.head(&location.path).await;
        let head = head.map_err(|error| unreadable(location, &error))?;
        Ok(Self {
            location: location.clone(),
            size: head.size,
        })
    }
}

impl AsyncFileReader for ParquetObject {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        let reading = async move {
            let bytes = self
                .location
                .store
                .get_range(&self.location.path, range)
                .await;
            bytes.map_err(|error| ParquetError::External(Box::new(error)))
        };
        reading.boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        let reading = async move {
            let bytes = self
                .location
                .store
                .get_ranges(&self.location.path, &ranges)
                .await;
            bytes.map_err(|error| ParquetError::External(Box::new(error)))
        };
        reading.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        let reading = async move {
            let size = self.size;
            ParquetMetaDataReader::new()
                .load_and_finish(self, size)
                .await
                .map(Arc::new)
        };
        reading.boxed()
    }
}
