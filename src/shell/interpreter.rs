//! Input becomes output: statements are asked, `\` commands done. It knows no terminal.

use std::{io::Write as _, path::Path, time::Instant};

use super::{
    actions,
    desk::Desk,
    format::{Format, Writer},
    reader::{Input, alone, statements},
    stage::Stage,
    words::{self, Action},
};
use crate::{
    engine::{Answer, Rows},
    error::{Error, Result},
    model::File,
};

/// How deep files may include each other.
const DEEPEST: usize = 16;

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    On,
    /// Leave.
    Leave,
}

/// How answers are shown.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) format: Format,
    pub(super) is_expanded: bool,
    pub(super) is_timed: bool,
    /// Whether it is said how many rows there were.
    pub(super) is_counted: bool,
    /// Where results go instead of the screen.
    pub(super) output: Option<fs_err::File>,
}

/// A conversation.
pub struct Interpreter {
    pub(super) desk: Desk,
    pub(super) settings: Settings,
    /// The last statement.
    pub(super) last: Option<String>,
    /// What was last made of it in an editor.
    pub(super) edited: Option<String>,
    /// The first error, which a script ends with.
    failure: Option<Error>,
    depth: usize,
}

impl Interpreter {
    /// A conversation at `desk`.
    pub fn new(desk: Desk) -> Self {
        Self {
            desk,
            settings: Settings::default(),
            last: None,
            edited: None,
            failure: None,
            depth: 0,
        }
    }

    /// The same, for a person: each answer says how many rows it has.
    #[must_use]
    pub fn for_a_person(mut self) -> Self {
        self.settings.is_counted = true;
        self
    }

    /// Takes `statement` for the last one: it is what is edited.
    pub fn remember(&mut self, statement: &str) {
        self.last = Some(statement.trim().to_owned());
    }

    /// What was made of it in an editor, once.
    pub fn take_edited(&mut self) -> Option<String> {
        self.edited.take()
    }

    /// What the prompt says: which run, or which profile.
    pub fn whereabouts(&self) -> String {
        match &self.desk.run {
            Some(past) => format!("{} {}", past.record.pipeline, past.record.run_date),
            None => format!("{} live", self.desk.config.pipeline),
        }
    }

    /// The session, for completion.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Takes back what others were given.
    pub async fn close(&mut self) -> Result<()> {
        self.desk.close().await
    }

    /// The first error so far.
    pub fn into_failure(self) -> Option<Error> {
        self.failure
    }

    /// Does what was said; an error is shown, and the conversation goes on.
    pub async fn take(&mut self, input: &Input, stage: &mut dyn Stage) -> Next {
        let done = match input {
            Input::Statement { text, line } => {
                let text = format!("{}{text}", "\n".repeat(*line));
                self.remember(&text);
                let asked = self.ask("input", &text, stage).await;
                asked.map(|()| Next::On)
            }
            Input::Command(line) => self.command(line, stage).await,
        };
        done.unwrap_or_else(|error| {
            // What was begun is closed, so that the error stands behind it.
            let _ = stage.end();
            stage.error(&error);
            self.failure.get_or_insert(error);
            Next::On
        })
    }

    async fn command(&mut self, line: &str, stage: &mut dyn Stage) -> Result<Next> {
        let (word, argument) = words::find(line)?;
        match word.action {
            Action::Quit => return Ok(Next::Leave),
            Action::Help => self.show(&words::help(), stage)?,
            Action::Describe => actions::describe(self, argument, stage).await?,
            Action::Models => actions::models(self, stage)?,
            Action::Functions => actions::functions(self, argument, stage)?,
            Action::Runs => actions::runs(self, stage).await?,
            Action::Use => actions::use_run(self, argument, stage).await?,
            Action::Lineage => actions::lineage(self, argument, stage).await?,
            Action::Rejects => actions::rejects(self, argument, stage).await?,
            Action::Why => actions::why(self, argument, stage).await?,
            Action::Diff => actions::diff(self, argument, stage).await?,
            Action::Explain => actions::explain(self, argument, stage).await?,
            Action::Engine => actions::engine(self, argument, stage).await?,
            Action::Edit => return actions::edit(self, stage).await,
            Action::Include => return self.include(argument, stage).await,
            Action::Output => actions::output(self, argument, stage)?,
            Action::Format => actions::format(self, argument, stage)?,
            Action::Expanded => {
                let now = actions::switched(self.settings.is_expanded, argument)?;
                self.settings.is_expanded = now;
                stage.note(&format!("expanded display is {}", on_off(now)));
            }
            Action::Timing => {
                let now = actions::switched(self.settings.is_timed, argument)?;
                self.settings.is_timed = now;
                stage.note(&format!("timing is {}", on_off(now)));
            }
        }
        Ok(Next::On)
    }

    /// Runs the statements and commands of a file.
    async fn include(&mut self, name: &str, stage: &mut dyn Stage) -> Result<Next> {
        let name = name.trim_matches(['\'', '"']);
        if name.is_empty() {
            return Err(Error::usage("`\\i` needs a file").with_hint("such as `\\i sql/model.sql`"));
        }
        if self.depth >= DEEPEST {
            let message = format!("`{name}` is included too deep");
            return Err(Error::usage(message).with_hint("does it include itself?"));
        }
        let text = fs_err::read_to_string(Path::new(name))
            .map_err(|error| Error::usage(format!("`{name}` cannot be read")).because(error))?;
        self.depth += 1;
        let done = Box::pin(self.run_text(name, &text, stage)).await;
        self.depth -= 1;
        done
    }

    /// Runs a text that holds statements, and commands on lines of their own. It stops at the first error.
    pub async fn run_text(
        &mut self,
        name: &str,
        text: &str,
        stage: &mut dyn Stage,
    ) -> Result<Next> {
        let has_commands = text.lines().any(|line| line.trim_start().starts_with('\\'));
        if !has_commands {
            for place in statements(text) {
                self.remember(&text[place.clone()]);
                self.ask(name, &alone(text, &place), stage).await?;
            }
            return Ok(Next::On);
        }
        let mut reader = super::reader::Reader::default();
        let mut inputs: Vec<Input> = text.lines().flat_map(|line| reader.take(line)).collect();
        inputs.extend(reader.finish());
        for input in inputs {
            let next = match input {
                Input::Command(line) => self.command(&line, stage).await?,
                Input::Statement { text, line } => {
                    let text = format!("{}{text}", "\n".repeat(line));
                    self.ask(name, &text, stage).await?;
                    Next::On
                }
            };
            if next == Next::Leave {
                return Ok(next);
            }
        }
        Ok(Next::On)
    }

    /// Asks one statement and shows its answer.
    pub(super) async fn ask(
        &mut self,
        name: &str,
        text: &str,
        stage: &mut dyn Stage,
    ) -> Result<()> {
        let began = Instant::now();
        for line in self.desk.cost(text).await {
            stage.note(&line);
        }
        let file = File {
            path: name.into(),
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let rows = match self.desk.ask(file, true).await? {
            Answer::Done(done) => {
                stage.note(&done);
                None
            }
            Answer::Rows(rows) => self.print(*rows, stage).await?,
        };
        for note in self.desk.notes()? {
            stage.note(&note);
        }
        self.conclude(rows, began, stage);
        Ok(())
    }

    /// Says how many rows there were and how long it took, where somebody wants to know.
    fn conclude(&self, rows: Option<usize>, began: Instant, stage: &mut dyn Stage) {
        let settings = &self.settings;
        let is_counted = settings.is_counted && settings.format == Format::Table;
        let count = rows.filter(|_| is_counted || settings.is_timed);
        let count = count.map(|rows| match rows {
            1 => "1 row".to_owned(),
            rows => format!("{rows} rows"),
        });
        let seconds = settings.is_timed.then(|| began.elapsed().as_secs_f64());
        let seconds = seconds.map(|seconds| format!("{seconds:.3} s"));
        let parts: Vec<String> = [count, seconds].into_iter().flatten().collect();
        if !parts.is_empty() {
            stage.note(&parts.join(", "));
        }
    }

    /// Prints rows; how many there were, unless nobody wanted to see them all.
    async fn print(&mut self, mut rows: Rows, stage: &mut dyn Stage) -> Result<Option<usize>> {
        let mut writer = Writer::new(
            self.settings.format,
            &rows.schema,
            self.settings.is_expanded,
        )?;
        stage.begin();
        while let Some(batch) = rows.next().await {
            let bytes = writer.write(&batch?)?;
            if !self.put(&bytes, stage)? {
                stage.end()?;
                return Ok(None);
            }
        }
        let count = writer.rows();
        let bytes = writer.finish()?;
        let is_read = self.put(&bytes, stage)?;
        stage.end()?;
        Ok(is_read.then_some(count))
    }

    /// Shows a text that is a result.
    pub(super) fn show(&mut self, text: &str, stage: &mut dyn Stage) -> Result<()> {
        stage.begin();
        self.put(text.as_bytes(), stage)?;
        stage.end()
    }

    fn put(&mut self, bytes: &[u8], stage: &mut dyn Stage) -> Result<bool> {
        match &mut self.settings.output {
            None => stage.result(bytes),
            Some(file) => match file.write_all(bytes) {
                Ok(()) => Ok(true),
                Err(error) => Err(Error::outside("the result cannot be written").because(error)),
            },
        }
    }
}

fn on_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}
