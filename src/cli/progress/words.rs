//! The lines of what is finished, in columns. Pure, so that they look the same wherever they stand.

use std::fmt::Write;

use indicatif::{HumanBytes, HumanCount};

use super::reading::took;
use crate::{
    cli::{
        paint::{Ink, Paint},
        screen::Detail,
    },
    run::{Event, record::Step},
};

/// Turns events into lines.
#[derive(Debug)]
pub struct Words {
    paint: Paint,
    detail: Detail,
    /// The width of the longest name.
    width: usize,
    /// What was loaded, until it is known how long that took.
    load: Option<String>,
}

impl Words {
    pub fn new(paint: Paint, detail: Detail) -> Self {
        Self {
            paint,
            detail,
            width: 0,
            load: None,
        }
    }

    /// A name, as wide as the longest one.
    pub fn name(&self, name: &str) -> String {
        format!("{name:<width$}", width = self.width)
    }

    /// What `event` has to say.
    pub fn lines(&mut self, event: &Event) -> Vec<String> {
        // What ends without a word of its end is told without its time.
        let is_ending = matches!(event, Event::StepFinished { .. });
        let mut lines = vec![];
        if !is_ending {
            lines.extend(self.load.take());
        }
        lines.extend(self.line(event));
        lines
    }

    fn line(&mut self, event: &Event) -> Option<String> {
        let is_verbose = self.detail == Detail::Verbose;
        match event {
            Event::RunStarted {
                run_id,
                resumed,
                sources,
                models,
                ..
            } => {
                let widths = sources
                    .iter()
                    .chain(models)
                    .map(|name| name.chars().count());
                self.width = widths.max().unwrap_or_default();
                let goes = if *resumed { "goes on" } else { "begins" };
                is_verbose.then(|| format!("run {run_id} {goes}"))
            }
            Event::StepStarted {
                step: Step::Finalize,
            }
            | Event::Extracting { .. }
            | Event::Computing { .. }
            | Event::Loading { .. }
            | Event::RunFinished { .. } => None,
            Event::StepStarted { step } => Some(self.paint.paint(Ink::Heading, step.name())),
            Event::StepFinished {
                step,
                seconds,
                kept,
            } => self.step(*step, *seconds, *kept),
            Event::Extracted { .. } => self.extracted(event),
            Event::Building { model } => is_verbose.then(|| format!("  {model} begins")),
            Event::Built { .. } => self.built(event),
            Event::Checked {
                checks,
                warnings,
                errors,
            } => Some(self.checked(*checks, *warnings, *errors)),
            Event::Loaded { rows, to } => {
                self.load = Some(format!("  {} into {to}", of(*rows, "row")));
                None
            }
            Event::NotLoaded { reason } => {
                let heading = self.paint.paint(Ink::Heading, Step::Load.name());
                Some(format!("{heading}\n  nothing: {reason}"))
            }
            Event::Archived { to } => is_verbose.then(|| format!("archived as {to}")),
            Event::Warning { message } => {
                let label = self.paint.paint(Ink::Warning, "warning:");
                Some(format!("{label} {message}"))
            }
        }
    }

    fn step(&mut self, step: Step, seconds: f64, kept: bool) -> Option<String> {
        if let Some(load) = self.load.take() {
            return Some(format!("{load}{}", self.time(seconds, kept).trim_end()));
        }
        let is_told = self.detail == Detail::Verbose && !kept;
        is_told.then(|| format!("{} took {}", step.name(), took(seconds)))
    }

    fn extracted(&self, event: &Event) -> Option<String> {
        let Event::Extracted {
            source,
            rows,
            refused,
            missing,
            partial,
            seconds,
            kept,
        } = event
        else {
            return None;
        };
        let column = match refused {
            0 => String::new(),
            refused => format!("{:>9} refused", HumanCount(*refused).to_string()),
        };
        let column = self.paint.paint(Ink::Warning, &format!("{column:17}"));
        let mut line = format!(
            "{}{column}{}",
            self.counted(source, *rows),
            self.time(*seconds, *kept)
        );
        if *partial {
            line.push_str(&self.paint.paint(Ink::Warning, "  partial"));
        }
        for (field, count) in missing {
            let _ = write!(line, "\n    without {field}: {}", of(*count, "record"));
        }
        Some(line)
    }

    fn built(&self, event: &Event) -> Option<String> {
        let Event::Built {
            model,
            rows,
            bytes,
            seconds,
            kept,
            peak_memory,
            spilled_bytes,
            view: false,
        } = event
        else {
            return None;
        };
        let mut line = format!(
            "{}{}",
            self.counted(model, *rows),
            self.time(*seconds, *kept)
        );
        if self.detail == Detail::Verbose {
            let _ = write!(line, "   {}", HumanBytes(*bytes));
            if !kept {
                let _ = write!(line, ", {} of memory", HumanBytes(*peak_memory));
            }
            if *spilled_bytes > 0 {
                let _ = write!(line, ", {} spilled", HumanBytes(*spilled_bytes));
            }
        }
        Some(line)
    }

    /// The columns that sources and models have in common.
    fn counted(&self, name: &str, rows: u64) -> String {
        let unit = if rows == 1 { "row " } else { "rows" };
        format!(
            "  {}  {:>9} {unit}",
            self.name(name),
            HumanCount(rows).to_string()
        )
    }

    /// How long it took; or that an earlier attempt had done it.
    fn time(&self, seconds: f64, kept: bool) -> String {
        let time = if kept {
            "(kept)".to_owned()
        } else {
            took(seconds)
        };
        self.paint.paint(Ink::Dim, &format!("{time:>10}"))
    }

    fn checked(&self, checks: usize, warnings: usize, errors: usize) -> String {
        let mut line = format!("  {} of {checks} passed", checks - warnings - errors);
        if warnings > 0 {
            let found = format!("{warnings} to look at");
            line = format!("{line}, {}", self.paint.paint(Ink::Warning, &found));
        }
        if errors > 0 {
            let found = format!("{errors} against the load");
            line = format!("{line}, {}", self.paint.paint(Ink::Error, &found));
        }
        format!("{}\n{line}", self.paint.paint(Ink::Heading, "checks"))
    }
}

/// A number and what it counts.
pub(super) fn of(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", HumanCount(count))
}

#[cfg(test)]
mod tests {
    use super::Words;
    use crate::{
        cli::{paint::Paint, screen::Detail},
        run::{Event, record::Step},
    };

    fn words(detail: Detail) -> Words {
        Words::new(Paint { is_colored: false }, detail)
    }

    fn loaded() -> Event {
        Event::Loaded {
            rows: 1,
            to: "there".to_owned(),
        }
    }

    #[test]
    fn a_load_is_told_with_its_time_or_as_kept_or_without_a_word_of_its_end() {
        let ended = |kept| Event::StepFinished {
            step: Step::Load,
            seconds: 1.25,
            kept,
        };
        let mut words = words(Detail::Normal);
        assert!(words.lines(&loaded()).is_empty());
        assert_eq!(words.lines(&ended(false)), ["  1 row into there     1.2 s"]);
        words.lines(&loaded());
        assert_eq!(words.lines(&ended(true)), ["  1 row into there    (kept)"]);
        words.lines(&loaded());
        let message = "odd".to_owned();
        let told = words.lines(&Event::Warning { message });
        assert_eq!(told, ["  1 row into there", "warning: odd"]);
    }

    #[test]
    fn what_a_model_took_is_told_on_request() {
        let built = Event::Built {
            model: "m".to_owned(),
            rows: 1_234_567,
            bytes: 2048,
            seconds: 0.5,
            kept: false,
            peak_memory: 1024,
            spilled_bytes: 4096,
            view: false,
        };
        let told = words(Detail::Normal).lines(&built);
        assert_eq!(told, ["  m  1,234,567 rows     0.5 s"]);
        let told = words(Detail::Verbose).lines(&built);
        let more = "   2.00 KiB, 1.00 KiB of memory, 4.00 KiB spilled";
        assert_eq!(told, [format!("  m  1,234,567 rows     0.5 s{more}")]);
    }
}
