//! Differences as a person reads them on a terminal.

use std::fmt::Write as _;

use super::{Changed, Diff, TableDiff};

/// The text.
pub fn render(diff: &Diff) -> String {
    let mut text = format!(
        "{}: {} against {}, on the extract of {}\n",
        diff.model, diff.after, diff.before, diff.run_id
    );
    if !diff.differs() {
        let count = diff.tables.len();
        let _ = writeln!(text, "\nno difference in {count} tables");
        return text;
    }
    for table in &diff.tables {
        render_table(table, &mut text);
    }
    text
}

fn render_table(table: &TableDiff, text: &mut String) {
    let TableDiff {
        table: name,
        rows_before,
        rows_after,
        added,
        removed,
        changed,
        ..
    } = table;
    if !table.differs() {
        let _ = writeln!(text, "\n{name}: the same {rows_after} rows");
        return;
    }
    let rows = if rows_before == rows_after {
        format!("{rows_after} rows")
    } else {
        format!("{rows_before} → {rows_after} rows")
    };
    let _ = writeln!(
        text,
        "\n{name}: {rows}, {added} added, {removed} removed, {changed} changed"
    );
    for column in &table.columns_added {
        let _ = writeln!(text, "  new column {column}");
    }
    for column in &table.columns_removed {
        let _ = writeln!(text, "  column {column} is gone");
    }
    for (column, then, now) in &table.columns_retyped {
        let _ = writeln!(text, "  column {column}: {then} → {now}");
    }
    for (column, count) in &table.columns_changed {
        let _ = writeln!(text, "  {column}: changed in {}", counted(*count));
    }
    for Changed { key, values } in &table.changed_samples {
        let values = values.iter().map(|(column, then, now)| {
            format!(
                "{column} {} → {}",
                shown(then.as_deref()),
                shown(now.as_deref())
            )
        });
        let values = values.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "  ~ {}: {values}", key.join(", "));
    }
    for key in &table.added_samples {
        let _ = writeln!(text, "  + {}", key.join(", "));
    }
    for key in &table.removed_samples {
        let _ = writeln!(text, "  - {}", key.join(", "));
    }
}

/// So many rows.
pub(super) fn counted(rows: u64) -> String {
    match rows {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    }
}

/// A value; null is told apart from the empty text.
pub(super) fn shown(value: Option<&str>) -> &str {
    match value {
        None => "null",
        Some("") => "''",
        Some(value) => value,
    }
}
