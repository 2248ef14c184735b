//! A terminal: what is finished stays as a line, what is under way changes below it.
//!
//! Every line goes through [`Screen`], which has the changing ones step aside: nothing is printed
//! into the middle of them, and when the run is over none is left.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::{
    computing::computing,
    loading::loading,
    reading::{Reading, took},
    words::Words,
};
use crate::{
    cli::screen::Screen,
    clock::Clock,
    run::{
        Event, Progress,
        record::{Step, seconds},
    },
};

/// How often a line that changes is drawn again.
const TICK: Duration = Duration::from_millis(120);

/// Shows events on a terminal.
pub struct Live<'a> {
    screen: &'a Screen,
    clock: &'a Clock,
    state: Mutex<State<'a>>,
}

struct State<'a> {
    words: Words,
    shown: &'a MultiProgress,
    bars: BTreeMap<String, ProgressBar>,
    sources: Vec<String>,
    /// How many models are still to be built.
    models: usize,
    /// When the step began.
    began: DateTime<Utc>,
}

impl<'a> Live<'a> {
    pub fn new(screen: &'a Screen, shown: &'a MultiProgress, clock: &'a Clock) -> Self {
        Self {
            screen,
            clock,
            state: Mutex::new(State {
                words: Words::new(screen.paint(), screen.detail()),
                shown,
                bars: BTreeMap::new(),
                sources: vec![],
                models: 0,
                began: clock.now(),
            }),
        }
    }
}

impl Progress for Live<'_> {
    fn report(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.before(event);
        if !matches!(event, Event::Building { .. }) {
            for line in state.words.lines(event) {
                self.screen.note(&line);
            }
        }
        state.after(event, self.clock.now());
    }
}

impl State<'_> {
    /// Takes away what is no longer under way.
    fn before(&mut self, event: &Event) {
        match event {
            Event::Extracted { source, .. } => self.remove(source),
            Event::Built { model, .. } => self.remove(model),
            Event::Checked { .. }
            | Event::StepStarted { .. }
            | Event::StepFinished { .. }
            | Event::RunFinished { .. } => self.remove_all(),
            Event::RunStarted { .. }
            | Event::Extracting { .. }
            | Event::Building { .. }
            | Event::Computing { .. }
            | Event::Loading { .. }
            | Event::Loaded { .. }
            | Event::NotLoaded { .. }
            | Event::Archived { .. }
            | Event::Warning { .. } => {}
        }
    }

    /// Shows what is under way from now on.
    fn after(&mut self, event: &Event, now: DateTime<Utc>) {
        match event {
            Event::RunStarted {
                sources, models, ..
            } => {
                self.sources.clone_from(sources);
                self.models = models.len();
            }
            Event::StepStarted { step } => {
                self.began = now;
                match step {
                    Step::Extract => {
                        for source in self.sources.clone() {
                            self.add(&source);
                        }
                    }
                    Step::Transform => {}
                    Step::Load => self.add("loading"),
                    Step::Finalize => self.add("archiving"),
                }
            }
            Event::Extracting {
                source,
                records,
                expected,
                seconds_left,
            } => {
                let reading = Reading {
                    records: *records,
                    expected: *expected,
                    seconds_left: *seconds_left,
                    seconds: seconds(self.began, now),
                };
                self.tell(source, &reading.words());
            }
            Event::Loading { stage } => {
                let elapsed = seconds(self.began, now);
                self.tell("loading", &loading(stage, elapsed));
            }
            Event::Building { model } => self.add(model),
            Event::Computing { model, job } => self.tell(model, &computing(job)),
            Event::Built { .. } => {
                self.models = self.models.saturating_sub(1);
                if self.models == 0 {
                    self.add("checks");
                }
            }
            Event::StepFinished { .. }
            | Event::Extracted { .. }
            | Event::Checked { .. }
            | Event::Loaded { .. }
            | Event::NotLoaded { .. }
            | Event::Archived { .. }
            | Event::Warning { .. }
            | Event::RunFinished { .. } => {}
        }
    }

    fn add(&mut self, name: &str) {
        let bar = self.shown.add(ProgressBar::new_spinner());
        bar.set_style(style());
        bar.set_message(self.words.name(name));
        bar.enable_steady_tick(TICK);
        self.bars.insert(name.to_owned(), bar);
    }

    fn tell(&mut self, name: &str, words: &str) {
        if let Some(bar) = self.bars.get(name) {
            bar.set_message(format!("{}  {words}", self.words.name(name)));
        }
    }

    fn remove(&mut self, name: &str) {
        if let Some(bar) = self.bars.remove(name) {
            bar.finish_and_clear();
            self.shown.remove(&bar);
        }
    }

    fn remove_all(&mut self) {
        let names: Vec<_> = self.bars.keys().cloned().collect();
        for name in names {
            self.remove(&name);
        }
    }
}

/// A sign of life where finished lines have their indent, and the time so far.
fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{spinner} {msg}  {seconds}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.with_key("seconds", |state: &ProgressState, text: &mut dyn Write| {
        let _ = text.write_str(&took(state.elapsed().as_secs_f64()));
    })
}
