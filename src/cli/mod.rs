//! The command line: each command is a file here, and only this room prints.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    clock::Clock,
    config::{self, Config},
    error::{Error, Result},
};

mod check;
mod doctor;
mod interrupt;
mod progress;
mod query;
mod release;
mod replay;
mod run;
mod schema;
mod screen;
mod test;

use screen::Screen;

/// Bytes of stack: conditions are trees, and each `and` of a long one is a branch deeper. Memory is
/// taken only as far as it is used.
const STACK: usize = 64 * 1024 * 1024;

/// A SQL pipeline engine: extracts, transforms by plain SQL, checks, loads exactly once.
#[derive(Debug, Parser)]
#[command(
    name = "dfpipe",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
struct Global {
    /// Folder of the project [default: the nearest one upwards with dfpipe.yml]
    #[arg(long, global = true, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Profile of dfpipe.yml [default: local]
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// Say less: errors and results only
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print without colours (so does the variable `NO_COLOR`)
    #[arg(long, global = true)]
    no_color: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    /// Say all that is wrong, as far as it can be known without data or network
    Check,
    Query(query::Arguments),
    Doctor(doctor::Arguments),
    Release(release::Arguments),
    Replay(replay::Arguments),
    Test(test::Arguments),
    /// Print the JSON Schema of dfpipe.yml, for editors
    Schema,
}

/// What a command works with.
struct Context {
    global: Global,
    screen: Screen,
    clock: Clock,
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let screen = Screen::new(arguments.global.no_color, arguments.global.quiet);
    let context = Context {
        screen,
        global: arguments.global,
        clock: Clock::system(),
    };
    let outcome = on_a_large_stack(|| start(arguments.command, &context));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            context.screen.error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// Calls `work` on a thread whose stack holds what people can make SQL of.
fn on_a_large_stack(work: impl FnOnce() -> Result<()> + Send) -> Result<()> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        match thread.spawn_scoped(scope, work) {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => Err(Error::outside("no threads can be started").because(error)),
        }
    })
}

fn start(command: Command, context: &Context) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK / 2)
        .build()
        .map_err(|error| Error::outside("no threads can be started").because(error))?;
    let outcome = runtime.block_on(execute(command, context));
    // A source's thread may still wait for a broker that will never answer.
    runtime.shutdown_background();
    outcome
}

async fn execute(command: Command, context: &Context) -> Result<()> {
    match command {
        Command::Run(arguments) => run::execute(arguments, context).await,
        Command::Check => check::execute(context).await,
        Command::Query(arguments) => query::execute(arguments, context).await,
        Command::Doctor(arguments) => doctor::execute(arguments, context).await,
        Command::Release(arguments) => release::execute(arguments, context).await,
        Command::Replay(arguments) => replay::execute(arguments, context).await,
        Command::Test(arguments) => test::execute(arguments, context).await,
        Command::Schema => schema::execute(&context.screen),
    }
}

/// Nothing but in builds for tests: there the process dies like killed once as many lines of a journal
/// are on disk as `DFPIPE_KILL_AFTER` says.
fn journalled(lines: u64) {
    #[cfg(debug_assertions)]
    if std::env::var("DFPIPE_KILL_AFTER").is_ok_and(|at| at == lines.to_string()) {
        let process = std::process::id().to_string();
        let _ = std::process::Command::new("kill")
            .args(["-KILL", &process])
            .status();
        std::thread::park();
    }
    #[cfg(not(debug_assertions))]
    let _ = lines;
}

impl Context {
    /// Reads the configuration of the project that is meant.
    fn config(&self) -> Result<Config> {
        let environment = |name: &str| std::env::var(name).ok();
        config::load(
            &self.project()?,
            self.global.profile.as_deref(),
            &environment,
        )
    }

    fn project(&self) -> Result<PathBuf> {
        if let Some(project) = &self.global.project {
            let project = std::path::absolute(project).unwrap_or_else(|_| project.clone());
            if project.join(config::FILE).is_file() {
                return Ok(project);
            }
            return Err(Error::usage(format!(
                "`{}` has no dfpipe.yml",
                project.display()
            )));
        }
        let here = std::env::current_dir()
            .map_err(|error| Error::outside("the current folder is gone").because(error))?;
        let found = here
            .ancestors()
            .find(|folder| folder.join(config::FILE).is_file());
        found.map(ToOwned::to_owned).ok_or_else(|| {
            Error::usage("this is no dfpipe project: no dfpipe.yml here or in a folder above")
                .with_hint("go into the project's folder, or name it: `--project DIR`")
        })
    }
}
