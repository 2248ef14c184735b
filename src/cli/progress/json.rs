//! `--log-format json`: an event is an object, as it serializes; see [`Event`] for the fields.

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;

use super::reading::Throttle;
use crate::{
    cli::screen::{Detail, Level, Screen},
    clock::Clock,
    run::{Event, Progress},
    sinks::Stage,
};

/// How often a source that is being read is told of.
const EVERY: TimeDelta = TimeDelta::seconds(5);

/// Prints events as objects.
pub struct Objects<'a> {
    screen: &'a Screen,
    clock: &'a Clock,
    throttle: Mutex<Throttle>,
}

impl<'a> Objects<'a> {
    pub fn new(screen: &'a Screen, clock: &'a Clock) -> Self {
        Self {
            screen,
            clock,
            throttle: Mutex::new(Throttle::new(EVERY)),
        }
    }

    fn is_too_often(&self, event: &Event) -> bool {
        let source = match event {
            Event::Extracting { source, .. } => source.as_str(),
            Event::Computing { model, .. } => model.as_str(),
            Event::Loading {
                stage: Stage::Uploading { .. },
            } => "the upload",
            _ => return false,
        };
        if self.screen.detail() == Detail::Verbose {
            return false;
        }
        let mut throttle = self.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        !throttle.is_due(source, self.clock.now())
    }
}

impl Progress for Objects<'_> {
    fn report(&self, event: &Event) {
        if self.is_too_often(event) {
            return;
        }
        let level = match event {
            Event::Warning { .. } => Level::Warning,
            _ => Level::Info,
        };
        self.screen.object(level, event);
    }
}
