//! How a run stands, moments, and tables of aligned columns, for the history on a terminal.

use chrono::{DateTime, Utc};

pub use crate::report::numbers::{bytes, duration, grouped};
use crate::run::record::{RunRecord, Status};

/// How the run stands, in few words.
pub fn status(run: &RunRecord) -> String {
    match run.status {
        Status::Running => "running".to_owned(),
        Status::Succeeded if run.is_partial() => "succeeded, partial".to_owned(),
        Status::Succeeded => "succeeded".to_owned(),
        Status::DryRun => "dry run".to_owned(),
        Status::Interrupted => "interrupted".to_owned(),
        Status::Abandoned => "abandoned".to_owned(),
        Status::Stopped => {
            let done = run.steps.iter().rfind(|step| step.is_done);
            done.map_or("stopped".to_owned(), |done| {
                format!("stopped after {}", done.step.name())
            })
        }
        Status::Failed => match &run.failure {
            Some(failure) => format!("failed: exit {}", failure.exit_code),
            None => "failed".to_owned(),
        },
    }
}

/// A moment, to the second.
pub fn moment(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A table with `indent` before each line. The first column is aligned to the left, and those whose
/// heading begins with `<`; the others are numbers.
pub fn aligned(indent: &str, header: &[&str], rows: &[Vec<String>]) -> String {
    let is_left = |column: usize| column == 0 || header[column].starts_with('<');
    let heading: Vec<_> = header
        .iter()
        .map(|name| name.replacen('<', "", 1))
        .collect();
    let all = || std::iter::once(&heading).chain(rows);
    let width = |column: usize| {
        let cells = all().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..header.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| {
            if is_left(column) {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        let line = format!("{indent}{}", cells.collect::<Vec<_>>().join("  "));
        format!("{}\n", line.trim_end())
    };
    all().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn columns_of_text_begin_and_columns_of_numbers_end_in_one_line() {
        let rows = [["a", "x", "1"], ["long", "é", "100"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let text = aligned("  ", &["name", "<kind", "rows"], &rows);
        let expected = "  name  kind  rows\n  a     x        1\n  long  é      100\n";
        assert_eq!(text, expected);
    }
}
