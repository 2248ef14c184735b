//! The words of a plan.

use indicatif::{HumanBytes, HumanCount};
use serde_json::Value;

use crate::{
    config::OnRepeat,
    run::plan::{
        Basis, Change, Columns, Difference, Expected, Obstacle, Obstructed, Plan, PlannedCheck,
        Reason,
    },
};

/// The plan as people read it.
pub fn render(plan: &Plan) -> String {
    let sections = [
        head(plan),
        section("A run would stop", plan.obstacles.iter().flat_map(obstacle)),
        section("Configuration", configuration(&plan.configuration)),
        section("Sources", sources(plan)),
        section(&models_title(plan), models(plan)),
        section("Checks", checks(plan)),
        section("Load", load(plan)),
    ];
    let sections: Vec<_> = sections
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    sections.join("\n")
}

/// A title and indented lines; nothing without lines.
fn section(title: &str, lines: impl IntoIterator<Item = String>) -> String {
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| format!("  {line}\n"))
        .collect();
    let lines = lines.concat();
    if lines.is_empty() {
        lines
    } else {
        format!("{title}\n{lines}")
    }
}

/// Rows whose cells stand below each other; the last one is not padded.
fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate();
        let cells = cells.map(|(column, cell)| format!("{cell:<width$}", width = width(column)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn head(plan: &Plan) -> String {
    let minute = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M").to_string();
    let fixed = if plan.is_as_of_fixed {
        ", as the profile fixes it"
    } else {
        ""
    };
    let compared = match &plan.compared_with {
        Some(run) => format!("compared with run {} of {}", run.run_id, run.run_date),
        None => "compared with nothing: no run of this profile has succeeded yet".to_owned(),
    };
    format!(
        "plan of {} for {} · profile {}\nwindow {} to {} UTC{fixed}\n{compared}\n",
        plan.pipeline,
        plan.run_date,
        plan.profile,
        minute(plan.window_start),
        minute(plan.window_end),
    )
}

fn obstacle(obstacle: &Obstacle) -> Vec<String> {
    let mut lines = vec![format!(
        "with exit code {}: {}",
        obstacle.exit_code, obstacle.message
    )];
    let more = [("cause", &obstacle.cause), ("hint", &obstacle.hint)];
    for (label, text) in more {
        let text = text.iter().flat_map(|text| text.lines());
        let text = text.filter(|line| !line.trim().is_empty());
        lines.extend(text.enumerate().map(|(number, line)| {
            let line = match number {
                0 => format!("  {label}: {line}"),
                _ => format!("    {line}"),
            };
            line.trim_end().to_owned()
        }));
    }
    lines
}

fn configuration(differences: &[Difference]) -> Vec<String> {
    let rows = differences.iter().map(|one| {
        let (sign, words) = match (&one.before, &one.after) {
            (Some(before), Some(after)) => ("~", format!("{} → {}", value(before), value(after))),
            (None, Some(after)) => ("+", value(after)),
            (Some(before), None) => ("-", value(before)),
            (None, None) => ("~", String::new()),
        };
        vec![format!("{sign} {}", one.key), words]
    });
    columns(&rows.collect::<Vec<_>>())
}

fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn sources(plan: &Plan) -> Vec<String> {
    let rows = plan.sources.iter().map(|source| {
        vec![
            signed(plan, source.change, &source.name),
            source.kind.clone(),
            expected(&source.expected),
        ]
    });
    columns(&rows.collect::<Vec<_>>())
}

fn expected(expected: &Expected) -> String {
    let mut parts = vec![];
    match expected.records {
        Some(records) if expected.basis == Basis::LastRun => {
            parts.push(format!("{} in the last run", counted(records, "record")));
        }
        Some(records) => parts.push(counted(records, "record")),
        None => parts.push("unknown how many records".to_owned()),
    }
    parts.extend(
        expected
            .requests
            .map(|requests| counted(requests, "request")),
    );
    parts.extend(expected.bytes.map(|bytes| HumanBytes(bytes).to_string()));
    parts.extend(expected.minutes.map(|minutes| match minutes {
        short if short < 1.0 => "less than a minute by the rate limit".to_owned(),
        long => format!("at least {long:.0} min by the rate limit"),
    }));
    parts.extend(expected.notes.iter().cloned());
    parts.join(", ")
}

fn models_title(plan: &Plan) -> String {
    let title = format!("Models: {} in this order", plan.models.len());
    if plan.compared_with.is_none() {
        return title;
    }
    let is_other = |change: Change| change != Change::Unchanged;
    let others = plan.models.iter().filter(|model| is_other(model.change));
    match others.count() + plan.removed.len() {
        0 => format!("{title}, nothing has changed"),
        others => format!("{title}, {}", counted(others as u64, "change")),
    }
}

fn models(plan: &Plan) -> Vec<String> {
    let has_past = plan.compared_with.is_some();
    let rows = plan.models.iter().map(|model| {
        let words = match model.change {
            Change::New if has_past => "is new".to_owned(),
            Change::New | Change::Unchanged => String::new(),
            Change::Unknown => "was not built in that run".to_owned(),
            Change::Changed => {
                let reasons: Vec<_> = model.reasons.iter().map(reason).collect();
                reasons.join("; ")
            }
        };
        vec![signed(plan, model.change, &model.name), words]
    });
    let removed = plan.removed.iter();
    let removed = removed.map(|name| vec![format!("- {name}"), "is no more".to_owned()]);
    columns(&rows.chain(removed).collect::<Vec<_>>())
}

/// A name behind a sign of what became of it, where there is something to compare with.
fn signed(plan: &Plan, change: Change, name: &str) -> String {
    let sign = match change {
        _ if plan.compared_with.is_none() => return name.to_owned(),
        Change::New => "+",
        Change::Changed => "~",
        Change::Unchanged => " ",
        Change::Unknown => "?",
    };
    format!("{sign} {name}")
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Sql => "its SQL has changed".to_owned(),
        Reason::Key => "its key has changed".to_owned(),
        Reason::Columns(columns) => format!("its columns: {}", changed_columns(columns)),
        Reason::Parameters { names } => {
            let names = names.iter().map(|name| format!("${name}"));
            format!(
                "reads {} of another value",
                names.collect::<Vec<_>>().join(", ")
            )
        }
        Reason::Reads { tables } => format!("reads {}", tables.join(", ")),
        Reason::Functions => "the functions have changed".to_owned(),
        Reason::Dfpipe => "dfpipe itself has changed".to_owned(),
        Reason::EmailKey => "the key that addresses are hashed under has changed".to_owned(),
    }
}

fn changed_columns(columns: &Columns) -> String {
    if columns.is_reordered {
        return "in another order".to_owned();
    }
    let added = columns.added.iter().map(|column| format!("+{column}"));
    let removed = columns.removed.iter().map(|column| format!("-{column}"));
    let retyped = columns.retyped.iter();
    let retyped = retyped.map(|one| format!("{} {} → {}", one.column, one.before, one.after));
    added
        .chain(removed)
        .chain(retyped)
        .collect::<Vec<_>>()
        .join(", ")
}

fn checks(plan: &Plan) -> Vec<String> {
    let (stopping, warning) = (&plan.checks.stopping, &plan.checks.warning);
    if stopping.is_empty() && warning.is_empty() {
        return vec![];
    }
    let files: Vec<_> = stopping.iter().filter(|check| check.is_file).collect();
    let among = if files.is_empty() { "" } else { ", among them" };
    let mut lines = vec![format!("{} can stop the load{among}", stopping.len())];
    let row = |check: &&PlannedCheck| {
        let first = check.description.lines().next().unwrap_or_default();
        vec![format!("  {}", check.name), first.trim().to_owned()]
    };
    lines.extend(columns(&files.iter().map(row).collect::<Vec<_>>()));
    if !warning.is_empty() {
        lines.push(format!("{} can only warn", warning.len()));
    }
    lines
}

fn load(plan: &Plan) -> Vec<String> {
    let Some(load) = &plan.load else {
        return vec![
            "nothing: not all that the loaded model and the checks need is selected".to_owned(),
        ];
    };
    let repeat = match load.on_repeat {
        OnRepeat::Refuse => "refuses a second load of a date",
        OnRepeat::Add => "adds a second load of a date",
    };
    let obstacles = plan.obstacles.iter();
    let is_loaded = obstacles
        .map(|one| one.obstacle)
        .any(|one| one == Obstructed::DateLoaded);
    let asked = if is_loaded { ", with --new-load" } else { "" };
    let number = match load.load_number {
        Some(number) => format!("load {number} of {}{asked}", plan.run_date),
        None => format!("a load of {}, its number is unknown", plan.run_date),
    };
    let jobs = match load.jobs {
        1 if load.kind == "bigquery" => "1 load job, appended".to_owned(),
        1 => "1 file is put if it is absent".to_owned(),
        jobs => format!("{jobs} files are put if they are absent"),
    };
    let quota = load.quota.as_deref().unwrap_or("no quota");
    let rows = [
        ("what", load.model.clone()),
        ("into", format!("{}, which {repeat}", load.destination)),
        ("as", number),
        ("by", format!("{jobs}; {quota}")),
    ];
    let notes = load.notes.iter().map(|note| ("note", note.clone()));
    let rows = rows.into_iter().chain(notes);
    let rows: Vec<_> = rows
        .map(|(label, words)| vec![label.to_owned(), words])
        .collect();
    columns(&rows)
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", HumanCount(count))
}
