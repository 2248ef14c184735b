//! How a run's events look: one plain line each, on stderr.

use super::screen::Screen;
use crate::run::{Event, Progress};

/// Prints events as they come.
pub struct Lines<'a>(pub &'a Screen);

impl Progress for Lines<'_> {
    fn report(&self, event: Event) {
        self.0.note(&line(&event));
    }
}

fn line(event: &Event) -> String {
    match event {
        Event::Step(step) => (*step).to_owned(),
        Event::Extracted {
            source,
            rows,
            refused: 0,
        } => format!("  {source}: {}", of(*rows, "row")),
        Event::Extracted {
            source,
            rows,
            refused,
        } => {
            format!(
                "  {source}: {}, {} refused",
                of(*rows, "row"),
                of(*refused, "record")
            )
        }
        Event::Built { model, rows } => format!("  {model}: {}", of(*rows, "row")),
        Event::Checked {
            checks,
            warnings,
            errors,
        } => checked(*checks, *warnings, *errors),
        Event::Loaded { rows, to } => format!("  {} into {to}", of(*rows, "row")),
        Event::Kept { folder } => {
            format!(
                "the run did not finish; what it has lies in {}",
                folder.display()
            )
        }
    }
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
