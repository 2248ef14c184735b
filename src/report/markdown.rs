//! `report.md`: complete and plain, for a terminal and for a code host.

use std::fmt::Write;

use super::{
    content::{self, Kind, Table},
    numbers::{amount, grouped},
};
use crate::run::record::{Chart, RunRecord, Step};

/// The widest bar of a chart, in characters.
const WIDEST: f64 = 30.0;

/// All about the run.
pub fn report(record: &RunRecord) -> String {
    let mut sections = vec![head(record), failure(record), attention(record)];
    sections.push(table(&content::figures(record)));
    sections.push(table(&content::steps(record)));
    sections.push(table(&content::records(record)));
    sections.push(table(&content::left_out(record)));
    sections.push(table(&content::missing(record)));
    sections.push(table(&content::resumed(record)));
    sections.push(flow(record));
    sections.extend(record.charts.iter().map(chart));
    sections.push(checks(record));
    sections.push(table(&content::inputs(record)));
    sections.push(table(&content::models(record)));
    sections.push(table(&content::receipt(record)));
    sections.push(table(&content::repeat(record)));
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

fn head(record: &RunRecord) -> String {
    let verdict = content::verdict(record);
    let headline = escaped(&verdict.headline);
    let data = escaped(&content::data(record));
    let human = match content::attention(record).len() {
        0 if record.failure.is_some() => "What went wrong needs a human.".to_owned(),
        0 => "Nothing needs a human.".to_owned(),
        1 => "One thing needs a human.".to_owned(),
        some => format!("{some} things need a human."),
    };
    format!("# {headline}\n\n{data} {human}\n")
}

/// What failed, why, what to do: in this order.
fn failure(record: &RunRecord) -> String {
    let mut text = String::new();
    if let Some(failure) = &record.failure {
        text.push_str("## What went wrong\n\n");
        let step = failure.step.map_or("the beginning", Step::name);
        let message = escaped(&failure.message);
        text.push_str(&paragraph(&format!("**In {step}:** {message}")));
        if let Some(cause) = &failure.cause {
            text.push_str(&paragraph(&format!("Because: {}", escaped(cause))));
        }
        if let Some(hint) = &failure.hint {
            text.push_str(&paragraph(&format!("What to do: {}", escaped(hint))));
        }
        let _ = writeln!(text, "Exit code {}.", failure.exit_code);
    }
    if let Some(command) = content::way_on(record) {
        let gap = if text.is_empty() { "" } else { "\n" };
        let next = content::next_step(record);
        let next = next.map_or(String::new(), |next| format!(" Next is {}.", next.name()));
        let _ = writeln!(
            text,
            "{gap}## How to go on\n\nWhat is done is not done again.{next}\n\n    {command}"
        );
    }
    text
}

fn attention(record: &RunRecord) -> String {
    let concerns = content::attention(record);
    if concerns.is_empty() {
        return String::new();
    }
    let mut text = "## Needs a human\n\n".to_owned();
    for concern in concerns {
        let _ = writeln!(text, "- {}", escaped(&concern.line()));
        if let Some(hint) = &concern.hint {
            let _ = writeln!(text, "  {}", escaped(hint));
        }
        for example in &concern.examples {
            let _ = writeln!(text, "    - {}", code(example));
        }
        if let Some(kept) = &concern.kept {
            let _ = writeln!(text, "  {} See them: {}", kept.place, code(&kept.command));
        }
    }
    text
}

/// Only what a check found is told one by one; the others are a number here and rows in `run.json`.
fn checks(record: &RunRecord) -> String {
    let mut checks = content::checks(record);
    if checks.is_empty() {
        return String::new();
    }
    checks.rows.retain(|row| row[1] != "passed");
    let lead = checks.lead.take().unwrap_or_default();
    checks.lead = Some(format!("{lead} All of them stand in `run.json`."));
    full_table(&checks)
}

fn flow(record: &RunRecord) -> String {
    if record.flow.is_empty() {
        return String::new();
    }
    let mut text = "## The way of the records\n".to_owned();
    let mut origin = "";
    for flow in &record.flow {
        if flow.origin != origin {
            origin = &flow.origin;
            let out = record.flow.iter().filter(|flow| flow.origin == origin);
            let out = out.map(|flow| flow.records).sum();
            let _ = writeln!(text, "\n- **{}**: {}", escaped(origin), grouped(out));
        }
        let (arrow, records) = (if flow.is_kept { "→" } else { "✕" }, grouped(flow.records));
        let _ = writeln!(text, "  - {arrow} {records} {}", escaped(&flow.target));
    }
    text
}

fn chart(chart: &Chart) -> String {
    let most = chart.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let rows = chart.bars.iter().map(|bar| {
        let share = if most > 0.0 {
            bar.value.max(0.0) / most
        } else {
            0.0
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between nothing and the widest"
        )]
        let length = (share * WIDEST).round() as usize;
        let (label, value) = (escaped(&bar.label), amount(bar.value, "count"));
        vec![label, value, "█".repeat(length)]
    });
    let rows: Vec<_> = rows.collect();
    let head = ["", "", ""].map(str::to_owned);
    let grid = grid(&head, &[Kind::Words, Kind::Number, Kind::Words], &rows);
    format!("## {}\n\n{grid}", escaped(&chart.title))
}

fn table(table: &Table) -> String {
    if table.is_empty() {
        return String::new();
    }
    full_table(table)
}

fn full_table(table: &Table) -> String {
    let mut text = format!("## {}\n\n", table.title);
    if let Some(lead) = &table.lead {
        text.push_str(&paragraph(lead));
    }
    let names = table.columns.iter().map(|column| column.name.to_owned());
    let names: Vec<_> = names.collect();
    let kinds: Vec<_> = table.columns.iter().map(|column| column.kind).collect();
    let cell = |(cell, kind): (&String, &Kind)| match kind {
        Kind::Code if cell != "–" => code(cell),
        Kind::Code | Kind::Words | Kind::Number => escaped(cell),
    };
    let rows = table.rows.iter();
    let rows = rows.map(|row| row.iter().zip(&kinds).map(cell).collect());
    let rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() {
        text.push_str(&grid(&names, &kinds, &rows));
    }
    text
}

/// Columns of one width, so that it reads well as it is.
fn grid(names: &[String], kinds: &[Kind], rows: &[Vec<String>]) -> String {
    let width = |index: usize| {
        let cells = rows.iter().map(|row| row[index].chars().count());
        cells
            .max()
            .unwrap_or(0)
            .max(names[index].chars().count())
            .max(3)
    };
    let widths: Vec<_> = (0..names.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).zip(kinds);
        let cells = cells.map(|((cell, width), kind)| match kind {
            Kind::Number => format!("{cell:>width$}"),
            Kind::Words | Kind::Code => format!("{cell:<width$}"),
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().zip(kinds).map(|(width, kind)| match kind {
        Kind::Number => format!("{}:", "-".repeat(width - 1)),
        Kind::Words | Kind::Code => "-".repeat(*width),
    });
    let rule = format!("| {} |\n", rule.collect::<Vec<_>>().join(" | "));
    let body: String = rows.iter().map(|row| line(row)).collect();
    format!("{}{rule}{body}", line(names))
}

fn paragraph(text: &str) -> String {
    format!("{text}\n\n")
}

/// Text whose signs mean nothing to Markdown. What Markdown reads as a sign only at places where it does
/// not stand here stays as it is: the file is read by people too.
fn escaped(text: &str) -> String {
    let text = one_line(text);
    // A backtick without its partner is no code, and would swallow what follows.
    let has_code = text.matches('`').count().is_multiple_of(2);
    let mut safe = String::with_capacity(text.len());
    let mut in_code = false;
    for character in text.chars() {
        let is_sign = match character {
            '`' if has_code => {
                in_code = !in_code;
                false
            }
            '|' => true,
            '`' | '<' | '*' | '[' | ']' | '\\' => !in_code,
            _ => false,
        };
        if is_sign {
            safe.push('\\');
        }
        safe.push(character);
    }
    safe
}

/// Text as it is, in a code span that its own backticks cannot end.
fn code(text: &str) -> String {
    let text = one_line(text).replace('|', "\\|");
    let fence = if text.contains('`') { "``" } else { "`" };
    let gap = if text.contains('`') { " " } else { "" };
    format!("{fence}{gap}{text}{gap}{fence}")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{code, escaped};

    #[test]
    fn foreign_text_stays_text() {
        assert_eq!(
            escaped("a | b\n<script> [x](y)"),
            r"a \| b \<script> \[x\](y)"
        );
        assert_eq!(escaped("`totals` has no rows"), "`totals` has no rows");
        assert_eq!(escaped("`<b>` is code"), "`<b>` is code");
        assert_eq!(escaped("one ` is none"), r"one \` is none");
        assert_eq!(escaped("not_in_crm"), "not_in_crm");
        assert_eq!(code("a|b"), r"`a\|b`");
        assert_eq!(code("a`b"), "`` a`b ``");
    }
}
