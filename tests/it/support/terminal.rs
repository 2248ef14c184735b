//! `dfpipe` on a terminal: what it writes there, and what a person sees in the end.

use std::process::Command;

use super::{
    project::{Outcome, Project},
    services,
};

const PROGRAM: &str = include_str!("terminal.py");

/// Wide enough for the paths of a test.
const WIDTH: &str = "240";

/// A call on a terminal.
pub(crate) struct Call {
    /// Every byte that went there.
    pub(crate) written: String,
    /// What stands there in the end, as the error stream.
    pub(crate) outcome: Outcome,
}

/// Calls `dfpipe` on a terminal, and types something as soon as it shows what is awaited. `None` after
/// saying loudly that there is no Python.
pub(crate) fn call<const N: usize>(
    project: &Project,
    arguments: [&str; N],
    [awaited, typed]: [&str; 2],
) -> Option<Call> {
    let output = project
        .program(&python()?)
        .args(["-c", PROGRAM, WIDTH, awaited, typed])
        .arg(env!("CARGO_BIN_EXE_dfpipe"))
        .args(arguments)
        .env("TERM", "xterm-256color")
        .output()
        .expect("Python can be started");
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let written = String::from_utf8(output.stdout).expect("a terminal shows text");
    let seen = seen(&written);
    Some(Call {
        outcome: project.outcome(output.status.code(), String::new(), seen),
        written,
    })
}

pub(crate) fn python() -> Option<String> {
    let answers = |python: &str| Command::new(python).arg("--version").output().is_ok();
    if answers("python3") {
        return Some("python3".to_owned());
    }
    let python = services::find("python")?.join("bin/python");
    Some(python.display().to_string())
}

/// What stands on the terminal after all these bytes. Colours are left out.
///
/// # Panics
///
/// When there is a sequence that no line of progress needs.
fn seen(written: &str) -> String {
    let mut lines: Vec<Vec<char>> = vec![vec![]];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => column = 0,
            '\n' => row += 1,
            '\x1b' => {
                assert_eq!(letters.next(), Some('['), "an unknown sequence");
                let (count, kind) = sequence(&mut letters);
                match kind {
                    'A' => row = row.saturating_sub(count.unwrap_or(1)),
                    'B' => row += count.unwrap_or(1),
                    'K' => lines[row].clear(),
                    'm' => {}
                    other => panic!("an unknown sequence: {count:?} {other}"),
                }
            }
            letter => {
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = letter;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), vec![]);
    }
    let lines = lines.iter().map(|line| line.iter().collect::<String>());
    let lines = lines.map(|line| line.trim_end().to_owned());
    let text = lines.collect::<Vec<_>>().join("\n");
    format!("{}\n", text.trim_end())
}

/// The number and the letter of a sequence such as `2K`; of `1;31m` the last number.
fn sequence(letters: &mut impl Iterator<Item = char>) -> (Option<usize>, char) {
    let mut digits = String::new();
    loop {
        match letters.next().expect("a sequence has an end") {
            digit if digit.is_ascii_digit() => digits.push(digit),
            ';' => digits.clear(),
            kind => return (digits.parse().ok(), kind),
        }
    }
}
