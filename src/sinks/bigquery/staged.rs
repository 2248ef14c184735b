//! The file that is loaded, in the form that BigQuery reads: every column optional, moments in
//! microseconds, neither dictionaries nor views.

use std::{path::Path, sync::Arc};

use datafusion::{
    arrow::{
        array::RecordBatch,
        compute::{CastOptions, cast_with_options},
        datatypes::{Field, Schema},
        error::ArrowError,
    },
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};

use super::super::{Load, metadata};
use crate::{
    bigquery_types,
    error::{Error, Result},
    table_file::{FileFacts, ParquetFile},
};

/// Writes the file of `load` to `path`.
pub fn write(load: &Load, path: &Path) -> Result<FileFacts> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::outside(format!("`{}` cannot be read", load.file.display())).because(error)
    };
    let file = fs_err::File::open(&load.file).map_err(|error| unreadable(&error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.into_file());
    let reader = reader.map_err(|error| unreadable(&error))?;
    let extended = Arc::new(metadata::schema(reader.schema()));
    let stored = Arc::new(stored(&extended)?);
    let mut target = ParquetFile::create(path, &stored, &[])?;
    for batch in reader.build().map_err(|error| unreadable(&error))? {
        let batch = batch.map_err(|error| unreadable(&error))?;
        let rows = metadata::extend(&batch, &extended, load);
        let rows = rows.and_then(|rows| fit(&rows, &stored));
        target.write(&rows.map_err(|error| Error::data("a value does not fit").because(error))?)?;
    }
    target.finish()
}

fn stored(schema: &Schema) -> Result<Schema> {
    let fields = schema.fields().iter().map(|field| {
        bigquery_types::stored(field).map_err(|unfit| {
            Error::usage(format!("the column `{}` {}", unfit.column, unfit.lost))
                .with_hint(unfit.hint)
        })
    });
    Ok(Schema::new(fields.collect::<Result<Vec<Field>>>()?))
}

fn fit(batch: &RecordBatch, stored: &Arc<Schema>) -> Result<RecordBatch, ArrowError> {
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let columns = batch.columns().iter().zip(stored.fields());
    let columns =
        columns.map(|(column, field)| cast_with_options(column, field.data_type(), &strict));
    RecordBatch::try_new(Arc::clone(stored), columns.collect::<Result<_, _>>()?)
}
