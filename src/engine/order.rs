//! The order of a table's rows: by its key, then by all other columns.
//!
//! Apart because it is a promise, and because keeping it need not cost a sort. Where a plan gives its rows in the
//! order of the key anyway, and no two of them have the same key, the other columns decide nothing: then they
//! are taken as they come. That is what makes a week of events pass through a model without being held.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, RecordBatch},
        compute::partition,
        datatypes::{DataType, Schema},
        error::ArrowError,
    },
    common::{Column, DFSchema},
    error::Result,
    logical_expr::{LogicalPlan, LogicalPlanBuilder, SortExpr, col},
    physical_plan::ExecutionPlan,
};

/// Orders the rows of `plan` by `key`, then by all other columns: one order, whatever the arrival.
pub fn ordered(plan: LogicalPlan, key: &[String]) -> Result<LogicalPlan> {
    let schema = plan.schema();
    let rest = schema
        .fields()
        .iter()
        .filter(|field| !key.contains(field.name()) && is_sortable(field.data_type()));
    let rest = rest.map(|field| ascending(field.name()));
    let order: Vec<_> = by_columns(schema, key).chain(rest).collect();
    sorted(plan, order)
}

/// Orders the rows of `plan` by `key` alone; nothing if the plan has none of its columns.
pub fn by_key(plan: &LogicalPlan, key: &[String]) -> Result<Option<LogicalPlan>> {
    let order: Vec<_> = by_columns(plan.schema(), key).collect();
    if order.is_empty() || order.len() < key.len() {
        return Ok(None);
    }
    sorted(plan.clone(), order).map(Some)
}

fn sorted(plan: LogicalPlan, order: Vec<SortExpr>) -> Result<LogicalPlan> {
    if order.is_empty() {
        Ok(plan)
    } else {
        LogicalPlanBuilder::from(plan).sort(order)?.build()
    }
}

fn by_columns(schema: &DFSchema, key: &[String]) -> impl Iterator<Item = SortExpr> {
    let named = |name: &&String| schema.fields().iter().any(|field| field.name() == *name);
    key.iter().filter(named).map(|name| ascending(name))
}

/// By one column, lowest first, nulls last.
pub fn ascending(column: &str) -> SortExpr {
    col(Column::new_unqualified(column)).sort(true, false)
}

fn is_sortable(kind: &DataType) -> bool {
    !matches!(
        kind,
        DataType::Map(..) | DataType::Union(..) | DataType::Null
    )
}

/// Whether an ordered plan has to sort all its rows at its end, since they come in another order.
pub fn sorts_all(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let below = plan.children();
    match plan.name() {
        "SortExec" => true,
        "SortPreservingMergeExec" | "ProjectionExec" | "UnionExec" => {
            below.into_iter().all(sorts_all)
        }
        _ => false,
    }
}

/// Looks at ordered rows: has one the key of the row before it?
#[derive(Debug)]
pub struct Neighbours {
    /// The columns of the key.
    key: Vec<usize>,
    /// The key of the last row that was seen.
    last: Option<Vec<ArrayRef>>,
}

impl Neighbours {
    /// For rows with these columns.
    pub fn new(schema: &Schema, key: &[String]) -> Self {
        let found = key.iter().filter_map(|name| schema.index_of(name).ok());
        Self {
            key: found.collect(),
            last: None,
        }
    }

    /// Whether each of the next rows has another key than the one before it.
    pub fn differ(&mut self, batch: &RecordBatch) -> Result<bool, ArrowError> {
        let rows = batch.num_rows();
        if rows == 0 {
            return Ok(true);
        }
        let columns: Vec<_> = self
            .key
            .iter()
            .map(|index| Arc::clone(batch.column(*index)))
            .collect();
        let at = |row: usize| {
            columns
                .iter()
                .map(|column| column.slice(row, 1))
                .collect::<Vec<_>>()
        };
        let is_new = self.last.as_ref().is_none_or(|last| *last != at(0));
        let keys = partition(&columns)?.len();
        self.last = Some(at(rows - 1));
        Ok(is_new && keys == rows)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};

    use super::Neighbours;

    fn rows(rows: &[(Option<i64>, &str)]) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
        let names: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.1)).collect::<StringArray>());
        RecordBatch::try_from_iter([("n", numbers), ("name", names)]).unwrap()
    }

    fn differ(key: &[&str], batches: &[RecordBatch]) -> Vec<bool> {
        let key: Vec<_> = key.iter().map(|name| (*name).to_owned()).collect();
        let mut neighbours = Neighbours::new(&batches[0].schema(), &key);
        let each = batches.iter();
        each.map(|batch| neighbours.differ(batch).unwrap())
            .collect()
    }

    #[test]
    fn two_rows_of_one_key_are_seen_within_a_batch_and_across_batches() {
        let one = rows(&[(Some(1), "a"), (Some(1), "b"), (Some(2), "a")]);
        let next = rows(&[(Some(2), "a"), (None, "a"), (None, "b")]);
        assert_eq!(
            differ(&["n", "name"], &[one.clone(), next.clone()]),
            [true, false]
        );
        assert_eq!(differ(&["n"], &[one, next.clone()]), [false, false]);
        assert_eq!(
            differ(&["n", "name"], &[next.slice(0, 0), next]),
            [true, true]
        );
    }
}
