//! `group by … having count(*) > 1` without a group for every key that comes once.
//!
//! It is how people look for what comes twice, and how our checks do; and nearly all keys come once. DataFusion holds a
//! group for each of them, gigabytes for the ids of a week's events. Where the rows can be read twice at little cost,
//! they are: first to mark each key in a table of bits, then to aggregate only those whose bits were marked more
//! than once. Some that came once are among them, by chance, and the aggregation leaves them out as ever.

mod exec;
mod marks;

use std::sync::Arc;

use datafusion::{
    common::{
        ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::Operator,
    physical_expr::{
        PhysicalExpr,
        aggregate::AggregateFunctionExpr,
        expressions::{BinaryExpr, Column, Literal},
    },
    physical_expr_common::physical_expr::is_volatile,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        aggregates::{AggregateExec, AggregateInputMode},
        filter::FilterExec,
        statistics::{StatisticsArgs, StatisticsContext},
    },
};

use exec::MaybeRepeatedExec;

/// Rows from which on reading twice pays.
const WORTH_IT: usize = 500_000;

/// Operators that give the same rows at every execution, one after the other, and hold none.
const CHEAP: [&str; 4] = [
    "CooperativeExec",
    "DataSourceExec",
    "FilterExec",
    "ProjectionExec",
];

/// Operators between the two phases of an aggregation.
const BETWEEN: [&str; 3] = [
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "RepartitionExec",
];

/// Looks for aggregations of which only the repeated keys are wanted.
#[derive(Debug)]
pub struct RepeatedKeys {
    worth_it: usize,
}

impl RepeatedKeys {
    /// For tables that are long enough.
    pub fn new() -> Self {
        Self { worth_it: WORTH_IT }
    }
}

impl PhysicalOptimizerRule for RepeatedKeys {
    fn name(&self) -> &'static str {
        "repeated_keys"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let optimized = plan.transform_down(|node| match aggregation(&node) {
            Some(aggregation) => {
                let narrowed = self.narrowed(aggregation)?;
                match narrowed {
                    Some(narrowed) => with_child(node, narrowed).map(Transformed::yes),
                    None => Ok(Transformed::no(node)),
                }
            }
            None => Ok(Transformed::no(node)),
        });
        optimized.data()
    }
}

impl RepeatedKeys {
    /// The aggregation, whose first phase gets only rows that may be repeated.
    fn narrowed(&self, plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
            if aggregate.mode().input_mode() == AggregateInputMode::Raw {
                return self.with_marks(plan, aggregate);
            }
        } else if !BETWEEN.contains(&plan.name()) {
            return Ok(None);
        }
        let [below] = plan.children()[..] else {
            return Ok(None);
        };
        match self.narrowed(below)? {
            Some(narrowed) => with_child(Arc::clone(plan), narrowed).map(Some),
            None => Ok(None),
        }
    }

    fn with_marks(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        aggregate: &AggregateExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let input = aggregate.input();
        let known = StatisticsContext::new().compute(input.as_ref(), &StatisticsArgs::new())?;
        let rows = known.num_rows.get_value().copied().unwrap_or(0);
        let keys = aggregate.group_expr().input_exprs();
        if rows < self.worth_it || !is_cheap(input) || keys.iter().any(is_volatile) {
            return Ok(None);
        }
        let marked = MaybeRepeatedExec::new(Arc::clone(input), keys, rows);
        with_child(Arc::clone(plan), Arc::new(marked)).map(Some)
    }
}

/// The aggregation below a filter that lets only keys through which more than one row has.
fn aggregation(node: &Arc<dyn ExecutionPlan>) -> Option<&Arc<dyn ExecutionPlan>> {
    let filter = node.downcast_ref::<FilterExec>()?;
    let below = filter.input();
    let aggregate = below.downcast_ref::<AggregateExec>()?;
    let keys = aggregate.group_expr();
    if !keys.is_single() || keys.expr().is_empty() {
        return None;
    }
    let counts = aggregate.aggr_expr().iter().enumerate();
    let counts = counts.filter(|(number, one)| {
        let filter = aggregate.filter_expr().get(*number);
        counts_rows(one) && filter.is_none_or(Option::is_none)
    });
    let mut counts = counts.map(|(number, _)| keys.expr().len() + number);
    counts
        .any(|count| is_above_one(filter.predicate(), count))
        .then_some(below)
}

fn with_child(
    plan: Arc<dyn ExecutionPlan>,
    child: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    #[expect(
        deprecated,
        reason = "its successor says that it is not to be called directly"
    )]
    plan.with_new_children(vec![child])
}

/// `count(*)`, or of a constant that is not null.
fn counts_rows(aggregate: &AggregateFunctionExpr) -> bool {
    let is_constant = |argument: &Arc<dyn PhysicalExpr>| {
        let literal = argument.downcast_ref::<Literal>();
        literal.is_some_and(|literal| !literal.value().is_null())
    };
    aggregate.fun().name() == "count"
        && !aggregate.is_distinct()
        && aggregate.expressions().iter().all(is_constant)
}

/// Whether the predicate holds only where the column `count` is more than one.
fn is_above_one(predicate: &Arc<dyn PhysicalExpr>, count: usize) -> bool {
    let Some(binary) = predicate.downcast_ref::<BinaryExpr>() else {
        return false;
    };
    let (left, right) = (binary.left(), binary.right());
    if *binary.op() == Operator::And {
        return is_above_one(left, count) || is_above_one(right, count);
    }
    let (column, number, least) = match binary.op() {
        Operator::Gt => (left, right, 1),
        Operator::GtEq => (left, right, 2),
        Operator::Lt => (right, left, 1),
        Operator::LtEq => (right, left, 2),
        _ => return false,
    };
    let column = column.downcast_ref::<Column>();
    let number = number.downcast_ref::<Literal>();
    let is_count = column.is_some_and(|column| column.index() == count);
    let is_enough = number.is_some_and(|number| match number.value() {
        ScalarValue::Int64(Some(number)) => *number >= least,
        _ => false,
    });
    is_count && is_enough
}

/// Whether a plan may be executed twice: it gives the same rows, and reading them is all that it costs.
fn is_cheap(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let mut is_stable = true;
    let looked = plan.apply_expressions(&mut |expression| {
        is_stable &= !is_volatile(expression);
        Ok(TreeNodeRecursion::Continue)
    });
    // The first rows of a limit may be others the next time.
    CHEAP.contains(&plan.name())
        && plan.fetch().is_none()
        && looked.is_ok()
        && is_stable
        && plan.children().into_iter().all(is_cheap)
}

#[cfg(test)]
mod tests;
