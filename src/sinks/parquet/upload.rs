//! Moves a local file into a store and reads it back, in chunks.

use std::path::Path;

use futures::TryStreamExt;
use object_store::{ObjectStoreExt, PutPayload, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::{fs::File, io::AsyncReadExt};

use crate::{storage::Location, table_file::hex};

/// A part of an upload. S3 takes ten thousand of them, and none but the last below 5 MiB.
const CHUNK: usize = 8 * 1024 * 1024;

/// Parts that are under way at a time: with their size, the memory that an upload takes.
const AT_A_TIME: usize = 4;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Copies the file at `source` to `target`, which is whole or not there.
pub async fn upload(source: &Path, target: &Location) -> Outcome<()> {
    let mut file = File::open(source).await?;
    if file.metadata().await?.len() <= CHUNK as u64 {
        let bytes = tokio::fs::read(source).await?;
        target
            .store
            .put(&target.path, PutPayload::from(bytes))
            .await?;
        return Ok(());
    }
    let upload = target.store.put_multipart(&target.path).await?;
    let mut writer = WriteMultipart::new_with_chunk_size(upload, CHUNK);
    match send(&mut file, &mut writer).await {
        Ok(()) => writer.finish().await.map(|_| ()).map_err(Into::into),
        Err(error) => {
            // The parts would be kept, and paid for. What went wrong matters more.
            let _ = writer.abort().await;
            Err(error)
        }
    }
}

async fn send(file: &mut File, writer: &mut WriteMultipart) -> Outcome<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = file.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        writer.wait_for_capacity(AT_A_TIME).await?;
        writer.write(&buffer[..length]);
    }
}

/// The SHA-256 of what `location` holds.
pub async fn hash(location: &Location) -> object_store::Result<String> {
    let mut chunks = location.download().await?;
    let mut hash = Sha256::new();
    while let Some(chunk) = chunks.try_next().await? {
        hash.update(&chunk);
    }
    Ok(hex(&hash.finalize()))
}
