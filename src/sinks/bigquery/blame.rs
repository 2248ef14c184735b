//! What BigQuery found wrong with the rows, by column, and the values behind it.
//!
//! Apart because it reads the loaded file again: the service's words name a column, and what a person
//! needs is what stands in it.

use std::path::Path;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        util::display::{ArrayFormatter, FormatOptions},
    },
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
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

/// What stands in the columns that `words` name.
fn values(words: &str, file: &Path) -> Vec<String> {
    let Ok(opened) = fs_err::File::open(file) else {
        return vec![];
    };
    let Ok(reader) = ParquetRecordBatchReaderBuilder::try_new(opened.into_file()) else {
        return vec![];
    };
    let Ok(mut reader) = reader.build() else {
        return vec![];
    };
    let Some(Ok(first)) = reader.next() else {
        return vec![];
    };
    let named = first.schema_ref().fields().iter().zip(first.columns());
    let named = named.filter(|(field, _)| is_named(words, field.name()));
    let shown = named.map(|(field, column)| {
        let values = shown(column).join(", ");
        format!("`{}` ({}): {values}", field.name(), field.data_type())
    });
    shown.collect()
}

/// Whether a name stands in `words` as a word.
fn is_named(words: &str, name: &str) -> bool {
    let mut all = words.split(|it: char| !(it.is_alphanumeric() || it == '_'));
    all.any(|word| word.eq_ignore_ascii_case(name))
}

/// A null, if there is one, and the first values.
fn shown(column: &ArrayRef) -> Vec<String> {
    let format = FormatOptions::default().with_null("null");
    let Ok(formatter) = ArrayFormatter::try_new(column, &format) else {
        return vec![];
    };
    let mut values = vec![];
    let nulls = column.null_count();
    if nulls > 0 {
        values.push(format!("null in {nulls} of {} rows", column.len()));
    }
    for row in (0..column.len()).filter(|row| column.is_valid(*row)) {
        let value = formatter.value(row).to_string();
        if !values.contains(&value) {
            values.push(value);
        }
        if values.len() > SHOWN {
            break;
        }
    }
    values
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
            hint.contains("`tier` (Utf8): null in 1 of 2 rows, gold"),
            "{hint}"
        );
        assert!(!hint.contains("unasked"), "{hint}");
    }
}
