//! What a chat and a machine are told when a run is over: `text` for people, `run` for programs.
//!
//! The text is in Slack's kind of Markdown, which other chats read as well.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{
    content::{self, Table},
    numbers::{counted, shown},
};
use crate::{
    error::Error,
    run::record::{Failure, PastRun, RunRecord},
};

/// The message about a run that is over.
pub fn of_run(record: &RunRecord) -> Value {
    json!({"text": text(record), "run": facts(record)})
}

/// The message about a run that did not begin.
pub fn of_refusal(pipeline: &str, profile: &str, error: &Error) -> Value {
    let problems: Vec<_> = error.problems().collect();
    let first = problems.first().copied().unwrap_or(error);
    let mut text = format!(
        "✗ *{} did not begin*\n{}",
        safe(pipeline),
        safe(first.message())
    );
    for part in [first.cause(), first.hint()].into_iter().flatten() {
        let _ = write!(text, "\n{}", safe(part));
    }
    if problems.len() > 1 {
        let more = counted(problems.len() as u64 - 1, "more problem");
        let _ = write!(text, "\nand {more}");
    }
    let failure = json!({
        "step": null,
        "message": first.message(),
        "cause": first.cause(),
        "hint": first.hint(),
        "exit_code": error.kind().exit_code(),
    });
    let run = json!({
        "pipeline": pipeline,
        "profile": profile,
        "status": "refused",
        "failure": failure,
    });
    json!({"text": text, "run": run})
}

fn text(record: &RunRecord) -> String {
    let verdict = content::verdict(record);
    let sign = match verdict.mood {
        content::Mood::Bad => "✗",
        content::Mood::Attention => "!",
        content::Mood::Good | content::Mood::Idle => "✓",
    };
    let mut text = format!(
        "{sign} *{}*\n{}\n",
        safe(&verdict.headline),
        safe(&content::data(record))
    );
    if let Some(failure) = without_rows(record) {
        let parts = [Some(failure.message), failure.cause, failure.hint];
        for part in parts.into_iter().flatten() {
            let _ = writeln!(text, "{}", safe(&part));
        }
    }
    if let Some(command) = content::way_on(record) {
        let _ = writeln!(text, "Go on with: `{}`", safe(&command));
    }
    for table in [
        content::figures(record),
        content::records(record),
        content::left_out(record),
        content::missing(record),
    ] {
        text.push_str(&section(&table));
    }
    let concerns = content::attention(record);
    if !concerns.is_empty() {
        text.push_str("*Needs a human*\n");
    }
    for concern in &concerns {
        let _ = writeln!(text, "• {}", safe(&concern.line()));
        if let Some(hint) = &concern.hint {
            let _ = writeln!(text, "   {}", safe(hint));
        }
    }
    text.trim_end().to_owned()
}

/// A title, and its rows as `label value (change)`.
fn section(table: &Table) -> String {
    if table.is_empty() {
        return String::new();
    }
    let mut text = format!("*{}*\n", safe(table.title));
    for row in &table.rows {
        let value = row.get(1).map_or("", String::as_str);
        let _ = write!(text, "• {} *{}*", safe(&row[0]), safe(value));
        match row.get(3).map(String::as_str) {
            None | Some("same" | "–" | "new") => text.push('\n'),
            Some(change) => {
                let _ = writeln!(text, " ({})", safe(change));
            }
        }
    }
    text
}

/// Why the run failed, without the rows that a check quotes: those stay on this side.
fn without_rows(record: &RunRecord) -> Option<Failure> {
    let mut failure = record.failure.clone()?;
    failure.cause = failure.cause.map(|cause| {
        let lines = cause
            .lines()
            .filter(|line| !line.starts_with("found, for example: "));
        lines.collect::<Vec<_>>().join("\n")
    });
    Some(failure)
}

/// The same facts for programs.
fn facts(record: &RunRecord) -> Value {
    let last = record.previous.first();
    let before = |last: &PastRun, metric: &str| {
        let mut figures = last.summary.iter();
        figures.find(|figure| figure.metric == metric)?.value
    };
    let figures = record.summary.iter().map(|figure| {
        json!({
            "metric": figure.metric,
            "label": figure.label,
            "value": figure.value,
            "unit": figure.unit,
            "shown": shown(figure),
            "last_run": last.and_then(|last| before(last, &figure.metric)),
        })
    });
    let sources = record.sources.iter().map(|source| {
        json!({
            "source": source.name,
            "records": source.records,
            "rows": source.rows,
            "rejected": source.rejected,
            "dead_lettered": source.dead_lettered,
            "partial": source.partial,
            "missing": source.missing,
        })
    });
    let models = record.models.iter().filter(|model| model.save_as.is_some());
    let models = models.map(|model| json!({"model": model.name, "rows": model.file.rows}));
    let concerns = content::attention(record).into_iter().map(|concern| {
        json!({
            "severity": concern.severity(),
            "check": concern.check,
            "message": concern.message,
            "hint": concern.hint,
        })
    });
    json!({
        "run_id": record.run_id,
        "pipeline": record.pipeline,
        "profile": record.profile,
        "status": record.status,
        "run_date": record.run_date,
        "as_of": record.as_of,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "seconds": record.seconds(),
        "failure": without_rows(record),
        "figures": figures.collect::<Vec<_>>(),
        "steps": record.steps,
        "sources": sources.collect::<Vec<_>>(),
        "models": models.collect::<Vec<_>>(),
        "rejects": record.rejects,
        "needs_a_human": concerns.collect::<Vec<_>>(),
        "load": record.load.as_ref().map(|load| &load.receipt),
        "source_version": record.source_version,
        "folder": record.folder,
        "go_on_with": content::way_on(record),
    })
}

/// Text that a chat takes as text: it can mention nobody and link nowhere.
fn safe(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::of_refusal;
    use crate::error::Error;

    #[test]
    fn a_refusal_mentions_nobody_and_names_what_to_do() {
        let error = Error::usage("no `<!channel>`")
            .with_hint("look")
            .because("a & b");
        let message = of_refusal("orders", "local", &error);
        assert_eq!(
            message["text"],
            "✗ *orders did not begin*\nno `&lt;!channel&gt;`\na &amp; b\nlook"
        );
        assert_eq!(message["run"]["failure"]["message"], "no `<!channel>`");
        assert_eq!(message["run"]["failure"]["exit_code"], 2);
    }
}
