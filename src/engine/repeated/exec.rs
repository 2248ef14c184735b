//! The operator: reads its input once to mark the keys, and again to give the rows whose key may be repeated.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, BooleanArray, RecordBatch},
        compute::filter_record_batch,
    },
    common::{
        hash_utils::{RandomState, create_hashes},
        runtime::JoinSet,
        tree_node::TreeNodeRecursion,
    },
    error::{DataFusionError, Result},
    execution::{
        TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_expr::PhysicalExpr,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
        ReplaceChildrenOptions, SendableRecordBatchStream, execution_plan::reset_plan_states,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;

use super::marks::Marks;

/// Hashes of keys; another seed than those of DataFusion's operators, to which rows are dealt by theirs.
const STATE: RandomState = RandomState::with_seed(0x5E_EDED);

/// Gives the rows of its input whose key more than one row has, and some others.
#[derive(Clone, Debug)]
pub struct MaybeRepeatedExec {
    input: Arc<dyn ExecutionPlan>,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    /// About how many rows there are.
    rows: usize,
    marked: Arc<OnceCell<Marked>>,
    properties: Arc<PlanProperties>,
}

/// The marks, and the memory that they were given.
#[derive(Debug)]
struct Marked {
    marks: Marks,
    _memory: MemoryReservation,
}

impl MaybeRepeatedExec {
    /// For `input`, which gives the same rows at every execution: about `rows` of them.
    pub fn new(
        input: Arc<dyn ExecutionPlan>,
        keys: Vec<Arc<dyn PhysicalExpr>>,
        rows: usize,
    ) -> Self {
        Self {
            properties: Arc::clone(input.properties()),
            input,
            keys,
            rows,
            marked: Arc::new(OnceCell::new()),
        }
    }

    /// Marks the keys of all partitions; whoever comes first does it for all.
    async fn marked(&self, context: &Arc<TaskContext>) -> Result<&Marks> {
        let marked = self.marked.get_or_try_init(|| self.mark(context)).await?;
        Ok(&marked.marks)
    }

    async fn mark(&self, context: &Arc<TaskContext>) -> Result<Marked> {
        let (memory, words) = self.reserve(context)?;
        let marks = Arc::new(Marks::new(words));
        // What an execution leaves behind in a plan is not to be met by the next one.
        let first = reset_plan_states(Arc::clone(&self.input))?;
        let mut tasks = JoinSet::new();
        for partition in 0..first.output_partitioning().partition_count() {
            let mut batches = first.execute(partition, Arc::clone(context))?;
            let (keys, marks) = (self.keys.clone(), Arc::clone(&marks));
            tasks.spawn(async move {
                while let Some(batch) = batches.try_next().await? {
                    marks.note(&hashes(&keys, &batch)?);
                }
                Ok::<_, DataFusionError>(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.map_err(|error| DataFusionError::External(Box::new(error)))??;
        }
        let marks = Arc::into_inner(marks);
        let marks = marks.ok_or_else(|| {
            DataFusionError::Internal("marks are held by a task that has ended".into())
        })?;
        Ok(Marked {
            marks,
            _memory: memory,
        })
    }

    /// Memory for the marks: as much as they need, or the half of it, and so on, as long as some is left.
    fn reserve(&self, context: &TaskContext) -> Result<(MemoryReservation, usize)> {
        let memory = MemoryConsumer::new("MaybeRepeatedExec").register(context.memory_pool());
        let mut words = Marks::words_for(self.rows);
        loop {
            match memory.try_grow(words * size_of::<u64>()) {
                Ok(()) => return Ok((memory, words)),
                Err(error) if words <= Marks::words_for(0) => return Err(error),
                Err(_) => words /= 2,
            }
        }
    }
}

fn hashes(keys: &[Arc<dyn PhysicalExpr>], batch: &RecordBatch) -> Result<Vec<u64>> {
    let rows = batch.num_rows();
    let keys = keys.iter().map(|key| key.evaluate(batch)?.into_array(rows));
    let keys = keys.collect::<Result<Vec<ArrayRef>>>()?;
    let mut hashes = vec![0; rows];
    create_hashes(&keys, &STATE, &mut hashes)?;
    Ok(hashes)
}

impl DisplayAs for MaybeRepeatedExec {
    fn fmt_as(
        &self,
        _format: DisplayFormatType,
        formatter: &mut std::fmt::Formatter<'_>,
    ) -> std::fmt::Result {
        let keys: Vec<_> = self.keys.iter().map(ToString::to_string).collect();
        write!(formatter, "MaybeRepeatedExec: keys=[{}]", keys.join(", "))
    }
}

impl ExecutionPlan for MaybeRepeatedExec {
    fn name(&self) -> &'static str {
        "MaybeRepeatedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        look: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for key in &self.keys {
            if look(key)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.swap_remove(0);
        Ok(Arc::new(Self::new(input, self.keys.clone(), self.rows)))
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.swap_remove(0);
        Ok(Arc::new(Self::new(input, self.keys.clone(), self.rows)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let own = self.clone();
        let rows = async move {
            own.marked(&context).await?;
            let input = own.input.execute(partition, context)?;
            let rows = input.map(move |batch| own.repeated(&batch?));
            Ok::<_, DataFusionError>(rows)
        };
        let rows = stream::once(rows).try_flatten();
        let schema = self.input.schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

impl MaybeRepeatedExec {
    /// The rows of a batch whose keys may be repeated; the marks are there.
    fn repeated(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let marked = self.marked.get().ok_or_else(|| {
            DataFusionError::Internal("rows are read before their keys are marked".into())
        })?;
        let hashes = hashes(&self.keys, batch)?;
        marked.marks.fetch(&hashes);
        let is_repeated = |hash: &u64| Some(marked.marks.is_repeated(*hash));
        let wanted: BooleanArray = hashes.iter().map(is_repeated).collect();
        Ok(filter_record_batch(batch, &wanted)?)
    }
}
