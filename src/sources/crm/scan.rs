//! Reads pages one after the other and decodes their records.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

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

use super::page::{self, Page};
use crate::{
    config::Crm,
    error::{Error, Result},
    http::Client,
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
    scan: Scan,
}

impl Pages {
    /// The partition that reads the collection of `crm`.
    pub fn new(schema: SchemaRef, crm: Crm, client: Client, scan: Scan) -> Self {
        Self {
            schema,
            task: Arc::new(Task { crm, client, scan }),
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
        let mut pages = page::Pages::new(&self.crm, scan.window);
        loop {
            let page = self.page(&pages, &mut decoder).await?;
            scan.log.meter().note(0, pages.range());
            let more = pages.advance(&page)?;
            self.tell(&pages);
            let enough = scan.limit.is_some_and(|limit| decoder.decoded() >= limit);
            if let Some(batch) = decoder.flush().map_err(|error| broken_batch(&error))?
                && output.send(Ok(batch)).await.is_err()
            {
                return Ok(());
            }
            if enough {
                return Ok(());
            }
            if !more {
                return pages.complete();
            }
        }
    }

    /// Says what is left, where the API tells.
    fn tell(&self, pages: &page::Pages) {
        let (Some(total), Some(left)) = (pages.total, pages.left()) else {
            return;
        };
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let meter = self.scan.log.meter();
        meter.expect(total);
        meter.takes_at_least(self.client.least_wait(left));
    }

    /// Asks for a page and decodes its records.
    async fn page(&self, pages: &page::Pages, decoder: &mut Decoder) -> Result<Page> {
        let records_path = &self.crm.records;
        // What is wrong with a page may be said in the page's own words.
        let masked =
            |error: serde_json::Error| self.scan.privacy.mask(&error.to_string()).into_owned();
        let is_page = |body: &str| {
            Document::parse(body, records_path)
                .map(|_| ())
                .map_err(masked)
        };
        let body = self.client.get_text(pages.url(), &is_page).await?;
        let document = Document::parse(&body, records_path).map_err(|error| {
            Error::outside("a page is not the JSON it should be").because(masked(error))
        })?;
        let within = format!("page {}", pages.number);
        let mut hasher = DefaultHasher::new();
        for (position, record) in (1..).zip(&document.records) {
            let origin = Origin {
                part: pages.number,
                position,
                within: &within,
                unit: "record",
            };
            record.get().hash(&mut hasher);
            decoder.json(record.get().as_bytes(), origin)?;
        }
        let records = document.records.len();
        Ok(Page {
            body,
            records,
            fingerprint: hasher.finish(),
        })
    }
}
