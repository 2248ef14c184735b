//! What is done next about one load job. Pure: what was seen goes in, what to do comes out.
//!
//! ```text
//! look ─▶ absent ─▶ submit ─▶ look …            a lost answer or a 5xx: the same id again
//!   ├──▶ running ─▶ wait ─▶ look …              never abandoned, never a second job beside it
//!   ├──▶ done ─▶ the rows are there             adopted, if it is this run's and has these bytes
//!   └──▶ failed ─▶ next attempt ─▶ look …       only then: a failed job has appended nothing
//! ```

use super::failure::Class;

/// How often one attempt is submitted by one process.
const SUBMISSIONS: u32 = 6;

/// New attempts of one process after jobs that failed for a passing reason.
const ATTEMPTS: u32 = 5;

/// How often a job is looked for that is said to exist and is not found.
const MISSING: u32 = 8;

/// Attempts there may be in all.
const MOST: u32 = 1000;

/// How far one job is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Which attempt, from 0.
    pub attempt: u32,
    /// Whether a submission of this attempt went out whose answer nobody has heard.
    pub is_doubtful: bool,
    /// Submissions of this attempt by this process.
    pub submissions: u32,
    /// Whether this process has seen the job alive, or submitted it.
    pub is_own: bool,
    /// Attempts that have failed for a passing reason while this process looked.
    failed: u32,
    /// Looks at a job that goes on.
    polls: u32,
    /// Looks at a job that is said to exist.
    missing: u32,
}

impl State {
    /// Goes on at `attempt`, after a submission that may have been heard.
    pub fn resumed(attempt: u32, is_doubtful: bool) -> Self {
        Self {
            attempt,
            is_doubtful,
            ..Self::default()
        }
    }

    fn next_attempt(&self) -> Self {
        Self {
            attempt: self.attempt + 1,
            failed: self.failed,
            ..Self::default()
        }
    }

    /// What giving up means: of a job that may exist, nothing is known.
    fn given_up(&self, otherwise: Stop) -> Action {
        let may_exist = self.is_doubtful || self.polls > 0 || self.missing > 0;
        Action::Stop(if may_exist { Stop::Unknown } else { otherwise })
    }
}

/// What was seen of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// There is no such job.
    Absent,
    /// It is this run's and goes on.
    Running,
    /// It is this run's and has appended its rows.
    Good,
    /// It has failed, whoever made it: it has appended nothing.
    Bad(Class),
    /// It is another run's, and goes on or has appended rows.
    Foreign,
    /// It is this run's, and loads other bytes.
    OtherBytes,
    /// It cannot be asked for.
    Unanswered,
    /// The service says that there is one already.
    Conflict,
    /// The service has refused the submission itself: there is no job.
    Refused(Class),
    /// The submission never got far enough to make a job.
    Unsent,
    /// The submission went out, and nobody knows what became of it.
    Lost,
    /// It has been waited for as long as was allowed.
    Late,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask for the job, after the wait that follows so many failures; 0 is at once.
    Look(u32),
    /// Submit it.
    Submit,
    /// All is well.
    Done,
    /// There is nothing more to be done.
    Stop(Stop),
}

/// Why nothing more is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Another run has this load's number.
    Taken,
    /// The job loads other bytes than those that are here.
    OtherBytes,
    /// Nobody knows whether the rows are there.
    Unknown,
    /// The service does not take the job.
    Refused,
    /// The job has failed.
    Failed,
}

/// What is done about `seen`.
pub fn next(state: &State, seen: Seen) -> (State, Action) {
    let mut state = state.clone();
    let action = match seen {
        Seen::Absent => absent(&mut state),
        Seen::Running => {
            (state.polls, state.is_own) = (state.polls + 1, true);
            Action::Look(state.polls)
        }
        Seen::Good => Action::Done,
        Seen::Bad(class) => failed(&mut state, class),
        Seen::Foreign => Action::Stop(Stop::Taken),
        Seen::OtherBytes => Action::Stop(Stop::OtherBytes),
        Seen::Conflict => {
            state.missing += 1;
            Action::Look(0)
        }
        Seen::Refused(Class::Passing) if state.submissions < SUBMISSIONS => {
            Action::Look(state.submissions)
        }
        // The service's own word, even after a doubtful submission: the job is asked for before each.
        Seen::Refused(_) => Action::Stop(Stop::Refused),
        Seen::Unsent | Seen::Unanswered => state.given_up(Stop::Refused),
        Seen::Lost => {
            state.is_doubtful = true;
            Action::Look(state.submissions)
        }
        Seen::Late => Action::Stop(Stop::Unknown),
    };
    (state, action)
}

fn absent(state: &mut State) -> Action {
    // Said to exist, and not to be found yet.
    if state.missing > 0 {
        state.missing += 1;
        return match state.missing {
            missing if missing > MISSING => Action::Stop(Stop::Unknown),
            missing => Action::Look(missing - 1),
        };
    }
    if state.submissions >= SUBMISSIONS {
        return state.given_up(Stop::Refused);
    }
    (state.submissions, state.is_own) = (state.submissions + 1, true);
    Action::Submit
}

fn failed(state: &mut State, class: Class) -> Action {
    // Whoever submitted it, this is what became of it.
    state.is_doubtful = false;
    let (is_own, is_passing) = (state.is_own, class == Class::Passing);
    let failed = state.failed + u32::from(is_passing && is_own);
    // A job that this process has not seen alive failed long ago: what was wrong may be mended by now.
    let goes_on = !is_own || (is_passing && failed <= ATTEMPTS);
    if !goes_on || state.attempt >= MOST {
        return Action::Stop(Stop::Failed);
    }
    *state = state.next_attempt();
    state.failed = failed;
    Action::Look(if is_own { failed } else { 0 })
}

#[cfg(test)]
mod tests;
