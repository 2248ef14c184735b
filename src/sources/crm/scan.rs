//! Reads pages one after the other and decodes their records.

use std::sync::Arc;

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    error::Result as DataFusionResult,
    execution::TaskContext,
    physical_plan::{
        SendableRecordBatchStream, stream::RecordBatchReceiverStreamBuilder,
        streaming::PartitionStream,
    },
};
use tokio::sync::mpsc::Sender;

use super::{
    collection::Collection,
    fetch::Fetch,
    pagination::{Facts, Next, Pager, Step},
    secrecy::Secrecy,
};
use crate::{
    config::Crm,
    error::{Error, Result},
    http::{Client, Page},
    sources::{
        Scan,
        partition::external,
        record::{Decoder, Document, Origin, broken_batch},
    },
};

/// The collection as one partition.
#[derive(Debug)]
pub struct Pages {
    schema: SchemaRef,
    task: Arc<Task>,
}

#[derive(Debug)]
struct Task {
    crm: Crm,
    client: Client,
    secrecy: Secrecy,
    scan: Scan,
}

impl Pages {
    /// The partition that reads the collection of `crm`.
    pub fn new(schema: SchemaRef, crm: Crm, client: Client, scan: Scan) -> Self {
        let secrecy = Secrecy::new(&crm, &scan.source, &scan.privacy);
        let task = Task {
            crm,
            client,
            secrecy,
            scan,
        };
        Self {
            schema,
            task: Arc::new(task),
        }
    }
}

impl PartitionStream for Pages {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), 2);
        let output = builder.tx();
        let task = Arc::clone(&self.task);
        builder.spawn(async move { task.read(&output).await.map_err(external) });
        builder.build()
    }
}

impl Task {
    async fn read(&self, output: &Sender<DataFusionResult<RecordBatch>>) -> Result<()> {
        let scan = &self.scan;
        let decoder = Decoder::new(
            &scan.source,
            &scan.projection,
            &scan.privacy,
            Arc::clone(&scan.log),
        );
        let mut decoder = decoder.map_err(|error| broken_batch(&error))?;
        let collection = Collection::new(&self.crm, scan.window);
        let mut pager = Pager::new(&self.crm.pagination);
        let fetch = Fetch {
            crm: &self.crm,
            client: &self.client,
            secrecy: &self.secrecy,
        };
        loop {
            let page = fetch.next(&collection, &mut pager).await?;
            let step = self.decode(&page, &mut pager, &mut decoder)?;
            scan.log.meter().note(0, pager.range());
            self.tell(&pager);
            let enough = scan.limit.is_some_and(|limit| decoder.decoded() >= limit);
            if let Some(batch) = decoder.flush().map_err(|error| broken_batch(&error))?
                && output.send(Ok(batch)).await.is_err()
            {
                return Ok(());
            }
            if enough {
                return Ok(());
            }
            if step.next == Next::End {
                for note in pager.notes() {
                    scan.log.warn(format!("`{}`: {note}", scan.source.name));
                }
                return pager.complete();
            }
        }
    }

    /// Says what is left, where the API tells.
    fn tell(&self, pager: &Pager) {
        let (Some(total), Some(left)) = (pager.total(), pager.left()) else {
            return;
        };
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let meter = self.scan.log.meter();
        meter.expect(total);
        meter.takes_at_least(self.client.least_wait(left));
    }

    /// Decodes the records of a page that did not come before.
    fn decode(&self, page: &Page, pager: &mut Pager, decoder: &mut Decoder) -> Result<Step> {
        let document = Document::parse(&page.body, &self.crm.records).map_err(|error| {
            Error::outside("a page is not the JSON it should be")
                .because(self.secrecy.masked(&error.to_string()))
        })?;
        let (part, within) = (pager.number(), format!("page {}", pager.number()));
        let records = document.records.iter();
        let records: Vec<_> = records
            .map(|record| self.scan.privacy.fingerprint(record.get().as_bytes()))
            .collect();
        let step = pager.advance(&Facts {
            url: &page.url,
            body: &page.body,
            headers: &page.headers,
            records: &records,
        })?;
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
        Ok(step)
    }
}
