//! Which loads a table holds: asked of its rows, then of the jobs that may still bring some.
//!
//! Rows are the truth; but a job that was submitted by a machine which died since is seen in no row yet. Its
//! id is known beforehand, so it is asked for by name: neither a list of jobs nor the right to one is needed.

use chrono::NaiveDate;

use super::{
    super::{Loaded, metadata},
    Client, Target,
    client::Rows,
    judge::PARTITION,
    schema,
    target::{ROWS, RUN},
    wire::{Job, Table},
};
use crate::error::{Error, Result};

/// What a load begins with: the whole, whose ids the first of its parts has too.
const WHOLE: u32 = 0;

/// The loads of `date`, in order of their numbers: those with rows, then those under way.
pub async fn loads(client: &Client, target: &Target, date: NaiveDate) -> Result<Vec<Loaded>> {
    let mut loads = vec![];
    if let Some(found) = client.table(target).await? {
        is_ours(&found, target)?;
        let sql = by_load(target, &format!("where {PARTITION} = date '{date}'"));
        loads = loaded(client.query(&sql).await?, target)?;
    }
    let mut next = loads.last().map_or(0, |(_, load)| load.load_number) + 1;
    let mut loads: Vec<_> = loads.into_iter().map(|(_, load)| load).collect();
    while let Some(job) = under_way(client, target, date, next).await? {
        loads.push(submitted(&job, next));
        next += 1;
    }
    Ok(loads)
}

/// The latest complete load of every date, in order of dates.
pub async fn latest(client: &Client, target: &Target) -> Result<Vec<Loaded>> {
    let Some(found) = client.table(target).await? else {
        return Ok(vec![]);
    };
    is_ours(&found, target)?;
    let mut latest: Vec<(String, Loaded)> = vec![];
    let loads = loaded(client.query(&by_load(target, "")).await?, target)?;
    for (date, load) in loads.into_iter().filter(|(_, load)| load.is_complete()) {
        if latest.last().is_some_and(|(last, _)| *last == date) {
            latest.pop();
        }
        latest.push((date, load));
    }
    Ok(latest.into_iter().map(|(_, load)| load).collect())
}

/// How many rows of that run and load the table has.
pub async fn count(
    client: &Client,
    target: &Target,
    date: NaiveDate,
    run_id: &str,
    load_number: u32,
) -> Result<u64> {
    let run_id = literal(run_id);
    let sql = format!(
        "select count(*) as row_count from {} where {PARTITION} = date '{date}' and load_number = \
         {load_number} and run_id = {run_id}",
        target.sql()
    );
    let rows = client.query(&sql).await?.0;
    let count = rows
        .first()
        .and_then(|row| row.first()?.as_deref()?.parse().ok());
    count.ok_or_else(|| Error::outside(format!("`{}` does not count its rows", target.path())))
}

/// A text in SQL.
fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{escaped}'")
}

fn by_load(target: &Target, restriction: &str) -> String {
    format!(
        "select {PARTITION}, load_number, run_id, count(*) as row_count, max(record_count) as \
         record_count from {} {restriction} group by {PARTITION}, load_number, run_id order by \
         {PARTITION}, load_number, run_id",
        target.sql()
    )
}

fn loaded(rows: Rows, target: &Target) -> Result<Vec<(String, Loaded)>> {
    let rows = rows.0.into_iter().map(|row| {
        let load = <[Option<String>; 5]>::try_from(row).ok().and_then(|row| {
            let [date, number, run_id, rows, count] = row;
            let date = date?;
            let load = Loaded {
                load_number: number?.parse().ok()?,
                run_id: run_id?,
                rows: rows?.parse().ok()?,
                record_count: count?.parse().ok()?,
                load_id: format!("{}${}", target.path(), date.replace('-', "")),
                file: None,
            };
            Some((date, load))
        });
        load.ok_or_else(|| {
            let message = format!(
                "`{}` has rows that no load of dfpipe has made",
                target.path()
            );
            Error::usage(message)
                .because("`run_date`, `load_number`, `run_id` or `record_count` is null in them")
                .with_hint("load into a table of its own: `destination.table` in dfpipe.yml")
        })
    });
    rows.collect()
}

/// A table that was not made by dfpipe lacks what its loads are told apart by.
fn is_ours(found: &Table, target: &Target) -> Result<()> {
    let columns = schema::columns(&found.schema.clone().unwrap_or_default());
    let lacks = |name: &&str| !columns.iter().any(|column| column.is_called(name));
    let lacking: Vec<_> = metadata::COLUMNS.into_iter().filter(lacks).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let message = format!("`{}` is no table of dfpipe", target.path());
    Err(Error::usage(message)
        .because(format!("it has no columns {}", lacking.join(", ")))
        .with_hint("load into a table of its own: `destination.table` in dfpipe.yml"))
}

/// The job of load `number` that is waiting, running or has ended well; of what failed nothing is there.
async fn under_way(
    client: &Client,
    target: &Target,
    date: NaiveDate,
    number: u32,
) -> Result<Option<Job>> {
    let mut attempt = 0;
    while let Some(job) = client
        .job(&target.job_id(date, number, WHOLE, attempt))
        .await?
    {
        let has_failed = job.state() == "DONE" && job.error().is_some();
        if !has_failed {
            return Ok(Some(job));
        }
        attempt += 1;
    }
    Ok(None)
}

fn submitted(job: &Job, load_number: u32) -> Loaded {
    let expected = job.label(ROWS).and_then(|text| text.parse().ok());
    Loaded {
        load_number,
        // A label has small letters only, a run's id none.
        run_id: job.label(RUN).unwrap_or("unknown").to_ascii_uppercase(),
        rows: job.load().and_then(|load| load.output_rows).unwrap_or(0),
        record_count: expected.unwrap_or(u64::MAX),
        load_id: job.id().to_owned(),
        file: None,
    }
}
