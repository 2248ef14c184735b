//! One part becomes one job, whose rows are there exactly once: the machine, and what it is driven by.

use std::path::Path;

use tokio::time::Instant;

use super::{
    super::{Ledger, Load, Note, Stage, receipt::How, receipt::LoadState},
    Client, Target,
    bucket::{self, Staged},
    failure::{Class, Failure},
    machine::{self, Action, Seen, State, Stop},
    order,
    pace::{Pace, back_off},
    proof::{Progress, Proof},
    stopped::{Known, Stopped},
    table::TableState,
    target::{FILE, RUN, file_label, run_label},
    upload::{Submission, Upload},
    wire::Job,
};
use crate::{config, error::Result};

/// What the job of a part works with.
pub struct Driver<'a> {
    /// The service.
    pub client: &'a Client,
    /// The table.
    pub target: &'a Target,
    /// How it is loaded.
    pub to: &'a config::BigQuery,
    /// The table as it is.
    pub table: &'a TableState,
    /// What is loaded.
    pub load: &'a Load,
    /// The book.
    pub ledger: &'a dyn Ledger,
}

/// A part on its way.
struct Run<'a> {
    driver: &'a Driver<'a>,
    progress: &'a mut Progress,
    proof: &'a mut Proof,
    file: &'a Path,
    state: State,
    pace: Pace,
    /// The last thing that went wrong.
    failure: Option<Failure>,
    /// Whose the job is, if it is not ours.
    holder: Option<String>,
}

impl Driver<'_> {
    /// Loads the part in `file`.
    pub async fn load(
        &self,
        progress: &mut Progress,
        proof: &mut Proof,
        file: &Path,
    ) -> Result<(), Stopped> {
        let mut run = Run {
            state: State::resumed(progress.attempt, progress.is_doubtful),
            pace: Pace::new(self.to.timeout),
            driver: self,
            progress,
            proof,
            file,
            failure: None,
            holder: None,
        };
        let begun = Instant::now();
        let outcome = run.drive().await;
        let sent = run.proof.upload_seconds.unwrap_or(0.0);
        let all = begun.elapsed().as_secs_f64();
        let waited = run.proof.job_seconds.unwrap_or(0.0) + (all - sent).max(0.0);
        run.proof.job_seconds = Some(waited);
        outcome
    }
}

impl Run<'_> {
    async fn drive(&mut self) -> Result<(), Stopped> {
        let mut action = Action::Look(0);
        loop {
            let seen = match action {
                Action::Look(failed) => self.look(failed).await?,
                Action::Submit => self.submit().await?,
                Action::Done => return Ok(()),
                Action::Stop(stop) => return Err(self.stop(stop)),
            };
            let (state, next) = machine::next(&self.state, seen);
            if state.attempt != self.state.attempt {
                self.pace = Pace::new(self.driver.to.timeout);
            }
            (self.state, action) = (state, next);
        }
    }

    fn id(&self) -> String {
        let Driver { load, target, .. } = self.driver;
        let (date, number) = (load.run_date, load.load_number);
        target.job_id(date, number, self.progress.part.number, self.state.attempt)
    }

    /// Waits, and asks for the job.
    async fn look(&mut self, failed: u32) -> Result<Seen> {
        if failed > 0 {
            if self.pace.is_over() {
                return Ok(Seen::Late);
            }
            let asked = self.failure.as_ref().and_then(|failure| failure.wait);
            let wait = self.pace.within(asked.unwrap_or_else(|| back_off(failed)));
            if let Some(failure) = &self.failure {
                self.driver.ledger.tell(Stage::Retrying {
                    cause: failure.name(),
                    seconds: wait.as_secs(),
                });
            }
            self.pace.wait(wait).await;
        }
        match self.driver.client.job(&self.id()).await {
            Ok(None) => Ok(Seen::Absent),
            Ok(Some(job)) => self.judge(&job, false),
            Err(failure) => {
                self.failure = Some(failure);
                Ok(Seen::Unanswered)
            }
        }
    }

    /// What a job's state means. One that the service has just taken from us is ours.
    fn judge(&mut self, job: &Job, is_ours: bool) -> Result<Seen> {
        let is_done = job.state() == "DONE";
        if let Some(error) = job.error().filter(|_| is_done) {
            let access = self.access();
            let all = job.status.as_ref().map_or(&[][..], |status| &status.errors);
            let failure = Failure::of_job(&access, error, all);
            let class = failure.class;
            self.end(Some(&failure), None)?;
            self.progress.explain(&failure.message);
            self.failure = Some(failure);
            return Ok(Seen::Bad(class));
        }
        self.failure = None;
        let run = run_label(&self.driver.load.run_id);
        if !is_ours && job.label(RUN) != Some(&run) {
            self.holder = Some(job.label(RUN).unwrap_or("nobody").to_owned());
            return Ok(Seen::Foreign);
        }
        let file = file_label(&self.progress.part.sha256);
        if !is_ours && job.label(FILE) != Some(&file) {
            return Ok(Seen::OtherBytes);
        }
        if is_done {
            let rows = job.load().and_then(|load| load.output_rows);
            let is_submitted = self.state.submissions > 0;
            self.progress.how = Some(if is_submitted {
                How::Submitted
            } else {
                How::Adopted
            });
            self.end(None, rows)?;
            return Ok(Seen::Good);
        }
        self.driver.ledger.tell(Stage::Waiting {
            job_id: self.id(),
            state: job.state().to_owned(),
        });
        Ok(Seen::Running)
    }

    fn access(&self) -> super::access::Access {
        let Driver { client, target, .. } = self.driver;
        super::access::Access::load(&target.project, &target.path(), client.principal())
    }

    /// Why the part is not loaded.
    fn stop(&mut self, stop: Stop) -> Stopped {
        self.progress.state = match stop {
            Stop::Unknown => LoadState::Unknown,
            _ => LoadState::Failed,
        };
        let known = Known {
            load: self.driver.load,
            table: self.driver.target.path(),
            job_id: self.id(),
            holder: self.holder.as_deref().unwrap_or_default(),
            file: self.file,
            failure: self.failure.as_ref(),
            is_doubtful: self.state.is_doubtful,
        };
        known.stopped(stop)
    }

    /// Notes how the job ended, unless the ledger says so already.
    fn end(&mut self, failure: Option<&Failure>, rows: Option<u64>) -> Result<()> {
        let note = Note::Ended {
            part: self.progress.part.number,
            attempt: self.state.attempt,
            job_id: self.id(),
            reason: failure.map(Failure::name),
            rows,
        };
        if !self.driver.ledger.earlier().contains(&note) {
            self.driver.ledger.note(note.clone())?;
        }
        self.progress.take(&note);
        Ok(())
    }

    async fn submit(&mut self) -> Result<Seen> {
        let note = Note::Submitting {
            part: self.progress.part.number,
            attempt: self.state.attempt,
            job_id: self.id(),
        };
        self.driver.ledger.note(note.clone())?;
        self.progress.take(&note);
        let now = self.driver.ledger.now();
        self.proof.submitted_at.get_or_insert(now);
        let begun = Instant::now();
        let submission = self.send().await?;
        let seconds = begun.elapsed().as_secs_f64();
        *self.proof.upload_seconds.get_or_insert(0.0) += seconds;
        match submission {
            Submission::Taken(job) => self.judge(&job, true),
            Submission::Refused(failure) if failure.class == Class::Exists => Ok(Seen::Conflict),
            Submission::Refused(failure) => self.refused(failure),
            Submission::Unsent(failure) => {
                let seen = self.refused(failure)?;
                Ok(if matches!(seen, Seen::Refused(_)) {
                    Seen::Unsent
                } else {
                    seen
                })
            }
            Submission::Lost(failure) => {
                self.failure = Some(failure);
                Ok(Seen::Lost)
            }
        }
    }

    /// Notes that there is no job, unless an earlier submission may have made one.
    fn refused(&mut self, failure: Failure) -> Result<Seen> {
        let class = failure.class;
        if !self.state.is_doubtful {
            let note = Note::Refused {
                part: self.progress.part.number,
                attempt: self.state.attempt,
                job_id: self.id(),
                reason: failure.name(),
            };
            self.driver.ledger.note(note.clone())?;
            self.progress.take(&note);
            self.progress.explain(&failure.message);
        }
        self.failure = Some(failure);
        Ok(Seen::Refused(class))
    }

    async fn send(&self) -> Result<Submission> {
        let Driver {
            client, target, to, ..
        } = self.driver;
        let part = &self.progress.part;
        let arrived = |bytes_there: u64| {
            self.driver.ledger.tell(Stage::Uploading {
                bytes: bytes_there,
                expected: part.bytes,
            });
        };
        let job = order::job(self.id(), target, self.driver.table, self.driver.load, part);
        if let Some(folder) = bucket::folder(to, part.bytes) {
            let staged = Staged::new(client, target, folder, part)?;
            let file = (part, self.file);
            return Ok(bucket::send(client, target, &staged, job, file, &arrived).await);
        }
        let upload = Upload {
            client,
            target,
            job: &job,
            file: self.file,
            bytes: part.bytes,
            chunk: to.chunk,
            arrived: &arrived,
        };
        Ok(upload.send().await)
    }
}
