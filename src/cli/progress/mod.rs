//! How a run's events look while it goes on. All three ways are fed by the same events.
//!
//! ```text
//! Event ─▶ words (finished lines, in columns) ─▶ lines   a pipe, CI: one line per finished thing
//!    │                └───────────────────────▶ live    a terminal: what is under way changes below
//!    └────────────────────────────────────────▶ json    `--log-format json`: an object per event
//! ```

mod computing;
mod json;
mod lines;
mod live;
mod loading;
mod reading;
mod words;

use super::{Context, screen::LogFormat};
use crate::run::Progress;

/// What fits stderr.
pub fn on(context: &Context) -> Box<dyn Progress + '_> {
    let (screen, clock) = (&context.screen, &context.clock);
    match (screen.format(), screen.live()) {
        (LogFormat::Json, _) => Box::new(json::Objects::new(screen, clock)),
        (LogFormat::Text, Some(live)) => Box::new(live::Live::new(screen, live, clock)),
        (LogFormat::Text, None) => Box::new(lines::Lines::new(screen, clock)),
    }
}
