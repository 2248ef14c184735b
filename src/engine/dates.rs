//! `cast(moment as date)` of moments in UTC, by a division instead of by a calendar.
//!
//! A rule of its own behind all others: what compares a date with a constant is best left as it is, since a file is
//! left unread by it, and a table's row groups.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::tree_node::{Transformed, TreeNode},
    error::Result,
    logical_expr::{
        Cast, Expr, ExprSchemable, LogicalPlan, ScalarUDF, expr_rewriter::NamePreserver,
    },
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};
use dfpipe_udfs::{counts_in_utc, utc_date};

/// The rule.
#[derive(Debug)]
pub struct UtcDates {
    function: Arc<ScalarUDF>,
}

impl UtcDates {
    /// The rule, with the function that it puts in.
    pub fn new() -> Self {
        Self {
            function: Arc::new(utc_date()),
        }
    }

    fn replace(&self, expr: Expr, below: &LogicalPlan) -> Result<Transformed<Expr>> {
        expr.transform_up(|expr| match expr {
            Expr::Cast(Cast { expr, field })
                if *field.data_type() == DataType::Date32
                    && counts_in_utc(&expr.get_type(below.schema())?) =>
            {
                let function = Arc::clone(&self.function);
                Ok(Transformed::yes(function.call(vec![*expr])))
            }
            other => Ok(Transformed::no(other)),
        })
    }
}

impl OptimizerRule for UtcDates {
    fn name(&self) -> &'static str {
        "utc_dates"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let below = match &plan {
            LogicalPlan::Projection(projection) => Arc::clone(&projection.input),
            LogicalPlan::Aggregate(aggregate) => Arc::clone(&aggregate.input),
            _ => return Ok(Transformed::no(plan)),
        };
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let replaced = self.replace(expr, &below)?;
            Ok(replaced.update_data(|expr| name.restore(expr)))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::{
        arrow::util::pretty::pretty_format_batches, execution::SessionStateBuilder,
        prelude::SessionContext,
    };

    use super::UtcDates;

    const ROWS: &str = "(select arrow_cast(moment, 'Timestamp(Microsecond, Some(\"UTC\"))') as moment, \
        arrow_cast(moment, 'Timestamp(Microsecond, Some(\"Europe/Berlin\"))') as abroad, amount from \
        (values ('2026-11-15T23:59:59.999999', 1), ('1969-12-31T23:59:59.999999', 2), (null, 3)) as texts(moment, amount)) as rows";

    fn session(with_rule: bool) -> SessionContext {
        let mut state = SessionStateBuilder::new().with_default_features();
        if with_rule {
            state = state.with_optimizer_rule(Arc::new(UtcDates::new()));
        }
        SessionContext::new_with_state(state.build())
    }

    async fn asked(session: &SessionContext, sql: &str) -> (String, String) {
        let frame = session.sql(sql).await.expect(sql);
        let plan = frame.clone().into_optimized_plan().expect(sql).to_string();
        let batches = frame.collect().await.expect(sql);
        (pretty_format_batches(&batches).unwrap().to_string(), plan)
    }

    /// In a column, in a group, within an expression: the same answer under the same names.
    #[tokio::test]
    async fn dates_are_those_of_a_cast() {
        for sql in [
            format!("select cast(moment as date), amount from {ROWS} order by amount"),
            format!(
                "select cast(moment as date) as day, sum(amount) from {ROWS} group by 1 order by 1"
            ),
            format!(
                "select moment::date, count(*) from {ROWS} group by moment::date having count(*) < 3 order by 1"
            ),
            format!("select max(case when amount > 1 then moment::date end) from {ROWS}"),
        ] {
            let (answer, plan) = asked(&session(true), &sql).await;
            assert_eq!(answer, asked(&session(false), &sql).await.0, "{sql}");
            assert!(plan.contains("utc_date("), "{sql}\n{plan}");
        }
    }

    #[tokio::test]
    async fn other_zones_and_conditions_are_left_alone() {
        for sql in [
            format!("select abroad::date from {ROWS}"),
            format!("select amount from {ROWS} where moment::date = date '2026-11-15'"),
        ] {
            let (answer, plan) = asked(&session(true), &sql).await;
            assert_eq!(answer, asked(&session(false), &sql).await.0, "{sql}");
            assert!(!plan.contains("utc_date("), "{sql}\n{plan}");
        }
    }
}
