//! The file that is loaded: the rows of the model, each with its metadata columns, in the form that the
//! destination wants. Streamed, a batch at a time.
//!
//! Apart from the sinks, because all of them load a file and differ in its form only.

use std::{path::Path, sync::Arc};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};

use super::{Load, metadata};
use crate::{
    error::{Error, Result},
    table_file::{FileFacts, ParquetFile},
};

/// The rows of a load on their way into its file.
pub struct Staging<'a> {
    load: &'a Load,
    reader: ParquetRecordBatchReaderBuilder<std::fs::File>,
    schema: SchemaRef,
}

impl<'a> Staging<'a> {
    /// Opens the model's file.
    pub fn open(load: &'a Load) -> Result<Self> {
        let file = fs_err::File::open(&load.file).map_err(|error| unreadable(load, &error))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file.into_file());
        let reader = reader.map_err(|error| unreadable(load, &error))?;
        let schema = Arc::new(metadata::schema(reader.schema()));
        Ok(Self {
            load,
            reader,
            schema,
        })
    }

    /// The model's columns and the metadata columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Writes the file at `path` with the columns `stored`, which `form` makes of every batch, and `facts`
    /// in its footer.
    pub fn write(
        self,
        path: &Path,
        stored: &SchemaRef,
        facts: &[(&str, String)],
        mut form: impl FnMut(RecordBatch) -> Result<RecordBatch>,
    ) -> Result<FileFacts> {
        let mut target = ParquetFile::create(path, stored, facts)?;
        let reader = self.reader.build();
        for batch in reader.map_err(|error| unreadable(self.load, &error))? {
            let batch = batch.map_err(|error| unreadable(self.load, &error))?;
            let extended = metadata::extend(&batch, &self.schema, self.load);
            let extended = extended.map_err(|error| Error::bug("odd metadata").because(error))?;
            target.write(&form(extended)?)?;
        }
        target.finish()
    }
}

fn unreadable(load: &Load, error: &dyn std::fmt::Display) -> Error {
    Error::outside(format!("`{}` cannot be read", load.file.display())).because(error)
}
