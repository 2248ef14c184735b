//! A file as plain bytes, wherever it is and whether it is packed.

use std::{
    error::Error as StdError,
    io::{BufRead, BufReader, Read, Result as IoResult},
};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use futures::{StreamExt, stream::BoxStream};
use tokio::runtime::Handle;

use crate::{
    error::{Error, Result},
    storage::Location,
};

const BUFFER: usize = 256 * 1024;

/// Opens a file for reading. Must be called on a thread that may block.
pub fn open(location: &Location) -> Result<Box<dyn BufRead>> {
    let bytes: Box<dyn Read> = match location.local_file() {
        Some(path) => {
            Box::new(fs_err::File::open(path).map_err(|error| unreadable(location, &error))?)
        }
        None => {
            let chunks = Handle::current().block_on(location.download());
            Box::new(Download {
                chunks: chunks.map_err(|error| unreadable(location, &error))?,
                current: Bytes::new(),
            })
        }
    };
    let packed = location.path.extension() == Some("gz");
    let plain: Box<dyn Read> = if packed {
        Box::new(MultiGzDecoder::new(bytes))
    } else {
        bytes
    };
    Ok(Box::new(BufReader::with_capacity(BUFFER, plain)))
}

/// What a failed read of `location` means.
pub fn unreadable(location: &Location, error: &(dyn StdError + 'static)) -> Error {
    location.refused(format!("`{}` cannot be read", location.display()), error)
}

/// An object's chunks as a reader.
struct Download {
    chunks: BoxStream<'static, object_store::Result<Bytes>>,
    current: Bytes,
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        while self.current.is_empty() {
            match Handle::current().block_on(self.chunks.next()) {
                Some(chunk) => self.current = chunk.map_err(std::io::Error::other)?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.current.len());
        buffer[..length].copy_from_slice(&self.current.split_to(length));
        Ok(length)
    }
}
