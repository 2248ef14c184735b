//! The completion report: what a person reads when a run is done.

use std::fmt::Write;

use crate::{
    model::Severity,
    run::record::{Figure, RunRecord},
};

/// The completion report of a run that went well.
pub fn completion(record: &RunRecord) -> String {
    let sections = [
        head(record),
        figures(record),
        steps(record),
        refusals(record),
        result(record),
        attention(record),
    ];
    let sections: Vec<_> = sections
        .into_iter()
        .filter(|section| !section.is_empty())
        .collect();
    sections.join("\n")
}

fn head(record: &RunRecord) -> String {
    let day = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M").to_string();
    format!(
        "{} {} completed in {:.1} s\nrun {} · profile {} · window {} to {} UTC\n",
        record.pipeline,
        record.run_date,
        record.seconds(),
        record.run_id,
        record.profile,
        day(record.window_start),
        day(record.window_end),
    )
}

fn figures(record: &RunRecord) -> String {
    let rows = record
        .summary
        .iter()
        .map(|figure| (figure.label.clone(), shown(figure)));
    table("Figures", &rows.collect::<Vec<_>>())
}

fn steps(record: &RunRecord) -> String {
    let mut rows = vec![];
    for source in &record.sources {
        let what = format!("extract {} ({})", source.name, source.kind);
        let refused = source.rejected + source.dead_lettered;
        let kept = grouped(source.rows);
        let count = match refused {
            0 => kept,
            _ => format!("{kept} of {}", grouped(source.records)),
        };
        rows.push((what, count));
    }
    for model in record.models.iter().filter(|model| model.save_as.is_some()) {
        rows.push((
            format!("transform {}", model.name),
            grouped(model.file.rows),
        ));
    }
    if let Some(load) = &record.load {
        rows.push(("load".to_owned(), grouped(load.receipt.rows)));
    }
    table("Records per step", &rows)
}

fn refusals(record: &RunRecord) -> String {
    let rejects = record.rejects.iter().map(|one| {
        (
            format!("{}: {}", one.source, one.reason),
            grouped(one.records),
        )
    });
    let dead = record
        .sources
        .iter()
        .filter(|source| source.dead_lettered > 0);
    let dead = dead.map(|source| {
        (
            format!("{}: unreadable", source.name),
            grouped(source.dead_lettered),
        )
    });
    table("Records left out", &rejects.chain(dead).collect::<Vec<_>>())
}

fn result(record: &RunRecord) -> String {
    let mut rows = vec![];
    match &record.load {
        Some(load) => {
            let receipt = &load.receipt;
            rows.push(("loaded into".to_owned(), receipt.destination.clone()));
            rows.push((
                "as".to_owned(),
                format!("load {} of {}", receipt.load_number, receipt.run_date),
            ));
            rows.push(("file".to_owned(), receipt.load_id.clone()));
        }
        None => rows.push((
            "loaded into".to_owned(),
            "nothing: not all models were selected".to_owned(),
        )),
    }
    rows.push(("run folder".to_owned(), record.folder.clone()));
    rows.push((
        "ask it".to_owned(),
        "dfpipe query \"show tables\"".to_owned(),
    ));
    left_table("Result", &rows)
}

fn attention(record: &RunRecord) -> String {
    let mut lines = vec![];
    for check in record.checks.iter().filter(|check| !check.passed()) {
        let severity = if check.severity == Severity::Error {
            "error"
        } else {
            "warning"
        };
        let found = rows(check.bad_rows);
        let mut line = format!(
            "{severity}: {} ({found} against it): {}",
            check.name, check.description
        );
        if let Some(hint) = &check.hint {
            let _ = write!(line, "\n    {}", hint.trim());
        }
        lines.push(line);
    }
    let warnings = record.all_warnings().into_iter();
    lines.extend(warnings.map(|warning| format!("warning: {warning}")));
    if lines.is_empty() {
        lines.push("nothing".to_owned());
    }
    let lines: Vec<_> = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("Needs a human\n{}", lines.concat())
}

fn rows(count: u64) -> String {
    if count == 1 {
        "1 row".to_owned()
    } else {
        format!("{} rows", grouped(count))
    }
}

/// Labels to the left, values to the right; nothing if there are no rows.
fn table(title: &str, rows: &[(String, String)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let width = |text: &String| text.chars().count();
    let left = rows
        .iter()
        .map(|(label, _)| width(label))
        .max()
        .unwrap_or(0);
    let right = rows
        .iter()
        .map(|(_, value)| width(value))
        .max()
        .unwrap_or(0);
    let lines = rows
        .iter()
        .map(|(label, value)| format!("  {label:<left$}  {value:>right$}\n"));
    format!("{title}\n{}", lines.collect::<String>())
}

fn left_table(title: &str, rows: &[(String, String)]) -> String {
    let left = rows
        .iter()
        .map(|(label, _)| label.chars().count())
        .max()
        .unwrap_or(0);
    let lines = rows
        .iter()
        .map(|(label, value)| format!("  {label:<left$}  {value}\n"));
    format!("{title}\n{}", lines.collect::<String>())
}

fn shown(figure: &Figure) -> String {
    match (figure.value, figure.unit.as_str()) {
        (None, _) => "unknown".to_owned(),
        (Some(value), "percent") => format!("{value:.1} %"),
        (Some(value), "money") => {
            let sign = if value < 0.0 { "-" } else { "" };
            let cents = format!("{:.2}", value.abs());
            let (whole, fraction) = cents.split_once('.').unwrap_or((&cents, "00"));
            format!("{sign}{}.{fraction}", grouped(whole.parse().unwrap_or(0)))
        }
        (Some(value), _) if value.fract() == 0.0 && value >= 0.0 =>
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked above"
            )]
            grouped(value as u64)
        }
        (Some(value), _) => value.to_string(),
    }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::{Figure, grouped, shown};

    #[test]
    fn numbers_are_shown_in_groups_with_their_unit() {
        let figure = |value: Option<f64>, unit: &str| {
            let (metric, label) = (String::new(), String::new());
            shown(&Figure {
                metric,
                label,
                value,
                unit: unit.to_owned(),
            })
        };
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(figure(Some(497.0), "count"), "497");
        assert_eq!(figure(Some(89.87), "percent"), "89.9 %");
        assert_eq!(figure(Some(-1234.5), "money"), "-1,234.50");
        assert_eq!(figure(None, "percent"), "unknown");
    }
}
