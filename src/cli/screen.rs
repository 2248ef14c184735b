//! The screen: results to stdout, everything else to stderr, errors with place, caret and hint. With
//! `--log-format json` all that goes to stderr is one JSON object per line.

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write, stderr, stdout},
};

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;
use serde_json::json;

use super::paint::{Ink, Paint};
use crate::{
    clock::Clock,
    error::{Error, Place, Result},
};

/// How what goes on is written to stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, with stable names.
    Json,
}

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Errors and results only.
    Quiet,
    /// What is done.
    Normal,
    /// What begins as well, and what it took.
    Verbose,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Info,
    /// Somebody should look at it.
    Warning,
    /// It ends the command.
    Error,
}

/// One line of `--log-format json`.
#[derive(Serialize)]
struct Object<'a, T> {
    time: DateTime<Utc>,
    level: Level,
    #[serde(flatten)]
    fields: &'a T,
}

/// Prints for a person or a pipe.
#[derive(Clone, Debug)]
pub struct Screen {
    paint: Paint,
    detail: Detail,
    format: LogFormat,
    clock: Clock,
    /// The lines that change while a run goes on. Whoever prints has them step aside.
    live: MultiProgress,
}

impl Screen {
    /// Colours and live lines only on a terminal, and where nobody forbids them.
    pub fn new(no_color: bool, detail: Detail, format: LogFormat, clock: Clock) -> Self {
        let forbidden = no_color || std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
        let is_live = detail > Detail::Quiet && format == LogFormat::Text;
        let target = if is_live {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            paint: Paint {
                is_colored: stderr().is_terminal() && !forbidden,
            },
            detail,
            format,
            clock,
            live: MultiProgress::with_draw_target(target),
        }
    }

    /// How much is told.
    pub fn detail(&self) -> Detail {
        self.detail
    }

    /// How what goes on is written.
    pub fn format(&self) -> LogFormat {
        self.format
    }

    /// The colours.
    pub fn paint(&self) -> Paint {
        self.paint
    }

    /// The lines that change, if stderr is a terminal that can change them.
    pub fn live(&self) -> Option<&MultiProgress> {
        (!self.live.is_hidden()).then_some(&self.live)
    }

    /// Takes the lines that change off the terminal.
    pub fn clear(&self) {
        let _ = self.live.clear();
    }

    /// A result, to stdout. A reader that went away (`| head`) is no error.
    pub fn result(&self, bytes: &[u8]) -> Result<()> {
        self.stream(bytes).map(|_| ())
    }

    /// A part of a result; whether somebody still reads.
    pub fn stream(&self, bytes: &[u8]) -> Result<bool> {
        let write = || {
            let mut out = stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        };
        match self.live.suspend(write) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Error::outside("the result cannot be printed").because(error)),
            Ok(()) => Ok(true),
        }
    }

    /// A line about what goes on, to stderr.
    pub fn note(&self, line: &str) {
        match self.format {
            LogFormat::Json => self.object(Level::Info, &json!({"event": "note", "message": line})),
            LogFormat::Text if self.detail > Detail::Quiet => self.write(&format!("{line}\n")),
            LogFormat::Text => {}
        }
    }

    /// A line of JSON, to stderr.
    pub fn object<T: Serialize>(&self, level: Level, fields: &T) {
        if self.detail == Detail::Quiet && level != Level::Error {
            return;
        }
        let object = Object {
            time: self.clock.now(),
            level,
            fields,
        };
        if let Ok(line) = serde_json::to_string(&object) {
            self.write(&format!("{line}\n"));
        }
    }

    /// An error with all that belongs to it, to stderr.
    pub fn error(&self, error: &Error) {
        match self.format {
            LogFormat::Text => self.write(&self.render(error)),
            LogFormat::Json => {
                let exit_code = error.kind().exit_code();
                for problem in error.problems() {
                    self.object(Level::Error, &as_object(problem, exit_code));
                }
            }
        }
    }

    /// In one piece, so that two threads cannot mix their lines.
    fn write(&self, text: &str) {
        self.live.suspend(|| {
            let _ = stderr().lock().write_all(text.as_bytes());
        });
    }

    /// Something that is no error and looks like one: with its place and what to do, to stderr.
    pub fn note_at(&self, note: &Error) {
        if self.format == LogFormat::Json {
            let mut fields = as_object(note, 0);
            fields["event"] = "note".into();
            return self.object(Level::Info, &fields);
        }
        if self.detail > Detail::Quiet {
            let mut text = String::new();
            self.render_one((Ink::Frame, "note:"), note, &mut text);
            self.write(&format!("{text}\n"));
        }
    }

    /// The words of an error.
    pub fn render(&self, error: &Error) -> String {
        let mut text = String::new();
        for (number, problem) in error.problems().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            self.render_one((Ink::Error, "error:"), problem, &mut text);
        }
        text
    }

    fn render_one(&self, what: (Ink, &str), error: &Error, text: &mut String) {
        let label = |ink, label| self.paint.paint(ink, label);
        let _ = writeln!(text, "{} {}", label(what.0, what.1), error.message());
        if let Some(place) = error.place() {
            self.render_place(place, text);
        }
        if let Some(cause) = error.cause() {
            let _ = writeln!(text, "{} {cause}", label(Ink::Frame, "cause:"));
        }
        if let Some(hint) = error.hint() {
            let _ = writeln!(text, "\n{} {hint}", label(Ink::Hint, "hint:"));
        }
    }

    fn render_place(&self, place: &Place, text: &mut String) {
        let Place {
            file,
            line,
            column,
            length,
            text: source,
        } = place;
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let frame = |part: &str| self.paint.paint(Ink::Frame, part);
        let bar = frame("|");
        let _ = writeln!(text, "{margin}{} {file}:{line}:{column}", frame("-->"));
        let _ = writeln!(text, "{margin} {bar}");
        let _ = writeln!(
            text,
            "{} {bar} {}",
            frame(&number),
            source.replace('\t', " ")
        );
        let carets = "^".repeat(
            (*length)
                .min(source.chars().count().saturating_sub(column - 1))
                .max(1),
        );
        let indent = " ".repeat(column - 1);
        let carets = self.paint.paint(Ink::Error, &carets);
        let _ = writeln!(text, "{margin} {bar} {indent}{carets}");
    }
}

/// An error as programs read it. The exit code is that of the process.
fn as_object(error: &Error, exit_code: u8) -> serde_json::Value {
    let place = error.place().map(|place| {
        json!({
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "length": place.length,
            "text": place.text,
        })
    });
    json!({
        "event": "error",
        "message": error.message(),
        "cause": error.cause(),
        "hint": error.hint(),
        "place": place,
        "exit_code": exit_code,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Detail, LogFormat, Screen, as_object};
    use crate::{
        clock::Clock,
        error::{Error, Place},
    };

    fn error() -> Error {
        let place = Place::new("sql/m.sql", "select\n  totl\nfrom t", 2, 3, 4);
        let error = Error::usage("there is no column `totl`")
            .at(place)
            .because("a typo");
        error.with_hint("did you mean `total`?")
    }

    #[test]
    fn an_error_shows_place_cause_and_hint() {
        let screen = Screen::new(true, Detail::Normal, LogFormat::Text, Clock::system());
        let expected = "error: there is no column `totl`\n --> sql/m.sql:2:3\n  |\n2 |   totl\n  |   \
                        ^^^^\ncause: a typo\n\nhint: did you mean `total`?\n";
        assert_eq!(screen.render(&error()), expected);
    }

    #[test]
    fn an_error_is_an_object_whose_fields_are_always_there() {
        let object = as_object(&error(), 2);
        let place =
            json!({"file": "sql/m.sql", "line": 2, "column": 3, "length": 4, "text": "  totl"});
        assert_eq!(object["place"], place);
        let plain = as_object(&Error::data("bad"), 1);
        let expected = json!({
            "event": "error", "message": "bad", "cause": null, "hint": null, "place": null, "exit_code": 1
        });
        assert_eq!(plain, expected);
    }
}
