//! A statement becomes a plan, its parameters filled in and its errors told at their place.

use datafusion::{
    arrow::datatypes::DataType,
    common::DFSchema,
    error::DataFusionError,
    logical_expr::{LogicalPlan, LogicalPlanBuilder, SortExpr, col},
    sql::{parser::Statement, sqlparser::ast::Statement as SqlStatement},
};

use super::{Engine, defaults::complete, diagnostics::explain, mentions::alone};
use crate::{
    error::{Error, Result},
    model::{Parameters, Sql},
};

impl Engine {
    /// The plan of `sql`. Errors may be several, one per unknown parameter.
    pub async fn plan(&self, sql: &Sql, parameters: &Parameters) -> Result<LogicalPlan> {
        let mut sql = sql.clone();
        if let Err(problems) = parameters.fill(&mut sql) {
            return Err(Error::all(problems)
                .unwrap_or_else(|| Error::bug("parameters failed without a problem")));
        }
        match self.plan_of(&sql.statement).await {
            Ok(plan) => Ok(plan),
            Err(error) => Err(self.explained(&error, sql).await),
        }
    }

    async fn plan_of(&self, statement: &SqlStatement) -> datafusion::error::Result<LogicalPlan> {
        let state = self.context.state();
        let mut statement = statement.clone();
        complete(&mut statement, &state);
        let statement = Statement::Statement(Box::new(statement));
        state.statement_to_plan(statement).await
    }

    /// The error at its place. Where DataFusion names none, and several parts of the statement may be
    /// meant, each is planned alone: the one that fails alike is meant.
    async fn explained(&self, error: &DataFusionError, sql: Sql) -> Error {
        let explained = explain(error, &sql);
        if error.diagnostic().is_some_and(|it| it.span.is_some()) {
            return explained;
        }
        for statement in alone(explained.message(), &sql.statement) {
            let Err(other) = self.plan_of(&statement).await else {
                continue;
            };
            let file = sql.file.clone();
            let reads = sql.reads.clone();
            let other = explain(
                &other,
                &Sql {
                    file,
                    statement,
                    reads,
                },
            );
            if other.message() == explained.message() {
                return other;
            }
        }
        explained
    }

    /// Types the plan as deep as can be done without data: until it could be executed.
    pub async fn verify(&self, plan: &LogicalPlan, sql: &Sql) -> Result<()> {
        let physical = self.context.state().create_physical_plan(plan).await;
        physical.map(|_| ()).map_err(|error| explain(&error, sql))
    }
}

/// Orders the rows of `plan` by `key`, then by all other columns: one order, whatever the arrival.
pub fn ordered(plan: LogicalPlan, key: &[String]) -> datafusion::error::Result<LogicalPlan> {
    let order = order(plan.schema(), key);
    if order.is_empty() {
        Ok(plan)
    } else {
        LogicalPlanBuilder::from(plan).sort(order)?.build()
    }
}

fn order(schema: &DFSchema, key: &[String]) -> Vec<SortExpr> {
    let named = |name: &String| schema.fields().iter().any(|field| field.name() == name);
    let first = key.iter().filter(|name| named(name)).cloned();
    let rest = schema
        .fields()
        .iter()
        .filter(|field| !key.contains(field.name()) && is_sortable(field.data_type()));
    let rest = rest.map(|field| field.name().clone());
    first
        .chain(rest)
        .map(|name| col(datafusion::common::Column::new_unqualified(name)).sort(true, false))
        .collect()
}

fn is_sortable(kind: &DataType) -> bool {
    !matches!(
        kind,
        DataType::Map(..) | DataType::Union(..) | DataType::Null
    )
}
