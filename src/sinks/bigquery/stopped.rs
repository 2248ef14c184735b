//! Why a part is not loaded, in words, and what that means for the parts beside it.
//!
//! Apart from the driving of its job, because it is told from what is known at the end alone.

use std::path::Path;

use super::{
    super::Load,
    blame,
    failure::{Class, Failure, unknown},
    machine::Stop,
};
use crate::error::Error;

/// A part that was not loaded.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub error: Error,
    /// Whether a quota refused it, and there is certainly no job.
    pub is_over_quota: bool,
    /// Whether other parts may get through.
    pub is_of_rows: bool,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self {
            error,
            is_over_quota: false,
            is_of_rows: false,
        }
    }
}

/// What is known of a part at the end.
pub struct Known<'a> {
    /// What was to be loaded.
    pub load: &'a Load,
    /// Into which table.
    pub table: String,
    /// By which job.
    pub job_id: String,
    /// Whose the job is, if it is not ours.
    pub holder: &'a str,
    /// The part's rows.
    pub file: &'a Path,
    /// The last thing that went wrong.
    pub failure: Option<&'a Failure>,
    /// Whether a submission went out whose answer nobody has heard.
    pub is_doubtful: bool,
}

impl Known<'_> {
    /// Why nothing more is done.
    pub fn stopped(&self, stop: Stop) -> Stopped {
        let class = self.failure.map(|failure| failure.class);
        let is_certain = !self.is_doubtful && matches!(stop, Stop::Refused | Stop::Failed);
        Stopped {
            error: self.error(stop),
            is_over_quota: class == Some(Class::Quota) && is_certain,
            is_of_rows: class == Some(Class::Invalid),
        }
    }

    fn error(&self, stop: Stop) -> Error {
        match (stop, self.failure) {
            (Stop::Taken, _) => self.taken(),
            (Stop::OtherBytes, _) => self.other_bytes(),
            (Stop::Unknown, failure) => {
                let under_way = || format!("the job `{}` is still under way", self.job_id);
                let cause = failure.map_or_else(under_way, |failure| failure.message.clone());
                let table = &self.table;
                unknown(format!("it is unknown whether `{table}` was loaded")).because(cause)
            }
            (_, Some(failure)) if failure.class == Class::Invalid => {
                blame::invalid(failure, self.file, &self.table)
            }
            (_, Some(failure)) => failure.error(),
            (_, None) => Error::bug("a load stopped without a reason"),
        }
    }

    /// Another run was faster with the same number.
    fn taken(&self) -> Error {
        Error::outside(format!(
            "load {} of {} was taken by the run `{}` in the meantime",
            self.load.load_number, self.load.run_date, self.holder
        ))
        .with_hint("nothing of this run was loaded; run again to append it as a further load")
    }

    fn other_bytes(&self) -> Error {
        unknown(format!(
            "the job `{}` of this run loads other bytes than those that are here",
            self.job_id
        ))
        .because("what it was made of has changed since; other bytes never complete an old load")
        .with_hint(
            "look at the job and at the rows of this run in the table before anything else is done",
        )
    }
}
