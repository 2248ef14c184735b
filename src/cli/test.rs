//! `dfpipe test`: made-up rows through the models, and what comes out against what should.

use std::{path::Path, sync::Arc, time::Duration};

use clap::ValueEnum;

use super::{Context, interrupt::signal};
use crate::{
    error::{Error, Result},
    run::history,
    testing::{
        Done, FOLDER, Outcome, Suite, Test,
        from_run::{self, Wish},
        machine, text,
        watch::{self, Watch},
    },
};

/// How long a look at the files is apart from the next.
const LOOK: Duration = Duration::from_millis(300);

/// Run the tests of the models (`sql/tests/`), without data or network
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only these: models (`MODEL+` for all that read it too), files, or words of the sentence
    #[arg(value_name = "SELECT")]
    select: Vec<String>,
    /// How results are printed
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
    /// Stay, and run again what a saved file concerns, until Ctrl-C
    #[arg(long, conflicts_with = "from_run")]
    watch: bool,
    /// Write a test of the model SELECT from rows of this run (`last`: the last one)
    #[arg(long, value_name = "RUN", requires_all = ["condition", "it", "select"])]
    from_run: Option<String>,
    /// Which rows of the model the new test expects
    #[arg(long = "where", value_name = "CONDITION", requires = "from_run")]
    condition: Option<String>,
    /// The sentence of the new test: what the model does
    #[arg(short = 'm', long = "it", value_name = "IT", requires = "from_run")]
    it: Option<String>,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
    Junit,
}

/// Runs the tests that are meant.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let scratch = scratch()?;
    let scratch = scratch.path();
    if arguments.watch {
        let watching = watch(&arguments, scratch, context);
        return tokio::select! {
            ended = watching => ended,
            _ = signal() => Ok(()),
        };
    }
    if arguments.from_run.is_some() {
        let suite = Suite::load(context.config()?, &[], scratch).await?;
        return write(&arguments, &suite, scratch, context).await;
    }
    let suite = Suite::load(context.config()?, &arguments.select, scratch).await?;
    let tests = suite.select(&arguments.select)?;
    once(suite, tests, arguments.output, scratch, context).await
}

/// Runs all that is meant, then again and again what was saved.
async fn watch(arguments: &Arguments, scratch: &Path, context: &Context) -> Result<()> {
    let mut watch = Watch::new(&context.project()?);
    let mut changes = None;
    loop {
        if let Err(error) = again(arguments, changes.as_mut(), scratch, context).await {
            context.screen.error(&error);
        }
        context
            .screen
            .note("waiting for a file to be saved; Ctrl-C ends");
        let saved = loop {
            tokio::time::sleep(LOOK).await;
            let saved = watch.changes();
            if !saved.is_empty() {
                break saved;
            }
        };
        context
            .screen
            .note(&format!("\nsaved: {}", saved.join(", ")));
        changes.get_or_insert_with(Vec::new).extend(saved);
    }
}

/// Runs what `changes` concern, or all; they are forgotten once the models could be read.
async fn again(
    arguments: &Arguments,
    changes: Option<&mut Vec<String>>,
    scratch: &Path,
    context: &Context,
) -> Result<()> {
    let suite = Suite::load(context.config()?, &arguments.select, scratch).await?;
    let mut tests = suite.select(&arguments.select)?;
    if let Some(changes) = changes {
        tests = watch::concerned(&suite, &tests, &std::mem::take(changes));
        if tests.is_empty() && suite.problems.is_empty() {
            context.screen.note("no test concerns that");
            return Ok(());
        }
    }
    once(suite, tests, arguments.output, scratch, context).await
}

/// Writes a test from rows of a run.
async fn write(
    arguments: &Arguments,
    suite: &Suite,
    scratch: &Path,
    context: &Context,
) -> Result<()> {
    let [model] = &arguments.select[..] else {
        return Err(Error::usage("a new test is of one model"));
    };
    let run = arguments.from_run.as_deref().filter(|run| *run != "last");
    let run = history::find(&suite.pipeline.config, run).await?;
    let wish = Wish {
        run: &run,
        model,
        condition: arguments.condition.as_deref().unwrap_or("true"),
        it: arguments.it.as_deref().unwrap_or_default(),
    };
    let written = from_run::write(suite, &wish, scratch).await?;
    let text = format!(
        "{}: a new test, which passes; rows given: {}, expected: {}\n",
        written.file, written.given, written.expected
    );
    context.screen.result(text.as_bytes())
}

/// A folder for what spills, outside of the project.
fn scratch() -> Result<tempfile::TempDir> {
    tempfile::tempdir()
        .map_err(|error| Error::outside("the tests have no folder to work in").because(error))
}

async fn once(
    suite: Suite,
    tests: Vec<Arc<Test>>,
    format: Format,
    scratch: &Path,
    context: &Context,
) -> Result<()> {
    let suite = Arc::new(suite);
    if tests.is_empty() && suite.problems.is_empty() {
        let hint = format!("tests are YAML files in `{FOLDER}/`");
        return Err(Error::usage("there are no tests").with_hint(hint));
    }
    let done = suite.run(tests, scratch).await;
    print(&done, format, context)?;
    verdict(&suite, &done)
}

fn print(done: &[Done], format: Format, context: &Context) -> Result<()> {
    let screen = &context.screen;
    match format {
        Format::Json => screen.result(machine::json(done).as_bytes()),
        Format::Junit => screen.result(machine::junit(done).as_bytes()),
        Format::Text => {
            for line in text::files(done) {
                screen.note(&line);
            }
            let failures: String = done.iter().map(text::failed).collect();
            let counts = text::Counts::of(done);
            screen.result(format!("{failures}{}\n", counts.words()).as_bytes())
        }
    }
}

/// What is wrong with test files comes first: nobody knows yet what those tests would say.
fn verdict(suite: &Suite, done: &[Done]) -> Result<()> {
    let wrong = done.iter().filter_map(|done| match &done.outcome {
        Outcome::Wrong(error) => Some(error),
        Outcome::Passed | Outcome::Failed(_) => None,
    });
    let problems = suite.problems.iter().chain(wrong).cloned();
    // Two tests may share one mistake: a model that both build, the CTE that both name.
    let mut told: Vec<Error> = vec![];
    for problem in problems.flat_map(Error::each) {
        let is_same = |other: &Error| {
            other.place() == problem.place() && other.message() == problem.message()
        };
        if !told.iter().any(is_same) {
            told.push(problem);
        }
    }
    if let Some(error) = Error::all(told) {
        return Err(error);
    }
    match text::Counts::of(done).failed {
        0 => Ok(()),
        1 => Err(Error::data("1 test failed")),
        failed => Err(Error::data(format!("{failed} tests failed"))),
    }
}
