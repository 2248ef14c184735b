//! `min_max_scale(x) over ()` and its sisters without holding the table in memory.
//!
//! A window function holds all rows of its partition. The scaling functions do not need that: their
//! column can be summed up first, and then each row be measured on its own. So a plan
//!
//! ```text
//! Window: min_max_scale(x) over (), rank() over (…)
//!   rows
//! ```
//!
//! becomes
//!
//! ```text
//! Projection: …, min_max_scale_transform(x, fit)
//!   Window: rank() over (…)
//!     Join: one fit for all, or one per partition
//!       Aggregate: min_max_scale_fit(x)
//!         rows
//!       rows
//! ```
//!
//! The rows are computed twice for that, so they must be the same both times. Where they may differ
//! (see [`repeatable`]) the plan stays, and the window function computes the same in memory.

mod repeatable;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use datafusion::{
    common::{Column, JoinConstraint, JoinType, NullEquality, tree_node::Transformed},
    config::ConfigOptions,
    error::Result,
    logical_expr::{Expr, Join, LogicalPlan, LogicalPlanBuilder, Window, col},
    optimizer::AnalyzerRule,
};
use dfpipe_udfs::ScalingCall;

use repeatable::repeatable;

/// The rule. It runs after the types are settled, and before anything is optimized.
#[derive(Debug)]
pub struct Scaling;

impl AnalyzerRule for Scaling {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_down_with_subqueries(|plan| match plan {
            LogicalPlan::Window(window) => split(window),
            other => Ok(Transformed::no(other)),
        });
        plan.map(|plan| plan.data)
    }

    fn name(&self) -> &'static str {
        "scaling"
    }
}

/// Calls by the names of their columns.
type Calls = BTreeMap<String, ScalingCall>;

/// Splits the scaling calls of a window, and of the windows right below it: one `select` becomes one
/// window per `partition by` and `order by`.
fn split(top: Window) -> Result<Transformed<LogicalPlan>> {
    let mut windows = vec![&top];
    while let LogicalPlan::Window(below) = windows[windows.len() - 1].input.as_ref() {
        windows.push(below);
    }
    let rows = &windows[windows.len() - 1].input;
    let mut calls = Calls::new();
    let mut others = vec![];
    for window in windows.iter().rev() {
        let mut rest = vec![];
        for expr in &window.window_expr {
            match ScalingCall::of(expr)?.filter(|call| reads_only(call, rows)) {
                Some(call) => _ = calls.insert(expr.schema_name().to_string(), call),
                None => rest.push(expr.clone()),
            }
        }
        others.push(rest);
    }
    if calls.is_empty() || !repeatable(rows)? {
        return Ok(Transformed::no(LogicalPlan::Window(top)));
    }
    let (mut plan, fits) = with_fits(rows, &calls)?;
    for others in others.into_iter().filter(|others| !others.is_empty()) {
        plan = LogicalPlan::Window(Window::try_new(others, Arc::new(plan))?);
    }
    let columns = top.schema.iter().map(|(qualifier, field)| {
        let scaled = calls.get(field.name()).filter(|_| qualifier.is_none());
        match scaled.zip(fits.get(field.name())) {
            Some((call, fit)) => call.transform(fit.clone()).alias(field.name()),
            None => Expr::Column(Column::from((qualifier, field))),
        }
    });
    let plan = LogicalPlanBuilder::from(plan).project(columns)?.build()?;
    Ok(Transformed::yes(plan))
}

fn reads_only(call: &ScalingCall, rows: &LogicalPlan) -> bool {
    let exprs = call.arguments().iter().chain(call.partition_by());
    exprs
        .flat_map(Expr::column_refs)
        .all(|column| rows.schema().has_column(column))
}

/// A call by its name.
type Named<'a> = (&'a String, &'a ScalingCall);

/// The rows with the fit of each call beside them, and the fits by the names of the calls.
fn with_fits(
    rows: &Arc<LogicalPlan>,
    calls: &Calls,
) -> Result<(LogicalPlan, BTreeMap<String, Expr>)> {
    let mut partitions: Vec<(&[Expr], Vec<Named<'_>>)> = vec![];
    for (name, call) in calls {
        let partition = partitions
            .iter_mut()
            .find(|(by, _)| *by == call.partition_by());
        match partition {
            Some((_, calls)) => calls.push((name, call)),
            None => partitions.push((call.partition_by(), vec![(name, call)])),
        }
    }
    let mut plan = rows.as_ref().clone();
    let mut fits = BTreeMap::new();
    for (number, (by, calls)) in partitions.into_iter().enumerate() {
        let fit_name = |place: usize| format!("__scaling_{number}_fit_{place}");
        let key_name = |place: usize| format!("__scaling_{number}_key_{place}");
        let aggregates = calls.iter().map(|(_, call)| call.fit());
        let fitted =
            LogicalPlanBuilder::from(Arc::clone(rows)).aggregate(by.to_vec(), aggregates)?;
        let names = (0..by.len())
            .map(key_name)
            .chain((0..calls.len()).map(fit_name));
        // Names of their own, so that a key and the column that it comes from are not one.
        let schema = Arc::clone(fitted.schema());
        let columns = schema.iter().zip(names);
        let columns = columns.map(|(field, name)| Expr::Column(Column::from(field)).alias(name));
        let fitted = fitted.project(columns)?.build()?;
        let keys = (0..by.len()).map(|place| col(key_name(place)));
        plan = beside(fitted, plan, keys.zip(by.iter().cloned()).collect())?;
        let places = calls.iter().enumerate();
        fits.extend(places.map(|(place, (name, _))| ((*name).clone(), col(fit_name(place)))));
    }
    Ok((plan, fits))
}

/// Joins fits to rows: the fits are the side that is held, and no row is lost or doubled.
fn beside(fits: LogicalPlan, rows: LogicalPlan, keys: Vec<(Expr, Expr)>) -> Result<LogicalPlan> {
    if keys.is_empty() {
        return LogicalPlanBuilder::from(fits).cross_join(rows)?.build();
    }
    Ok(LogicalPlan::Join(Join::try_new(
        Arc::new(fits),
        Arc::new(rows),
        keys,
        None,
        JoinType::Right,
        JoinConstraint::On,
        NullEquality::NullEqualsNull,
        false,
    )?))
}
