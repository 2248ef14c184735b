//! The report on the terminal: what a person reads when a run is over.

use std::fmt::Write;

use super::content::{self, Table};
use crate::run::record::{RunRecord, Status};

/// The completion report of a run that did what it was asked for.
pub fn completion(record: &RunRecord) -> String {
    let sections = [
        head(record),
        figures(record),
        table(&content::records(record)),
        table(&content::left_out(record)),
        table(&content::missing(record)),
        resumed(record),
        result(record),
        attention(record),
    ];
    let sections: Vec<_> = sections
        .into_iter()
        .filter(|section| !section.is_empty())
        .collect();
    sections.join("\n")
}

/// What a run that did not end left, and the one command to go on.
pub fn how_to_go_on(record: &RunRecord) -> String {
    let headline = content::verdict(record).headline;
    let mut lines = vec![headline, content::data(record)];
    if let Some(command) = content::way_on(record) {
        let folder = &record.folder;
        // A full disk may have had no room for it.
        let report = if std::path::Path::new(folder).join("report.html").is_file() {
            ", with report.html,"
        } else {
            ""
        };
        lines.push(format!("What it has done is kept{report} in {folder}"));
        lines.push(format!("Go on with: {command}"));
    }
    lines.join("\n")
}

fn head(record: &RunRecord) -> String {
    let day = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M").to_string();
    format!(
        "{}\nrun {} · profile {} · window {} to {} UTC\n",
        content::verdict(record).headline,
        record.run_id,
        record.profile,
        day(record.window_start),
        day(record.window_end),
    )
}

/// Label, value, and the change where there was a last run.
fn figures(record: &RunRecord) -> String {
    let mut figures = content::figures(record);
    if figures.columns.len() == 4 {
        // Three numbers in a row are one too many for a glance: the last run's is left to the report.
        figures.columns.remove(2);
        for row in &mut figures.rows {
            row.remove(2);
            if row[2] == "same" {
                row[2].clear();
            }
        }
    }
    table(&figures)
}

fn resumed(record: &RunRecord) -> String {
    let mut text = String::new();
    for resumption in &record.resumed {
        let at = resumption.at.format("%Y-%m-%d %H:%M:%S UTC");
        let made = super::numbers::counted_list(&resumption.redone, "table");
        let kept = super::numbers::counted(resumption.kept as u64, "table");
        let again = if resumption.redone.is_empty() {
            String::new()
        } else {
            format!(", {made} made again")
        };
        let _ = writeln!(text, "  {at}  {kept} kept{again}");
        for redone in &resumption.redone {
            let _ = writeln!(text, "    {}: {}", redone.table, redone.reason);
        }
    }
    titled("Resumed", &text)
}

fn result(record: &RunRecord) -> String {
    let mut rows = vec![];
    let mut row = |label: &str, value: String| rows.push(vec![label.to_owned(), value]);
    match (&record.load, record.status) {
        (Some(load), _) => {
            let receipt = &load.receipt;
            row("loaded into", receipt.destination.clone());
            let number = receipt.load_number;
            row("as", format!("load {number} of {}", receipt.run_date));
            row(
                receipt.holder(),
                receipt.load_id.clone().unwrap_or_default(),
            );
        }
        (None, Status::DryRun) => row("loaded into", "nothing: it was a dry run".to_owned()),
        (None, Status::Stopped) => row("loaded into", "nothing yet".to_owned()),
        (None, _) => row(
            "loaded into",
            "nothing: not all models were selected".to_owned(),
        ),
    }
    if record.status == Status::DryRun {
        row(
            "run folder",
            "none: nothing of a dry run is kept".to_owned(),
        );
    } else {
        row("run folder", record.folder.clone());
    }
    if let Some(command) = content::way_on(record) {
        if let Some(next) = content::next_step(record) {
            row("next step", next.name().to_owned());
        }
        row("go on with", command);
    } else if record.status != Status::DryRun {
        row("ask it", "dfpipe query \"show tables\"".to_owned());
    }
    titled("Result", &lines(&rows, false))
}

fn attention(record: &RunRecord) -> String {
    let mut text = String::new();
    for concern in content::attention(record) {
        let _ = writeln!(text, "  {}", concern.line());
        if let Some(hint) = &concern.hint {
            let _ = writeln!(text, "    {hint}");
        }
        if let Some(kept) = &concern.kept {
            let _ = writeln!(text, "    see them: {}", kept.command);
        }
    }
    if text.is_empty() {
        "  nothing\n".clone_into(&mut text);
    }
    titled("Needs a human", &text)
}

/// Labels to the left, numbers to the right; nothing if there are no rows.
fn table(table: &Table) -> String {
    titled(table.title, &lines(&table.rows, true))
}

fn titled(title: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("{title}\n{text}")
}

fn lines(rows: &[Vec<String>], numbers: bool) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(index, (cell, width))| match index {
            0 => format!("{cell:<width$}"),
            _ if numbers => format!("{cell:>width$}"),
            _ => cell.clone(),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        format!("  {}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}
