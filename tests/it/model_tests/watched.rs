//! `dfpipe test --watch`: what a saved file concerns is run again.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStderr, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use super::chain;
use crate::support::project::Project;

/// How long an edit may take to be seen and tested, on a machine that is busy.
const DEADLINE: Duration = Duration::from_mins(2);

/// A process that watches, with what it says.
struct Watching {
    process: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn new(project: &Project) -> Self {
        let mut command = project.command(["test", "--watch"]);
        let mut process = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dfpipe can be started");
        let stderr: ChildStderr = process.stderr.take().expect("it is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { process, lines }
    }

    /// All that is said until it waits for the next file.
    fn until_it_waits(&self) -> String {
        let mut said = String::new();
        loop {
            let line = self
                .lines
                .recv_timeout(DEADLINE)
                .expect("it goes on in time");
            if line.starts_with("waiting") {
                return said;
            }
            said.push_str(&line);
            said.push('\n');
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_watcher_runs_what_a_saved_file_concerns() {
    let project = chain();
    project.write(
        "sql/tests/rich.yml",
        "model: rich\ntests:\n  - {it: is empty, expect: []}\n",
    );
    project.write(
        "sql/tests/sums.yml",
        "model: totals\ntests:\n  - {it: is empty, expect: []}\n",
    );
    let mut watching = Watching::new(&project);
    let said = watching.until_it_waits();
    assert_eq!(said.matches(": 1 passed").count(), 3, "{said}");
    // A model: its tests and those of all that read it.
    project.edit("sql/rich.sql", ">= 10", ">= 100");
    let said = watching.until_it_waits();
    assert!(
        said.contains("saved: sql/rich.sql\nsql/tests/rich.yml: 1 passed\n"),
        "{said}"
    );
    // Wrong SQL is told, and forgotten when it is mended.
    project.edit("sql/totals.sql", "sum(amount)", "sum(amuont)");
    let said = watching.until_it_waits();
    assert!(said.contains("amuont"), "{said}");
    project.edit("sql/totals.sql", "sum(amuont)", "2 * sum(amount)");
    let said = watching.until_it_waits();
    assert!(
        said.contains("sql/tests/totals.yml: 0 passed, 1 failed"),
        "{said}"
    );
    assert!(said.contains("sql/tests/rich.yml: 1 passed"), "{said}");
    // A test file: its tests.
    project.edit("sql/tests/totals.yml", "amount: 2.50", "amount: 5.00");
    let said = watching.until_it_waits();
    assert_eq!(
        said,
        "\nsaved: sql/tests/totals.yml\nsql/tests/totals.yml: 1 passed\n"
    );
    interrupt(&watching.process);
    assert_eq!(watching.process.wait().expect("it ends").code(), Some(0));
}

/// What Ctrl-C does.
fn interrupt(process: &Child) {
    let id = process.id().to_string();
    let status = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(status.expect("kill can be started").success());
}
