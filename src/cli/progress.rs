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
        } => format!("  {source}: {rows} rows"),
        Event::Extracted {
            source,
            rows,
            refused,
        } => {
            format!("  {source}: {rows} rows, {refused} records refused")
        }
        Event::Built { model, rows } => format!("  {model}: {rows} rows"),
        Event::Checked {
            checks,
            warnings,
            errors,
        } => {
            let passed = checks - warnings - errors;
            format!("  {passed} of {checks} passed, {warnings} warn, {errors} stop the load")
        }
        Event::Loaded { rows, to } => format!("  {rows} rows into {to}"),
        Event::Kept { folder } => {
            format!(
                "the run did not finish; what it has lies in {}",
                folder.display()
            )
        }
    }
}
