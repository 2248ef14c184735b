//! What is known of a load: its parts, the jobs of each, and the receipt that is made of it.
//!
//! Apart from the loading, because the same is read from the ledger when a run is resumed.

use chrono::{DateTime, Utc};

use super::super::{
    Load, Note, Part, Receipt,
    receipt::{
        Attempt, DestinationKind, How, JobReceipt, LoadState, SchemaChange, Timings, Verification,
    },
};
use crate::table_file::FileFacts;

/// A part, and what became of it.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The part.
    pub part: Part,
    /// How far it is.
    pub state: LoadState,
    /// The attempt to go on with.
    pub attempt: u32,
    /// Whether a submission went out whose answer nobody has heard.
    pub is_doubtful: bool,
    /// The jobs.
    pub attempts: Vec<Attempt>,
    /// How the job that holds the rows came to be this run's.
    pub how: Option<How>,
    /// Rows that the job says it has appended.
    pub rows: Option<u64>,
}

impl Progress {
    /// What `notes` tell of `part`.
    pub fn of(part: &Part, notes: &[Note]) -> Self {
        let begun = Self {
            part: part.clone(),
            state: LoadState::Begun,
            attempt: 0,
            is_doubtful: false,
            attempts: vec![],
            how: None,
            rows: None,
        };
        notes.iter().fold(begun, |mut progress, note| {
            progress.take(note);
            progress
        })
    }

    /// Takes a note into account, if it is of this part.
    pub fn take(&mut self, note: &Note) {
        match note {
            Note::Submitting {
                part,
                attempt,
                job_id,
            } if *part == self.part.number => {
                (self.attempt, self.is_doubtful) = (*attempt, true);
                self.attempt_of(job_id).state = LoadState::Unknown;
            }
            Note::Refused {
                part,
                job_id,
                reason,
                ..
            } if *part == self.part.number => {
                self.is_doubtful = false;
                let attempt = self.attempt_of(job_id);
                attempt.state = LoadState::Failed;
                attempt.reason = Some(reason.clone());
            }
            Note::Ended {
                part,
                attempt,
                job_id,
                reason,
                rows,
            } if *part == self.part.number => {
                (self.attempt, self.is_doubtful) = (*attempt, false);
                let of = self.attempt_of(job_id);
                of.reason.clone_from(reason);
                of.state = match reason {
                    None => LoadState::Loaded,
                    Some(_) => LoadState::Failed,
                };
                if reason.is_none() {
                    (self.state, self.rows) = (LoadState::Loaded, *rows);
                    self.how.get_or_insert(How::Adopted);
                }
            }
            _ => {}
        }
    }

    /// Whether its rows are there.
    pub fn is_loaded(&self) -> bool {
        self.state == LoadState::Loaded
    }

    /// Adds the service's words to the last job.
    pub fn explain(&mut self, message: &str) {
        if let Some(last) = self.attempts.last_mut() {
            last.message = Some(message.to_owned());
        }
    }

    fn attempt_of(&mut self, job_id: &str) -> &mut Attempt {
        let at = self.attempts.iter().position(|it| it.job_id == job_id);
        let at = at.unwrap_or_else(|| {
            self.attempts.push(Attempt {
                job_id: job_id.to_owned(),
                state: LoadState::Unknown,
                reason: None,
                message: None,
            });
            self.attempts.len() - 1
        });
        &mut self.attempts[at]
    }

    fn receipt(&self) -> JobReceipt {
        let part = &self.part;
        JobReceipt {
            part: part.number.max(1),
            state: self.state,
            job_id: self.attempts.last().map(|last| last.job_id.clone()),
            attempts: self.attempts.clone(),
            how: self.how,
            keys: part.keys.clone(),
            rows: part.rows,
            bytes: part.bytes,
            sha256: part.sha256.clone(),
            job_rows: self.rows,
        }
    }
}

/// All that a receipt says beside the parts.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// The table's full name.
    pub table: String,
    /// Where people look at it.
    pub console: Option<String>,
    /// What the load changes of the table's columns.
    pub changes: Vec<SchemaChange>,
    /// When the first job was submitted.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When all rows were there.
    pub loaded_at: Option<DateTime<Utc>>,
    /// Seconds of sending.
    pub upload_seconds: Option<f64>,
    /// Seconds of waiting for jobs.
    pub job_seconds: Option<f64>,
    /// Seconds of counting.
    pub verify_seconds: Option<f64>,
    /// Rows that were counted.
    pub counted: Option<u64>,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

impl Proof {
    /// The receipt of a load that is as far as `state`.
    pub fn receipt(
        &self,
        load: &Load,
        facts: &FileFacts,
        parts: &[Progress],
        state: LoadState,
    ) -> Receipt {
        let jobs: Vec<_> = parts.iter().map(Progress::receipt).collect();
        let job_rows = parts.iter().map(|part| part.rows);
        let job_rows = job_rows.sum::<Option<u64>>().filter(|_| !parts.is_empty());
        let hows: Option<Vec<How>> = parts.iter().map(|part| part.how).collect();
        let adopted = hows.map(|hows| hows.contains(&How::Adopted));
        let first = jobs.iter().find_map(|job| job.job_id.clone());
        Receipt {
            kind: DestinationKind::BigQuery,
            state,
            destination: self.table.clone(),
            console: self.console.clone(),
            load_id: first,
            run_id: load.run_id.clone(),
            run_date: load.run_date,
            load_number: load.load_number,
            source_version: load.source_version.clone(),
            partition: Some(format!("run_date={}", load.run_date)),
            rows: load.rows,
            bytes: facts.bytes,
            sha256: facts.sha256.clone(),
            adopted,
            jobs,
            schema_changes: Some(self.changes.clone()),
            verified_rows: self.counted,
            verification: Verification::of(facts.rows, job_rows, self.counted),
            timings: Timings {
                submitted_at: self.submitted_at,
                loaded_at: self.loaded_at,
                upload_seconds: self.upload_seconds,
                job_seconds: self.job_seconds,
                verify_seconds: self.verify_seconds,
            },
            warnings: self.warnings.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LoadState, Note, Part, Progress};

    fn part(number: u32) -> Part {
        Part {
            number,
            rows: 1,
            bytes: 1,
            sha256: String::new(),
            keys: None,
        }
    }

    fn submitting(part: u32, attempt: u32) -> Note {
        Note::Submitting {
            part,
            attempt,
            job_id: format!("j_a{attempt}"),
        }
    }

    fn ended(part: u32, attempt: u32, reason: Option<&str>) -> Note {
        Note::Ended {
            part,
            attempt,
            job_id: format!("j_a{attempt}"),
            reason: reason.map(str::to_owned),
            rows: reason.is_none().then_some(1),
        }
    }

    #[test]
    fn the_ledger_tells_where_a_part_stands() {
        let refused = Note::Refused {
            part: 0,
            attempt: 0,
            job_id: "j_a0".to_owned(),
            reason: "quotaExceeded".to_owned(),
        };
        for (notes, expected) in [
            (vec![], (0, false, LoadState::Begun)),
            (vec![submitting(0, 0)], (0, true, LoadState::Begun)),
            (vec![submitting(1, 0)], (0, false, LoadState::Begun)),
            (
                vec![submitting(0, 0), refused],
                (0, false, LoadState::Begun),
            ),
            (
                vec![submitting(0, 0), ended(0, 0, Some("backendError"))],
                (0, false, LoadState::Begun),
            ),
            (
                vec![
                    submitting(0, 0),
                    ended(0, 0, Some("backendError")),
                    submitting(0, 1),
                ],
                (1, true, LoadState::Begun),
            ),
            (
                vec![submitting(0, 2), ended(0, 2, None)],
                (2, false, LoadState::Loaded),
            ),
        ] {
            let found = Progress::of(&part(0), &notes);
            let found = (found.attempt, found.is_doubtful, found.state);
            assert_eq!(found, expected, "{notes:?}");
        }
    }
}
