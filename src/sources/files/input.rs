//! A file as plain bytes, wherever it is and whether it is packed.

use std::{
    error::Error as StdError,
    io::{BufRead, BufReader, Cursor, Read, Result as IoResult},
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

/// What some programs write before UTF-8 text; it is no part of it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Opens a file of text for reading. Must be called on a thread that may block.
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
    let text = without_mark(BufReader::with_capacity(BUFFER, plain));
    Ok(Box::new(
        text.map_err(|error| unreadable(location, &error))?,
    ))
}

/// The text after its byte order mark, if it has one.
fn without_mark(mut text: impl BufRead) -> IoResult<impl BufRead> {
    let mut start = vec![];
    (&mut text)
        .take(BYTE_ORDER_MARK.len() as u64)
        .read_to_end(&mut start)?;
    if start == BYTE_ORDER_MARK {
        start.clear();
    }
    Ok(Cursor::new(start).chain(text))
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::without_mark;

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        for (bytes, expected) in [
            ("\u{feff}id,n", "id,n"),
            ("id,n", "id,n"),
            ("{}", "{}"),
            ("", ""),
            ("\u{feff}", ""),
            ("\u{feff}\u{feff}a", "\u{feff}a"),
        ] {
            let mut text = String::new();
            let mut plain = without_mark(bytes.as_bytes()).unwrap();
            plain.read_to_string(&mut text).unwrap();
            assert_eq!(text, expected, "{bytes:?}");
        }
    }
}
