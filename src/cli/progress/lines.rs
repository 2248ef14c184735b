//! Plain lines, for CI and pipes: one per finished thing, and a sign of life of what takes long.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    computing::computing,
    loading::loading,
    reading::{Reading, Throttle},
    words::Words,
};
use crate::{
    cli::screen::Screen,
    clock::Clock,
    run::{Event, Progress, record::seconds},
    sinks::Stage,
};

/// How often a source that is being read is told of.
const EVERY: TimeDelta = TimeDelta::seconds(30);

/// Stands for the load among the names of sources, none of which has a space.
const LOADING: &str = "the load";

/// Prints events as lines.
pub struct Lines<'a> {
    screen: &'a Screen,
    clock: &'a Clock,
    state: Mutex<State>,
}

struct State {
    words: Words,
    throttle: Throttle,
    /// When reading a source began.
    began: BTreeMap<String, DateTime<Utc>>,
}

impl<'a> Lines<'a> {
    pub fn new(screen: &'a Screen, clock: &'a Clock) -> Self {
        Self {
            screen,
            clock,
            state: Mutex::new(State {
                words: Words::new(screen.paint(), screen.detail()),
                throttle: Throttle::new(EVERY),
                began: BTreeMap::new(),
            }),
        }
    }

    fn lines(&self, event: &Event) -> Vec<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.lines(event, self.clock.now())
    }
}

impl State {
    fn lines(&mut self, event: &Event, now: DateTime<Utc>) -> Vec<String> {
        match event {
            Event::RunStarted { sources, .. } => {
                for source in sources {
                    self.began.insert(source.clone(), now);
                    self.throttle.start(source, now);
                }
                self.words.lines(event)
            }
            Event::Extracting {
                source,
                records,
                expected,
                seconds_left,
            } => {
                if !self.throttle.is_due(source, now) {
                    return vec![];
                }
                let began = self.began.get(source).copied().unwrap_or(now);
                let reading = Reading {
                    records: *records,
                    expected: *expected,
                    seconds_left: *seconds_left,
                    seconds: seconds(began, now),
                };
                let name = self.words.name(source);
                vec![format!("  {name}  … {}", reading.words())]
            }
            Event::Building { model } => {
                self.throttle.start(model, now);
                self.words.lines(event)
            }
            Event::Computing { model, job } => {
                if !self.throttle.is_due(model, now) {
                    return vec![];
                }
                vec![format!(
                    "  {}  … {}",
                    self.words.name(model),
                    computing(job)
                )]
            }
            Event::Loading { stage } => {
                if !self.began.contains_key(LOADING) {
                    self.began.insert(LOADING.to_owned(), now);
                    self.throttle.start(LOADING, now);
                }
                let is_odd = matches!(stage, Stage::Retrying { .. } | Stage::Pausing { .. });
                if !is_odd && !self.throttle.is_due(LOADING, now) {
                    return vec![];
                }
                let began = self.began.get(LOADING).copied().unwrap_or(now);
                vec![format!("  … {}", loading(stage, seconds(began, now)))]
            }
            other => self.words.lines(other),
        }
    }
}

impl Progress for Lines<'_> {
    fn report(&self, event: &Event) {
        for line in self.lines(event) {
            self.screen.note(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    use chrono::DateTime;

    use super::Lines;
    use crate::{
        cli::screen::{Detail, LogFormat, Screen},
        clock::Clock,
        run::Event,
    };

    #[test]
    fn a_long_extraction_shows_a_sign_of_life_every_half_minute() {
        let seconds = Arc::new(AtomicI64::new(0));
        let clock = Clock::of({
            let seconds = Arc::clone(&seconds);
            move || DateTime::from_timestamp(seconds.load(Ordering::Relaxed), 0).unwrap()
        });
        let screen = Screen::new(true, Detail::Normal, LogFormat::Text, clock.clone());
        let lines = Lines::new(&screen, &clock);
        lines
            .state
            .lock()
            .unwrap()
            .throttle
            .start("crm", clock.now());
        lines
            .state
            .lock()
            .unwrap()
            .began
            .insert("crm".to_owned(), clock.now());
        let mut told = vec![];
        for now in 1..=75_u32 {
            seconds.store(i64::from(now), Ordering::Relaxed);
            told.extend(lines.lines(&Event::Extracting {
                source: "crm".to_owned(),
                records: u64::from(now) * 100,
                expected: Some(30_000),
                seconds_left: Some(180.0),
            }));
        }
        assert_eq!(
            told,
            [
                "  crm  … 3,000 of 30,000 records (10 %), 100/s, about 4 min left",
                "  crm  … 6,000 of 30,000 records (20 %), 100/s, about 4 min left",
            ]
        );
    }
}
