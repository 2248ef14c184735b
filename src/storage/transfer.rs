//! A local file goes to a place and is read back, in chunks. Loads and the archive both prove by it that
//! what arrived is what was sent.

use std::path::Path;

use futures::TryStreamExt;
use object_store::{ObjectStoreExt, PutPayload, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
};

use super::Location;

/// A part of an upload. S3 takes ten thousand of them, and none but the last below 5 MiB.
pub const CHUNK: usize = 8 * 1024 * 1024;

/// Parts that are under way at a time: with their size, the memory that an upload takes.
const AT_A_TIME: usize = 4;

/// What came of asking a store or a disk.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

impl Location {
    /// Copies the file at `source` to this place, where it is whole or not there.
    pub async fn upload(&self, source: &Path) -> Outcome<()> {
        let file = File::open(source).await?;
        if file.metadata().await?.len() > CHUNK as u64 {
            return in_parts(file, self).await;
        }
        let bytes = tokio::fs::read(source).await?;
        self.store.put(&self.path, PutPayload::from(bytes)).await?;
        Ok(())
    }

    /// Copies what this place holds to the file at `path`.
    pub async fn save(&self, path: &Path) -> Outcome<()> {
        let mut chunks = self.download().await?;
        let mut file = File::create(path).await?;
        while let Some(chunk) = chunks.try_next().await? {
            file.write_all(&chunk).await?;
        }
        Ok(file.flush().await?)
    }

    /// The SHA-256 of what this place holds, in hexadecimal digits.
    pub async fn sha256(&self) -> object_store::Result<String> {
        let mut chunks = self.download().await?;
        let mut hash = Sha256::new();
        while let Some(chunk) = chunks.try_next().await? {
            hash.update(&chunk);
        }
        Ok(format!("{:x}", hash.finalize()))
    }
}

async fn in_parts(mut file: File, target: &Location) -> Outcome<()> {
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
