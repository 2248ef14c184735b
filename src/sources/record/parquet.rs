//! Columns of a Parquet file become the declared columns, under the same rules as records.
//!
//! Apart from [`super::Decoder`] because the input is columns already, which are converted
//! whole.

use std::sync::Arc;

use datafusion::arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch,
        RecordBatchOptions, StringArray, StructArray, new_null_array,
    },
    compute::filter_record_batch,
    datatypes::{DataType, SchemaRef},
    error::ArrowError,
    json::LineDelimitedWriter,
};
use datafusion::parquet::{arrow::ProjectionMask, schema::types::SchemaDescriptor};

use super::{
    convert::{Converted, convert},
    refused::Reject,
    value::Value,
};
use crate::{
    config::Column,
    error::{Error, Result},
    sources::{Scan, source_schema},
};

/// Decodes the batches of one Parquet file.
#[derive(Debug)]
pub struct ParquetDecoder<'a> {
    scan: &'a Scan,
    part: i32,
    name: &'a str,
    /// Rows of the file that were seen.
    seen: i64,
}

/// Why a row is refused.
struct Fault {
    reason: &'static str,
    detail: String,
}

impl<'a> ParquetDecoder<'a> {
    /// A decoder for the file `name`, which is number `part` of its source.
    pub fn new(scan: &'a Scan, part: i32, name: &'a str) -> Self {
        Self {
            scan,
            part,
            name,
            seen: 0,
        }
    }

    /// The columns of the file that are read at all: the declared ones.
    pub fn mask(&self, file: &SchemaDescriptor) -> ProjectionMask {
        let roots = file.root_schema().get_fields().iter().enumerate();
        let columns = &self.scan.source.columns;
        let declared = roots.filter(|(_, field)| {
            columns
                .iter()
                .any(|column| column.path.first().is_some_and(|name| name == field.name()))
        });
        ProjectionMask::roots(file, declared.map(|(index, _)| index))
    }

    /// The first and the last row that were read.
    pub fn read(&self) -> Option<(i64, i64)> {
        (self.seen > 0).then_some((1, self.seen))
    }

    /// Turns a batch of the file into rows of the table.
    pub fn decode(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let decoded = self.columns(batch);
        decoded
            .map_err(|error| Error::bug("a Parquet column cannot be converted").because(error))?
    }

    fn columns(&mut self, batch: &RecordBatch) -> Result<Result<RecordBatch>, ArrowError> {
        let rows = batch.num_rows();
        let mut faults: Vec<Option<Fault>> = Vec::new();
        faults.resize_with(rows, || None);
        let source = &self.scan.source;
        let mut arrays = Vec::with_capacity(source.columns.len() + 2);
        for column in &source.columns {
            let mut converted = match find(batch, &column.path) {
                Some(found) => convert(&found, column.kind)?,
                None => Converted {
                    values: new_null_array(&column.kind.arrow(), rows),
                    is_wrong: vec![false; rows].into(),
                },
            };
            if column.kind.arrow() == DataType::Utf8 {
                converted.values = self.protect(&converted.values, column);
            }
            note_faults(&converted, column, &mut faults);
            arrays.push(converted.values);
        }
        let first = self.seen + 1;
        self.seen += i64::try_from(rows).unwrap_or(0);
        arrays.push(Arc::new(Int32Array::from(vec![self.part; rows])));
        arrays.push(Arc::new(Int64Array::from_iter_values(first..=self.seen)));
        if let Err(error) = self.refuse(batch, &arrays, &faults, first) {
            return Ok(Err(error));
        }
        let kept = faults.iter().filter(|fault| fault.is_none()).count();
        self.scan.log.add_rows(kept);
        self.scan.log.meter().add(kept as u64);
        let keep: BooleanArray = faults.iter().map(|fault| Some(fault.is_none())).collect();
        self.project(&arrays, rows, &keep).map(Ok)
    }

    fn project(
        &self,
        arrays: &[ArrayRef],
        rows: usize,
        keep: &BooleanArray,
    ) -> Result<RecordBatch, ArrowError> {
        let schema: SchemaRef =
            Arc::new(source_schema(&self.scan.source).project(&self.scan.projection)?);
        // Refused rows may hold nulls where the schema allows none, until they are filtered out.
        let fields = schema
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true));
        let loose = datafusion::arrow::datatypes::Schema::new(fields.collect::<Vec<_>>());
        let projected = self
            .scan
            .projection
            .iter()
            .map(|index| Arc::clone(&arrays[*index]));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let all =
            RecordBatch::try_new_with_options(Arc::new(loose), projected.collect(), &options)?;
        let kept = filter_record_batch(&all, keep)?;
        let options = RecordBatchOptions::new().with_row_count(Some(kept.num_rows()));
        RecordBatch::try_new_with_options(schema, kept.columns().to_vec(), &options)
    }

    fn protect(&self, array: &ArrayRef, column: &Column) -> ArrayRef {
        let texts = array.as_string::<i32>().iter().map(|text| {
            match self.scan.privacy.protect(Value::Text(text?.into()), column) {
                Value::Text(text) => Some(text.into_owned()),
                _ => None,
            }
        });
        Arc::new(texts.collect::<StringArray>())
    }

    fn refuse(
        &self,
        batch: &RecordBatch,
        arrays: &[ArrayRef],
        faults: &[Option<Fault>],
        first: i64,
    ) -> Result<()> {
        let source = &self.scan.source;
        let key = source.key.as_ref();
        let key = key.and_then(|key| source.columns.iter().position(|one| one.name == *key));
        for (row, fault) in faults.iter().enumerate() {
            let Some(fault) = fault else { continue };
            let position = first + i64::try_from(row).unwrap_or(0);
            let key = key
                .map(|key| &arrays[key])
                .and_then(|keys| keys.as_string_opt::<i32>());
            self.scan.log.reject(Reject {
                reason: fault.reason.into(),
                detail: self.scan.privacy.mask(&fault.detail).into_owned(),
                part: self.part,
                position,
                place: format!("{}, row {position}", self.name),
                record_key: key
                    .filter(|keys| keys.is_valid(row))
                    .map(|keys| keys.value(row).to_owned()),
                record: self.as_json(&batch.slice(row, 1)),
            })?;
        }
        Ok(())
    }

    /// One row as JSON, declared personal data left out.
    fn as_json(&self, row: &RecordBatch) -> String {
        let columns = &self.scan.source.columns;
        let is_shown = |name: &str| {
            !columns.iter().any(|column| {
                column.mask().is_some() && column.path.first().is_some_and(|first| first == name)
            })
        };
        let schema = row.schema();
        let shown: Vec<_> = (0..row.num_columns())
            .filter(|index| is_shown(schema.field(*index).name()))
            .collect();
        let mut writer = LineDelimitedWriter::new(Vec::new());
        let written = row
            .project(&shown)
            .and_then(|row| writer.write_batches(&[&row]).and_then(|()| writer.finish()));
        let text = match written {
            Ok(()) => String::from_utf8_lossy(&writer.into_inner())
                .trim_end()
                .to_owned(),
            Err(_) => String::new(),
        };
        self.scan.privacy.mask(&text).into_owned()
    }
}

fn find(batch: &RecordBatch, path: &[String]) -> Option<ArrayRef> {
    let (first, rest) = path.split_first()?;
    let mut array = Arc::clone(batch.column_by_name(first)?);
    for name in rest {
        array = Arc::clone(
            array
                .as_any()
                .downcast_ref::<StructArray>()?
                .column_by_name(name)?,
        );
    }
    Some(array)
}

/// Finds what is wrong with the values, which are protected: an address that is blank is none.
fn note_faults(converted: &Converted, column: &Column, faults: &mut [Option<Fault>]) {
    let path = column.path.join(".");
    let Converted { values, is_wrong } = converted;
    let texts = values.as_string_opt::<i32>();
    let is_missing =
        |row| values.is_null(row) || texts.is_some_and(|texts| texts.value(row).trim().is_empty());
    for (row, fault) in faults.iter_mut().enumerate() {
        if fault.is_some() {
            continue;
        }
        if is_wrong.value(row) {
            let detail = format!("`{path}` is not of type {}", column.kind.name());
            *fault = Some(Fault {
                reason: "wrong_type",
                detail,
            });
        } else if column.required && is_missing(row) {
            let detail = format!("`{path}` is missing");
            *fault = Some(Fault {
                reason: "missing_field",
                detail,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{
        Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray,
    };

    use super::ParquetDecoder;
    use crate::{
        clock::parse_time,
        config::ColumnType::{Integer, Text},
        sources::{
            RefusedLog, Scan, Window,
            record::{
                Reject,
                testing::{column, of, privacy},
            },
        },
    };

    /// The rows that are kept of two columns, `email` (the key) and `n`, and the rejects.
    fn decoded(n: ArrayRef, emails: Vec<&str>, is_required: bool) -> (RecordBatch, Vec<Reject>) {
        let mut columns = vec![column("email", Text, true), column("n", Integer, false)];
        columns[0].required = is_required;
        let log = Arc::new(RefusedLog::counting("people"));
        let scan = Scan {
            source: Arc::new(of(columns, "email")),
            window: Window::before(parse_time("2026-11-15").unwrap(), 1),
            projection: vec![0, 1],
            limit: None,
            privacy: privacy(),
            log: Arc::clone(&log),
            max_partitions: 1,
            landing: None,
            bounds: crate::sources::Bounds::default(),
        };
        let emails: ArrayRef = Arc::new(StringArray::from(emails));
        let batch = RecordBatch::try_from_iter([("email", emails), ("n", n)]).unwrap();
        let rows = ParquetDecoder::new(&scan, 0, "in.parquet")
            .decode(&batch)
            .unwrap();
        (rows, log.held().0)
    }

    #[test]
    fn a_required_address_that_is_blank_is_missing() {
        let n: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let (rows, rejects) = decoded(Arc::clone(&n), vec![" ", "", "a@b.c"], true);
        assert_eq!(rows.num_rows(), 1);
        let reasons: Vec<_> = rejects.iter().map(|one| one.reason.clone()).collect();
        assert_eq!(reasons, ["missing_field", "missing_field"]);

        let (rows, rejects) = decoded(n, vec![" ", "", "a@b.c"], false);
        assert_eq!((rows.num_rows(), rejects.len()), (3, 0));
        assert_eq!(rows.column(0).null_count(), 2);
    }

    #[test]
    fn a_key_that_is_an_address_is_kept_as_the_hash_of_its_row() {
        let n: ArrayRef = Arc::new(StringArray::from(vec!["x", "2"]));
        let (rows, rejects) = decoded(n, vec!["jane", "JANE "], false);
        let hash = rows.column(0).as_string::<i32>().value(0);
        assert_eq!(rejects.len(), 1);
        assert_eq!(rejects[0].record_key.as_deref(), Some(hash));
        assert!(!rejects[0].record.contains("jane"), "{}", rejects[0].record);
    }
}
