//! Would a run get through? Everything outside is asked, side by side, and nothing is written.
//!
//! ```text
//! configuration, SQL ─┐
//! the cluster ────────┤
//! every source ───────┼▶ findings: ok · warning · problem, each with what to do about it
//! destination ────────┤
//! archive, work_dir ──┘
//! ```
//!
//! Apart from a run, because a run stops at the first thing that is wrong, and here all are wanted. The
//! other rooms tell facts; whether these are good enough is judged here.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use serde::Serialize;

use crate::{
    clock::Clock,
    config::{Config, Source},
    error::{Error, Result},
    run::Pipeline,
    sources::{self, Examined, Privacy, Window},
};

mod api;
mod bigquery;
mod cluster;
mod files;
mod finding;
mod places;
mod settings;
mod topic;
mod words;

pub use finding::{Finding, Level};

/// What was found.
#[derive(Debug, Serialize)]
pub struct Checkup {
    /// The pipeline and the window that were looked at; nothing if the configuration cannot be read.
    #[serde(flatten)]
    pub of: Option<Subject>,
    /// What was found, in a fixed order.
    pub findings: Vec<Finding>,
}

/// What was looked at.
#[derive(Debug, Serialize)]
pub struct Subject {
    /// The pipeline.
    pub pipeline: String,
    /// The profile.
    pub profile: String,
    /// The first moment of the window that a run would look at.
    pub window_start: DateTime<Utc>,
    /// The first moment after it.
    pub window_end: DateTime<Utc>,
}

impl Checkup {
    /// Of a project whose configuration cannot be read: nothing else can be asked.
    pub fn of_unreadable(error: &Error) -> Self {
        Self {
            of: None,
            findings: problems_of_configuration(error),
        }
    }

    /// How many findings are of `level`.
    pub fn count(&self, level: Level) -> usize {
        let of_level = |finding: &&Finding| finding.level == level;
        self.findings.iter().filter(of_level).count()
    }

    /// An error if a run would not get through. What the configuration can mend weighs most: there,
    /// trying again never helps.
    pub fn verdict(&self) -> Result<()> {
        let problems = self.findings.iter().filter_map(Finding::problem_kind);
        let Some(kind) = problems.min_by_key(|kind| kind.exit_code()) else {
            return Ok(());
        };
        let message = match self.count(Level::Problem) {
            1 => "1 problem stands in the way of a run".to_owned(),
            count => format!("{count} problems stand in the way of a run"),
        };
        Err(Error::new(kind, message))
    }
}

/// Asks everything that a run of `config` would need.
pub async fn examine(config: Config, clock: &Clock) -> Checkup {
    let config = Arc::new(config);
    let as_of = config.as_of.unwrap_or_else(|| clock.now());
    let window = Window::before(as_of, config.window_days);
    let asking = config
        .sources
        .values()
        .map(|source| source_findings(source, &config, window, clock));
    let (sql, cluster, sources, destination, archive) = tokio::join!(
        sql(&config, window),
        cluster::judge(&config),
        join_all(asking),
        places::destination(&config, window.run_date()),
        places::archive(&config),
    );
    let mut findings = sql;
    findings.extend(cluster);
    findings.extend(sources.into_iter().flatten());
    findings.extend(destination);
    findings.extend(archive);
    findings.extend(places::work_dir(&config));
    Checkup {
        of: Some(Subject {
            pipeline: config.pipeline.clone(),
            profile: config.profile.clone(),
            window_start: window.start,
            window_end: window.end,
        }),
        findings,
    }
}

/// What `dfpipe check` finds.
async fn sql(config: &Arc<Config>, window: Window) -> Vec<Finding> {
    let checking = async {
        let project = Pipeline::project(config, &config.project, &[])?;
        let pipeline = Pipeline {
            config: Arc::clone(config),
            project,
            window,
        };
        pipeline.check().await?;
        Ok(pipeline.project)
    };
    match checking.await {
        Ok(project) => {
            let (models, checks) = (project.models.len(), project.checks.len());
            let what = format!("{models} models and {checks} checks are well");
            vec![Finding::ok("configuration", what)]
        }
        Err(error) => problems_of_configuration(&error),
    }
}

fn problems_of_configuration(error: &Error) -> Vec<Finding> {
    let remedy = "`dfpipe check` shows where";
    let each = error.problems();
    each.map(|error| Finding::problem("configuration", error, remedy))
        .collect()
}

async fn source_findings(
    source: &Source,
    config: &Config,
    window: Window,
    clock: &Clock,
) -> Vec<Finding> {
    let privacy = Privacy::new(&config.email_hash_key);
    match sources::examine(source, window, &privacy).await {
        Ok(Examined::Files(files)) => files::judge(source, &files),
        Ok(Examined::Crm(api)) => api::judge(source, config, &api, clock.now()),
        Ok(Examined::Kafka(topic)) => topic::judge(source, config, &topic, window, clock.now()),
        Err(error) => {
            let setting = settings::place_of(config, source);
            let remedy = format!("look at {setting} in dfpipe.yml, and whether that is there");
            vec![Finding::problem(&source.name, &error, &remedy)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Checkup, Finding};
    use crate::error::{Error, Result};

    fn verdict(findings: Vec<Finding>) -> Result<()> {
        Checkup { of: None, findings }.verdict()
    }

    #[test]
    fn a_warning_stops_nobody_and_the_configuration_weighs_most() {
        let ok = || Finding::ok("a", "well");
        let warning = || Finding::warning("a", "late", "wait");
        let problem = |error: &Error| Finding::problem("b", error, "look");
        let outside = || problem(&Error::outside("down"));
        let usage = || problem(&Error::usage("wrong"));
        assert!(verdict(vec![ok(), warning()]).is_ok());
        for (findings, code, message) in [
            (vec![ok(), outside()], 3, "1 problem stands in the way"),
            (vec![outside(), usage()], 2, "2 problems stand in the way"),
        ] {
            let error = verdict(findings).unwrap_err();
            assert_eq!(error.kind().exit_code(), code);
            assert!(error.message().starts_with(message), "{error}");
        }
    }
}
