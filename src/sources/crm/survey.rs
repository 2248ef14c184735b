//! What an API says of its collection when it is asked for a single record.

use chrono::{DateTime, Utc};

use super::{
    collection::Collection,
    pagination::{Facts, Pager},
};
use crate::{
    config::{Crm, PageSize, Paging, shown},
    error::{Error, Result},
    http::{Allowance, Client, Page},
    sources::{Privacy, Survey, Window, record::Document},
};

/// What was found of an API.
#[derive(Debug)]
pub struct Examined {
    /// Its address, without what may be a key.
    pub address: String,
    /// The status of its answer.
    pub status: u16,
    /// When it says that it is.
    pub date: Option<DateTime<Utc>>,
    /// How many requests it says that it allows.
    pub allowance: Option<Allowance>,
    /// What reading it will take, or why it does not say.
    pub survey: Result<Survey>,
}

/// Asks for one record: how many there are is told beside it.
pub async fn survey(crm: &Crm, window: Window, privacy: &Privacy) -> Result<Survey> {
    examine(crm, window, privacy).await?.survey
}

/// Asks for one record. An error means that there was no answer at all.
pub async fn examine(crm: &Crm, window: Window, privacy: &Privacy) -> Result<Examined> {
    let pager = Pager::new(&small(&crm.pagination));
    let address = Collection::new(crm, window).address(&pager.request());
    let answer = Client::new(crm)?.ask(&address).await?;
    let survey = answer.page.and_then(|page| {
        is_page(&page.body, crm, privacy)?;
        count(crm, pager, &page)
    });
    Ok(Examined {
        address: shown(&crm.url),
        status: answer.status,
        date: answer.date,
        allowance: answer.allowance,
        survey,
    })
}

/// The same pages, as small as can be.
fn small(paging: &Paging) -> Paging {
    let size = paging.size.clone();
    Paging {
        size: size.map(|size| PageSize { records: 1, ..size }),
        ..paging.clone()
    }
}

fn is_page(body: &str, crm: &Crm, privacy: &Privacy) -> Result<()> {
    let records = Document::parse(body, &crm.records);
    records.map(|_| ()).map_err(|error| {
        Error::outside(format!(
            "`{}` gives no page of records",
            shown(&crm.url)
        ))
        .because(privacy.mask(&error.to_string()))
        .with_hint("look at `records` of the source in dfpipe.yml: it says where a page holds its records")
    })
}

/// What the page of one record says about all.
fn count(crm: &Crm, mut pager: Pager, page: &Page) -> Result<Survey> {
    pager.note_total(&Facts {
        url: &page.url,
        body: &page.body,
        headers: &page.headers,
        records: &[],
    })?;
    let Some(records) = pager.total() else {
        let note = "the API does not say how many records there are: `pagination.total` would name \
                    where";
        return Ok(Survey {
            notes: vec![note.to_owned()],
            ..Survey::default()
        });
    };
    // An empty collection is asked for as well.
    let size = crm.pagination.size.as_ref();
    let requests = size.map_or(1, |size| records.div_ceil(size.records.into()).max(1));
    Ok(Survey {
        records: Some(records),
        requests: Some(requests),
        minutes: Some(minutes(requests, crm.requests_per_minute)),
        ..Survey::default()
    })
}

/// The whole minutes that pass before the last of `requests` may go out.
fn minutes(requests: u64, per_minute: u32) -> f64 {
    let whole = requests.saturating_sub(1) / u64::from(per_minute.max(1));
    #[expect(clippy::cast_precision_loss, reason = "2^52 minutes are enough")]
    let whole = whole as f64;
    whole
}

#[cfg(test)]
mod tests {
    use super::minutes;

    #[test]
    fn a_minute_passes_after_each_full_budget_but_not_after_the_last() {
        for (requests, expected) in [(1, 0.0), (100, 0.0), (101, 1.0), (200, 1.0), (201, 2.0)] {
            let found = minutes(requests, 100);
            assert!(
                (found - expected).abs() < f64::EPSILON,
                "{requests}: {found}"
            );
        }
    }
}
