//! A place for questions that can be given up at once: threads of their own.
//!
//! Some operators do not pause for a long time. Whoever waits for rows elsewhere can stop waiting, and what goes on
//! in vain holds nobody up.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::{
    error::{DataFusionError, Result as DataFusionResult},
    execution::TaskContext,
    physical_plan::{
        ExecutionPlan, SendableRecordBatchStream, execute_stream, stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, stream};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::mpsc,
};

use crate::error::{Error, Result};

/// Bytes of stack: conditions are trees.
const STACK: usize = 32 * 1024 * 1024;

/// Batches that wait to be shown.
const WAITING: usize = 2;

/// Threads of their own.
#[derive(Clone, Debug, Default)]
pub struct Apart(Arc<Mutex<Option<Runtime>>>);

impl Apart {
    /// Executes a plan there.
    pub fn stream(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let handle = self.handle().map_err(crate::sources::external)?;
        // What starts tasks when it is executed starts them there.
        let entered = handle.enter();
        let mut rows = execute_stream(plan, context)?;
        drop(entered);
        let schema = rows.schema();
        let (sender, receiver) = mpsc::channel(WAITING);
        let task = handle.spawn(async move {
            while let Some(batch) = rows.next().await {
                if sender.send(batch).await.is_err() {
                    return;
                }
            }
        });
        let batches = stream::unfold((receiver, Some(task)), |(mut receiver, task)| async move {
            if let Some(batch) = receiver.recv().await {
                return Some((batch, (receiver, task)));
            }
            // No more rows are only then the end if nothing has broken.
            match task?.await {
                Ok(()) => None,
                Err(error) => Some((
                    Err(DataFusionError::External(Box::new(error))),
                    (receiver, None),
                )),
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    /// Gives up all that goes on there.
    pub fn give_up(&self) {
        let runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }

    fn handle(&self) -> Result<Handle> {
        let mut runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = runtime.as_ref() {
            return Ok(runtime.handle().clone());
        }
        let begun = Builder::new_multi_thread()
            .enable_all()
            .thread_stack_size(STACK)
            .build()
            .map_err(|error| Error::outside("no threads can be started").because(error))?;
        let handle = begun.handle().clone();
        *runtime = Some(begun);
        Ok(handle)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // A runtime must not be waited for within another one.
        if Arc::strong_count(&self.0) == 1 {
            self.give_up();
        }
    }
}
