//! Differences as Markdown: for a comment on a change that is reviewed.

use std::fmt::Write as _;

use super::{
    Changed, Diff, TableDiff,
    text::{counted, shown},
};

/// The text.
pub fn render(diff: &Diff) -> String {
    let mut text = format!(
        "### `{}`: {} against {}\n\nOn the extract of `{}`.\n\n",
        diff.model, diff.after, diff.before, diff.run_id
    );
    text.push_str("| table | rows before | rows after | added | removed | changed |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|\n");
    for table in &diff.tables {
        let TableDiff {
            table: name,
            rows_before,
            rows_after,
            added,
            removed,
            changed,
            ..
        } = table;
        let _ = writeln!(
            text,
            "| `{name}` | {rows_before} | {rows_after} | {added} | {removed} | {changed} |"
        );
    }
    for table in diff.tables.iter().filter(|table| table.differs()) {
        render_table(table, &mut text);
    }
    text
}

fn render_table(table: &TableDiff, text: &mut String) {
    let _ = writeln!(text, "\n#### `{}`\n", table.table);
    for column in &table.columns_added {
        let _ = writeln!(text, "- new column `{column}`");
    }
    for column in &table.columns_removed {
        let _ = writeln!(text, "- column `{column}` is gone");
    }
    for (column, then, now) in &table.columns_retyped {
        let _ = writeln!(text, "- column `{column}`: `{then}` → `{now}`");
    }
    for (column, count) in &table.columns_changed {
        let _ = writeln!(text, "- `{column}` changed in {}", counted(*count));
    }
    for key in &table.added_samples {
        let _ = writeln!(text, "- added: {}", cell(&key.join(", ")));
    }
    for key in &table.removed_samples {
        let _ = writeln!(text, "- removed: {}", cell(&key.join(", ")));
    }
    if table.changed_samples.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n| {} | column | before | after |\n|---|---|---|---|",
        table.key.join(", ")
    );
    for Changed { key, values } in &table.changed_samples {
        for (column, then, now) in values {
            let (then, now) = (shown(then.as_deref()), shown(now.as_deref()));
            let key = cell(&key.join(", "));
            let _ = writeln!(
                text,
                "| {key} | `{column}` | {} | {} |",
                cell(then),
                cell(now)
            );
        }
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', "<br>")
}
