//! Rows with each column on a line of its own: for wide ones.

use std::fmt::Write as _;

use datafusion::arrow::array::RecordBatch;
use unicode_width::UnicodeWidthStr;

use super::shown;
use crate::error::Result;

/// Rows so far.
#[derive(Debug, Default)]
pub struct Expanded {
    rows: usize,
}

impl Expanded {
    /// The lines of a batch.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        let schema = batch.schema();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|one| one.name().as_str())
            .collect();
        let width = names.iter().map(|name| name.width()).max().unwrap_or(0);
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            self.rows += 1;
            let _ = writeln!(text, "-[ row {} ]-", self.rows);
            for (name, column) in names.iter().zip(batch.columns()) {
                let value = shown(column, row)?;
                let gap = " ".repeat(width - name.width());
                let below = format!("\n{} | ", " ".repeat(width));
                let line = format!("{name}{gap} | {}", value.replace('\n', &below));
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
        Ok(text.into_bytes())
    }
}
