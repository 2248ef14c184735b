//! What reading a collection needs, whatever the page: what is asked for, of whom, and what a page holds.

use super::{
    collection::{Collection, written},
    fetch::Fetch,
    pagination::{Facts, Pager, Step},
    secrecy::Secrecy,
};
use crate::{
    config::{Crm, Paging, path},
    error::{Error, Result},
    http::{Client, Failed, Page, Timeouts},
    sources::{
        Scan,
        record::{Decoder, Document, Origin},
    },
};

/// A collection to be read.
#[derive(Debug)]
pub struct Task {
    /// The API.
    pub crm: Crm,
    /// What is wanted of it.
    pub scan: Scan,
    /// What is asked for, whatever the page.
    pub collection: Collection,
    client: Client,
    secrecy: Secrecy,
}

impl Task {
    /// Reads of the collection of `crm` what `scan` wants, and asks for no more than that where the API can tell.
    pub fn new(crm: Crm, client: Client, scan: Scan) -> Self {
        let mut collection = Collection::new(&crm, scan.window);
        if let Some(fields) = &crm.fields {
            let names = names(&scan).join(&fields.separator);
            collection = collection.with(&fields.parameter, names);
        }
        if let Some(filter) = &crm.filter {
            if let (Some(name), Some(from)) = (&filter.from, scan.bounds.from) {
                collection = collection.no_earlier(name, from, written(from));
            }
            if let (Some(name), Some(to)) = (&filter.to, scan.bounds.to) {
                collection = collection.no_later(name, to, written(to));
            }
        }
        Self {
            secrecy: Secrecy::new(&crm, &scan.source, &scan.privacy),
            crm,
            scan,
            collection,
            client,
        }
    }

    /// How the pages follow each other. If few records are enough, a page holds no more.
    pub fn paging(&self) -> Paging {
        let mut paging = self.crm.pagination.clone();
        if let (Some(limit), Some(size)) = (self.scan.limit, &mut paging.size) {
            let limit = u32::try_from(limit.max(1)).unwrap_or(u32::MAX);
            size.records = size.records.min(limit);
        }
        paging
    }

    /// Asks for the page at `address`, until it comes.
    pub async fn ask(&self, address: &url::Url, timeouts: Timeouts) -> Result<Page, Failed> {
        self.fetch().get(address, timeouts).await
    }

    /// What asks for pages.
    pub fn fetch(&self) -> Fetch<'_> {
        Fetch {
            crm: &self.crm,
            client: &self.client,
            secrecy: &self.secrecy,
        }
    }

    /// Says what is left, where the API tells.
    pub fn tell(&self, pager: &Pager) {
        let meter = self.scan.log.meter();
        meter.note(0, pager.range());
        let (Some(total), Some(left)) = (pager.total(), pager.left()) else {
            return;
        };
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        meter.expect(total);
        meter.takes_at_least(self.client.least_wait(left));
    }

    /// The records of a page.
    pub fn document<'a>(&self, page: &'a Page) -> Result<Document<'a>> {
        Document::parse(&page.body, &self.crm.records).map_err(|error| {
            Error::outside("a page is not the JSON it should be")
                .because(self.secrecy.masked(&error.to_string()))
        })
    }

    /// What a page is worth.
    pub fn advance(&self, page: &Page, document: &Document<'_>, pager: &mut Pager) -> Result<Step> {
        let records = document.records.iter();
        let records = records.map(|record| {
            let privacy = &self.scan.privacy;
            privacy.fingerprint(record.get().as_bytes())
        });
        let records: Vec<_> = records.collect();
        pager.advance(&Facts {
            url: &page.url,
            body: &page.body,
            headers: &page.headers,
            records: &records,
        })
    }

    /// Decodes the records of the page `part` that did not come before.
    pub fn decode(
        part: i32,
        document: &Document<'_>,
        step: &Step,
        decoder: &mut Decoder,
    ) -> Result<()> {
        let within = format!("page {part}");
        for (index, record) in document.records.iter().enumerate() {
            if !step.keeps(index) {
                continue;
            }
            let origin = Origin {
                part,
                position: i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1),
                within: &within,
                unit: "record",
            };
            decoder.json(record.get().as_bytes(), origin)?;
        }
        Ok(())
    }
}

/// The names of the fields that a scan needs: of its columns, of those that decide whether a record is refused, and of
/// the one that names it then.
fn names(scan: &Scan) -> Vec<String> {
    let columns = scan.source.columns.iter().enumerate();
    let needed = columns.filter(|(index, column)| {
        scan.projection.contains(index)
            || column.required
            || scan.source.key.as_ref() == Some(&column.name)
    });
    let mut names: Vec<_> = needed
        .map(|(_, column)| path::written(&column.path))
        .collect();
    names.dedup();
    names
}
