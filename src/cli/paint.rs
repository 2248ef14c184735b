//! Colours, few of them: only where they are seen and nobody forbids them.

const RESET: &str = "\x1b[0m";

/// What a colour says.
#[derive(Clone, Copy, Debug)]
pub enum Ink {
    /// It is wrong.
    Error,
    /// It should be looked at.
    Warning,
    /// It is a frame around what matters.
    Frame,
    /// It helps.
    Hint,
    /// It begins a section.
    Heading,
    /// It matters less.
    Dim,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Error => "\x1b[1;31m",
            Self::Warning => "\x1b[33m",
            Self::Frame => "\x1b[1;34m",
            Self::Hint => "\x1b[1;36m",
            Self::Heading => "\x1b[1m",
            Self::Dim => "\x1b[2m",
        }
    }
}

/// Paints, or leaves text as it is.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether it paints.
    pub is_colored: bool,
}

impl Paint {
    /// The text in that colour.
    pub fn paint(self, ink: Ink, text: &str) -> String {
        if self.is_colored && !text.is_empty() {
            format!("{}{text}{RESET}", ink.code())
        } else {
            text.to_owned()
        }
    }
}
