//! `count(distinct x)` beside other aggregates, by group: counted in one table instead of in a set per group.
//!
//! DataFusion rewrites distinct aggregates into two phases only where all are of one column and the others are
//! plain sums and extremes. Everything else (a filter, a `count(*)`, a second column) gets a set per group, which
//! takes a hundred times as long and as much memory. There a function of ours steps in; nothing else of the plan
//! changes, the names of the columns neither.

use std::sync::Arc;

use datafusion::{
    common::tree_node::{Transformed, TransformedResult},
    config::ConfigOptions,
    error::Result,
    logical_expr::{
        Aggregate, AggregateUDF, Expr, ExprSchemable, LogicalPlan,
        expr::{AggregateFunction, AggregateFunctionParams},
    },
    optimizer::AnalyzerRule,
};
use dfpipe_udfs::{counts_distinct, distinct_count};

/// The rule. It runs after the types are settled.
#[derive(Debug)]
pub struct DistinctCounts {
    function: Arc<AggregateUDF>,
}

impl DistinctCounts {
    /// The rule, with the function that it puts in.
    pub fn new() -> Self {
        Self {
            function: Arc::new(distinct_count()),
        }
    }

    fn replace(&self, aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
        let is_ours =
            |expr: &Expr| distinct_argument(expr).is_some_and(|of| is_counted(of, &aggregate));
        let is_grouped = !aggregate.group_expr.is_empty();
        if !is_grouped || !aggregate.aggr_expr.iter().any(is_ours) || has_two_phases(&aggregate) {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        }
        let replaced = |expr: &Expr| match expr {
            expr if is_ours(expr) => self.call(expr),
            expr => expr.clone(),
        };
        let replaced = aggregate.aggr_expr.iter().map(replaced).collect();
        let Aggregate {
            input,
            group_expr,
            schema,
            ..
        } = aggregate;
        let aggregate = Aggregate::try_new_with_schema(input, group_expr, replaced, schema)?;
        Ok(Transformed::yes(LogicalPlan::Aggregate(aggregate)))
    }

    /// The same count by our function, under the name that it had.
    fn call(&self, expr: &Expr) -> Expr {
        let (name, unnamed) = (expr.schema_name().to_string(), expr.clone().unalias());
        let Expr::AggregateFunction(AggregateFunction { params, .. }) = unnamed else {
            return unnamed;
        };
        let AggregateFunctionParams { args, filter, .. } = params;
        let function = Arc::clone(&self.function);
        let call = AggregateFunction::new_udf(function, args, false, filter, vec![], None);
        Expr::AggregateFunction(call).alias(name)
    }
}

impl AnalyzerRule for DistinctCounts {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Aggregate(aggregate) => self.replace(aggregate),
            other => Ok(Transformed::no(other)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "distinct_counts"
    }
}

/// What `count(distinct …)` counts, if that is what `expr` is.
fn distinct_argument(expr: &Expr) -> Option<&Expr> {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = unaliased(expr) else {
        return None;
    };
    let is_plain = params.distinct && params.order_by.is_empty() && func.name() == "count";
    match params.args.as_slice() {
        [argument] if is_plain => Some(argument),
        _ => None,
    }
}

fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}

fn is_counted(argument: &Expr, aggregate: &Aggregate) -> bool {
    let kind = argument.get_type(aggregate.input.schema());
    kind.is_ok_and(|kind| counts_distinct(&kind))
}

/// Whether DataFusion counts this in two phases by itself, which spills as well and so is left alone.
fn has_two_phases(aggregate: &Aggregate) -> bool {
    if matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_)]) {
        return false;
    }
    let mut distinct = None;
    aggregate.aggr_expr.iter().all(|expr| {
        let Expr::AggregateFunction(AggregateFunction { func, params }) = expr else {
            return false;
        };
        if params.filter.is_some() || !params.order_by.is_empty() {
            return false;
        }
        if !params.distinct {
            return matches!(func.name(), "sum" | "min" | "max");
        }
        let first = *distinct.get_or_insert(&params.args);
        first == &params.args
    })
}

#[cfg(test)]
mod tests {
    use datafusion::{
        arrow::util::pretty::pretty_format_batches,
        execution::SessionStateBuilder,
        prelude::{SessionConfig, SessionContext},
    };
    use dfpipe_udfs::{UdfSettings, register_all};
    use std::sync::Arc;

    use super::DistinctCounts;

    const ROWS: &str = "(values ('a', 'x', 1, true), ('a', 'y', 2, false), ('a', 'x', 3, true), ('b', 'x', 1, true), \
        ('b', null, 1, true), ('c', null, null, true)) as rows(key, word, number, flag)";

    fn session(with_rule: bool) -> SessionContext {
        let config = SessionConfig::new().with_target_partitions(3);
        let mut state = SessionStateBuilder::new()
            .with_config(config)
            .with_default_features();
        if with_rule {
            state = state.with_analyzer_rule(Arc::new(DistinctCounts::new()));
        }
        let mut session = SessionContext::new_with_state(state.build());
        register_all(&mut session, &UdfSettings::new("a key of this test")).unwrap();
        session
    }

    async fn asked(session: &SessionContext, sql: &str) -> String {
        let frame = session.sql(sql).await.expect(sql);
        let batches = frame.collect().await.expect(sql);
        pretty_format_batches(&batches).unwrap().to_string()
    }

    async fn plan(session: &SessionContext, sql: &str) -> String {
        let frame = session.sql(sql).await.expect(sql);
        frame.into_optimized_plan().expect(sql).to_string()
    }

    /// Whatever is counted, and beside what: the same answer under the same names.
    #[tokio::test]
    async fn counts_are_those_of_datafusion() {
        let (ours, theirs) = (session(true), session(false));
        for columns in [
            "key, count(distinct word), count(*)",
            "key, count(distinct word) as words, count(distinct number) as numbers, sum(number)",
            "key, count(distinct word) filter (where flag), count(*) filter (where not flag)",
            "key, count(distinct cast(number as decimal(9, 2))), avg(number), count(distinct flag)",
            "key, count(distinct number + 1) + count(*) as both, max(word)",
        ] {
            let sql = format!("select {columns} from {ROWS} group by key order by key");
            assert_eq!(
                asked(&ours, &sql).await,
                asked(&theirs, &sql).await,
                "{sql}"
            );
            assert!(plan(&ours, &sql).await.contains("distinct_count"), "{sql}");
        }
        for columns in ["key, flag", "key", "flag"] {
            let sql = format!(
                "select {columns}, count(distinct word), count(*) from {ROWS} \
                 group by cube({columns}) order by {columns}"
            );
            assert_eq!(
                asked(&ours, &sql).await,
                asked(&theirs, &sql).await,
                "{sql}"
            );
        }
    }

    #[tokio::test]
    async fn a_subquery_is_reached_as_well() {
        let sql = format!(
            "select * from (values ('a', 2)) as pairs(k, n) where n in \
             (select count(distinct word) from (select *, count(*) over () from {ROWS}) group by key having count(*) > 2)"
        );
        assert_eq!(
            asked(&session(true), &sql).await,
            asked(&session(false), &sql).await
        );
        assert!(plan(&session(true), &sql).await.contains("distinct_count"));
    }

    #[tokio::test]
    async fn what_is_counted_well_already_is_left_alone() {
        for sql in [
            format!("select key, count(distinct word), max(number) from {ROWS} group by key"),
            format!("select count(distinct word), count(*) from {ROWS}"),
            format!("select key, sum(distinct number), count(*) from {ROWS} group by key"),
            format!(
                "select key, count(distinct cast(number as double)), count(*) from {ROWS} group by key"
            ),
        ] {
            assert!(
                !plan(&session(true), &sql).await.contains("distinct_count"),
                "{sql}"
            );
        }
    }
}
