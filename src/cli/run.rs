//! `dfpipe run`: the whole pipeline.

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::{Context, interrupt, progress::Lines};
use crate::{
    clock::parse_time,
    config::{self, Config, NotifyOn},
    error::{Error, Result},
    notify, report,
    run::{
        self, Around, Ended, Event, Pipeline, Progress, Request,
        record::{RunRecord, Status, Step},
        resume,
    },
};

/// Run the whole pipeline: extract, transform, check, load, report
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Build only these models (`+name`: and all it reads, `name+`: and all that read it)
    #[arg(short, long, value_name = "SELECT")]
    select: Vec<String>,
    /// The moment to run for, in UTC: a date or an RFC 3339 time [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    as_of: Option<DateTime<Utc>>,
    /// Append a further load of a date that is loaded already
    #[arg(long)]
    new_load: bool,
    /// Stop after this step; `--resume` goes on later
    #[arg(long, value_name = "STEP", value_enum)]
    until: Option<Step>,
    /// Go on with an unfinished run: what it has done is not done again [default: the last one]
    #[arg(
        long,
        value_name = "RUN",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with_all = ["select", "as_of", "new_load"]
    )]
    resume: Option<String>,
    /// Begin anew, although a run of that date is not finished: that one is set aside
    #[arg(long, conflicts_with = "resume")]
    fresh: bool,
    /// Do everything but the load, and leave nothing behind
    #[arg(long, conflicts_with_all = ["resume", "until", "fresh"])]
    dry_run: bool,
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    parse_time(text)
        .ok_or_else(|| "not a time: write 2026-11-22 or 2026-11-22T08:00:00Z".to_owned())
}

/// Runs the pipeline, prints its report, and tells those who asked how it ended.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let progress = Lines(&context.screen);
    let is_dry_run = arguments.dry_run;
    let mut config = context.config()?;
    if is_dry_run {
        // Whoever tries something out looks at the screen.
        config.notify.webhook = None;
    }
    let told = Told {
        notify: config.notify.clone(),
        pipeline: config.pipeline.clone(),
        profile: config.profile.clone(),
        progress: &progress,
    };
    let ended = match begin_and_run(arguments, config, context, &progress).await {
        Ok(ended) => ended,
        Err(error) => {
            told.of_refusal(&error).await;
            return Err(error);
        }
    };
    told.of_run(&ended.record).await;
    match ended.outcome {
        Ok(()) => print(&ended.record, context),
        Err(error) => {
            // Nothing of a dry run is kept, so there is nothing to go on with.
            if !is_dry_run {
                context.screen.note(&report::how_to_go_on(&ended.record));
            }
            Err(error)
        }
    }
}

/// The run that is asked for. An error means that nothing was begun.
async fn begin_and_run(
    arguments: Arguments,
    config: Config,
    context: &Context,
    progress: &dyn Progress,
) -> Result<Ended> {
    let (pipeline, request) = prepare(arguments, config, context, progress)?;
    let interrupt = Notify::new();
    let around = Around {
        clock: &context.clock,
        progress,
        documents: &report::documents,
        interrupt: &interrupt,
        journalled: &super::journalled,
    };
    let run = run::run(&pipeline, &request, &around);
    interrupt::listening(run, &interrupt, &context.screen).await
}

/// Who is told how a run ended.
struct Told<'a> {
    notify: config::Notify,
    pipeline: String,
    profile: String,
    progress: &'a dyn Progress,
}

impl Told<'_> {
    /// A run that was asked for less than all has somebody who looks at it.
    async fn of_run(&self, record: &RunRecord) {
        let end = match record.status {
            Status::Succeeded => NotifyOn::Success,
            Status::Failed | Status::Interrupted => NotifyOn::Failure,
            Status::Running | Status::DryRun | Status::Stopped | Status::Abandoned => return,
        };
        self.send(end, &report::notification(record)).await;
    }

    async fn of_refusal(&self, error: &Error) {
        let message = report::notification_of_refusal(&self.pipeline, &self.profile, error);
        self.send(NotifyOn::Failure, &message).await;
    }

    /// Whoever is waiting may stop waiting: the run itself is over.
    async fn send(&self, end: NotifyOn, message: &serde_json::Value) {
        let sent = tokio::select! {
            sent = notify::send(&self.notify, end, message) => sent,
            name = interrupt::signal() => Err(Error::outside("nobody was notified").because(name)),
        };
        if let Err(error) = sent {
            let message = error.to_string();
            self.progress.report(&Event::Warning { message });
        }
    }
}

fn prepare(
    arguments: Arguments,
    config: Config,
    context: &Context,
    progress: &dyn Progress,
) -> Result<(Pipeline, Request)> {
    let clock = &context.clock;
    if let Some(wanted) = arguments.resume {
        let wanted = Some(wanted.as_str()).filter(|wanted| !wanted.is_empty());
        let folder = resume::find(&config, wanted)?;
        let pipeline = resume::pipeline(config, &folder, clock)?;
        if let Some(message) = resume::own_sql(&pipeline) {
            progress.report(&Event::Warning { message });
        }
        let request = Request {
            resume: Some(folder),
            until: arguments.until,
            ..Request::default()
        };
        return Ok((pipeline, request));
    }
    if let (Some(as_of), None) = (config.as_of, arguments.as_of) {
        let profile = &config.profile;
        let moment = as_of.format("%Y-%m-%d %H:%M UTC");
        let line = format!("as of {moment}: fixed by the profile `{profile}`");
        context.screen.note(&line);
    }
    let pipeline = Pipeline::load(config, arguments.as_of, clock)?;
    let request = Request {
        select: arguments.select,
        new_load: arguments.new_load,
        until: arguments.until,
        resume: None,
        fresh: arguments.fresh,
        dry_run: arguments.dry_run,
    };
    Ok((pipeline, request))
}

fn print(record: &RunRecord, context: &Context) -> Result<()> {
    let report = report::completion(record);
    context.screen.result(report.as_bytes())
}
