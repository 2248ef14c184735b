//! The screen: results to stdout, everything else to stderr, errors with place, caret and hint.

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write, stderr, stdout},
};

use crate::error::{Error, Place, Result};

const RED: &str = "\x1b[1;31m";
const BLUE: &str = "\x1b[1;34m";
const CYAN: &str = "\x1b[1;36m";
const RESET: &str = "\x1b[0m";

/// Prints for a person or a pipe.
#[derive(Clone, Debug)]
pub struct Screen {
    is_colored: bool,
    is_quiet: bool,
}

impl Screen {
    /// Colours only on a terminal, and where nobody forbids them.
    pub fn new(no_color: bool, is_quiet: bool) -> Self {
        let forbidden = no_color || std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
        Self {
            is_colored: stderr().is_terminal() && !forbidden,
            is_quiet,
        }
    }

    /// A result, to stdout. A reader that went away (`| head`) is no error.
    pub fn result(&self, bytes: &[u8]) -> Result<()> {
        self.stream(bytes).map(|_| ())
    }

    /// A part of a result; whether somebody still reads.
    #[expect(clippy::unused_self, reason = "only who holds the screen prints")]
    pub fn stream(&self, bytes: &[u8]) -> Result<bool> {
        let mut out = stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Error::outside("the result cannot be printed").because(error)),
            Ok(()) => Ok(true),
        }
    }

    /// A line about what goes on, to stderr.
    pub fn note(&self, line: &str) {
        if !self.is_quiet {
            let _ = writeln!(stderr(), "{line}");
        }
    }

    /// An error with all that belongs to it, to stderr.
    pub fn error(&self, error: &Error) {
        let _ = write!(stderr(), "{}", self.render(error));
    }

    /// Something that is no error and looks like one: with its place and what to do, to stderr.
    pub fn note_at(&self, note: &Error) {
        if !self.is_quiet {
            let mut text = String::new();
            self.render_one(&self.paint(BLUE, "note:"), note, &mut text);
            let _ = writeln!(stderr(), "{text}");
        }
    }

    /// The words of an error.
    pub fn render(&self, error: &Error) -> String {
        let mut text = String::new();
        for (number, problem) in error.problems().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            self.render_one(&self.paint(RED, "error:"), problem, &mut text);
        }
        text
    }

    fn render_one(&self, label: &str, error: &Error, text: &mut String) {
        let _ = writeln!(text, "{label} {}", error.message());
        if let Some(place) = error.place() {
            self.render_place(place, text);
        }
        if let Some(cause) = error.cause() {
            let _ = writeln!(text, "{} {cause}", self.paint(BLUE, "cause:"));
        }
        if let Some(hint) = error.hint() {
            let _ = writeln!(text, "\n{} {hint}", self.paint(CYAN, "hint:"));
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
        let bar = self.paint(BLUE, "|");
        let _ = writeln!(
            text,
            "{margin}{} {file}:{line}:{column}",
            self.paint(BLUE, "-->")
        );
        let _ = writeln!(text, "{margin} {bar}");
        let _ = writeln!(
            text,
            "{} {bar} {}",
            self.paint(BLUE, &number),
            source.replace('\t', " ")
        );
        let carets = "^".repeat(
            (*length)
                .min(source.chars().count().saturating_sub(column - 1))
                .max(1),
        );
        let indent = " ".repeat(column - 1);
        let _ = writeln!(text, "{margin} {bar} {indent}{}", self.paint(RED, &carets));
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.is_colored {
            format!("{color}{text}{RESET}")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Screen;
    use crate::error::{Error, Place};

    #[test]
    fn an_error_shows_place_cause_and_hint() {
        let place = Place::new("sql/m.sql", "select\n  totl\nfrom t", 2, 3, 4);
        let error = Error::usage("there is no column `totl`")
            .at(place)
            .because("a typo");
        let error = error.with_hint("did you mean `total`?");
        let screen = Screen {
            is_colored: false,
            is_quiet: false,
        };
        let expected = "error: there is no column `totl`\n --> sql/m.sql:2:3\n  |\n2 |   totl\n  |   \
                        ^^^^\ncause: a typo\n\nhint: did you mean `total`?\n";
        assert_eq!(screen.render(&error), expected);
    }
}
