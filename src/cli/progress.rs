//! How a run's events look: one plain line each, on stderr.

use super::screen::Screen;
use crate::run::{Event, Progress, record::Step};

/// Prints events as they come.
pub struct Lines<'a>(pub &'a Screen);

impl Progress for Lines<'_> {
    fn report(&self, event: &Event) {
        if let Some(line) = line(event) {
            self.0.note(&line);
        }
    }
}

fn line(event: &Event) -> Option<String> {
    let text = match event {
        Event::StepStarted { step } if *step != Step::Finalize => step.name().to_owned(),
        Event::Extracted {
            source,
            rows,
            refused,
            kept,
            ..
        } => {
            let refused = match refused {
                0 => String::new(),
                _ => format!(", {} refused", of(*refused, "record")),
            };
            format!("  {source}: {}{refused}{}", of(*rows, "row"), again(*kept))
        }
        Event::Built {
            model, rows, kept, ..
        } => format!("  {model}: {}{}", of(*rows, "row"), again(*kept)),
        Event::Checked {
            checks,
            warnings,
            errors,
        } => format!("checks\n{}", checked(*checks, *warnings, *errors)),
        Event::Loaded { rows, to } => format!("  {} into {to}", of(*rows, "row")),
        Event::Warning { message } => format!("warning: {message}"),
        _ => return None,
    };
    Some(text)
}

/// What an earlier attempt did is not done again.
fn again(kept: bool) -> &'static str {
    if kept { " (kept)" } else { "" }
}

fn checked(checks: usize, warnings: usize, errors: usize) -> String {
    let passed = format!("  {} of {checks} passed", checks - warnings - errors);
    let found = [(warnings, "to look at"), (errors, "against the load")];
    let found = found.iter().filter(|(count, _)| *count > 0);
    found.fold(passed, |line, (count, what)| {
        format!("{line}, {count} {what}")
    })
}

/// A number and what it counts.
fn of(count: u64, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}
