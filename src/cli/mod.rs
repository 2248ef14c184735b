//! The command line: each command is a file here, and only this room prints.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    clock::Clock,
    config::{self, Config},
    error::{Error, Kind, Result},
};

mod check;
mod cluster;
mod diff;
mod doctor;
mod interrupt;
pub(crate) mod lineage;
pub(crate) mod paint;
mod plan;
mod progress;
mod query;
mod release;
mod replay;
mod run;
mod runs;
mod schema;
pub(crate) mod screen;
mod shell;
mod test;
mod told;

use screen::{Detail, LogFormat, Screen};

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
    /// Say more: what begins, and what it took
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
    /// How stderr tells what goes on: for people, or as one JSON object per line
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value = "text"
    )]
    log_format: LogFormat,
    /// Print without colours (so does the variable `NO_COLOR`)
    #[arg(long, global = true)]
    no_color: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Plan(plan::Arguments),
    Check(check::Arguments),
    Query(query::Arguments),
    Shell(shell::Arguments),
    Diff(diff::Arguments),
    Doctor(doctor::Arguments),
    Release(release::Arguments),
    Runs(runs::Arguments),
    Replay(replay::Arguments),
    Lineage(lineage::Arguments),
    Test(test::Arguments),
    Schema(schema::Arguments),
    Cluster(cluster::Arguments),
}

/// What a command works with.
struct Context {
    global: Global,
    screen: Screen,
    clock: Clock,
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let clock = Clock::system();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return misused(&error, clock),
    };
    let global = arguments.global;
    let detail = match (global.quiet, global.verbose) {
        (true, _) => Detail::Quiet,
        (false, false) => Detail::Normal,
        (false, true) => Detail::Verbose,
    };
    let screen = Screen::new(global.no_color, detail, global.log_format, clock.clone());
    if global.log_format == LogFormat::Json {
        tell_panics_as_objects(&screen);
    }
    let context = Context {
        global,
        screen,
        clock,
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

/// What a wrong call gets. The format that it asked for counts even then.
fn misused(error: &clap::Error, clock: Clock) -> ExitCode {
    let arguments: Vec<_> = std::env::args().collect();
    let asks = |pair: &[String]| pair[0] == "--log-format" && pair[1] == "json";
    let is_json =
        arguments.windows(2).any(asks) || arguments.iter().any(|it| it == "--log-format=json");
    if !error.use_stderr() || !is_json {
        error.exit();
    }
    let text = error.render().to_string();
    let (message, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let wrong = Error::usage(message.trim_start_matches("error: ")).with_hint(rest.trim());
    Screen::new(true, Detail::Normal, LogFormat::Json, clock).error(&wrong);
    ExitCode::from(wrong.kind().exit_code())
}

/// Nothing but objects goes to stderr, not even when dfpipe itself is at its end.
fn tell_panics_as_objects(screen: &Screen) {
    let screen = screen.clone();
    std::panic::set_hook(Box::new(move |panic| {
        screen.error(&Error::bug("dfpipe cannot go on").because(panic));
    }));
}

/// Calls `work` on a thread whose stack holds what people can make SQL of.
fn on_a_large_stack(work: impl FnOnce() -> Result<()> + Send) -> Result<()> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        match thread.spawn_scoped(scope, work) {
            // What went wrong has been told where it went wrong.
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|_| std::process::exit(i32::from(Kind::Bug.exit_code()))),
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
        Command::Plan(arguments) => plan::execute(arguments, context).await,
        Command::Check(arguments) => check::execute(&arguments, context).await,
        Command::Query(arguments) => query::execute(arguments, context).await,
        Command::Shell(arguments) => shell::execute(arguments, context).await,
        Command::Diff(arguments) => diff::execute(arguments, context).await,
        Command::Doctor(arguments) => doctor::execute(arguments, context).await,
        Command::Release(arguments) => release::execute(arguments, context).await,
        Command::Runs(arguments) => runs::execute(arguments, context).await,
        Command::Replay(arguments) => replay::execute(arguments, context).await,
        Command::Lineage(arguments) => lineage::execute(arguments, context).await,
        Command::Test(arguments) => test::execute(arguments, context).await,
        Command::Schema(arguments) => schema::execute(&arguments, &context.screen),
        Command::Cluster(arguments) => cluster::execute(arguments, context).await,
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
