//! Numbers, times and tables as people read them.

use chrono::{DateTime, Utc};

use crate::run::record::{RunRecord, Status};

/// How the run stands, in few words.
pub fn status(run: &RunRecord) -> String {
    match run.status {
        Status::Running => "running".to_owned(),
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

/// Digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// Bytes in the unit that leaves the fewest digits.
#[expect(
    clippy::cast_precision_loss,
    reason = "one digit behind the point is shown"
)]
pub fn bytes(number: u64) -> String {
    if number < 1000 {
        return format!("{number} B");
    }
    let mut value = number as f64;
    let mut unit = "";
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 999.95 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    format!("{value:.1} {unit}")
}

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is positive, and no run takes so long"
    )]
    let whole = seconds.round() as u64;
    let (hours, minutes) = (whole / 3600, whole / 60 % 60);
    match hours {
        0 => format!("{minutes} min {:02} s", whole % 60),
        _ => format!("{hours} h {minutes:02} min"),
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
    use super::{aligned, bytes, duration, grouped};

    #[test]
    fn numbers_have_the_unit_that_people_expect() {
        assert_eq!([grouped(999), grouped(1_234_567)], ["999", "1,234,567"]);
        for (number, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (8_388_608, "8.4 MB"),
            (2_000_000_000_000, "2.0 TB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        for (seconds, text) in [
            (0.04, "0.0 s"),
            (59.9, "59.9 s"),
            (59.96, "1 min 00 s"),
            (3_599.4, "59 min 59 s"),
            (3_660.0, "1 h 01 min"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn columns_of_text_begin_and_columns_of_numbers_end_in_one_line() {
        let rows = [["a", "x", "1"], ["long", "é", "100"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let text = aligned("  ", &["name", "<kind", "rows"], &rows);
        let expected = "  name  kind  rows\n  a     x        1\n  long  é      100\n";
        assert_eq!(text, expected);
    }
}
