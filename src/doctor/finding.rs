//! One thing that was found, how bad it is, and what to do about it.

use serde::Serialize;

use crate::error::{Error, Kind};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It is as a run needs it.
    Ok,
    /// A run gets through, but somebody should know.
    Warning,
    /// A run does not get through.
    Problem,
}

impl Level {
    /// As it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Of what: `configuration`, `cluster`, a source, `destination`, `archive` or `work_dir`.
    pub subject: String,
    /// What was found.
    pub what: String,
    /// What to type or to set; always there unless all is well.
    pub remedy: Option<String>,
    /// What kind of problem it is.
    #[serde(skip)]
    kind: Option<Kind>,
}

impl Finding {
    /// All is well.
    pub fn ok(subject: &str, what: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            subject: subject.to_owned(),
            what: what.into(),
            remedy: None,
            kind: None,
        }
    }

    /// Somebody should know, and can do this about it.
    pub fn warning(subject: &str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            remedy: Some(remedy.into()),
            ..Self::ok(subject, what)
        }
    }

    /// A run would end with `error`; `remedy` is for one that has no hint.
    pub fn problem(subject: &str, error: &Error, remedy: &str) -> Self {
        let place = error.place();
        let place = place.map(|it| format!("{}:{}:{}: ", it.file, it.line, it.column));
        let what = format!("{}{error}", place.unwrap_or_default());
        Self {
            level: Level::Problem,
            remedy: Some(error.hint().unwrap_or(remedy).to_owned()),
            kind: Some(error.kind()),
            ..Self::ok(subject, what)
        }
    }

    /// Of what kind the problem is, if it is one.
    pub fn problem_kind(&self) -> Option<Kind> {
        self.kind
    }
}
