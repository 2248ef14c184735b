//! A load in several parts, each a range of keys in a file of its own.
//!
//! Only where a quota refused the whole. The rows are in the order of their keys, so a part is a piece
//! of the file that ends where a key ends; cut again, it has the same bytes.

use std::path::{Path, PathBuf};

use datafusion::{
    arrow::{
        array::RecordBatch,
        datatypes::SchemaRef,
        util::display::{ArrayFormatter, FormatOptions},
    },
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};

use super::super::{Part, receipt::KeyRange};
use crate::{
    error::{Error, Result},
    table_file::{FileFacts, ParquetFile},
};

/// Parts that a load is divided into.
const PARTS: u64 = 4;

/// Where the file of part `number` lies, beside the whole.
pub fn path(whole: &Path, number: u32) -> PathBuf {
    match number {
        0 => whole.to_owned(),
        number => whole.with_extension(format!("part-{number}.parquet")),
    }
}

/// The whole as one part.
pub fn whole(facts: &FileFacts) -> Part {
    Part {
        number: 0,
        rows: facts.rows,
        bytes: facts.bytes,
        sha256: facts.sha256.clone(),
        keys: None,
    }
}

/// Cuts the file at `file`, whose rows are ordered by the columns `key`. A file of one key cannot be cut.
pub fn divide(file: &Path, rows: u64, key: &[String]) -> Result<Vec<Part>> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::outside(format!("`{}` cannot be read", file.display())).because(error)
    };
    let opened = fs_err::File::open(file).map_err(|error| unreadable(&error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(opened.into_file());
    let reader = reader.map_err(|error| unreadable(&error))?;
    let mut cutter = Cutter {
        file,
        key,
        schema: reader.schema().clone(),
        least: rows.div_ceil(PARTS).max(1),
        open: None,
        parts: vec![],
    };
    for batch in reader.build().map_err(|error| unreadable(&error))? {
        cutter.take(&batch.map_err(|error| unreadable(&error))?)?;
    }
    cutter.end()?;
    Ok(cutter.parts)
}

/// Writes the parts one after the other.
struct Cutter<'a> {
    file: &'a Path,
    key: &'a [String],
    schema: SchemaRef,
    /// Rows that a part has at least, but for the last.
    least: u64,
    open: Option<Open>,
    parts: Vec<Part>,
}

/// The part that is being written.
struct Open {
    file: ParquetFile,
    rows: u64,
    first: Vec<Option<String>>,
    last: Vec<Option<String>>,
}

impl Cutter<'_> {
    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut from = 0;
        while from < batch.num_rows() {
            let piece = self.next_piece(batch, from)?;
            from += piece;
        }
        Ok(())
    }

    /// Writes the rows from `from` on that belong together, and says how many they are.
    fn next_piece(&mut self, batch: &RecordBatch, from: usize) -> Result<usize> {
        let rest = batch.num_rows() - from;
        let lacking = self
            .open
            .as_ref()
            .map_or(self.least, |open| self.least.saturating_sub(open.rows));
        let lacking = usize::try_from(lacking).unwrap_or(usize::MAX);
        if lacking > 0 {
            let rows = lacking.min(rest);
            self.write(batch, from, rows)?;
            return Ok(rows);
        }
        // The part is long enough; it ends with its last key.
        let last = self.open.as_ref().map(|open| open.last.clone());
        if last.is_some_and(|last| self.key.is_empty() || last != self.key_of(batch, from)) {
            self.end()?;
            return Ok(0);
        }
        self.write(batch, from, 1)?;
        Ok(1)
    }

    fn write(&mut self, batch: &RecordBatch, from: usize, rows: usize) -> Result<()> {
        let last = self.key_of(batch, from + rows - 1);
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open {
                file: ParquetFile::create(&self.next_path(), &self.schema, &[])?,
                rows: 0,
                first: self.key_of(batch, from),
                last: vec![],
            },
        };
        open.file.write(&batch.slice(from, rows))?;
        open.rows += rows as u64;
        open.last = last;
        self.open = Some(open);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let number = self.next_number();
        if let Some(open) = self.open.take() {
            let facts = open.file.finish()?;
            self.parts.push(Part {
                number,
                keys: Some(KeyRange {
                    columns: self.key.to_vec(),
                    first: open.first,
                    last: open.last,
                }),
                ..whole(&facts)
            });
        }
        Ok(())
    }

    fn next_number(&self) -> u32 {
        u32::try_from(self.parts.len() + 1).unwrap_or(u32::MAX)
    }

    fn next_path(&self) -> PathBuf {
        path(self.file, self.next_number())
    }

    /// The key of a row, as text.
    fn key_of(&self, batch: &RecordBatch, row: usize) -> Vec<Option<String>> {
        let values = self.key.iter().map(|name| {
            let column = batch.column_by_name(name)?;
            if column.is_null(row) {
                return None;
            }
            let format = FormatOptions::default();
            let shown = ArrayFormatter::try_new(column, &format).ok()?;
            Some(shown.value(row).to_string())
        });
        values.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use datafusion::arrow::{
        array::{Int64Array, RecordBatch, StringArray},
        datatypes::{DataType, Field, Schema},
    };

    use super::{divide, path};
    use crate::table_file::{ParquetFile, hash_file};

    fn file(folder: &Path, keys: &[&str]) -> std::path::PathBuf {
        let schema = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Utf8, true),
            Field::new("n", DataType::Int64, true),
        ]));
        let numbers: Vec<i64> = (0..).take(keys.len()).collect();
        let rows = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(StringArray::from(keys.to_vec())),
                Arc::new(Int64Array::from(numbers)),
            ],
        );
        let path = folder.join("whole.parquet");
        let mut file = ParquetFile::create(&path, &schema, &[]).unwrap();
        file.write(&rows.unwrap()).unwrap();
        file.finish().unwrap();
        path
    }

    fn ranges(keys: &[&str]) -> Vec<(u64, String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let whole = file(folder.path(), keys);
        let parts = divide(&whole, keys.len() as u64, &["id".to_owned()]).unwrap();
        let again = divide(&whole, keys.len() as u64, &["id".to_owned()]).unwrap();
        assert_eq!(parts, again, "the same rows are cut into the same bytes");
        let ranges = parts.iter().zip(1..).map(|(part, number)| {
            assert_eq!(part.number, number);
            let hash = hash_file(&path(&whole, number)).unwrap();
            assert_eq!(hash, (part.bytes, part.sha256.clone()));
            let keys = part.keys.clone().unwrap();
            let text = |key: &[Option<String>]| key[0].clone().unwrap();
            (part.rows, text(&keys.first), text(&keys.last))
        });
        ranges.collect()
    }

    #[test]
    fn a_file_is_cut_into_ranges_of_keys_that_do_not_overlap() {
        let range = |rows, first: &str, last: &str| (rows, first.to_owned(), last.to_owned());
        assert_eq!(
            ranges(&["a", "b", "c", "d", "e", "f", "g"]),
            [
                range(2, "a", "b"),
                range(2, "c", "d"),
                range(2, "e", "f"),
                range(1, "g", "g"),
            ]
        );
        assert_eq!(
            ranges(&["a", "b", "b", "b", "c"]),
            [range(4, "a", "b"), range(1, "c", "c")]
        );
        assert_eq!(ranges(&["a", "a"]), [range(2, "a", "a")]);
    }
}
