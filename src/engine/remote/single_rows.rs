//! A row that no table holds, as a table that holds it.
//!
//! `select 'a', count(*) from …`, once its count is known from statistics, is a projection of one row from nowhere.
//! As a branch of `union all`, Ballista replaces that operator in the tasks which do not take the branch by one that
//! counts differently; the counts of such tasks do not fit together, and the stage waits for ever. Rows from memory
//! keep their operator.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions},
    datatypes::Field,
};
use datafusion::{
    common::{
        ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    config::ConfigOptions,
    datasource::memory::MemorySourceConfig,
    error::Result,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, empty::EmptyExec,
        placeholder_row::PlaceholderRowExec,
    },
};

/// The rule.
#[derive(Debug)]
pub struct SingleRows;

impl PhysicalOptimizerRule for SingleRows {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let changed = plan.transform_up(|plan| {
            Ok(match rows(&*plan)? {
                None => Transformed::no(plan),
                Some(rows) => Transformed::yes(table(&*plan, rows)?),
            })
        });
        Ok(changed?.data)
    }

    fn name(&self) -> &'static str {
        "dfpipe_single_rows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The rows of an operator that has them from nowhere.
fn rows(plan: &dyn ExecutionPlan) -> Result<Option<Vec<RecordBatch>>> {
    if plan.downcast_ref::<EmptyExec>().is_some() {
        return Ok(Some(vec![]));
    }
    if plan.downcast_ref::<PlaceholderRowExec>().is_none() {
        return Ok(None);
    }
    let schema = plan.schema();
    let values = schema.fields().iter().map(|field| value(field));
    let one = RecordBatchOptions::new().with_row_count(Some(1));
    let values = values.collect::<Result<_>>()?;
    let row = RecordBatch::try_new_with_options(Arc::clone(&schema), values, &one)?;
    Ok(Some(vec![row]))
}

/// A value that nobody reads.
fn value(field: &Field) -> Result<ArrayRef> {
    let value = if field.is_nullable() {
        ScalarValue::try_new_null(field.data_type())
    } else {
        ScalarValue::new_default(field.data_type())
    };
    value?.to_array()
}

fn table(plan: &dyn ExecutionPlan, rows: Vec<RecordBatch>) -> Result<Arc<dyn ExecutionPlan>> {
    let partitions = vec![rows; plan.output_partitioning().partition_count()];
    let table = MemorySourceConfig::try_new_exec(&partitions, plan.schema(), None)?;
    Ok(table)
}
