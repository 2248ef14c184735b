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
        self.upload_telling(source, &|_| ()).await
    }

    /// The same; `arrived` hears how many bytes are there at least.
    pub async fn upload_telling(
        &self,
        source: &Path,
        arrived: &(dyn Fn(u64) + Sync),
    ) -> Outcome<()> {
        let file = File::open(source).await?;
        let bytes = file.metadata().await?.len();
        if bytes > CHUNK as u64 {
            in_parts(file, self, arrived).await?;
        } else {
            let content = tokio::fs::read(source).await?;
            let content = PutPayload::from(content);
            self.store.put(&self.path, content).await?;
        }
        arrived(bytes);
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

async fn in_parts(
    mut file: File,
    target: &Location,
    arrived: &(dyn Fn(u64) + Sync),
) -> Outcome<()> {
    let upload = target.store.put_multipart(&target.path).await?;
    let mut writer = WriteMultipart::new_with_chunk_size(upload, CHUNK);
    match send(&mut file, &mut writer, arrived).await {
        Ok(()) => writer.finish().await.map(|_| ()).map_err(Into::into),
        Err(error) => {
            // The parts would be kept, and paid for. What went wrong matters more.
            let _ = writer.abort().await;
            Err(error)
        }
    }
}

async fn send(
    file: &mut File,
    writer: &mut WriteMultipart,
    arrived: &(dyn Fn(u64) + Sync),
) -> Outcome<()> {
    let mut buffer = vec![0; CHUNK];
    let mut sent = 0_u64;
    loop {
        let length = file.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        writer.wait_for_capacity(AT_A_TIME).await?;
        // All but the parts that may be under way.
        arrived(sent.saturating_sub((AT_A_TIME * CHUNK) as u64));
        writer.write(&buffer[..length]);
        sent += length as u64;
    }
}
