//! `dfpipe run`: the whole pipeline.

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::{Context, interrupt, progress, told::Told};
use crate::{
    clock::parse_time,
    config::Config,
    error::Result,
    model::Use,
    openlineage, report,
    run::{
        self, Around, Ended, Event, Pipeline, Progress, Request, Several,
        record::{RunRecord, Step},
        resume,
    },
};

/// What a failed dry run leaves.
const DRY: &str =
    "this was a dry run: nothing of it is kept; `dfpipe run` keeps what can be looked into";

/// Run the whole pipeline: extract, transform, check, load, report
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
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
    /// Load although columns that the destination has are missing by now: the new rows have no value of them
    #[arg(long)]
    allow_lost_columns: bool,
    /// Take a released version of a model instead of its file
    #[arg(long = "use", value_name = "MODEL@N", value_parser = used)]
    uses: Vec<Use>,
    /// Stop after this step; `--resume` goes on later
    #[arg(long, value_name = "STEP", value_enum)]
    until: Option<Step>,
    /// Go on with an unfinished run: what it has done is not done again [default: the last one]
    #[arg(
        long,
        value_name = "RUN",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with_all = ["select", "as_of", "new_load", "allow_lost_columns", "uses"]
    )]
    resume: Option<String>,
    /// Begin anew, although a run of that date is not finished: that one is set aside
    #[arg(long, conflicts_with = "resume")]
    fresh: bool,
    /// Go on with what came of a source that did not come to its end; everything says so
    #[arg(long)]
    allow_partial: bool,
    /// Do everything but the load, and leave nothing behind
    #[arg(long, conflicts_with_all = ["resume", "until", "fresh"])]
    dry_run: bool,
}

/// A moment as people write it.
pub fn time(text: &str) -> Result<DateTime<Utc>, String> {
    parse_time(text)
        .ok_or_else(|| "not a time: write 2026-11-22 or 2026-11-22T08:00:00Z".to_owned())
}

fn used(text: &str) -> Result<Use, String> {
    Use::parse(text).ok_or_else(|| "not a version of a model: write engagement_score@1".to_owned())
}

/// Runs the pipeline, prints its report, and tells those who asked how it ended.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let lines = progress::on(context);
    let config = context.config()?;
    let is_dry_run = arguments.dry_run;
    let told = Told::new(&config, is_dry_run, lines.as_ref());
    let ended = match begin_and_run(arguments, config, context, lines.as_ref()).await {
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
            let way_on = if is_dry_run {
                DRY.to_owned()
            } else {
                report::how_to_go_on(&ended.record)
            };
            context.screen.note(&way_on);
            Err(error)
        }
    }
}

/// The run that is asked for. An error means that nothing was begun.
async fn begin_and_run(
    arguments: Arguments,
    config: Config,
    context: &Context,
    lines: &dyn Progress,
) -> Result<Ended> {
    let (pipeline, request) = prepare(arguments, config, context, lines)?;
    // A dry run leaves nothing behind, in catalogs neither.
    let catalogs = if request.dry_run {
        None
    } else {
        openlineage::Listener::open(&pipeline, &context.clock).await?
    };
    let listeners = catalogs.iter().map(|it| it as &dyn Progress);
    let progress = Several(std::iter::once(lines).chain(listeners).collect());
    let interrupt = Notify::new();
    let around = Around {
        clock: &context.clock,
        progress: &progress,
        documents: &report::documents,
        interrupt: &interrupt,
        journalled: &super::journalled,
    };
    let run = run::run(&pipeline, &request, &around);
    let ended = interrupt::listening(run, &interrupt, &context.screen).await?;
    if let Some(catalogs) = &catalogs {
        for message in catalogs.finish().await {
            lines.report(&Event::Warning { message });
        }
    }
    Ok(ended)
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
        let (pipeline, warning) = resume::pipeline(config, &folder, clock)?;
        if let Some(message) = warning {
            progress.report(&Event::Warning { message });
        }
        let request = Request {
            resume: Some(folder),
            until: arguments.until,
            allow_partial: arguments.allow_partial,
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
    let project = config.project.clone();
    let mut pipeline =
        Pipeline::load_from(config, &project, &arguments.uses, arguments.as_of, clock)?;
    pipeline.allow_lost_columns(arguments.allow_lost_columns);
    let request = Request {
        select: arguments.select,
        uses: arguments.uses,
        new_load: arguments.new_load,
        allow_lost_columns: arguments.allow_lost_columns,
        until: arguments.until,
        resume: None,
        fresh: arguments.fresh,
        dry_run: arguments.dry_run,
        allow_partial: arguments.allow_partial,
    };
    Ok((pipeline, request))
}

fn print(record: &RunRecord, context: &Context) -> Result<()> {
    let report = report::completion(record);
    context.screen.result(report.as_bytes())
}
