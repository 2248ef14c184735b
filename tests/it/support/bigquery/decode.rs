//! A Parquet file as the service reads it: by its own types, not by what Arrow wrote beside them.

use std::sync::Arc;

use axum::body::Bytes;
use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, ListArray, RecordBatch, StructArray, new_empty_array,
            new_null_array,
        },
        buffer::OffsetBuffer,
        compute::{CastOptions, cast_with_options},
        datatypes::{DataType, Field, SchemaRef, TimeUnit},
    },
    parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
};
use serde_json::Value;

use super::{
    refusal::Refusal,
    schema::{self, Column, Kind, Mode, is_same},
};

/// A file that was sent.
pub(super) struct File {
    content: Bytes,
    schema: SchemaRef,
    options: Options,
    pub(super) bytes: usize,
}

/// What the load says about reading.
struct Options {
    /// Without it a list is read as something else, and its column stays empty.
    lists: bool,
    /// The kinds of decimals that the caller is ready for.
    decimals: Vec<String>,
}

impl File {
    pub(super) fn open(content: Bytes, load: &Value) -> Result<Self, Refusal> {
        let schema = Arc::clone(reader(&content)?.schema());
        let decimals = load["decimalTargetTypes"].as_array();
        let decimals = decimals.map_or_else(
            || vec!["NUMERIC".to_owned()],
            |kinds| {
                kinds
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            },
        );
        Ok(Self {
            bytes: content.len(),
            content,
            schema,
            options: Options {
                lists: load["parquetOptions"]["enableListInference"] == true,
                decimals,
            },
        })
    }

    /// The columns that the file tells.
    pub(super) fn columns(&self) -> Result<Vec<Column>, Refusal> {
        schema::of_arrow(&self.schema).map_err(|why| broken(&why))
    }

    /// The rows in these columns. `is_told`: the columns are the caller's, so the file may have no others.
    pub(super) fn rows(
        &self,
        columns: &[Column],
        is_told: bool,
    ) -> Result<Vec<RecordBatch>, Refusal> {
        for field in self.schema.fields() {
            if is_told
                && !columns
                    .iter()
                    .any(|column| is_same(&column.name, field.name()))
            {
                return Err(broken(&format!("No such field: {}", field.name())));
            }
        }
        let reader = reader(&self.content)?.build();
        let reader = reader.map_err(|error| broken(&error.to_string()))?;
        let mut problems = vec![];
        let mut batches = vec![];
        for batch in reader {
            let batch = batch.map_err(|error| broken(&error.to_string()))?;
            match self.options.batch(&batch, columns) {
                Ok(batch) => batches.push(batch),
                Err(more) => problems.extend(more),
            }
        }
        problems.dedup();
        refuse(&problems)?;
        Ok(batches)
    }
}

fn reader(content: &Bytes) -> Result<ParquetRecordBatchReaderBuilder<Bytes>, Refusal> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    ParquetRecordBatchReaderBuilder::try_new_with_options(content.clone(), options)
        .map_err(|error| broken(&format!("Input file is not in Parquet format. {error}")))
}

/// All problems in one answer, as the service does it.
fn refuse(problems: &[String]) -> Result<(), Refusal> {
    let Some((first, others)) = problems.split_first() else {
        return Ok(());
    };
    let others = others.iter();
    Err(others.fold(broken(first), |refusal, problem| {
        refusal.and(
            "invalid",
            format!("Error while reading data, error message: {problem}"),
        )
    }))
}

fn broken(why: &str) -> Refusal {
    Refusal::invalid(format!("Error while reading data, error message: {why}"))
}

impl Options {
    fn batch(&self, batch: &RecordBatch, columns: &[Column]) -> Result<RecordBatch, Vec<String>> {
        let mut arrays = vec![];
        let mut problems = vec![];
        for column in columns {
            let mut fields = batch.schema_ref().fields().iter();
            let found = fields.position(|field| is_same(field.name(), &column.name));
            match self.column(column, found.map(|at| batch.column(at)), batch.num_rows()) {
                Ok(array) => arrays.push(array),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        RecordBatch::try_new(schema::arrow(columns), arrays)
            .map_err(|error| vec![error.to_string()])
    }

    fn column(
        &self,
        column: &Column,
        found: Option<&ArrayRef>,
        rows: usize,
    ) -> Result<ArrayRef, String> {
        let name = &column.name;
        let missing = || format!("Required column {name} is missing in the file.");
        match (column.mode, found) {
            (Mode::Repeated, found) => self.list(column, found, rows),
            (Mode::Required, None) => Err(missing()),
            (Mode::Nullable, None) => Ok(new_null_array(&column.kind.arrow(), rows)),
            (Mode::Required, Some(array)) if array.null_count() > 0 => {
                let at = (0..rows).find(|at| array.is_null(*at)).unwrap_or(0);
                Err(format!("Required field {name} cannot be null; row {at}."))
            }
            (_, Some(array)) => self.scalar(name, &column.kind, array),
        }
    }

    fn list(
        &self,
        column: &Column,
        found: Option<&ArrayRef>,
        rows: usize,
    ) -> Result<ArrayRef, String> {
        let kind = column.kind.arrow();
        let item = Arc::new(Field::new_list_field(kind.clone(), true));
        let Some(array) = found else {
            return Ok(empty_lists(&item, &kind, rows));
        };
        let DataType::List(_) = array.data_type() else {
            return Err(mismatch(&column.name, "REPEATED", array.data_type()));
        };
        if !self.lists {
            // What the service makes of a list that it was not told to look for: no error, no elements.
            return Ok(empty_lists(&item, &kind, rows));
        }
        let lists = array.as_list::<i32>();
        if lists.values().null_count() > 0 {
            return Err(format!("Array {} has a null element.", column.name));
        }
        let values = self.scalar(&column.name, &column.kind, lists.values())?;
        // No list at all is an empty one: the service knows no null arrays.
        Ok(Arc::new(ListArray::new(
            item,
            lists.offsets().clone(),
            values,
            None,
        )))
    }

    fn scalar(&self, name: &str, kind: &Kind, array: &ArrayRef) -> Result<ArrayRef, String> {
        let found = array.data_type();
        if let (Kind::Record(columns), DataType::Struct(_)) = (kind, found) {
            return self.record(columns, array.as_struct());
        }
        if let (
            DataType::Decimal128(..) | DataType::Decimal256(..),
            Kind::Numeric(..) | Kind::BigNumeric(..),
        ) = (found, kind)
            && !self.decimals.iter().any(|decimal| decimal == kind.name())
        {
            return Err(format!(
                "Column {name}: {} is not among decimalTargetTypes.",
                kind.name()
            ));
        }
        if !fits(kind, found) {
            return Err(mismatch(name, kind.name(), found));
        }
        let strict = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        cast_with_options(array, &kind.arrow(), &strict).map_err(|error| {
            format!(
                "Could not convert column {name} to {}: {error}",
                kind.name()
            )
        })
    }

    fn record(&self, columns: &[Column], array: &StructArray) -> Result<ArrayRef, String> {
        let arrays = columns.iter().map(|column| {
            let found = array.column_by_name(&column.name);
            self.column(column, found, array.len())
        });
        let arrays: Vec<_> = arrays.collect::<Result<_, _>>()?;
        let fields = schema::arrow(columns).fields.clone();
        let record = StructArray::try_new(fields, arrays, array.nulls().cloned());
        Ok(Arc::new(record.map_err(|error| error.to_string())?))
    }
}

fn empty_lists(item: &Arc<Field>, kind: &DataType, rows: usize) -> ArrayRef {
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(0, rows));
    Arc::new(ListArray::new(
        Arc::clone(item),
        offsets,
        new_empty_array(kind),
        None,
    ))
}

/// The conversions that the service documents, and no others: nanoseconds are not among them.
fn fits(kind: &Kind, found: &DataType) -> bool {
    use TimeUnit::{Microsecond, Millisecond};
    match (kind, found) {
        (Kind::String, DataType::Utf8)
        | (Kind::Float, DataType::Float32 | DataType::Float64)
        | (Kind::Boolean, DataType::Boolean)
        | (Kind::Date, DataType::Date32)
        | (Kind::Timestamp, DataType::Timestamp(Millisecond | Microsecond, Some(_)))
        | (Kind::Datetime, DataType::Timestamp(Millisecond | Microsecond, None))
        | (Kind::Time, DataType::Time64(Microsecond) | DataType::Time32(Millisecond))
        | (Kind::Bytes, DataType::Binary | DataType::FixedSizeBinary(_))
        | (
            Kind::Numeric(..) | Kind::BigNumeric(..),
            DataType::Decimal128(..) | DataType::Decimal256(..),
        ) => true,
        (Kind::Integer, found) => found.is_integer(),
        _ => false,
    }
}

fn mismatch(name: &str, kind: &str, found: &DataType) -> String {
    format!("Parquet column '{name}' has type {found} which does not match the target type {kind}")
}
