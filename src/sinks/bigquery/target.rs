//! The table that is loaded, its names, and the names of its jobs.
//!
//! A job's id says which load of which date it is, never which bytes: rows that are made again must not
//! get a second job.

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use crate::{
    config::{BigQuery, Destination},
    table_file::hex,
};

/// The label that says which run made a job.
pub const RUN: &str = "dfpipe_run";

/// The label that says which file it loads.
pub const FILE: &str = "dfpipe_file";

/// The label that says how many rows that has.
pub const ROWS: &str = "dfpipe_rows";

/// What the ids of our jobs begin with.
const PREFIX: &str = "dfpipe_";

/// Characters that a label may have.
const LABEL: usize = 63;

/// Digits of a hash that a label gets.
const FILE_DIGITS: usize = 60;

/// Digits of the hash in a job's id.
const ID_DIGITS: usize = 40;

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The project.
    pub project: String,
    /// Where the dataset lies.
    pub location: String,
    /// The dataset.
    pub dataset: String,
    /// The table.
    pub table: String,
    /// The pipeline that loads it.
    pub pipeline: String,
}

impl Target {
    /// The table that `destination` names in `to`.
    pub fn new(pipeline: &str, destination: &Destination, to: &BigQuery) -> Self {
        Self {
            project: to.project.clone(),
            location: to.location.clone(),
            dataset: destination.dataset.clone(),
            table: destination.table.clone(),
            pipeline: pipeline.to_owned(),
        }
    }

    /// Another table of the same dataset.
    #[must_use]
    pub fn sibling(&self, table: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            ..self.clone()
        }
    }

    /// The full name, as people write it.
    pub fn path(&self) -> String {
        format!("{}.{}.{}", self.project, self.dataset, self.table)
    }

    /// The full name in SQL.
    pub fn sql(&self) -> String {
        format!("`{}`", self.path())
    }

    /// What the ids of a load's jobs begin with: only the attempt is missing. The first part of a divided load
    /// goes on with the ids of the whole that was refused, so that another run which is after the same load
    /// meets it there, whether that one divides its own or not.
    fn job_base(&self, date: NaiveDate, load_number: u32, part: u32) -> String {
        let named = [
            &self.project,
            &self.location,
            &self.dataset,
            &self.table,
            &self.pipeline,
        ];
        let mut hash = Sha256::new();
        for name in named {
            // With its length, so that no two lists of names give the same bytes.
            hash.update(format!("{}:{name},", name.len()));
        }
        hash.update(format!("{date},{load_number},{}", part.max(1)));
        let digits = hex(&hash.finalize());
        format!("{PREFIX}{}", &digits[..ID_DIGITS])
    }

    /// The id of a job.
    pub fn job_id(&self, date: NaiveDate, load_number: u32, part: u32, attempt: u32) -> String {
        format!("{}_a{attempt}", self.job_base(date, load_number, part))
    }
}

/// A run's id as a label.
pub fn run_label(run_id: &str) -> String {
    let kept = run_id.chars().map(|it| match it.to_ascii_lowercase() {
        it @ ('a'..='z' | '0'..='9' | '_' | '-') => it,
        _ => '-',
    });
    kept.take(LABEL).collect()
}

/// A file's hash as a label.
pub fn file_label(sha256: &str) -> String {
    sha256.chars().take(FILE_DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::{Target, file_label, run_label};

    fn target() -> Target {
        Target {
            project: "p".into(),
            location: "US".into(),
            dataset: "d".into(),
            table: "t".into(),
            pipeline: "customers".into(),
        }
    }

    #[test]
    fn a_job_is_named_by_what_it_loads_and_not_by_its_bytes() {
        let date = "2026-11-15".parse().unwrap();
        let first = target().job_id(date, 1, 0, 0);
        assert_eq!(first, target().job_id(date, 1, 0, 0));
        assert!(
            first.starts_with("dfpipe_") && first.ends_with("_a0"),
            "{first}"
        );
        assert_eq!(first.len(), "dfpipe_".len() + 40 + "_a0".len());
        let other_date = "2026-11-16".parse().unwrap();
        let elsewhere = Target {
            location: "EU".into(),
            ..target()
        };
        let shifted = Target {
            dataset: "dt".into(),
            table: String::new(),
            ..target()
        };
        for other in [
            target().job_id(date, 2, 0, 0),
            target().job_id(date, 1, 2, 0),
            target().job_id(date, 1, 0, 1),
            target().job_id(other_date, 1, 0, 0),
            elsewhere.job_id(date, 1, 0, 0),
            shifted.job_id(date, 1, 0, 0),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn who_loads_the_whole_and_who_loads_parts_meet_at_the_same_job() {
        let date = "2026-11-15".parse().unwrap();
        for attempt in [0, 3] {
            let whole = target().job_id(date, 1, 0, attempt);
            assert_eq!(whole, target().job_id(date, 1, 1, attempt));
        }
    }

    #[test]
    fn labels_have_only_what_labels_may_have() {
        for (run_id, label) in [
            ("20261115T000000Z-Ab", "20261115t000000z-ab"),
            ("a.b/é", "a-b--"),
        ] {
            assert_eq!(run_label(run_id), label);
        }
        assert_eq!(run_label(&"x".repeat(100)).len(), 63);
        assert_eq!(file_label(&"a".repeat(64)).len(), 60);
    }
}
