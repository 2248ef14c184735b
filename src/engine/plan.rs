//! A statement becomes a plan, its parameters filled in and its errors told at their place.

use datafusion::{
    arrow::datatypes::DataType,
    common::DFSchema,
    logical_expr::{LogicalPlan, LogicalPlanBuilder, SortExpr, col},
    sql::parser::Statement,
};

use super::{Engine, diagnostics::explain};
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
        let statement = Statement::Statement(Box::new(sql.statement.clone()));
        let plan = self.context.state().statement_to_plan(statement).await;
        plan.map_err(|error| explain(&error, &sql))
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
