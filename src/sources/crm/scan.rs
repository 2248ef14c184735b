//! Reads page after page, decodes their records, and lets them land on the way.
//!
//! ```text
//! landed before ─▶ rows ┐
//! page ─▶ decoder ──────┴─▶ batch ─▶ output
//!   │                       └──────▶ landing, closed at times with the position of the next page
//!   └─ no page any more ─▶ partial: what came is kept; or lost: the landing is dropped, all begins anew
//! ```

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
    ahead::Ahead,
    fetch::NoPage,
    pagination::{Next, Pager, Position},
    task::Task,
};
use crate::{
    error::{Error, Kind, Result},
    http::Page,
    sources::{
        Partial,
        landing::Lander,
        partition::external,
        record::{Decoder, broken_batch},
    },
};

/// The collection as one partition.
#[derive(Debug)]
pub struct Pages {
    schema: SchemaRef,
    task: Arc<Task>,
}

impl Pages {
    /// The partition that reads what `task` says.
    pub fn new(schema: SchemaRef, task: Task) -> Self {
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
        builder.spawn(async move {
            let reader = Reader::new(&task, &output).map_err(external)?;
            reader.read().await.map_err(external)
        });
        builder.build()
    }
}

/// Reads one collection once.
struct Reader<'a> {
    task: &'a Arc<Task>,
    output: &'a Sender<DataFusionResult<RecordBatch>>,
    decoder: Decoder,
    pager: Pager,
    ahead: Ahead,
    lander: Lander,
    /// Whether no page came yet since an earlier attempt was gone on with.
    is_resuming: bool,
    /// Whether the last page that had records was not full. If it turns out to be the last of too few, it is asked for
    /// again by whoever goes on, so it does not land before another one comes.
    is_short: bool,
}

impl<'a> Reader<'a> {
    fn new(task: &'a Arc<Task>, output: &'a Sender<DataFusionResult<RecordBatch>>) -> Result<Self> {
        let scan = &task.scan;
        let decoder = Decoder::new(
            &scan.source,
            &scan.projection,
            &scan.privacy,
            Arc::clone(&scan.log),
        );
        Ok(Self {
            task,
            output,
            decoder: decoder.map_err(|error| broken_batch(&error))?,
            pager: Pager::new(&task.paging()),
            ahead: Ahead::default(),
            lander: Lander::new(scan.landing.clone(), Arc::clone(&scan.log)),
            is_resuming: false,
            is_short: false,
        })
    }

    async fn read(mut self) -> Result<()> {
        if let Some(pager) = self.resumed() {
            self.pager = pager;
            self.is_resuming = true;
            if !self.lander.replay(self.output).await? {
                return Ok(());
            }
        }
        self.lander.begin();
        loop {
            let fetch = self.task.fetch();
            let page = fetch.next(self.task, &mut self.ahead, &mut self.pager);
            let more = match page.await {
                Ok(page) => self.take(&page).await?,
                Err(no_page) => return self.stop(no_page).await,
            };
            if !more {
                return Ok(());
            }
        }
    }

    /// Where an earlier attempt would go on, if one has landed pages.
    fn resumed(&self) -> Option<Pager> {
        let position = self.lander.position::<Position>()?;
        let collection = self.task.collection.url();
        Pager::resume(&self.task.paging(), collection, &position)
    }

    /// Takes a page. Whether another one is wanted.
    async fn take(&mut self, page: &Page) -> Result<bool> {
        let document = self.task.document(page)?;
        let (before, part) = (self.pager.position(), self.pager.number());
        let step = match self.task.advance(page, &document, &mut self.pager) {
            Ok(step) => step,
            Err(error) => {
                self.close(before.as_ref()).await?;
                return Err(error);
            }
        };
        if step.next == Next::Lost {
            let reason = "the records before it are not those that they were";
            return Err(self.lose(reason).await);
        }
        self.is_resuming = false;
        self.look_ahead(step.next);
        let is_end = step.next == Next::End;
        let lacking = self.pager.complete().err().filter(|_| is_end);
        self.close_before(before.as_ref(), document.records.len(), lacking.is_some())
            .await?;
        Task::decode(part, &document, &step, &mut self.decoder)?;
        let batch = self.decoder.flush().map_err(|error| broken_batch(&error))?;
        self.task.scan.log.add_missing(self.decoder.take_missing());
        self.task.tell(&self.pager);
        self.lander.add(batch.as_ref())?;
        if let Some(batch) = batch
            && self.output.send(Ok(batch)).await.is_err()
        {
            return Ok(false);
        }
        if is_end {
            self.end(lacking.as_ref(), None);
            return Ok(false);
        }
        if let Some(position) = self.pager.position().filter(|_| !self.is_short) {
            self.lander.close_if_due(&position).await?;
        }
        let limit = self.task.scan.limit;
        Ok(limit.is_none_or(|limit| self.decoder.decoded() < limit))
    }

    /// Asks for the pages that will be wanted next, where it is known which these are.
    fn look_ahead(&mut self, next: Next) {
        let width = self.task.crm.concurrency;
        let ahead = match next {
            Next::More if width > 1 && self.task.scan.limit.is_none() => {
                self.pager.ahead(width - 1)
            }
            _ => vec![],
        };
        if ahead.is_empty() {
            return;
        }
        let collection = &self.task.collection;
        let requests = std::iter::once(self.pager.request()).chain(ahead);
        let addresses: Vec<_> = requests.map(|one| collection.address(&one)).collect();
        self.ahead.expect(&addresses, self.task);
    }

    /// A page did not come. What came before it is kept, and the source is partial, if asking again later may help.
    async fn stop(&mut self, no_page: NoPage) -> Result<()> {
        let NoPage { error, status } = no_page;
        if self.is_resuming && matches!(status, Some(400 | 404 | 410)) {
            let reason = format!("the API does not know it any more: {}", error.message());
            return Err(self.lose(&reason).await);
        }
        let position = self.pager.position();
        self.close(position.as_ref()).await?;
        if error.kind() == Kind::Partial {
            self.end(Some(&error), error.cause());
            return Ok(());
        }
        Err(error)
    }

    /// No page comes any more; `lacking` says why not, if that is not the end, and `cause` what the API said to that.
    fn end(&self, lacking: Option<&Error>, cause: Option<&str>) {
        let log = &self.task.scan.log;
        for note in self.pager.notes() {
            log.warn(format!("`{}`: {note}", self.task.scan.source.name));
        }
        if let Some(error) = lacking {
            log.stop_short(Partial {
                reason: error.message().to_owned(),
                cause: cause.map(str::to_owned),
                pages: u64::try_from(self.pager.number() - 1).unwrap_or(0),
                records: self.pager.records(),
                total: self.pager.total(),
                missing_pages: self.pager.missing().and_then(|missing| missing.pages),
            });
        }
    }

    /// Closes the group before a page of so many records, if that page may have to be asked for again.
    async fn close_before(
        &mut self,
        position: Option<&Position>,
        records: usize,
        is_lacking: bool,
    ) -> Result<()> {
        let was_short = self.is_short;
        if records > 0 {
            self.is_short = position.is_some_and(|before| (records as u64) < before.fullest);
            if self.is_short || is_lacking {
                self.close(position).await?;
            }
        } else if is_lacking && !was_short {
            self.close(position).await?;
        }
        Ok(())
    }

    async fn close(&mut self, position: Option<&Position>) -> Result<()> {
        match position {
            Some(position) => self.lander.close(position).await,
            None => Ok(()),
        }
    }

    /// The page at which an earlier attempt was gone on with is of no use.
    async fn lose(&mut self, reason: &str) -> Error {
        let reason = format!("the page at which it was to go on is of no use, {reason}");
        match self.lander.drop_earlier(reason.clone()).await {
            Ok(()) => Error::outside(reason).with_hint("what had landed is dropped: run again"),
            Err(error) => error,
        }
    }
}
