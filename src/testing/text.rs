//! Results of tests as text for people: what failed, where, and cell by cell.

use std::fmt::Write;

use super::{
    Done, Outcome,
    compare::{Difference, Is, Line},
};

/// Rows of a difference that are shown; of a test that goes wrong altogether the first ones tell.
const SHOWN: usize = 20;

/// How many tests ended in which way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// As expected.
    pub passed: usize,
    /// Otherwise.
    pub failed: usize,
    /// Could not be asked.
    pub wrong: usize,
}

impl Counts {
    /// Counts.
    pub fn of<'a>(done: impl IntoIterator<Item = &'a Done>) -> Self {
        let mut counts = Self::default();
        for done in done {
            match done.outcome {
                Outcome::Passed => counts.passed += 1,
                Outcome::Failed(_) => counts.failed += 1,
                Outcome::Wrong(_) => counts.wrong += 1,
            }
        }
        counts
    }

    /// In words.
    pub fn words(self) -> String {
        let mut text = format!("{} passed, {} failed", self.passed, self.failed);
        if self.wrong > 0 {
            let _ = write!(text, ", {} not understood", self.wrong);
        }
        text
    }
}

/// One line per file.
pub fn files(done: &[Done]) -> Vec<String> {
    let same_file = |a: &Done, b: &Done| a.test.file.name == b.test.file.name;
    let files = done.chunk_by(same_file);
    let lines = files.map(|tests| {
        let name = &tests[0].test.file.name;
        format!(
            "{name}: {}",
            Counts::of(tests).words().replace(", 0 failed", "")
        )
    });
    lines.collect()
}

/// A test that failed; nothing for any other.
pub fn failed(done: &Done) -> String {
    let Outcome::Failed(failure) = &done.outcome else {
        return String::new();
    };
    let test = &done.test;
    let place = &test.place;
    let mut text = format!("failed: {}: {}\n", under_test(done), test.it);
    let _ = writeln!(text, "  --> {}:{}:{}", place.file, place.line, place.column);
    let _ = writeln!(text, "  {}", failure.message.replace('\n', "\n  "));
    if let Some(difference) = &failure.difference {
        let _ = write!(text, "\n{}", table(difference));
    }
    text.push('\n');
    text
}

/// The model, with the CTE of it that is looked at.
pub fn under_test(done: &Done) -> String {
    match &done.test.cte {
        Some((cte, _)) => format!("{}, {cte}", done.test.model.0),
        None => done.test.model.0.clone(),
    }
}

/// The rows below each other, with carets under the cells that differ.
fn table(difference: &Difference) -> String {
    let shown = &difference.rows[..difference.rows.len().min(SHOWN)];
    let first = std::iter::once(String::new()).chain(difference.columns.iter().cloned());
    let mut lines: Vec<Vec<String>> = vec![first.collect()];
    for line in shown {
        lines.push(cells(line));
        if !line.differing.is_empty() {
            lines.push(carets(line, &difference.columns));
        }
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..=difference.columns.len())
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "  {}", line.trim_end());
    }
    let more = difference.rows.len() - shown.len();
    if more > 0 {
        let _ = writeln!(text, "  … and {more} more rows");
    }
    text
}

fn cells(line: &Line) -> Vec<String> {
    let is = match line.is {
        Is::Expected => "expected",
        Is::Got => "got",
        Is::Missing => "missing",
        Is::Extra => "extra",
    };
    let cells = line.cells.iter().map(|cell| {
        cell.as_ref()
            .map_or_else(String::new, |cell| shown_as(cell.as_deref()))
    });
    std::iter::once(is.to_owned()).chain(cells).collect()
}

fn carets(line: &Line, columns: &[String]) -> Vec<String> {
    let cells = line.cells.iter().zip(columns);
    let cells = cells.map(|(cell, column)| {
        let length = cell
            .as_ref()
            .map_or(1, |cell| shown_as(cell.as_deref()).chars().count());
        let length = if line.differing.contains(column) {
            length.max(1)
        } else {
            0
        };
        "^".repeat(length)
    });
    std::iter::once(String::new()).chain(cells).collect()
}

fn shown_as(cell: Option<&str>) -> String {
    match cell {
        None => "null".to_owned(),
        Some("") => "\"\"".to_owned(),
        Some(text) => text.replace('\n', "\\n"),
    }
}
