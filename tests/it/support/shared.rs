//! One finished run of the customer pipeline, for all tests that only look at it.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use super::project::{Outcome, Project};

pub(crate) struct FirstRun {
    pub(crate) project: Project,
    pub(crate) outcome: Outcome,
    /// Held for the pipe that tells it when the tests have ended.
    _cleaner: Child,
}

/// `dfpipe run` on the shipped project, once for each test process.
pub(crate) fn first_run() -> &'static FirstRun {
    static FIRST_RUN: OnceLock<FirstRun> = OnceLock::new();
    FIRST_RUN.get_or_init(|| {
        let project = Project::customers();
        let cleaner = remove_at_exit(project.surroundings());
        let outcome = project.succeed(["run"]);
        FirstRun {
            project,
            outcome,
            _cleaner: cleaner,
        }
    })
}

/// What is static is never dropped. However this process ends, the system closes its end of the pipe.
fn remove_at_exit(folder: &Path) -> Child {
    Command::new("sh")
        .args(["-c", "cat; rm -rf -- \"$1\"", "sh"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // A group of its own, which Ctrl-C does not end.
        .process_group(0)
        .spawn()
        .expect("a shell can be started")
}
