//! A stream of rows becomes one Parquet file whose bytes depend on the rows alone.
//!
//! Our own and not `COPY`, because that names its files at random and cuts pages where batches
//! happen to end. Here rows are regrouped into batches of one size before they are written, so the
//! number of partitions and spilling leave no trace. The hash is taken while writing.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::RecordBatch,
        compute::{BatchCoalescer, cast},
        datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    },
    parquet::{
        arrow::ArrowWriter,
        basic::{Compression, ZstdLevel},
        errors::ParquetError,
        file::{metadata::KeyValue, properties::WriterProperties},
    },
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Rows of a batch on its way into a file.
const BATCH: usize = 8192;

/// Rows of a row group: some tens of megabytes, so that readers can share a file.
const ROW_GROUP: usize = 256 * 1024;

/// Rows of a row group at least, however many files are written: below, readers have more to open than to read.
const SHORT_GROUP: usize = 32 * 1024;

/// What a finished file is.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct FileFacts {
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes, in hexadecimal digits.
    pub sha256: String,
}

/// A Parquet file that is being written. It has its name only once it is finished.
pub struct ParquetFile {
    path: PathBuf,
    part: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<Hashing<fs_err::File>>,
    coalescer: BatchCoalescer,
    rows: u64,
}

impl ParquetFile {
    /// Begins the file at `path`, with `metadata` in its footer.
    pub fn create(path: &Path, schema: &Schema, metadata: &[(&str, String)]) -> Result<Self> {
        Self::begin(path, schema, metadata, ROW_GROUP)
    }

    /// Begins the file at `path`, one of `count` that are written at the same time. A group of rows is held until it
    /// is full: the more files, the shorter their groups.
    pub fn create_beside(path: &Path, schema: &Schema, count: usize) -> Result<Self> {
        let rows = (2 * ROW_GROUP / count.max(2)).max(SHORT_GROUP);
        Self::begin(path, schema, &[], rows)
    }

    fn begin(
        path: &Path,
        schema: &Schema,
        metadata: &[(&str, String)],
        group: usize,
    ) -> Result<Self> {
        let schema = Arc::new(stored(schema));
        let part = path.with_extension("parquet.part");
        let file = fs_err::File::create(&part).map_err(|error| unwritable(path, &error))?;
        let pairs = metadata
            .iter()
            .map(|(key, value)| KeyValue::new((*key).into(), value.clone()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(group))
            .set_created_by(concat!("dfpipe ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata((!metadata.is_empty()).then(|| pairs.collect()))
            .build();
        let writer =
            ArrowWriter::try_new(Hashing::new(file), Arc::clone(&schema), Some(properties))
                .map_err(|error| unwritable(path, &error))?;
        let coalescer = BatchCoalescer::new(Arc::clone(&schema), BATCH);
        Ok(Self {
            path: path.to_owned(),
            part,
            schema,
            writer,
            coalescer,
            rows: 0,
        })
    }

    /// Appends rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        let stored =
            convert(batch, &self.schema).and_then(|batch| self.coalescer.push_batch(batch));
        stored.map_err(|error| Error::bug("rows do not fit their file").because(error))?;
        self.write_completed()
    }

    /// Puts a fact into the footer that is only known at the end.
    pub fn note(&mut self, key: &str, value: &str) {
        self.writer
            .append_key_value_metadata(KeyValue::new(key.to_owned(), value.to_owned()));
    }

    fn write_completed(&mut self) -> Result<()> {
        while let Some(batch) = self.coalescer.next_completed_batch() {
            self.writer
                .write(&batch)
                .map_err(|error| unwritable(&self.path, &error))?;
        }
        Ok(())
    }

    /// Ends the file, makes sure that it is on disk, and gives it its name.
    pub fn finish(mut self) -> Result<FileFacts> {
        self.coalescer
            .finish_buffered_batch()
            .map_err(|error| Error::bug("rows do not fit together").because(error))?;
        self.write_completed()?;
        let failed = |error: &dyn std::fmt::Display| unwritable(&self.path, error);
        let hashing = self
            .writer
            .into_inner()
            .map_err(|error: ParquetError| failed(&error))?;
        hashing.inner.sync_all().map_err(|error| failed(&error))?;
        fs_err::rename(&self.part, &self.path).map_err(|error| failed(&error))?;
        let sha256 = hex(&hashing.hash.finalize());
        Ok(FileFacts {
            rows: self.rows,
            bytes: hashing.bytes,
            sha256,
        })
    }
}

/// The hash and size of a file that exists; `rows` is what its writer counted.
pub fn hash_file(path: &Path) -> Result<(u64, String)> {
    let unreadable = |error: io::Error| {
        Error::outside(format!("`{}` cannot be read", path.display())).because(error)
    };
    let mut file = fs_err::File::open(path).map_err(unreadable)?;
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut file, &mut hashing).map_err(unreadable)?;
    Ok((hashing.bytes, hex(&hashing.hash.finalize())))
}

/// `bytes` in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// How `schema` is stored: text and bytes plain, without the metadata of plans.
pub fn stored(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let kind = match field.data_type() {
            DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
            DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
            other => other.clone(),
        };
        Field::new(field.name(), kind, field.is_nullable())
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// A type in our words; what has none in Arrow's.
pub fn kind_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Int64 => "integer".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        other => other.to_string(),
    }
}

fn convert(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, datafusion::arrow::error::ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| {
        if column.data_type() == field.data_type() {
            Ok(Arc::clone(column))
        } else {
            cast(column, field.data_type())
        }
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::outside(format!("`{}` cannot be written", path.display()))
        .because(error)
        .with_hint("is the disk full, or the folder read-only?")
}

/// Hashes and counts what passes through.
struct Hashing<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            bytes: 0,
        }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
