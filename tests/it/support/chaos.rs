//! Killing at moments that nobody chose, and going on as a person would.
//!
//! ```text
//! a seed ─▶ a way to die ─▶ SIGKILL ─▶ resume ─▶ another way ─▶ … ─▶ the run is finished
//!             ├─ as soon as a line of the journal is on disk
//!             ├─ after a while
//!             └─ after a while, counted from where the load begins
//! ```

use std::{
    io::Write,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

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

/// How long things take at most, in milliseconds, on a machine that is not overwhelmed.
#[derive(Clone, Copy)]
pub(crate) struct Longest {
    /// A run.
    pub(crate) run: u64,
    /// Its load.
    pub(crate) load: u64,
}

/// Lines that a process adds to its journal at most.
const LINES: u64 = 16;

/// Calls after which a run that does not end well is no bad luck any more.
const CALLS: usize = 40;

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
    journals(project).iter().any(|text| text.contains('\n'))
}

fn journals(project: &Project) -> Vec<String> {
    let runs = project.unfinished().into_iter();
    let journals = runs.map(|run| fs_err::read_to_string(run.join("journal.ndjson")));
    journals.filter_map(Result::ok).collect()
}

/// How often a load has begun, whoever began it.
fn loads_begun(project: &Project) -> usize {
    let journals = journals(project).into_iter();
    journals
        .map(|text| text.matches("\"load_begun\"").count())
        .sum()
}

/// Whether a run lies there that has begun to load and has not loaded.
fn is_loading(project: &Project) -> bool {
    let mut journals = journals(project).into_iter();
    journals.any(|text| text.contains("\"load_begun\"") && !text.contains("\"entry\":\"loaded\""))
}

/// Calls `dfpipe` and kills it after so many milliseconds.
pub(crate) fn killed_within(project: &Project, arguments: &[&str], milliseconds: u64) -> End {
    let until = Instant::now() + Duration::from_millis(milliseconds);
    killed_when(project, arguments, &[], |_| Instant::now() >= until)
}

/// Calls `dfpipe` and kills it so many milliseconds after it has begun to load.
fn killed_in_load(project: &Project, arguments: &[&str], milliseconds: u64) -> End {
    let before = loads_begun(project);
    let mut begun = None;
    killed_when(project, arguments, &[], |project| {
        if begun.is_none() && loads_begun(project) > before {
            begun = Some(Instant::now());
        }
        begun.is_some_and(|begun| begun.elapsed() >= Duration::from_millis(milliseconds))
    })
}

/// Calls `dfpipe`, which is killed as soon as so many lines of its journal are on disk.
fn killed_at_line(project: &Project, arguments: &[&str], lines: u64) -> End {
    let lines = lines.to_string();
    let variables = [("DFPIPE_KILL_AFTER", lines.as_str())];
    killed_when(project, arguments, &variables, |_| false)
}

fn killed_when(
    project: &Project,
    arguments: &[&str],
    variables: &[(&str, &str)],
    mut is_time: impl FnMut(&Project) -> bool,
) -> End {
    let mut run = started(
        project
            .command([])
            .args(arguments)
            .envs(variables.iter().copied()),
    );
    while run.try_wait().expect("it can be asked").is_none() {
        if is_time(project) {
            run.kill().expect("it can be killed");
            break;
        }
        // Short against all that it does, and long enough to leave it the machine.
        std::thread::sleep(Duration::from_millis(1));
    }
    let outcome = project.ended(run.wait_with_output().expect("it ends"));
    match outcome.code {
        Some(0) => End::Succeeded,
        None => End::Killed,
        Some(_) => End::Failed(outcome),
    }
}

fn started(command: &mut Command) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("dfpipe can be started")
}

/// Runs the project, killing it in one way or another each time, until it is finished. How often it was killed,
/// and how often of that while it loaded.
pub(crate) fn finish_while_killed(
    project: &Project,
    random: &mut Random,
    longest: Longest,
) -> (usize, usize) {
    let (mut kills, mut in_load) = (0, 0);
    for calls in 0.. {
        let Some(call) = next_call(project) else {
            return (kills, in_load);
        };
        let end = match random.below(3) {
            0 => killed_at_line(project, call, random.below(LINES) + 1),
            1 => killed_within(project, call, random.below(longest.run)),
            _ => killed_in_load(project, call, random.below(longest.load)),
        };
        match end {
            End::Succeeded => {}
            End::Killed => {
                kills += 1;
                in_load += usize::from(is_loading(project));
            }
            // "The service said no", or "it is not known": both are for trying again.
            End::Failed(outcome) => assert!(
                calls < CALLS && matches!(outcome.code, Some(3 | 5)),
                "{}",
                outcome.screen()
            ),
        }
    }
    unreachable!("it is left when the run is finished")
}

/// What many seeds have come to, for who asked for many.
pub(crate) fn tell(what: &str, kills: &[(usize, usize)]) {
    let Some(seeds) = asked() else { return };
    let all: usize = kills.iter().map(|(all, _)| all).sum();
    let in_load: usize = kills.iter().map(|(_, in_load)| in_load).sum();
    // Past the test's own screen, which is shown to nobody when all is well.
    let told = writeln!(
        std::io::stderr(),
        "{what}: {seeds} seeds, {all} kills, {in_load} of them while it loaded; each row once"
    );
    told.expect("stderr can be written");
    assert!(in_load > 0, "nothing was killed while it loaded");
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
