//! Killing at moments that nobody chose, and going on as a person would.

use std::process::Command;

use super::project::{Outcome, Project};

/// How many seeds are tried, if somebody asks for another number than usual.
pub(crate) fn asked() -> Option<u64> {
    std::env::var("DFPIPE_CHAOS").ok()?.parse().ok()
}

/// How a call ended that was to be killed after a while.
pub(crate) enum End {
    Killed,
    Succeeded,
    Failed(Outcome),
}

/// What goes on with the project: nothing if it is finished, its run if it has one, a run otherwise.
pub(crate) fn next_call(project: &Project) -> Option<&'static [&'static str]> {
    if is_resumable(project) {
        Some(&["run", "-q", "--resume"])
    } else if project.archived().is_empty() {
        // Killed before it had a name, there is nothing to go on with.
        Some(&["run", "-q"])
    } else {
        None
    }
}

/// A folder whose journal has no line yet is not a run.
fn is_resumable(project: &Project) -> bool {
    let mut runs = project.unfinished().into_iter();
    runs.any(|run| {
        let journal = fs_err::read_to_string(run.join("journal.ndjson"));
        journal.is_ok_and(|text| text.contains('\n'))
    })
}

/// Calls `dfpipe` and kills it after so many milliseconds.
pub(crate) fn killed_within(project: &Project, arguments: &[&str], milliseconds: u64) -> End {
    let call = project.command([]);
    let mut command = Command::new("timeout");
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    command
        .args(["-s", "KILL", &format!("{seconds}.{rest:03}")])
        .arg(call.get_program())
        .args(arguments)
        .current_dir(project.folder())
        .env_clear();
    for (name, value) in call.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let outcome = project.ended(command.output().expect("`timeout` can be started"));
    match outcome.code {
        Some(0) => End::Succeeded,
        // `timeout` dies of the signal that it sends, or tells it as the shell does.
        None | Some(137) => End::Killed,
        Some(_) => End::Failed(outcome),
    }
}

/// Runs the project, killing it after at most `longest` milliseconds each time, until it is finished.
pub(crate) fn finish_while_killed(project: &Project, random: &mut Random, longest: u64) {
    while let Some(call) = next_call(project) {
        if let End::Failed(outcome) = killed_within(project, call, random.below(longest)) {
            panic!("{}", outcome.screen());
        }
    }
}

/// The same numbers for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed + 1)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*: good enough to pick moments.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    /// One of these.
    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let count = u64::try_from(of.len()).expect("a list has a length");
        let at = usize::try_from(self.below(count)).expect("it is below a length");
        of[at].clone()
    }
}
