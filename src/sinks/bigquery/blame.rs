//! What BigQuery found wrong with the rows, by column, and the values behind it.
//!
//! Apart because it reads the loaded file again: the service's words name a column, and what a person
//! needs is what stands in it.

use std::path::Path;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::Field,
        util::display::{ArrayFormatter, FormatOptions},
    },
    parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder},
};

use super::failure::Failure;
use crate::error::Error;

/// Values of a column that are shown.
const SHOWN: usize = 3;

/// The error of a job that failed for what is wrong with its rows.
pub fn invalid(failure: &Failure, file: &Path, table: &str) -> Error {
    let mut words = vec![failure.message.clone()];
    for detail in &failure.details {
        if !words.contains(&detail.message) {
            words.push(detail.message.clone());
        }
    }
    let lines = words.iter().map(|words| format!("- {words}"));
    let cause = match words.as_slice() {
        [one] => one.clone(),
        _ => lines.collect::<Vec<_>>().join("\n"),
    };
    let values = values(&words.join("\n"), file);
    let hint = if values.is_empty() {
        "the rows are those of the loaded model in this run's folder: `dfpipe query` shows them"
            .to_owned()
    } else {
        format!("the rows hold: {}", values.join("; "))
    };
    Error::data(format!("BigQuery does not take the rows into `{table}`"))
        .because(cause)
        .with_hint(format!(
            "{hint}. Nothing was loaded; once it is mended, `dfpipe run --resume` tries again, or \
             `dfpipe run` anew"
        ))
}

/// What stands in the columns that `words` name, in all rows. A file that cannot be read any more shows
/// nothing: what BigQuery said is told all the same.
fn values(words: &str, file: &Path) -> Vec<String> {
    let columns = named(words, file).unwrap_or_default();
    columns.iter().map(Column::shown).collect()
}

fn named(words: &str, file: &Path) -> Option<Vec<Column>> {
    let opened = fs_err::File::open(file).ok()?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(opened.into_file()).ok()?;
    let schema = reader.schema().clone();
    let fields = schema.fields().iter().enumerate();
    let named: Vec<_> = fields
        .filter(|(_, field)| is_named(words, field.name()))
        .collect();
    let wanted = named.iter().map(|(at, _)| *at);
    let wanted = ProjectionMask::roots(reader.parquet_schema(), wanted);
    let mut columns: Vec<_> = named.iter().map(|(_, field)| Column::of(field)).collect();
    for batch in reader.with_projection(wanted).build().ok()? {
        let batch = batch.ok()?;
        for (column, values) in columns.iter_mut().zip(batch.columns()) {
            column.take(values);
        }
    }
    Some(columns)
}

/// Whether a name stands in `words` as a word.
fn is_named(words: &str, name: &str) -> bool {
    let mut all = words.split(|it: char| !(it.is_alphanumeric() || it == '_'));
    all.any(|word| word.eq_ignore_ascii_case(name))
}

/// A column that the service has named.
struct Column {
    name: String,
    kind: String,
    rows: usize,
    nulls: usize,
    /// The first row without a value, from 1.
    first_null: Option<usize>,
    /// The first values.
    values: Vec<String>,
}

impl Column {
    fn of(field: &Field) -> Self {
        Self {
            name: field.name().clone(),
            kind: field.data_type().to_string(),
            rows: 0,
            nulls: 0,
            first_null: None,
            values: vec![],
        }
    }

    fn take(&mut self, array: &ArrayRef) {
        if self.first_null.is_none() {
            let first = (0..array.len()).find(|row| array.is_null(*row));
            self.first_null = first.map(|row| self.rows + row + 1);
        }
        self.rows += array.len();
        self.nulls += array.null_count();
        let format = FormatOptions::default();
        let Ok(formatter) = ArrayFormatter::try_new(array, &format) else {
            return;
        };
        for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
            if self.values.len() == SHOWN {
                return;
            }
            let value = formatter.value(row).to_string();
            if !self.values.contains(&value) {
                self.values.push(value);
            }
        }
    }

    fn shown(&self) -> String {
        let Self { name, kind, .. } = self;
        let mut facts = self.values.clone();
        if let Some(first) = self.first_null {
            let (nulls, rows) = (self.nulls, self.rows);
            facts.push(format!(
                "null in {nulls} of {rows} rows, first in row {first}"
            ));
        }
        format!("`{name}` ({kind}): {}", facts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::{
        array::{RecordBatch, StringArray},
        datatypes::{DataType, Field, Schema},
    };

    use super::{super::access::Access, Failure, invalid};
    use crate::{sinks::bigquery::wire::ErrorProto, table_file::ParquetFile};

    #[test]
    fn a_null_is_found_however_late_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        let schema = Arc::new(Schema::new(vec![Field::new("tier", DataType::Utf8, true)]));
        let values = (0..5000).map(|row| (row != 4999).then_some("gold"));
        let values: StringArray = values.collect();
        let rows = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(values)]).unwrap();
        let mut file = ParquetFile::create(&path, &schema, &[]).unwrap();
        file.write(&rows).unwrap();
        file.finish().unwrap();
        assert_eq!(
            super::values("field tier", &path),
            ["`tier` (Utf8): gold, null in 1 of 5000 rows, first in row 5000"]
        );
    }

    #[test]
    fn a_column_that_bigquery_names_is_shown_with_its_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        let field = |name| Field::new(name, DataType::Utf8, true);
        let schema = Arc::new(Schema::new(vec![field("tier"), field("other")]));
        let rows = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(StringArray::from(vec![Some("gold"), None])),
                Arc::new(StringArray::from(vec!["unasked", "unasked"])),
            ],
        );
        let mut file = ParquetFile::create(&path, &schema, &[]).unwrap();
        file.write(&rows.unwrap()).unwrap();
        file.finish().unwrap();
        let error = ErrorProto {
            reason: "invalid".to_owned(),
            location: None,
            message: "Required field tier cannot be null".to_owned(),
        };
        let failure = Failure::of_job(&Access::load("p", "p.d.t", None), &error, &[]);
        let told = invalid(&failure, &path, "p.d.t");
        assert_eq!(told.kind().exit_code(), 1);
        assert_eq!(told.cause(), Some("Required field tier cannot be null"));
        let hint = told.hint().unwrap();
        assert!(
            hint.contains("`tier` (Utf8): gold, null in 1 of 2 rows, first in row 2"),
            "{hint}"
        );
        assert!(!hint.contains("unasked"), "{hint}");
    }
}
