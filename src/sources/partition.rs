//! A partition that is read by blocking code on a thread of its own.
//!
//! Shared because files and Kafka both read that way: the loop stays a plain loop, and a bounded
//! channel keeps memory flat when DataFusion is slower than the source.

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    error::{DataFusionError, Result as DataFusionResult},
    execution::TaskContext,
    physical_plan::{
        SendableRecordBatchStream, stream::RecordBatchReceiverStreamBuilder,
        streaming::PartitionStream,
    },
};
use tokio::sync::mpsc::Sender;

use crate::error::{Error, Result};

/// Batches that wait for DataFusion at a time.
const WAITING: usize = 2;

/// Reads one partition; stops early when [`Output::send`] says so.
pub trait Read: fmt::Debug + Send + Sync + 'static {
    /// Reads all records into `output`.
    fn read(&self, output: &Output) -> Result<()>;
}

/// Where the batches of a partition go.
pub struct Output(Sender<DataFusionResult<RecordBatch>>);

impl Output {
    /// Hands on a batch; `false` when nobody wants more.
    pub fn send(&self, batch: RecordBatch) -> bool {
        self.0.blocking_send(Ok(batch)).is_ok()
    }

    /// Whether somebody still wants batches.
    pub fn is_wanted(&self) -> bool {
        !self.0.is_closed()
    }
}

/// A partition with its reader.
#[derive(Debug)]
pub struct BlockingPartition<R> {
    schema: SchemaRef,
    reader: Arc<R>,
}

impl<R: Read> BlockingPartition<R> {
    /// The partition that `reader` reads.
    pub fn new(schema: SchemaRef, reader: R) -> Self {
        Self {
            schema,
            reader: Arc::new(reader),
        }
    }
}

impl<R: Read> PartitionStream for BlockingPartition<R> {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), WAITING);
        let output = Output(builder.tx());
        let reader = Arc::clone(&self.reader);
        builder.spawn_blocking(move || reader.read(&output).map_err(external));
        builder.build()
    }
}

/// Our error on its way through DataFusion.
pub fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
