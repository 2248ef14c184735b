//! What a source will give: by its own word, or else as far as the last run tells.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    config::{Crm, From, Kafka, PagingKind, Source},
    run::record::SourceRecord,
    sources::{Privacy, Window, survey},
};

/// What is expected of a source. What is not known is `null`, never 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Expected {
    /// By what it is known.
    pub basis: Basis,
    /// Records, or messages.
    pub records: Option<u64>,
    /// Requests that reading them takes.
    pub requests: Option<u64>,
    /// Minutes that these take at least, by the rate limit.
    pub minutes: Option<f64>,
    /// Bytes to read.
    pub bytes: Option<u64>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// By what something is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The source was asked.
    Source,
    /// It was so in the last run.
    LastRun,
    /// It is not known.
    #[default]
    Unknown,
}

/// What `source` says that it will give. If it cannot be asked, what it gave in `last` stands in.
pub async fn expected(
    source: &Source,
    window: Window,
    privacy: &Privacy,
    last: Option<&SourceRecord>,
) -> Expected {
    match survey(source, window, privacy).await {
        Ok(survey) => {
            // Files do not say how many records they hold: then the last run does.
            let then = last.filter(|_| survey.records.is_none());
            Expected {
                basis: then.map_or(Basis::Source, |_| Basis::LastRun),
                records: then.map(|last| last.records).or(survey.records),
                requests: survey.requests,
                minutes: survey.minutes,
                bytes: survey.bytes,
                notes: survey.notes,
            }
        }
        Err(error) => {
            let mut expected = remembered(source, window, last);
            let asked = format!("it cannot be asked: {error}");
            expected.notes.insert(0, asked);
            expected
        }
    }
}

/// What `source` is expected to give, if it gave `last` the last time.
fn remembered(source: &Source, window: Window, last: Option<&SourceRecord>) -> Expected {
    let mut expected = match last {
        Some(last) => Expected {
            basis: Basis::LastRun,
            records: Some(last.records),
            ..Expected::default()
        },
        None => Expected::default(),
    };
    match &source.from {
        From::Files(_) => {}
        From::Crm(crm) => {
            expected.requests = expected.records.map(|records| requests(crm, records));
            expected.minutes = expected.requests.map(|requests| minutes(crm, requests));
            let rate = crm.requests_per_minute;
            expected
                .notes
                .push(format!("at most {rate} requests a minute"));
        }
        From::Kafka(kafka) => {
            let from = reads_from(kafka, window).format("%Y-%m-%d %H:%M UTC");
            expected.notes.push(format!("read from broker time {from}"));
        }
    }
    expected
}

/// Pages, and where nothing tells which is the last one, the empty page behind it.
fn requests(crm: &Crm, records: u64) -> u64 {
    let paging = &crm.pagination;
    let size = paging
        .size
        .as_ref()
        .map_or(1, |size| u64::from(size.records.max(1)));
    match (&paging.kind, &paging.total) {
        (PagingKind::SinglePage, _) => 1,
        // Pages overlap by one record.
        (PagingKind::Offset { .. }, total) => {
            let pages = records
                .saturating_sub(1)
                .div_ceil(size.saturating_sub(1).max(1));
            pages.max(1) + u64::from(total.is_none())
        }
        (PagingKind::PageNumber { .. }, None) => records.div_ceil(size) + 1,
        _ => records.div_ceil(size).max(1),
    }
}

/// A request goes out no sooner than a minute after the one that is a budget before it.
fn minutes(crm: &Crm, requests: u64) -> f64 {
    let waits = requests.saturating_sub(1) / u64::from(crm.requests_per_minute.max(1));
    #[expect(clippy::cast_precision_loss, reason = "so many minutes there are not")]
    {
        waits as f64
    }
}

/// Events may arrive with an earlier broker time than their own.
fn reads_from(kafka: &Kafka, window: Window) -> DateTime<Utc> {
    window.start - kafka.max_lateness
}

#[cfg(test)]
mod tests {
    use super::{minutes, requests};
    use crate::config::{Crm, PageSize, Paging, PagingKind, Total};

    fn crm(kind: PagingKind, total: Option<&str>) -> Crm {
        let size = PageSize {
            parameter: "per_page".to_owned(),
            records: 100,
        };
        Crm::plain(
            "http://crm.example/v1",
            Paging {
                kind,
                size: Some(size),
                total: total.map(|name| Total::Body(vec![name.to_owned()])),
            },
        )
    }

    #[test]
    fn requests_and_minutes_follow_from_records() {
        let parameter = || "page".to_owned();
        let numbered = || PagingKind::PageNumber {
            parameter: parameter(),
            first: 1,
        };
        let offset = || PagingKind::Offset {
            parameter: parameter(),
        };
        let told = crm(numbered(), Some("total"));
        assert_eq!(requests(&told, 0), 1);
        assert_eq!(requests(&told, 634), 7);
        assert_eq!(requests(&crm(numbered(), None), 634), 8);
        assert_eq!(requests(&crm(PagingKind::LinkHeader, None), 700), 7);
        assert_eq!(requests(&crm(PagingKind::SinglePage, None), 700), 1);
        for (records, expected) in [(0, 1), (100, 1), (101, 2), (199, 2), (200, 3)] {
            let found = requests(&crm(offset(), Some("total")), records);
            assert_eq!(found, expected, "{records}");
        }
        for (requests, expected) in [(0, 0.0), (1, 0.0), (100, 0.0), (101, 1.0), (500, 4.0)] {
            let minutes = minutes(&told, requests);
            assert!(
                (minutes - expected).abs() < f64::EPSILON,
                "{requests}: {minutes}"
            );
        }
    }
}
