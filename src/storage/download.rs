//! An object read from its beginning to its end, a range at a time.
//!
//! One long answer would be cut when the reader is slower than the store: a request has a time
//! limit, and so have its retries. A range is small, and each has its own.

use std::ops::Range;

use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStoreExt};

use super::Location;

/// Bytes of a range.
const RANGE: u64 = 8 * 1024 * 1024;

impl Location {
    /// What the object holds. One that is replaced meanwhile is an error, never a mixture.
    pub async fn download(
        &self,
    ) -> object_store::Result<BoxStream<'static, object_store::Result<Bytes>>> {
        let object = self.store.head(&self.path).await?;
        let requests = ranges(object.size).map(move |range| request(&object, range));
        let location = self.clone();
        let reading = stream::iter(requests).then(move |request| {
            let location = location.clone();
            async move {
                let found = location.store.get_opts(&location.path, request).await?;
                found.bytes().await
            }
        });
        Ok(reading.into_stream().boxed())
    }
}

fn request(object: &ObjectMeta, range: Range<u64>) -> GetOptions {
    GetOptions {
        range: Some(GetRange::Bounded(range)),
        if_match: object.e_tag.clone(),
        ..GetOptions::default()
    }
}

fn ranges(size: u64) -> impl Iterator<Item = Range<u64>> + Send {
    (0..size.div_ceil(RANGE)).map(move |number| {
        let start = number * RANGE;
        start..size.min(start + RANGE)
    })
}

#[cfg(test)]
mod tests {
    use super::{RANGE, ranges};

    #[test]
    fn ranges_cover_an_object_without_a_gap() {
        for size in [0, 1, RANGE, RANGE + 1, 3 * RANGE - 1] {
            let mut end = 0;
            for range in ranges(size) {
                assert_eq!(range.start, end);
                assert!(!range.is_empty());
                end = range.end;
            }
            assert_eq!(end, size);
        }
    }
}
