//! One run at length: what it read, made, found and loaded, and how to go on if it did not end.

use std::fmt::Write;

use super::words::{aligned, bytes, duration, grouped, moment, status};
use crate::{
    model::Severity,
    run::record::{ModelRecord, Resumption, RunRecord, SourceRecord, Status},
};

/// Pieces of a source that are shown; all are in the record.
const RANGES: usize = 8;

/// All that a person may want to know of a run.
pub fn show(run: &RunRecord) -> String {
    let sections = [
        head(run),
        failure(run),
        attempts(run),
        steps(run),
        sources(run),
        models(run),
        checks(run),
        rejects(run),
        receipt(run),
        warnings(run),
    ];
    let sections = sections.into_iter().filter(|section| !section.is_empty());
    sections.collect::<Vec<_>>().join("\n")
}

fn head(run: &RunRecord) -> String {
    let mut rows = vec![
        ("run", run.run_id.clone()),
        ("profile", run.profile.clone()),
        ("as of", format!("{} UTC", moment(run.as_of))),
    ];
    if run.window_start < run.window_end {
        let (start, end) = (moment(run.window_start), moment(run.window_end));
        rows.push(("window", format!("{start} to {end} UTC")));
    }
    if !run.select.is_empty() {
        rows.push(("selected", run.select.join(" ")));
    }
    let (began, ended) = (moment(run.started_at), moment(run.finished_at));
    let last = match run.status {
        Status::Running => "last heard of",
        _ => "ended",
    };
    rows.push(("began", format!("{began} UTC")));
    rows.push((last, format!("{ended} UTC")));
    let build = &run.build;
    if !build.version.is_empty() {
        let (version, datafusion) = (&build.version, &build.datafusion);
        rows.push((
            "program",
            format!("dfpipe {version}, DataFusion {datafusion}"),
        ));
    }
    if let Some(cluster) = &run.engine.cluster {
        let count = cluster.executors;
        let executors = if count == 1 { "executor" } else { "executors" };
        let text = format!("{count} {executors} of {}", cluster.scheduler);
        rows.push(("cluster", text));
    }
    if let Some(peak) = run.peak_memory {
        rows.push(("peak memory", bytes(peak)));
    }
    rows.push(("files", run.folder.clone()));
    if !run.source_version.is_empty() {
        // The text of exactly this SQL, whatever became of the project since.
        let text = format!("{}, kept in sql/ of these files", run.source_version);
        rows.push(("SQL version", text));
    }
    let title = format!(
        "{} {}: {}, {}\n",
        run.pipeline,
        run.run_date,
        status(run),
        duration(run.seconds())
    );
    format!("{title}{}", pairs(&rows))
}

/// Why it failed, and the command to go on.
fn failure(run: &RunRecord) -> String {
    let can_go_on = matches!(
        run.status,
        Status::Failed | Status::Interrupted | Status::Stopped
    );
    let mut text = String::new();
    if let Some(failure) = &run.failure {
        let step = failure.step.map(|step| format!(" in {}", step.name()));
        let step = step.unwrap_or_default();
        let (code, message) = (failure.exit_code, &failure.message);
        let _ = writeln!(text, "Failure\n  exit code {code}{step}: {message}");
        for (name, words) in [("cause", &failure.cause), ("hint", &failure.hint)] {
            if let Some(words) = words {
                let _ = writeln!(text, "  {name}: {words}");
            }
        }
    } else if can_go_on {
        text.push_str("Not finished\n");
    }
    if can_go_on {
        let _ = writeln!(text, "  go on with: dfpipe run --resume {}", run.run_id);
    }
    text
}

fn attempts(run: &RunRecord) -> String {
    if run.resumed.is_empty() {
        return String::new();
    }
    let attempts: String = run.resumed.iter().map(attempt).collect();
    let first = moment(run.started_at);
    format!("Attempts\n  {first}  first\n{attempts}")
}

fn attempt(resumed: &Resumption) -> String {
    let kept = match resumed.kept {
        1 => "1 table kept".to_owned(),
        kept => format!("{kept} tables kept"),
    };
    let mut text = format!("  {}  {kept}\n", moment(resumed.at));
    for redone in &resumed.redone {
        let _ = writeln!(text, "    made again: {} ({})", redone.table, redone.reason);
    }
    text
}

fn steps(run: &RunRecord) -> String {
    let rows = run.steps.iter().map(|step| {
        vec![
            step.step.name().to_owned(),
            moment(step.began_at),
            duration(step.seconds),
            if step.is_done { "" } else { "not done" }.to_owned(),
        ]
    });
    section("Steps", &["step", "<began", "time", "<"], rows)
}

fn sources(run: &RunRecord) -> String {
    let rows = run.sources.iter().map(|source| {
        vec![
            source.name.clone(),
            source.kind.clone(),
            grouped(source.records),
            grouped(source.rows),
            grouped(source.rejected),
            grouped(source.dead_lettered),
            duration(source.seconds),
        ]
    });
    let header = [
        "source",
        "<kind",
        "records",
        "rows",
        "rejected",
        "unreadable",
        "time",
    ];
    let table = section("Sources", &header, rows);
    let origins: String = run.sources.iter().map(origin).collect();
    format!("{table}{origins}")
}

/// Where a source's records came from, and which.
fn origin(source: &SourceRecord) -> String {
    if source.origin.is_empty() && source.ranges.is_empty() {
        return String::new();
    }
    let mut text = format!("  {} from {}\n", source.name, source.origin);
    for range in source.ranges.iter().take(RANGES) {
        let last = range.end.map(|end| end - 1);
        let which = match (range.first, last) {
            (Some(first), Some(last)) if first > last => ": nothing".to_owned(),
            (Some(first), Some(last)) => format!(": {first} to {last}"),
            (Some(first), None) => format!(": from {first}"),
            (None, Some(last)) => format!(": up to {last}"),
            (None, None) => String::new(),
        };
        let _ = writeln!(text, "    {}{which}", range.part);
    }
    let more = source.ranges.len().saturating_sub(RANGES);
    if more > 0 {
        let _ = writeln!(text, "    and {more} more");
    }
    text
}

fn models(run: &RunRecord) -> String {
    let row = |model: &ModelRecord| {
        vec![
            model.name.clone(),
            model.version.to_string(),
            if model.is_view() {
                "view".to_owned()
            } else {
                grouped(model.file.rows)
            },
            bytes(model.file.bytes),
            duration(model.seconds),
            bytes(model.peak_memory),
            match model.spill.bytes {
                0 => "–".to_owned(),
                spilled => bytes(spilled),
            },
        ]
    };
    let header = [
        "model", "version", "rows", "size", "time", "memory", "spilled",
    ];
    section("Models", &header, run.models.iter().map(row))
}

fn checks(run: &RunRecord) -> String {
    if run.checks.is_empty() {
        return String::new();
    }
    let passed = run.checks.iter().filter(|check| check.passed()).count();
    let mut text = format!("Checks\n  {passed} of {} passed\n", run.checks.len());
    for check in run.checks.iter().filter(|check| !check.passed()) {
        let severity = match check.severity {
            Severity::Error => "error",
            Severity::Warn => "warning",
        };
        let rows = match check.bad_rows {
            1 => "1 row".to_owned(),
            rows => format!("{} rows", grouped(rows)),
        };
        let (name, description) = (&check.name, &check.description);
        let _ = writeln!(text, "  {severity}: {name} ({rows} against it)");
        let _ = writeln!(text, "    {description}");
        if let Some(hint) = &check.hint {
            let _ = writeln!(text, "    {}", hint.trim());
        }
    }
    text
}

fn rejects(run: &RunRecord) -> String {
    let rows = run.rejects.iter().map(|reject| {
        vec![
            reject.source.clone(),
            reject.reason.clone(),
            grouped(reject.records),
        ]
    });
    section("Rejects", &["source", "<reason", "records"], rows)
}

fn receipt(run: &RunRecord) -> String {
    let Some(load) = &run.load else {
        return "Load\n  nothing was loaded\n".to_owned();
    };
    let receipt = &load.receipt;
    let number = format!("load {} of {}", receipt.load_number, receipt.run_date);
    let mut rows = vec![
        ("loaded into", receipt.destination.clone()),
        ("as", number),
        ("file or job", receipt.load_id.clone().unwrap_or_default()),
        ("rows", grouped(receipt.rows)),
        ("size", bytes(receipt.bytes)),
        ("sha256", receipt.sha256.clone()),
    ];
    if let Some(console) = &receipt.console {
        rows.push(("look at it", console.clone()));
    }
    if let Some(verified) = receipt.verified_rows {
        rows.push(("read back", format!("{} rows", grouped(verified))));
    }
    if receipt.adopted == Some(true) {
        let found = "it was there already, from an earlier attempt";
        rows.push(("found", found.to_owned()));
    }
    format!("Load\n{}", pairs(&rows))
}

fn warnings(run: &RunRecord) -> String {
    let warnings = run.all_warnings();
    if warnings.is_empty() {
        return String::new();
    }
    let lines = warnings.iter().map(|warning| format!("  {warning}\n"));
    format!("Warnings\n{}", lines.collect::<String>())
}

/// A table under a title; nothing if it has no rows.
fn section(title: &str, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("{title}\n{}", aligned("  ", header, &rows))
}

/// Names and what they are.
fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0);
    let lines = rows
        .iter()
        .map(|(name, value)| format!("  {name:<width$}  {value}\n"));
    lines.collect()
}
