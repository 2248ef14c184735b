//! A table as text: in a frame, or as Markdown. Columns are as wide as their first rows need, so that the first
//! page of a result without end is there at once; a later value that is wider breaks its own line only. Numbers end
//! in one line, so that they can be compared.

use std::fmt::Write as _;

use datafusion::arrow::{array::RecordBatch, datatypes::SchemaRef};
use unicode_width::UnicodeWidthStr;

use super::shown;
use crate::error::Result;

/// Rows that decide how wide a column is.
const DECIDING: usize = 1000;

/// How it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// In a frame of `+`, `-` and `|`.
    Frame,
    /// As Markdown.
    Markdown,
}

/// A table that is being written.
#[derive(Debug)]
pub struct Table {
    schema: SchemaRef,
    look: Look,
    waiting: Vec<RecordBatch>,
    rows: usize,
    /// Known once the header is written.
    widths: Option<Vec<usize>>,
    /// Which columns hold numbers.
    are_numbers: Vec<bool>,
}

impl Table {
    /// A table with these columns.
    pub fn new(schema: SchemaRef, look: Look) -> Self {
        let fields = schema.fields().iter();
        Self {
            are_numbers: fields.map(|one| one.data_type().is_numeric()).collect(),
            schema,
            look,
            waiting: vec![],
            rows: 0,
            widths: None,
        }
    }

    /// Takes rows; what can be printed already.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        if let Some(widths) = &self.widths {
            return self.lines(&cells(batch)?, widths);
        }
        self.rows += batch.num_rows();
        self.waiting.push(batch.clone());
        if self.rows < DECIDING && self.look == Look::Frame {
            return Ok(vec![]);
        }
        self.begin()
    }

    /// What is printed behind the last row.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        let mut bytes = match self.widths {
            Some(_) => vec![],
            None => self.begin()?,
        };
        if self.look == Look::Frame {
            let widths = self.widths.unwrap_or_default();
            bytes.extend(rule(&widths).into_bytes());
        }
        Ok(bytes)
    }

    fn begin(&mut self) -> Result<Vec<u8>> {
        let header: Vec<String> = self
            .schema
            .fields()
            .iter()
            .map(|one| one.name().clone())
            .collect();
        let mut rows = vec![];
        for batch in std::mem::take(&mut self.waiting) {
            rows.extend(cells(&batch)?);
        }
        let widths: Vec<usize> = match self.look {
            Look::Markdown => vec![0; header.len()],
            Look::Frame => (0..header.len())
                .map(|column| {
                    let all = std::iter::once(&header).chain(&rows);
                    let widths = all
                        .flat_map(|row| row[column].split('\n'))
                        .map(UnicodeWidthStr::width);
                    widths.max().unwrap_or(0)
                })
                .collect(),
        };
        let mut text = String::new();
        if self.look == Look::Frame {
            text.push_str(&rule(&widths));
        }
        let mut bytes = text.into_bytes();
        bytes.extend(self.lines(&[header], &widths)?);
        match self.look {
            Look::Frame => bytes.extend(rule(&widths).into_bytes()),
            Look::Markdown => {
                let rules = self.are_numbers.iter();
                let rules = rules.map(|is_number| if *is_number { "--:|" } else { "---|" });
                bytes.extend(format!("|{}\n", rules.collect::<String>()).into_bytes());
            }
        }
        bytes.extend(self.lines(&rows, &widths)?);
        self.widths = Some(widths);
        Ok(bytes)
    }

    #[expect(clippy::unnecessary_wraps, reason = "its callers hand on a result")]
    fn lines(&self, rows: &[Vec<String>], widths: &[usize]) -> Result<Vec<u8>> {
        let mut text = String::new();
        for row in rows {
            match self.look {
                Look::Markdown => markdown(row, &mut text),
                Look::Frame => framed(row, widths, &self.are_numbers, &mut text),
            }
        }
        Ok(text.into_bytes())
    }
}

fn cells(batch: &RecordBatch) -> Result<Vec<Vec<String>>> {
    let row = |row| {
        batch
            .columns()
            .iter()
            .map(move |column| shown(column, row))
            .collect()
    };
    (0..batch.num_rows()).map(row).collect()
}

fn rule(widths: &[usize]) -> String {
    let parts: Vec<_> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    format!("+{}+\n", parts.join("+"))
}

fn framed(row: &[String], widths: &[usize], are_numbers: &[bool], text: &mut String) {
    let parts: Vec<Vec<&str>> = row.iter().map(|cell| cell.split('\n').collect()).collect();
    let height = parts.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        text.push('|');
        for ((cell, width), is_number) in parts.iter().zip(widths).zip(are_numbers) {
            let part = cell.get(line).copied().unwrap_or_default();
            let gap = " ".repeat(width.saturating_sub(part.width()));
            let _ = if *is_number {
                write!(text, " {gap}{part} |")
            } else {
                write!(text, " {part}{gap} |")
            };
        }
        text.push('\n');
    }
}

fn markdown(row: &[String], text: &mut String) {
    text.push('|');
    for cell in row {
        let cell = cell.replace('|', "\\|").replace('\n', "<br>");
        let _ = write!(text, " {cell} |");
    }
    text.push('\n');
}
