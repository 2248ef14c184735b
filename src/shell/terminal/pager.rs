//! A terminal as a stage: what does not fit on it goes to a pager, as soon as that is known.

use std::{
    io::{ErrorKind, Write},
    process::{Child, Command, Stdio},
};

use unicode_width::UnicodeWidthStr;

use super::raw::size;
use crate::{
    cli::screen::Screen,
    error::{Error, Result},
    shell::stage::Stage,
};

/// What a pager is told, unless the person tells it something else: colours, long lines are cut and not
/// folded, the text stays.
const LESS: &str = "-SRXF";

/// A person's screen.
pub struct Paged {
    screen: Screen,
    held: Vec<u8>,
    state: State,
}

enum State {
    /// It may still fit.
    Held,
    /// It goes to a pager.
    Pager(Child),
    /// There is no pager: it goes to the screen.
    Screen,
    /// The person has seen enough.
    Over,
}

impl Paged {
    /// A stage on a terminal.
    pub fn new(screen: Screen) -> Self {
        Self {
            screen,
            held: vec![],
            state: State::Held,
        }
    }

    /// Whether what is held is larger than the screen.
    fn is_large(&self) -> bool {
        let (width, height) = size();
        let text = String::from_utf8_lossy(&self.held);
        let mut lines = 0;
        text.lines().any(|line| {
            lines += 1;
            // A line for the prompt, and one for what is said below.
            lines + 2 > height || line.width() > width
        })
    }

    fn pass(&mut self, bytes: &[u8]) -> Result<bool> {
        match &mut self.state {
            State::Held => {
                self.held.extend(bytes);
                Ok(true)
            }
            State::Screen => self.screen.stream(bytes),
            State::Over => Ok(false),
            State::Pager(pager) => {
                let Some(input) = pager.stdin.as_mut() else {
                    return Ok(false);
                };
                match input.write_all(bytes) {
                    Ok(()) => Ok(true),
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                        let _ = pager.wait();
                        self.state = State::Over;
                        Ok(false)
                    }
                    Err(error) => Err(Error::outside("the pager has failed").because(error)),
                }
            }
        }
    }
}

impl Stage for Paged {
    fn begin(&mut self) {
        self.held.clear();
        self.state = State::Held;
    }

    fn result(&mut self, bytes: &[u8]) -> Result<bool> {
        let goes_on = self.pass(bytes)?;
        if matches!(self.state, State::Held) && self.is_large() {
            self.state = pager().map_or(State::Screen, State::Pager);
            let held = std::mem::take(&mut self.held);
            return self.pass(&held);
        }
        Ok(goes_on)
    }

    fn end(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.state, State::Held) {
            State::Held => {
                let held = std::mem::take(&mut self.held);
                self.screen.result(&held)
            }
            State::Pager(mut pager) => {
                drop(pager.stdin.take());
                let _ = pager.wait();
                Ok(())
            }
            State::Screen | State::Over => Ok(()),
        }
    }

    fn note(&mut self, line: &str) {
        self.screen.note(line);
    }

    fn error(&mut self, error: &Error) {
        self.screen.error(error);
    }

    fn edit(&mut self, text: &str) -> Option<Result<String>> {
        Some(edited(text))
    }
}

/// The person's pager; none if it cannot be started, or if it is not wanted.
fn pager() -> Option<Child> {
    let wanted = std::env::var("PAGER").ok();
    let wanted = wanted.unwrap_or_else(|| "less".to_owned());
    let mut words = wanted.split_whitespace();
    let mut command = Command::new(words.next()?);
    command.args(words).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    command.spawn().ok()
}

/// The text as the person's editor leaves it.
fn edited(text: &str) -> Result<String> {
    let failed = |error: std::io::Error| Error::outside("there is nothing to edit").because(error);
    let named = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.trim().is_empty())
    };
    let editor = named("VISUAL")
        .or_else(|| named("EDITOR"))
        .unwrap_or_else(|| "vi".to_owned());
    let file = tempfile::Builder::new()
        .prefix("dfpipe-")
        .suffix(".sql")
        .tempfile()
        .map_err(failed)?;
    fs_err::write(file.path(), format!("{text}\n")).map_err(failed)?;
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program).args(words).arg(file.path()).status();
    let status = status.map_err(|error| {
        let message = format!("the editor `{editor}` cannot be started");
        Error::usage(message)
            .because(error)
            .with_hint("set the variable EDITOR")
    })?;
    if !status.success() {
        return Err(Error::usage(format!(
            "the editor `{editor}` ended with an error"
        )));
    }
    fs_err::read_to_string(file.path()).map_err(failed)
}
