//! Rows as the text of a test file: what the reader of test files reads back as the same values.

use std::fmt::Write;

use datafusion::arrow::datatypes::{DataType, Schema};

use super::compare::Cell;
use crate::{
    error::{Error, Result},
    model::File,
};

/// Characters of a line, where its values can be told apart.
const WIDTH: usize = 110;

/// Rows of one table, below `given` or `expect`.
pub struct Table<'a> {
    /// Its columns.
    pub schema: &'a Schema,
    /// Its rows.
    pub rows: &'a [Vec<Cell>],
    /// Whether nulls are said: what is given is null anyway, what is expected is not.
    pub says_nulls: bool,
}

impl Table<'_> {
    /// One line per row, or more if it is long.
    pub fn yaml(&self, indent: usize, text: &mut String) {
        let margin = " ".repeat(indent);
        for row in self.rows {
            let mut line = format!("{margin}- {{");
            let mut is_first = true;
            for (cell, field) in row.iter().zip(self.schema.fields()) {
                let Some(value) = self.value(cell.as_deref(), field.data_type()) else {
                    continue;
                };
                let entry = format!("{}: {value}", word(field.name()));
                if !is_first {
                    line.push(',');
                    let last = line.rsplit('\n').next().unwrap_or_default();
                    if last.chars().count() + entry.chars().count() > WIDTH {
                        let _ = write!(line, "\n{margin}   ");
                    } else {
                        line.push(' ');
                    }
                }
                is_first = false;
                line.push_str(&entry);
            }
            let _ = writeln!(text, "{line}}}");
        }
    }

    fn value(&self, cell: Option<&str>, kind: &DataType) -> Option<String> {
        match cell {
            None => self.says_nulls.then(|| "null".to_owned()),
            Some(text) if kind.is_numeric() || matches!(kind, DataType::Boolean) => {
                Some(text.to_owned())
            }
            Some(text) if kind.is_temporal() => Some(text.to_owned()),
            Some(text) => Some(word(text)),
        }
    }
}

/// Text, in quotes unless it is a plain word.
pub fn word(text: &str) -> String {
    let is_plain = text.starts_with(|it: char| it.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"_-./".contains(&it));
    let means_something = matches!(
        text.to_lowercase().as_str(),
        "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if is_plain && !means_something {
        text.to_owned()
    } else {
        serde_json::to_string(text).unwrap_or_default()
    }
}

/// Adds the test at the end of its file, as a document of its own.
pub fn append(file: &File) -> Result<()> {
    let unwritable =
        |error: std::io::Error| Error::outside("the test cannot be written").because(error);
    if let Some(folder) = file.path.parent() {
        fs_err::create_dir_all(folder).map_err(unwritable)?;
    }
    let before = match fs_err::read_to_string(&file.path) {
        Ok(text) => format!("{}\n\n---\n", text.trim_end()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(unwritable(error)),
    };
    fs_err::write(&file.path, format!("{before}{}", file.text)).map_err(unwritable)
}
