//! A project in a folder of its own, the real binary in a clean environment, and what it left behind.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

use super::artefacts;

/// What the shipped project consists of.
const SHIPPED: [&str; 3] = ["dfpipe.yml", "sql", "fixtures"];

/// A project that is removed with its test.
pub(crate) struct Project {
    /// Holds the project, and a folder for temporary files that the project does not see.
    home: TempDir,
    environment: BTreeMap<String, String>,
}

impl Project {
    /// The customer pipeline as it is shipped.
    pub(crate) fn customers() -> Self {
        let project = Self::empty();
        for name in SHIPPED {
            let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            copy(&shipped, &project.path(name));
        }
        project
    }

    /// A pipeline of one source and one model, for what does not need customers.
    pub(crate) fn orders() -> Self {
        let project = Self::empty();
        project.write("dfpipe.yml", include_str!("orders.yml"));
        project.write(
            "data/orders.csv",
            "order_id,customer,amount\n1,ada,12.50\n2,bob,7.00\n3,ada,0.50\n",
        );
        project.write("sql/totals.sql", include_str!("orders.sql"));
        project
    }

    /// A folder with nothing in it.
    pub(crate) fn empty() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        for name in ["project", "tmp"] {
            fs_err::create_dir(home.path().join(name)).expect("a folder can be made");
        }
        Self {
            home,
            environment: BTreeMap::new(),
        }
    }

    /// The same project with a variable set.
    pub(crate) fn with_variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Where a file of the project lies.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder().join(file)
    }

    /// The project's folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.home.path().join("project")
    }

    /// The folder around it: whatever a run writes, it writes in here.
    pub(crate) fn surroundings(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file, and the folders that it lies in.
    pub(crate) fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        let path = self.path(file);
        let folder = path.parent().expect("a file lies in a folder");
        fs_err::create_dir_all(folder).expect("a folder can be made");
        fs_err::write(path, content).expect("a file can be written");
    }

    /// The text of a file.
    pub(crate) fn read(&self, file: &str) -> String {
        fs_err::read_to_string(self.path(file)).expect("a file can be read")
    }

    /// Replaces what stands in a file.
    ///
    /// # Panics
    ///
    /// When it does not stand there: a test that changes nothing proves nothing.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "`{file}` does not contain `{from}`");
        self.write(file, text.replace(from, to));
    }

    /// Removes a file or a folder.
    pub(crate) fn remove(&self, file: &str) {
        let path = self.path(file);
        let removed = if path.is_dir() {
            fs_err::remove_dir_all(path)
        } else {
            fs_err::remove_file(path)
        };
        removed.expect("what is there can be removed");
    }

    /// Calls `dfpipe` in the project's folder, with no variables but those of this project.
    pub(crate) fn run<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        self.finished(&mut self.command(arguments))
    }

    /// Calls `dfpipe`, which is killed as soon as so many lines of its journal are on disk. Whether it
    /// came so far.
    pub(crate) fn is_killed<const N: usize>(&self, arguments: [&str; N], lines: usize) -> bool {
        let mut command = self.command(arguments);
        command.env("DFPIPE_KILL_AFTER", lines.to_string());
        let outcome = self.finished(&mut command);
        match outcome.code {
            None => true,
            Some(0) => false,
            Some(_) => panic!("{}", outcome.screen()),
        }
    }

    /// A call of `dfpipe` that is not started yet.
    pub(crate) fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_dfpipe"));
        command.args(arguments);
        command
    }

    /// Runs the program and says something to it.
    pub(crate) fn pipe<const N: usize>(&self, arguments: [&str; N], said: &str) -> Outcome {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dfpipe can be started");
        let mut input = child.stdin.take().expect("it listens");
        input.write_all(said.as_bytes()).expect("it listens");
        drop(input);
        self.ended(child.wait_with_output().expect("it ends"))
    }

    /// A program in the project's folder, with no variables but those of this project.
    pub(crate) fn program(&self, program: &str) -> Command {
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", inherited)
            .env("HOME", self.home.path())
            .env("TMPDIR", self.home.path().join("tmp"))
            .envs(&self.environment);
        command
    }

    fn finished(&self, command: &mut Command) -> Outcome {
        let output = command.output().expect("dfpipe can be started");
        self.ended(output)
    }

    /// What a call that is over has left.
    pub(crate) fn ended(&self, output: Output) -> Outcome {
        let text = |bytes| String::from_utf8(bytes).expect("a screen shows text");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        self.outcome(output.status.code(), stdout, stderr)
    }

    /// What a call of `dfpipe` ended with, however it was called.
    pub(crate) fn outcome(&self, code: Option<i32>, stdout: String, stderr: String) -> Outcome {
        Outcome {
            code,
            stdout,
            stderr,
            project: self.folder(),
        }
    }

    /// Calls `dfpipe`, which must succeed.
    pub(crate) fn succeed<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "{arguments:?}\n{}", outcome.screen());
        outcome
    }

    /// The folders of finished runs, the first one first.
    pub(crate) fn archived(&self) -> Vec<PathBuf> {
        let dates = below(&self.path(".dfpipe/archive/pipeline_runs"));
        let mut runs: Vec<_> = dates.iter().flat_map(|date| below(date)).collect();
        runs.sort_by_key(|run| run.file_name().map(ToOwned::to_owned));
        runs
    }

    /// The folder of the last finished run.
    pub(crate) fn last_run(&self) -> PathBuf {
        self.archived().pop().expect("a run has finished")
    }

    /// The folders of runs that did not finish.
    pub(crate) fn unfinished(&self) -> Vec<PathBuf> {
        below(&self.path(".dfpipe/work"))
    }

    /// A JSON file of the run that did not finish.
    pub(crate) fn unfinished_json(&self, file: &str) -> Value {
        let run = self.unfinished().pop().expect("a run did not finish");
        artefacts::json(&run.join(file))
    }

    /// A JSON file of the last finished run.
    pub(crate) fn json(&self, file: &str) -> Value {
        artefacts::json(&self.last_run().join(file))
    }

    /// The rows of a Parquet file of the last finished run.
    pub(crate) fn rows(&self, file: &str) -> Vec<Value> {
        artefacts::rows(&self.last_run().join(file))
    }

    /// The hash of a file of the last finished run.
    pub(crate) fn sha256(&self, file: &str) -> String {
        artefacts::sha256(&self.last_run().join(file))
    }
}

/// How a call of `dfpipe` ended.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    project: PathBuf,
}

impl Outcome {
    /// All that a person sees, without what differs from run to run.
    pub(crate) fn screen(&self) -> String {
        let code = self.code.map_or("none".to_owned(), |code| code.to_string());
        let streams = [("stdout", &self.stdout), ("stderr", &self.stderr)];
        let shown = streams.iter().filter(|(_, text)| !text.is_empty());
        let shown =
            shown.map(|(name, text)| format!("----- {name} -----\n{}", self.filtered(text)));
        format!("exit code: {code}\n{}", shown.collect::<Vec<_>>().concat())
    }

    fn filtered(&self, text: &str) -> String {
        let project = self.project.display().to_string();
        let mut text = text.replace(&project, "[project]");
        for (pattern, blank) in FILTERS.iter() {
            text = pattern.replace_all(&text, *blank).into_owned();
        }
        in_one_order(&text)
    }
}

/// What differs from run to run.
static FILTERS: LazyLock<[(Regex, &str); 6]> = LazyLock::new(|| {
    [
        (r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{6}Z", "[run]"),
        (
            r"completed in (\d+ min )?\d+(\.\d)? s",
            "completed in [time]",
        ),
        (r"(?m) +(\d+ min )?\d+(\.\d)? s$", "  [time]"),
        (r"(127\.0\.0\.1|localhost):\d{2,}", "[address]"),
        (r" \(os error \d+\)", ""),
        (r"process \d+ on `[^`]+`", "process [process]"),
    ]
    .map(|(pattern, blank)| (Regex::new(pattern).expect("a filter is a regex"), blank))
});

/// Sources are read side by side: who is first is chance.
fn in_one_order(text: &str) -> String {
    let mut lines: Vec<_> = text.split_inclusive('\n').collect();
    let is_extracted = |line: &&str| line.starts_with("  crm_") || line.starts_with("  customer_");
    let extract = lines.iter().position(|line| *line == "extract\n");
    if let Some(start) = extract.map(|extract| extract + 1) {
        let count = lines[start..].iter().take_while(|line| is_extracted(line));
        let end = start + count.count();
        lines[start..end].sort_unstable();
    }
    lines.concat()
}

/// The folders in `folder`; none if it is not there.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder).into_iter().flatten();
    let mut folders: Vec<_> = entries
        .map(|entry| entry.expect("a folder can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs_err::create_dir_all(to).expect("a folder can be made");
        for entry in fs_err::read_dir(from).expect("a folder can be read") {
            let entry = entry.expect("a folder can be read");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs_err::copy(from, to).expect("a file can be copied");
    }
}
