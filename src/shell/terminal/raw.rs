//! The terminal key by key. It is as it was whenever this is dropped.

use std::io::{IsTerminal, Read, Write, stdin, stdout};

use crate::error::{Error, Result};

/// A pasted text comes in one piece, and is not taken for keys.
const PASTES: [&str; 2] = ["\x1b[?2004h", "\x1b[?2004l"];

/// Whether there is a terminal that can be read key by key.
pub fn is_possible() -> bool {
    let is_dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    cfg!(unix) && !is_dumb && stdin().is_terminal() && stdout().is_terminal()
}

/// Columns and rows of the terminal.
#[cfg(unix)]
pub fn size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(stdout());
    let size = size.ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    size.map_or((80, 24), |size| {
        (usize::from(size.ws_col), usize::from(size.ws_row))
    })
}

#[cfg(not(unix))]
pub fn size() -> (usize, usize) {
    (80, 24)
}

/// A terminal that gives each key as it is pressed.
pub struct Raw {
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

impl Raw {
    /// From now on.
    #[cfg(unix)]
    pub fn begin() -> Result<Self> {
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let odd =
            |error: rustix::io::Errno| Error::outside("the terminal cannot be used").because(error);
        let before = tcgetattr(stdin()).map_err(odd)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Drain, &raw).map_err(odd)?;
        write(PASTES[0])?;
        Ok(Self { before })
    }

    #[cfg(not(unix))]
    pub fn begin() -> Result<Self> {
        Err(Error::usage("there is no terminal"))
    }

    /// Waits for bytes; none when the terminal is gone.
    #[expect(
        clippy::unused_self,
        reason = "only who holds the terminal reads its keys"
    )]
    pub fn read(&self, bytes: &mut Vec<u8>) -> Result<bool> {
        let mut buffer = [0; 4096];
        loop {
            match stdin().lock().read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    bytes.extend(&buffer[..count]);
                    return Ok(true);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Error::outside("the terminal cannot be read").because(error));
                }
            }
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            use rustix::termios::{OptionalActions, tcsetattr};
            let _ = tcsetattr(stdin(), OptionalActions::Drain, &self.before);
        }
        let _ = write(PASTES[1]);
    }
}

/// Writes bytes to the terminal.
pub fn write(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Error::outside("the terminal cannot be written to").because(error))
}
