//! A person at a terminal: waits for what is shown, types, and so on.

use super::{project::Project, terminal::python};

const PROGRAM: &str = include_str!("conversation.py");

/// Calls `dfpipe` on a terminal, and types each text as soon as the one beside it is shown. What was shown in
/// all; `None` after saying loudly that there is no Python.
///
/// # Panics
///
/// When something that is awaited is not shown within a minute, or `dfpipe` fails.
pub(crate) fn converse(
    project: &Project,
    arguments: &[&str],
    turns: &[(&str, &str)],
) -> Option<String> {
    let turns = serde_json::to_string(turns).expect("turns are JSON");
    let output = project
        .program(&python()?)
        .args([
            "-c",
            PROGRAM,
            &turns,
            env!("CARGO_BIN_EXE_dfpipe"),
            "--no-color",
        ])
        .args(arguments)
        .env("TERM", "xterm-256color")
        .env("PAGER", "cat")
        .output()
        .expect("Python can be started");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}\n{shown}");
    Some(shown)
}
