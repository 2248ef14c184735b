//! The one error that users see: what went wrong, where, why, and what to do about it.
//!
//! It stands apart because every room makes these and only `cli/` prints them. The kind says what
//! the reader can do, and so decides the exit code.

use std::fmt;

/// A result whose error can be shown to a person as it is.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the reader of an error can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The data is wrong: a check failed, or too many records were refused.
    Data,
    /// Flags, configuration or SQL are wrong.
    Usage,
    /// The outside said no: CRM, Kafka, the destination, the disk.
    Outside,
    /// The extract is partial and `--allow-partial` was not given.
    Partial,
    /// It cannot be told whether the load happened.
    UnknownOutcome,
    /// Differences were found where none were allowed.
    Differences,
    /// This date is loaded already.
    NothingDone,
    /// A bug in dfpipe.
    Bug,
    /// A person stopped the run.
    Interrupted,
}

impl Kind {
    /// The process's exit code: a promise to schedulers.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Data => 1,
            Self::Usage => 2,
            Self::Outside => 3,
            Self::Partial => 4,
            Self::UnknownOutcome => 5,
            Self::Differences => 6,
            Self::NothingDone => 7,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

/// A place in a text that the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as the user would name it: relative to the project.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters the caret underlines.
    pub length: usize,
    /// The text of that line.
    pub text: String,
}

impl Place {
    /// The place of `length` characters at `line` and `column` of `source`.
    pub fn new(file: &str, source: &str, line: usize, column: usize, length: usize) -> Self {
        let text = source
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default()
            .to_owned();
        let file = file.to_owned();
        Self {
            file,
            line,
            column: column.max(1),
            length: length.max(1),
            text,
        }
    }
}

/// An error to be read by a person. One word wide, since it travels through every `Result`.
#[derive(Clone)]
pub struct Error(Box<Parts>);

#[derive(Clone)]
struct Parts {
    kind: Kind,
    message: String,
    place: Option<Place>,
    cause: Option<String>,
    hint: Option<String>,
    also: Vec<Error>,
}

impl Error {
    /// An error of `kind`: the message says what and which, names in backticks.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Parts {
            kind,
            message,
            place: None,
            cause: None,
            hint: None,
            also: vec![],
        }))
    }

    /// Flags, configuration or SQL are wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The data is wrong.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(Kind::Data, message)
    }

    /// The outside said no.
    pub fn outside(message: impl Into<String>) -> Self {
        Self::new(Kind::Outside, message)
    }

    /// Something that the code rules out happened.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Kind::Bug, message).with_hint("this is a bug in dfpipe: please report it")
    }

    /// Several problems, shown together; the first decides the kind. `None` if there are none.
    pub fn all(problems: impl IntoIterator<Item = Error>) -> Option<Self> {
        let mut problems = problems.into_iter();
        let mut first = problems.next()?;
        first.0.also.extend(problems);
        Some(first)
    }

    /// This problem and those found together with it, each alone.
    pub fn each(mut self) -> Vec<Self> {
        let also = std::mem::take(&mut self.0.also);
        std::iter::once(self).chain(also).collect()
    }

    /// Adds where it is wrong, unless a deeper room has said so already.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.0.place.get_or_insert(place);
        self
    }

    /// Adds why, in the words of whoever refused.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Adds what the reader can do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// What the reader can do about it.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it is wrong.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// Why, in the words of whoever refused.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// What to do.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// This problem and those found together with it.
    pub fn problems(&self) -> impl Iterator<Item = &Error> {
        std::iter::once(self).chain(self.0.also.iter())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())?;
        match self.cause() {
            Some(cause) => write!(formatter, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {self}", self.kind())
    }
}

impl std::error::Error for Error {}

/// The candidate that `wrong` was most likely meant to be, as the words of a hint.
pub fn did_you_mean<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&wrong, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::{Error, Kind, did_you_mean};

    #[test]
    fn several_problems_keep_their_order_and_the_first_decides() {
        let all = Error::all([Error::usage("one"), Error::data("two")]).unwrap();
        assert_eq!(all.kind(), Kind::Usage);
        let messages: Vec<_> = all.problems().map(Error::message).collect();
        assert_eq!(messages, ["one", "two"]);
        let again = Error::all(all.each()).unwrap();
        assert_eq!(again.problems().count(), 2);
        assert!(Error::all([]).is_none());
    }

    #[test]
    fn a_near_miss_is_suggested_and_a_far_one_is_not() {
        let names = ["customer_id", "lifetime_value"];
        assert_eq!(did_you_mean("customr_id", names), Some("customer_id"));
        assert_eq!(did_you_mean("Customer_ID", names), Some("customer_id"));
        assert_eq!(did_you_mean("zzz", names), None);
    }
}
