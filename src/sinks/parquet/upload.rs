//! Moves a local file into a store and reads it back, in chunks.

use std::path::Path;

use futures::TryStreamExt;
use object_store::{ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use crate::{storage::Location, table_file::hex};

const CHUNK: usize = 5 * 1024 * 1024;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Copies the file at `source` to `target`.
pub async fn upload(source: &Path, target: &Location) -> Outcome<()> {
    let mut file = tokio::fs::File::open(source).await?;
    let upload = target.store.put_multipart(&target.path).await?;
    let mut writer = WriteMultipart::new_with_chunk_size(upload, CHUNK);
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = file.read(&mut buffer).await?;
        if length == 0 {
            break;
        }
        writer.wait_for_capacity(4).await?;
        writer.write(&buffer[..length]);
    }
    writer.finish().await?;
    Ok(())
}

/// The SHA-256 of what `location` holds.
pub async fn hash(location: &Location) -> Outcome<String> {
    let mut chunks = location.store.get(&location.path).await?.into_stream();
    let mut hash = Sha256::new();
    while let Some(chunk) = chunks.try_next().await? {
        hash.update(&chunk);
    }
    Ok(hex(&hash.finalize()))
}
