//! Whether BigQuery can be reached and used, and by whom: looked at, never tried.

use chrono::NaiveDate;

use super::{Finding, places::repeated, words};
use crate::{
    config::{self, Config},
    error::Error,
    sinks::{
        self,
        bigquery::survey::{Survey, survey},
    },
};

const NAME: &str = "destination";
const REMEDY: &str = "look at `destination` in dfpipe.yml, and at who is signed in";

/// Whether jobs can be made, dataset and table be used, and what the table has of `date`.
pub async fn destination(config: &Config, to: &config::BigQuery, date: NaiveDate) -> Vec<Finding> {
    let destination = &config.destination;
    let asked = survey(&config.pipeline, destination, to).await;
    let survey = match asked {
        Ok(survey) => survey,
        Err(error) => return vec![problem(&error)],
    };
    let mut findings = vec![jobs(to, &survey)];
    match &survey.dataset {
        Err(error) => findings.push(problem(error)),
        Ok(false) => findings.push(ok(format!(
            "the dataset `{}` will be made in `{}`",
            destination.dataset, to.location
        ))),
        Ok(true) => findings.push(ok(format!(
            "the dataset `{}` lies in `{}`",
            destination.dataset, to.location
        ))),
    }
    if matches!(survey.dataset, Ok(true)) && survey.queries.is_ok() {
        findings.extend(table(config, date, &survey).await);
    }
    findings
}

fn jobs(to: &config::BigQuery, survey: &Survey) -> Finding {
    let who = match &survey.principal {
        Some(principal) => format!(" as `{principal}`"),
        None => String::new(),
    };
    match &survey.queries {
        Ok(()) => ok(format!(
            "jobs can be made in the project `{}`{who}",
            to.project
        )),
        Err(error) => problem(error),
    }
}

async fn table(config: &Config, date: NaiveDate, survey: &Survey) -> Vec<Finding> {
    match &survey.table {
        Err(error) => return vec![problem(error)],
        Ok(false) => return vec![ok(format!("`{}` will be made", survey.path))],
        Ok(true) => {}
    }
    let asking = async { sinks::open(config)?.loads(date).await };
    let loads = match asking.await {
        Ok(loads) => loads,
        Err(error) => return vec![problem(&error)],
    };
    let loaded = match loads.len() {
        0 => format!("nothing of {date} yet"),
        count => format!("{} of {date}", words::of(count as u64, "load")),
    };
    let mut findings = vec![ok(format!("`{}` can be read: {loaded}", survey.path))];
    findings.extend(repeated(config, date, &loads));
    findings
}

fn ok(what: String) -> Finding {
    Finding::ok(NAME, what)
}

fn problem(error: &Error) -> Finding {
    Finding::problem(NAME, error, REMEDY)
}
