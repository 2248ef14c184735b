//! What a run would do, without doing it: sources are asked how much they have, nothing is read and
//! nothing is written.
//!
//! ```text
//! pipeline, last run ─▶ changes, configuration (pure)   what is other than it was
//! destination, lock  ─▶ obstacles                       what would stop it at once
//! sources            ─▶ expected                        how much there is to read
//! ```

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::{
    Pipeline, Request, history, identity, load,
    record::{RunRecord, kind_of},
    selection,
};
use crate::{
    checks,
    clock::Clock,
    config::OnRepeat,
    error::Result,
    model::{Severity, combined},
    sinks,
    sources::Privacy,
};

mod changes;
mod columns;
mod configuration;
mod expected;
pub mod obstacles;

pub use changes::{Change, Reason};
pub use columns::{Columns, Retyped};
pub use configuration::Difference;
pub use expected::{Basis, Expected};
pub use obstacles::{Obstacle, Obstructed};

/// What a run would do. The names of fields are promises to those who read `dfpipe plan -o json`.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The pipeline.
    pub pipeline: String,
    /// The profile.
    pub profile: String,
    /// The logical date.
    pub run_date: NaiveDate,
    /// The moment it is made for.
    pub as_of: DateTime<Utc>,
    /// Whether the configuration fixes that moment.
    pub is_as_of_fixed: bool,
    /// The first moment of the window.
    pub window_start: DateTime<Utc>,
    /// The first moment after the window.
    pub window_end: DateTime<Utc>,
    /// The combined fingerprint of the models: the `source_version` of every loaded row.
    pub source_version: String,
    /// What would stop the run before it reads anything. The first one decides its exit code.
    pub obstacles: Vec<Obstacle>,
    /// The run that this plan is compared with: the last successful one of this pipeline and profile.
    pub compared_with: Option<Compared>,
    /// What `dfpipe.yml` says otherwise than it did then, key by key.
    pub configuration: Vec<Difference>,
    /// What is read.
    pub sources: Vec<PlannedSource>,
    /// What is built, in this order.
    pub models: Vec<PlannedModel>,
    /// Models that were built then, and are none any more.
    pub removed: Vec<String>,
    /// What is checked before the load.
    pub checks: PlannedChecks,
    /// The load; none if the selection leaves out what it needs.
    pub load: Option<PlannedLoad>,
}

/// A run that a plan is compared with.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// The run.
    pub run_id: String,
    /// Its logical date.
    pub run_date: NaiveDate,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
}

/// A source that would be read.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedSource {
    /// Its name.
    pub name: String,
    /// `files`, `crm` or `kafka`.
    pub kind: String,
    /// Whether its declaration is other than it was.
    pub change: Change,
    /// What is expected of it.
    #[serde(flatten)]
    pub expected: Expected,
}

/// A model that would be built.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedModel {
    /// Its name.
    pub name: String,
    /// Its file in the project.
    pub source: String,
    /// The version its front matter names.
    pub version: u32,
    /// Whether it is other than it was.
    pub change: Change,
    /// Why, each with its details.
    pub reasons: Vec<Reason>,
}

/// What would be checked.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedChecks {
    /// Those whose bad rows stop the load.
    pub stopping: Vec<PlannedCheck>,
    /// Those whose bad rows are a warning.
    pub warning: Vec<PlannedCheck>,
}

/// A check that would be made.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedCheck {
    /// Its name.
    pub name: String,
    /// What should hold.
    pub description: String,
    /// Whether it is a file of its own, and not a line of a model's front matter.
    pub is_file: bool,
}

/// What would be loaded.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedLoad {
    /// The model.
    pub model: String,
    /// The table, as people write it.
    pub destination: String,
    /// `parquet` or `bigquery`.
    pub kind: String,
    /// What a second load of the date does: `refuse` or `add`.
    pub on_repeat: OnRepeat,
    /// The number that the load would get, `null` if the destination cannot be asked. Where the date is
    /// refused, it is the number that `--new-load` would get.
    pub load_number: Option<u32>,
    /// Load jobs; of the Parquet warehouse, files that are put.
    pub jobs: u32,
    /// What limits their number; `null` if nothing does.
    pub quota: Option<String>,
    /// What a reader of the destination should know, such as a column that is new to it.
    pub notes: Vec<String>,
}

/// Plans a run. Errors are those of the configuration and the SQL.
pub async fn plan(pipeline: &Pipeline, request: &Request, clock: &Clock) -> Result<Plan> {
    let config = &pipeline.config;
    let selected = selection::resolve(pipeline, &request.select).await?;
    let schemas = pipeline.checked().await?.schemas;
    let last = history::last_successful(config).await;
    let build = identity::build(&config.email_hash_key);
    let changed = changes::changes(pipeline, &schemas, &build, last.as_ref());
    let loads = load::loads_result(pipeline, &selected);
    let sink = sinks::open(config)?;
    let loaded = schemas.get(&config.destination.model);
    let loaded = loaded.filter(|_| loads).map(AsRef::as_ref);
    let found = obstacles::find(pipeline, request, loaded, sink.as_ref(), clock).await;
    let models = pipeline.project.models.iter().zip(changed.models);
    let models = models.filter(|(model, _)| selected.contains(&model.name));
    let said_then = last.as_ref().map(|last| &last.configuration);
    Ok(Plan {
        pipeline: config.pipeline.clone(),
        profile: config.profile.clone(),
        run_date: pipeline.window.run_date(),
        as_of: pipeline.window.end,
        is_as_of_fixed: config.as_of == Some(pipeline.window.end),
        window_start: pipeline.window.start,
        window_end: pipeline.window.end,
        source_version: combined(&pipeline.project.models),
        obstacles: found.obstacles,
        configuration: said_then.map_or(vec![], |then| {
            configuration::differences(then, &config.said)
        }),
        sources: sources(pipeline, &changed.sources, last.as_ref()).await,
        models: models
            .map(|(model, (change, reasons))| PlannedModel {
                name: model.name.clone(),
                source: model.sql.file.name.clone(),
                version: model.header.version,
                change,
                reasons,
            })
            .collect(),
        removed: changed.removed,
        checks: planned_checks(pipeline, &selected)?,
        load: loads.then(|| PlannedLoad {
            model: config.destination.model.clone(),
            destination: sink.destination(),
            kind: sink.kind().to_owned(),
            on_repeat: config.destination.on_repeat,
            load_number: found.load_number,
            jobs: 1,
            quota: sink.quota().map(str::to_owned),
            notes: found.notes,
        }),
        compared_with: last.map(|last| Compared {
            run_id: last.run_id,
            run_date: last.run_date,
            finished_at: last.finished_at,
        }),
    })
}

/// All sources are asked at the same time.
async fn sources(
    pipeline: &Pipeline,
    changes: &[Change],
    last: Option<&RunRecord>,
) -> Vec<PlannedSource> {
    let privacy = &Privacy::new(&pipeline.config.email_hash_key);
    let sources = pipeline.config.sources.values().zip(changes);
    let planned = sources.map(|(source, change)| async move {
        let then = last.and_then(|last| last.sources.iter().find(|then| then.name == source.name));
        PlannedSource {
            name: source.name.clone(),
            kind: kind_of(&source.from).to_owned(),
            change: *change,
            expected: expected::expected(source, pipeline.window, privacy, then).await,
        }
    });
    futures::future::join_all(planned).await
}

fn planned_checks(pipeline: &Pipeline, selected: &BTreeSet<String>) -> Result<PlannedChecks> {
    let project = &pipeline.project;
    let sources = pipeline.checked_sources();
    let sources: Vec<_> = sources.into_iter().map(|(subject, _)| subject).collect();
    let mut checks = checks::list_sources(&sources, project)?;
    checks.extend(checks::list(project, &|model| selected.contains(model))?);
    let of = |severity: Severity| {
        let checks = checks.iter().filter(|check| check.severity == severity);
        let checks = checks.map(|check| PlannedCheck {
            name: check.name.clone(),
            description: check.description.clone(),
            is_file: project.checks.iter().any(|file| file.name == check.name),
        });
        checks.collect()
    };
    Ok(PlannedChecks {
        stopping: of(Severity::Error),
        warning: of(Severity::Warn),
    })
}
