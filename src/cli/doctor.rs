//! `dfpipe doctor`: can a run reach and use all that it needs, and what to do if not.

use std::fmt::Write as _;

use clap::ValueEnum;

use super::Context;
use crate::{
    doctor::{Checkup, Finding, examine},
    error::{Error, Result},
};

/// Ask every source and destination whether a run would get through; nothing is written
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How the findings are printed
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Looks for faults and prints what it finds.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let checkup = match context.config() {
        Ok(config) => examine(config, &context.clock).await,
        Err(error) => Checkup::of_unreadable(&error),
    };
    let shown = match arguments.output {
        Format::Text => text(&checkup),
        Format::Json => json(&checkup)?,
    };
    context.screen.result(shown.as_bytes())?;
    checkup.verdict()
}

fn json(checkup: &Checkup) -> Result<String> {
    let text = serde_json::to_string_pretty(checkup)
        .map_err(|error| Error::bug("the findings cannot be written").because(error))?;
    Ok(text + "\n")
}

fn text(checkup: &Checkup) -> String {
    let mut text = String::new();
    if let Some(of) = &checkup.of {
        let time = "%Y-%m-%d %H:%M";
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} · profile {} · window {} to {} UTC\n",
            of.pipeline,
            of.profile,
            of.window_start.format(time),
            of.window_end.format(time),
        );
    }
    let subjects = checkup.findings.iter().map(|it| it.subject.chars().count());
    let width = subjects.max().unwrap_or_default();
    for finding in &checkup.findings {
        add(&mut text, finding, width);
    }
    text
}

/// A line for what was found, and one below it for what to do.
fn add(text: &mut String, finding: &Finding, width: usize) {
    let Finding {
        level,
        subject,
        what,
        remedy,
        ..
    } = finding;
    let level = level.name();
    let _ = writeln!(text, "{level:7}  {subject:width$}  {}", one_line(what));
    if let Some(remedy) = remedy {
        let _ = writeln!(text, "{:7}  {:width$}  → {}", "", "", one_line(remedy));
    }
}

/// Some causes and hints have several lines.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::doctor::{Checkup, Finding};

    #[test]
    fn what_to_do_stands_below_what_was_found_however_many_lines_it_has() {
        let findings = vec![
            Finding::ok("orders", "3 files"),
            Finding::warning("archive", "it is\n  full", "make room"),
        ];
        let checkup = Checkup { of: None, findings };
        let expected = "ok       orders   3 files\n\
                        warning  archive  it is; full\n\
                        \u{20}                 → make room\n";
        assert_eq!(text(&checkup), expected);
    }
}
