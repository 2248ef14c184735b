//! The history of runs: one line each. One run at length is in `show`.

mod show;
mod words;

pub use show::show;

pub use words::aligned;
use words::{duration, grouped, status};

use crate::run::record::{LoadRecord, RunRecord};

/// Columns of a screen that a line should fit on.
const WIDTH: usize = 100;

/// The least that is left of a table's name where a line is too long.
const SHORTEST: usize = 12;

/// One line for each of `runs`, in their order.
pub fn lines(runs: &[RunRecord]) -> String {
    if runs.is_empty() {
        return "no runs yet\n".to_owned();
    }
    let header = [
        "run", "<as of", "<status", "rows in", "rows out", "rejected", "time", "<load",
    ];
    let rows: Vec<_> = runs.iter().map(line).collect();
    let text = aligned("", &header, &rows);
    let longest = text.lines().map(|line| line.chars().count()).max();
    let excess = longest.unwrap_or(0).saturating_sub(WIDTH);
    if excess == 0 {
        return text;
    }
    // Only the name of the table can be had elsewhere: in the long form, and as JSON.
    let names = runs.iter().filter_map(|run| run.load.as_ref());
    let widest = names.map(|load| table(load).chars().count()).max();
    let width = widest.unwrap_or(0).saturating_sub(excess).max(SHORTEST);
    let rows = runs.iter().map(|run| {
        let mut cells = line(run);
        if let (Some(load), Some(cell)) = (&run.load, cells.last_mut()) {
            *cell = load_cell(load, width);
        }
        cells
    });
    aligned("", &header, &rows.collect::<Vec<_>>())
}

fn line(run: &RunRecord) -> Vec<String> {
    vec![
        run.run_id.clone(),
        as_of(run),
        status(run),
        grouped(run.sources.iter().map(|source| source.records).sum()),
        rows_out(run).map_or_else(|| "–".to_owned(), grouped),
        grouped(left_out(run)),
        duration(run.seconds()),
        match &run.load {
            Some(load) => load_cell(load, usize::MAX),
            None => "–".to_owned(),
        },
    ]
}

/// The date, or the moment if it is not a midnight.
fn as_of(run: &RunRecord) -> String {
    let moment = run.as_of.format("%Y-%m-%d %H:%M").to_string();
    moment.trim_end_matches(" 00:00").to_owned()
}

/// Rows that were loaded, or that would have been.
fn rows_out(run: &RunRecord) -> Option<u64> {
    if let Some(load) = &run.load {
        return Some(load.receipt.rows);
    }
    let model = run.configuration["destination"]["model"].as_str()?;
    let found = run.models.iter().find(|built| built.name == model)?;
    Some(found.file.rows)
}

/// Records that did not get in: refused by the SQL, which knows of those that were refused before, and
/// unreadable ones.
fn left_out(run: &RunRecord) -> u64 {
    let unreadable: u64 = run.sources.iter().map(|source| source.dead_lettered).sum();
    let rejected: u64 = if run.rejects.is_empty() {
        run.sources.iter().map(|source| source.rejected).sum()
    } else {
        run.rejects.iter().map(|reject| reject.records).sum()
    };
    rejected + unreadable
}

fn load_cell(load: &LoadRecord, width: usize) -> String {
    let table = table(load);
    let number = load.receipt.load_number;
    if table.chars().count() <= width {
        return format!("{table} {number}");
    }
    let cut: String = table.chars().take(width.saturating_sub(1)).collect();
    format!("{cut}… {number}")
}

/// The table's own name: the last part of the destination's.
fn table(load: &LoadRecord) -> &str {
    let destination = &load.receipt.destination;
    let last = destination.rsplit(['/', '.']).next();
    last.unwrap_or(destination)
}
