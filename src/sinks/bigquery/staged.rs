//! The file that is loaded, in the form that BigQuery reads: every column optional, moments in
//! microseconds, whole numbers of 64 bits, neither dictionaries nor views.
//!
//! The last place where a value can be told that BigQuery does not hold: behind it there is only a job that
//! fails. So nothing is cast that does not fit, and a list that holds a null is refused with its column.

use std::{path::Path, sync::Arc};

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Field, Schema, SchemaRef},
};

use super::super::{Load, staging::Staging};
use crate::{
    bigquery_types::{self, Unfit},
    error::{Error, Result},
    table_file::FileFacts,
};

/// A value that does not fit is told, never replaced by null.
const STRICT: CastOptions<'static> = CastOptions {
    safe: false,
    format_options: datafusion::arrow::util::display::FormatOptions::new(),
};

/// Writes the file of `load` to `path`.
pub fn write(load: &Load, path: &Path) -> Result<FileFacts> {
    let staging = Staging::open(load)?;
    let stored = Arc::new(stored(staging.schema())?);
    let mut rows_before = 0;
    staging.write(path, &stored, &[], |batch| {
        let fitted = fit(&batch, &stored, rows_before)?;
        rows_before += batch.num_rows();
        Ok(fitted)
    })
}

/// The columns of the file for rows of `schema`; all that cannot be loaded is told at once.
pub fn stored(schema: &Schema) -> Result<Schema> {
    let mut problems = vec![];
    let fields = schema.fields().iter().filter_map(|field| {
        let stored = bigquery_types::stored(field);
        stored.map_err(|unfit| problems.push(refused(unfit))).ok()
    });
    let fields: Vec<Field> = fields.collect();
    match Error::all(problems) {
        Some(error) => Err(error),
        None => Ok(Schema::new(fields)),
    }
}

/// Why a column cannot be loaded, in the words of `dfpipe check`.
pub fn refused(unfit: Unfit) -> Error {
    let message = format!(
        "the column `{}` would not reach BigQuery as it is: {}",
        unfit.column, unfit.lost
    );
    Error::usage(message).with_hint(unfit.hint)
}

fn fit(batch: &RecordBatch, stored: &SchemaRef, rows_before: usize) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(stored.fields());
    let columns = columns.map(|(column, field)| {
        let fitted = cast_with_options(column, field.data_type(), &STRICT)
            .map_err(|error| too_large(column, field, rows_before, &error))?;
        match with_null_in_list(&fitted, field.name()) {
            Some(path) => Err(null_in_list(&path)),
            None => Ok(fitted),
        }
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    RecordBatch::try_new(Arc::clone(stored), columns)
        .map_err(|error| Error::bug("rows do not fit their file").because(error))
}

/// Names the first row whose value does not fit, by trying them one by one.
fn too_large(
    column: &ArrayRef,
    field: &Field,
    rows_before: usize,
    error: &dyn std::fmt::Display,
) -> Error {
    let is_refused = |row: &usize| {
        cast_with_options(&column.slice(*row, 1), field.data_type(), &STRICT).is_err()
    };
    let row = (0..column.len()).find(is_refused).unwrap_or_default();
    let name = field.name();
    let kind = bigquery_types::column(field).map_or_else(|unfit| unfit.lost, |it| it.type_name());
    let message = format!(
        "a value of the column `{name}` has no place in BigQuery's {kind}: row {} of the loaded model",
        rows_before + row + 1
    );
    let hint = match column.data_type() {
        DataType::UInt64 => format!("cast it: `cast({name} as decimal(20, 0))`"),
        _ => format!("cast `{name}` to a type that holds it, or leave the row out"),
    };
    Error::data(message).because(error).with_hint(hint)
}

fn null_in_list(path: &str) -> Error {
    Error::data(format!("a list of the column `{path}` holds a null"))
        .because("BigQuery stores no list with a null in it")
        .with_hint(format!(
            "leave nulls out: `array_remove_all({path}, null)`, or filter before `array_agg`"
        ))
}

/// The column, or the column within a record, whose lists hold a null.
fn with_null_in_list(array: &ArrayRef, path: &str) -> Option<String> {
    match array.data_type() {
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            let values = lists.values();
            // What lies behind a null list, or between lists, is no value of any.
            let is_bad = || {
                let there = (0..lists.len()).filter(|row| lists.is_valid(*row));
                there
                    .into_iter()
                    .any(|row| lists.value(row).null_count() > 0)
            };
            if values.null_count() > 0 && is_bad() {
                return Some(path.to_owned());
            }
            with_null_in_list(values, path)
        }
        DataType::Struct(fields) => {
            let mut columns = fields.iter().zip(array.as_struct().columns());
            columns.find_map(|(field, column)| {
                with_null_in_list(column, &format!("{path}.{}", field.name()))
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use chrono::DateTime;
    use datafusion::{
        arrow::{
            array::{
                ArrayRef, AsArray, Decimal128Array, DictionaryArray, Int32Array, Int64Array,
                ListArray, RecordBatch, TimestampMillisecondArray, UInt64Array,
            },
            datatypes::{DataType, Field, Int32Type, Int64Type, Schema, TimeUnit},
        },
        parquet::{
            arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
            basic::Repetition,
        },
    };

    use super::{Load, write};
    use crate::{error::Result, table_file::FileFacts};

    /// A run whose model has the one column `c`.
    fn staged(folder: &Path, column: ArrayRef) -> Result<FileFacts> {
        let field = Field::new("c", column.data_type().clone(), false);
        let rows = column.len();
        let schema = Arc::new(Schema::new(vec![
            field.with_nullable(column.null_count() > 0),
        ]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap();
        let model = folder.join("model.parquet");
        let file = fs_err::File::create(&model).unwrap();
        let mut writer = ArrowWriter::try_new(file, schema, None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let load = Load {
            run_id: "run".to_owned(),
            run_timestamp: DateTime::UNIX_EPOCH,
            run_date: "2026-11-15".parse().unwrap(),
            load_number: 2,
            source_version: "v".to_owned(),
            file: model,
            key: vec![],
            rows: rows as u64,
        };
        write(&load, &folder.join("staged.parquet"))
    }

    fn read(folder: &Path) -> RecordBatch {
        let file = fs_err::File::open(folder.join("staged.parquet")).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file.into_file()).unwrap();
        let root = reader.parquet_schema().root_schema();
        let is_optional = |field: &_| {
            Repetition::OPTIONAL
                == datafusion::parquet::schema::types::Type::get_basic_info(field).repetition()
        };
        assert!(root.get_fields().iter().all(|field| is_optional(field)));
        reader.build().unwrap().next().unwrap().unwrap()
    }

    #[test]
    fn the_file_has_the_metadata_columns_and_every_column_is_optional() {
        let folder = tempfile::tempdir().unwrap();
        let facts = staged(folder.path(), Arc::new(Int32Array::from(vec![1, 2]))).unwrap();
        assert_eq!(facts.rows, 2);
        let rows = read(folder.path());
        let schema = rows.schema();
        let names: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        assert_eq!(
            names,
            [
                "c",
                "run_id",
                "run_timestamp",
                "run_date",
                "load_number",
                "source_version",
                "record_count"
            ]
        );
        assert_eq!(rows["c"].as_primitive::<Int64Type>().values(), &[1, 2]);
        let counts = rows["record_count"].as_primitive::<Int64Type>();
        assert_eq!(counts.values(), &[2, 2]);
    }

    #[test]
    fn dictionaries_moments_and_numbers_are_written_plainly() {
        let words = DictionaryArray::<Int32Type>::from_iter(["a", "b", "a"]);
        let moments = TimestampMillisecondArray::from(vec![1_000]).with_timezone("+02:00");
        let money = Decimal128Array::from(vec![150]).with_precision_and_scale(18, 2);
        let large = u64::try_from(i64::MAX).unwrap();
        let columns: [(ArrayRef, DataType); 4] = [
            (Arc::new(words), DataType::Utf8),
            (
                Arc::new(moments),
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ),
            (Arc::new(money.unwrap()), DataType::Decimal128(18, 2)),
            (Arc::new(UInt64Array::from(vec![large])), DataType::Int64),
        ];
        for (column, expected) in columns {
            let folder = tempfile::tempdir().unwrap();
            staged(folder.path(), column).unwrap();
            assert_eq!(read(folder.path())["c"].data_type(), &expected);
        }
    }

    #[test]
    fn a_number_that_is_too_large_for_a_sign_is_told_with_its_row() {
        let folder = tempfile::tempdir().unwrap();
        let column = UInt64Array::from(vec![1, u64::MAX]);
        let error = staged(folder.path(), Arc::new(column)).unwrap_err();
        assert_eq!(error.kind().exit_code(), 1);
        assert_eq!(
            error.message(),
            "a value of the column `c` has no place in BigQuery's INT64: row 2 of the loaded model"
        );
        assert_eq!(error.hint(), Some("cast it: `cast(c as decimal(20, 0))`"));
    }

    #[test]
    fn a_null_in_a_list_is_told_and_a_null_list_is_none() {
        let of = |lists: Vec<Option<Vec<Option<i64>>>>| {
            let folder = tempfile::tempdir().unwrap();
            let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
            staged(folder.path(), Arc::new(lists)).map(|_facts| read(folder.path()))
        };
        let rows = of(vec![Some(vec![Some(1), Some(2)]), None, Some(vec![])]).unwrap();
        let first = rows["c"].as_list::<i32>().value(0);
        assert_eq!(*first, Int64Array::from(vec![1, 2]));
        let error = of(vec![Some(vec![Some(1), None])]).unwrap_err();
        assert_eq!(error.message(), "a list of the column `c` holds a null");
        assert_eq!(error.kind().exit_code(), 1);
    }

    #[test]
    fn what_cannot_be_loaded_is_refused_before_the_first_row() {
        let folder = tempfile::tempdir().unwrap();
        let kind = DataType::Time64(TimeUnit::Nanosecond);
        let column = datafusion::arrow::array::new_empty_array(&kind);
        let error = staged(folder.path(), column).unwrap_err();
        assert!(error.message().contains("nanoseconds"), "{error}");
    }
}
