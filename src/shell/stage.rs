//! Where answers go: a screen, a pipe, a pager. The interpreter knows this and nothing more of it.

use crate::{
    cli::screen::Screen,
    error::{Error, Result},
};

/// Where answers go.
pub trait Stage: Send {
    /// A result begins.
    fn begin(&mut self) {}

    /// A part of a result; whether somebody still reads.
    fn result(&mut self, bytes: &[u8]) -> Result<bool>;

    /// The result has ended, or was given up.
    fn end(&mut self) -> Result<()> {
        Ok(())
    }

    /// A line about what goes on.
    fn note(&mut self, line: &str);

    /// An error.
    fn error(&mut self, error: &Error);

    /// Lets a person edit a text; `None` where there is nobody.
    fn edit(&mut self, text: &str) -> Option<Result<String>>;
}

/// No terminal: results to stdout, everything else to stderr.
pub struct Plain(pub Screen);

impl Stage for Plain {
    fn result(&mut self, bytes: &[u8]) -> Result<bool> {
        self.0.stream(bytes)
    }

    fn note(&mut self, line: &str) {
        self.0.note(line);
    }

    fn error(&mut self, error: &Error) {
        self.0.error(error);
    }

    fn edit(&mut self, _: &str) -> Option<Result<String>> {
        None
    }
}
