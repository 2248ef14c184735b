//! Does a plan give the same rows when it runs twice?
//!
//! Apart from the rule because it is a judgement on plans of any kind. An `order by` is trusted to be
//! total: in a pipeline ties break by content and never by arrival.

use datafusion::{
    common::tree_node::{TreeNode, TreeNodeRecursion},
    error::Result,
    logical_expr::{Distinct, Expr, LogicalPlan, WindowFunctionDefinition},
};
use dfpipe_udfs::ScalingCall;

/// Aggregates that take the rows in the order in which they come.
const BY_ARRIVAL: [&str; 6] = [
    "any_value",
    "array_agg",
    "first_value",
    "last_value",
    "nth_value",
    "string_agg",
];

/// Whether it does, as far as a plan can tell.
pub fn repeatable(plan: &LogicalPlan) -> Result<bool> {
    let mut repeatable = true;
    plan.apply_with_subqueries(|plan| {
        repeatable = repeatable && !picks_by_arrival(plan) && !has_outer_columns(plan);
        plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                repeatable = repeatable && !expr.is_volatile_node() && !takes_by_arrival(expr)?;
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(repeatable)
}

/// A limit also tells that the rows are few, so they may be held.
fn picks_by_arrival(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Limit(_) | LogicalPlan::RecursiveQuery(_) | LogicalPlan::Extension(_) => true,
        LogicalPlan::Distinct(Distinct::On(on)) => {
            on.sort_expr.as_ref().is_none_or(std::vec::Vec::is_empty)
        }
        _ => false,
    }
}

/// A subquery for each row of an outer query: DataFusion knows how to run it as it stands.
fn has_outer_columns(plan: &LogicalPlan) -> bool {
    plan.contains_outer_reference()
}

fn takes_by_arrival(expr: &Expr) -> Result<bool> {
    Ok(match expr {
        Expr::AggregateFunction(call) => {
            call.params.order_by.is_empty() && BY_ARRIVAL.contains(&call.func.name())
        }
        Expr::WindowFunction(call) => {
            let ordered = !call.params.order_by.is_empty();
            match &call.fun {
                WindowFunctionDefinition::AggregateUDF(function) => {
                    !ordered && BY_ARRIVAL.contains(&function.name())
                }
                WindowFunctionDefinition::WindowUDF(_) => {
                    !ordered && ScalingCall::of(expr)?.is_none()
                }
            }
        }
        _ => false,
    })
}
