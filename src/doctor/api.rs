//! Whether an API lets us in, allows as many requests as we mean to send, and has our time.

use chrono::{DateTime, Duration, Utc};

use super::{Finding, settings, words};
use crate::{
    config::{Config, Crm, From, Source},
    error::Error,
    sources::{Survey, crm::Examined},
};

/// Clocks that are further apart mistake the edges of a window.
const CLOSE: Duration = Duration::seconds(60);

/// Judges what was found of an API.
pub fn judge(
    source: &Source,
    config: &Config,
    found: &Examined,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let From::Crm(crm) = &source.from else {
        return vec![];
    };
    let mut findings = match &found.survey {
        Ok(survey) => answers(source, crm, found, survey),
        Err(error) => vec![refusal(source, config, crm, found.status, error)],
    };
    findings.extend(too_fast(source, crm, found));
    findings.extend(apart(source, found, now));
    findings
}

fn answers(source: &Source, crm: &Crm, found: &Examined, survey: &Survey) -> Vec<Finding> {
    let address = &found.address;
    let mut what = format!("`{address}` answers");
    if let (Some(records), Some(requests)) = (survey.records, survey.requests) {
        let (records, requests) = (words::of(records, "record"), words::of(requests, "request"));
        what = format!("{what}: {records} in {requests}");
    }
    if let Some(minutes) = survey.minutes.filter(|minutes| *minutes >= 1.0) {
        let planned = crm.requests_per_minute;
        what = format!("{what}, at least {minutes:.0} min at {planned} a minute");
    }
    let known = Finding::ok(&source.name, what);
    let total = format!(
        "set `sources.{}.from.pagination.total` if its pages say how many records there are",
        source.name
    );
    let notes = survey.notes.iter();
    let notes = notes.map(|note| Finding::warning(&source.name, note, &total));
    std::iter::once(known).chain(notes).collect()
}

fn refusal(source: &Source, config: &Config, crm: &Crm, status: u16, error: &Error) -> Finding {
    let remedy = format!(
        "look at {} in dfpipe.yml",
        settings::place_of(config, source)
    );
    let mut finding = Finding::problem(&source.name, error, &remedy);
    let key = || Some(crm.auth.as_deref()?.setting.clone());
    let remedy = match (status, key()) {
        (401, Some(key)) => format!("{key} holds the key: it is wrong or has expired"),
        (403, Some(key)) => format!("{key} holds the key: it may be wrong, or may not read this"),
        (401 | 403, None) => format!(
            "no key is sent: set `sources.{}.from.auth` in dfpipe.yml",
            source.name
        ),
        (429, _) => "its limit is used up: wait, and see who else uses the same key".to_owned(),
        (500.., _) => "the server may be down or overloaded: try again later".to_owned(),
        _ => return finding,
    };
    finding.remedy = Some(remedy);
    finding
}

/// More requests are planned than the API says that it allows.
fn too_fast(source: &Source, crm: &Crm, found: &Examined) -> Option<Finding> {
    let allowed = found.allowance?;
    let planned = crm.requests_per_minute;
    let period = match allowed.seconds {
        Some(60) => "a minute".to_owned(),
        Some(seconds) => format!("in {}", words::of(seconds, "second")),
        None => "in a time that it does not tell".to_owned(),
    };
    let limit = words::of(allowed.limit, "request");
    if allowed.per_minute() < f64::from(planned) {
        let what = format!(
            "the API says that it allows {limit} {period}, and `requests_per_minute` is {planned}"
        );
        let remedy = format!(
            "set `sources.{}.from.requests_per_minute: {:.0}`",
            source.name,
            allowed.per_minute().floor().max(1.0)
        );
        return Some(Finding::warning(&source.name, what, remedy));
    }
    let needed = found.survey.as_ref().ok().and_then(|it| it.requests);
    let left = allowed.remaining?;
    // A minute's limit renews itself while a run waits for its own.
    let is_short = needed.is_some_and(|needed| left < needed) && allowed.seconds != Some(60);
    if !is_short {
        return None;
    }
    let what = format!("the API says that {left} of {limit} are left, and a run needs more");
    let remedy = "run when its limit was renewed, or ask the API's owner for a higher one";
    Some(Finding::warning(&source.name, what, remedy))
}

/// The server's clock is another than ours.
fn apart(source: &Source, found: &Examined, now: DateTime<Utc>) -> Option<Finding> {
    let ahead = found.date? - now;
    if ahead.abs() <= CLOSE {
        return None;
    }
    let side = if ahead > Duration::zero() {
        "ahead of"
    } else {
        "behind"
    };
    let what = format!(
        "the API's clock is {} {side} this machine's: records at the edges of the window may be \
         missed",
        words::span(ahead)
    );
    let remedy = "set this machine's clock (`timedatectl` shows it), or tell the API's owner";
    Some(Finding::warning(&source.name, what, remedy))
}
