//! Rows as bytes, in the formats that people and programs read, batch by batch.

use std::sync::Arc;

use clap::ValueEnum;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray},
        csv,
        datatypes::{DataType, Field, Schema, SchemaRef},
        json::{ArrayWriter, LineDelimitedWriter, WriterBuilder},
        util::display::array_value_to_string,
    },
    parquet::arrow::ArrowWriter,
};

use crate::error::{Error, Result};

mod expanded;
mod table;

use expanded::Expanded;
use table::{Look, Table};

/// How rows are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// In a frame.
    #[default]
    Table,
    /// Comma separated.
    Csv,
    /// A list of objects.
    Json,
    /// An object per line.
    Ndjson,
    /// A Parquet file.
    Parquet,
    /// A table of Markdown.
    Markdown,
}

/// Turns batches into bytes.
pub struct Writer {
    kind: Kind,
    rows: usize,
}

enum Kind {
    Table(Table),
    Expanded(Expanded),
    Csv(Option<Vec<u8>>),
    Json(ArrayWriter<Vec<u8>>),
    Ndjson(LineDelimitedWriter<Vec<u8>>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl Writer {
    /// A writer of rows with these columns; a table can have each column on a line of its own.
    pub fn new(format: Format, schema: &SchemaRef, is_expanded: bool) -> Result<Self> {
        let schema = Arc::clone(schema);
        let kind = match format {
            Format::Table if is_expanded => Kind::Expanded(Expanded::default()),
            Format::Table => Kind::Table(Table::new(schema, Look::Frame)),
            Format::Markdown => Kind::Table(Table::new(schema, Look::Markdown)),
            Format::Csv => Kind::Csv(Some(csv_of(&RecordBatch::new_empty(schema), true)?)),
            Format::Json => Kind::Json(objects().build(vec![])),
            Format::Ndjson => Kind::Ndjson(objects().build(vec![])),
            Format::Parquet => {
                let writer = ArrowWriter::try_new(vec![], schema, None);
                Kind::Parquet(Box::new(writer.map_err(odd)?))
            }
        };
        Ok(Self { kind, rows: 0 })
    }

    /// How many rows it took.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Takes a batch; what can be printed already.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        self.rows += batch.num_rows();
        match &mut self.kind {
            Kind::Table(table) => table.write(batch),
            Kind::Expanded(expanded) => expanded.write(batch),
            Kind::Csv(header) => {
                let mut bytes = header.take().unwrap_or_default();
                bytes.extend(csv_of(batch, false)?);
                Ok(bytes)
            }
            Kind::Json(writer) => {
                writer.write(batch).map_err(odd)?;
                Ok(std::mem::take(writer.get_mut()))
            }
            Kind::Ndjson(writer) => {
                writer.write(batch).map_err(odd)?;
                Ok(std::mem::take(writer.get_mut()))
            }
            Kind::Parquet(writer) => {
                writer.write(batch).map_err(odd)?;
                Ok(vec![])
            }
        }
    }

    /// What is printed behind the last row.
    pub fn finish(self) -> Result<Vec<u8>> {
        let rows = self.rows;
        match self.kind {
            Kind::Table(table) => table.finish(),
            Kind::Expanded(_) => Ok(vec![]),
            Kind::Csv(header) => Ok(header.unwrap_or_default()),
            Kind::Json(mut writer) => {
                writer.finish().map_err(odd)?;
                let mut bytes = writer.into_inner();
                if rows == 0 {
                    bytes = b"[]".to_vec();
                }
                bytes.push(b'\n');
                Ok(bytes)
            }
            Kind::Ndjson(mut writer) => {
                writer.finish().map_err(odd)?;
                Ok(writer.into_inner())
            }
            Kind::Parquet(writer) => writer.into_inner().map_err(odd),
        }
    }
}

/// Objects that all have the same names: a null is written.
fn objects() -> WriterBuilder {
    WriterBuilder::new().with_explicit_nulls(true)
}

fn csv_of(batch: &RecordBatch, header: bool) -> Result<Vec<u8>> {
    let batch = &flat(batch)?;
    let mut writer = csv::WriterBuilder::new().with_header(header).build(vec![]);
    writer.write(batch).map_err(odd)?;
    Ok(writer.into_inner())
}

/// Lists and structs as text: CSV has no other form for them.
fn flat(batch: &RecordBatch) -> Result<RecordBatch> {
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if !column.data_type().is_nested() {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
            continue;
        }
        let texts = (0..column.len()).map(|row| array_value_to_string(column, row));
        let texts: StringArray = texts.collect::<Result<Vec<_>, _>>().map_err(odd)?.into();
        fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
        columns.push(Arc::new(texts));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let schema = Arc::new(Schema::new(fields));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(odd)
}

fn odd(error: impl std::fmt::Display) -> Error {
    Error::usage("these rows cannot be printed in this format").because(error)
}

/// A value as a person reads it. What would move a terminal's cursor is shown as what it is.
fn shown(column: &ArrayRef, row: usize) -> Result<String> {
    if column.is_null(row) {
        return Ok(String::new());
    }
    let text = array_value_to_string(column, row).map_err(odd)?;
    let is_odd = |one: char| one.is_control() && one != '\n';
    if !text.contains(is_odd) {
        return Ok(text);
    }
    let letters = text.chars().map(|one| match one {
        '\t' => "    ".to_owned(),
        one if is_odd(one) => one.escape_default().to_string(),
        one => one.to_string(),
    });
    Ok(letters.collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::{
        array::{ArrayRef, Int64Array, RecordBatch, StringArray},
        util::pretty::pretty_format_batches,
    };

    use super::{Format, Writer};

    fn batch(names: &[Option<&str>]) -> RecordBatch {
        let numbers: Int64Array = (0_i64..).take(names.len()).collect();
        let columns: [(&str, ArrayRef); 2] = [
            ("n", Arc::new(numbers)),
            ("name", Arc::new(StringArray::from(names.to_vec()))),
        ];
        RecordBatch::try_from_iter_with_nullable(
            columns
                .into_iter()
                .map(|(name, column)| (name, column, true)),
        )
        .unwrap()
    }

    fn written(format: Format, is_expanded: bool, batches: &[RecordBatch]) -> String {
        let mut writer = Writer::new(format, &batches[0].schema(), is_expanded).unwrap();
        let mut bytes = vec![];
        for batch in batches {
            bytes.extend(writer.write(batch).unwrap());
        }
        bytes.extend(writer.finish().unwrap());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_frame_is_what_arrow_draws_but_numbers_end_in_one_line() {
        for names in [&[Some("a"), None, Some("é\nb"), Some("日本")][..], &[]] {
            let batch = batch(names);
            let expected = pretty_format_batches(std::slice::from_ref(&batch)).unwrap();
            assert_eq!(
                written(Format::Table, false, &[batch]),
                format!("{expected}\n")
            );
        }
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(-200)]));
        let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        let expected = "+------+\n|    n |\n+------+\n|    1 |\n|      |\n| -200 |\n+------+\n";
        assert_eq!(written(Format::Table, false, &[batch]), expected);
    }

    #[test]
    fn a_long_result_is_printed_before_it_ends_and_a_wide_row_breaks_its_line_only() {
        let names: Vec<_> = (0..1200).map(|_| Some("a")).collect();
        let batches = [batch(&names), batch(&[Some("abcdefgh"), Some("a")])];
        let mut writer = Writer::new(Format::Table, &batches[0].schema(), false).unwrap();
        let first = writer.write(&batches[0]).unwrap();
        let text = String::from_utf8(first.clone()).unwrap();
        assert_eq!(text.matches('\n').count(), 1203);
        let text = written(Format::Table, false, &batches);
        let tail: Vec<_> = text.lines().rev().take(3).collect();
        assert_eq!(
            tail,
            ["+------+------+", "|    1 | a    |", "|    0 | abcdefgh |"]
        );
    }

    #[test]
    fn markdown_and_expanded_rows_and_escapes() {
        let batch = batch(&[Some("a|b"), Some("\u{1b}[2J")]);
        let expected = "| n | name |\n|--:|---|\n| 0 | a\\|b |\n| 1 | \\u{1b}[2J |\n";
        assert_eq!(
            written(Format::Markdown, false, std::slice::from_ref(&batch)),
            expected
        );
        let expected =
            "-[ row 1 ]-\nn    | 0\nname | a|b\n-[ row 2 ]-\nn    | 1\nname | \\u{1b}[2J\n";
        assert_eq!(written(Format::Table, true, &[batch]), expected);
    }

    #[test]
    fn every_object_has_all_names() {
        let batch = batch(&[None]);
        let one = "{\"n\":0,\"name\":null}";
        let lines = written(Format::Ndjson, false, std::slice::from_ref(&batch));
        assert_eq!(lines, format!("{one}\n"));
        assert_eq!(written(Format::Json, false, &[batch]), format!("[{one}]\n"));
    }

    #[test]
    fn no_rows_are_an_empty_list_a_header_or_nothing() {
        let none = batch(&[]);
        for (format, expected) in [
            (Format::Json, "[]\n"),
            (Format::Csv, "n,name\n"),
            (Format::Ndjson, ""),
            (Format::Markdown, "| n | name |\n|--:|---|\n"),
        ] {
            assert_eq!(
                written(format, false, std::slice::from_ref(&none)),
                expected
            );
        }
    }
}
