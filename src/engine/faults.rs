//! Rows that should not be there: how many, and the first of them.
//!
//! Apart from other queries, since nobody knows how many rows will come: they are counted where they are, and
//! of their order only the beginning is kept.

use datafusion::{
    arrow::{
        array::{AsArray, RecordBatch},
        datatypes::Int64Type,
    },
    functions_aggregate::expr_fn::count,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit},
};

use super::{
    Engine, Rows,
    diagnostics::{explain, is_out_of_memory},
    order::ordered,
};
use crate::{
    error::Result,
    model::{Parameters, Sql},
};

impl Engine {
    /// How many rows `sql` gives.
    pub async fn count(&self, sql: &Sql, parameters: &Parameters) -> Result<u64> {
        let batches = match self.counted(sql, parameters).await {
            Err(error) if is_out_of_memory(&error) => {
                self.merging().counted(sql, parameters).await?
            }
            batches => batches?,
        };
        let columns = batches.iter().map(|batch| batch.column(0));
        let counts = columns.filter_map(|column| column.as_primitive_opt::<Int64Type>());
        let counts = counts.flat_map(|column| column.values().iter().copied());
        Ok(counts.map(|count| u64::try_from(count).unwrap_or(0)).sum())
    }

    async fn counted(&self, sql: &Sql, parameters: &Parameters) -> Result<Vec<RecordBatch>> {
        let plan = self.plan(sql, parameters).await?;
        let counted = counted(plan).map_err(|error| explain(&error, sql))?;
        self.execute(&counted, sql).await?.collect().await
    }

    /// The first rows that `sql` gives, at most so many: by `key`, then by all other columns.
    pub async fn first(
        &self,
        sql: &Sql,
        parameters: &Parameters,
        key: &[String],
        most: usize,
    ) -> Result<Rows> {
        let plan = self.plan(sql, parameters).await?;
        let first = ordered(plan, key)
            .and_then(|plan| LogicalPlanBuilder::from(plan).limit(0, Some(most))?.build());
        let first = first.map_err(|error| explain(&error, sql))?;
        self.execute(&first, sql).await
    }
}

fn counted(plan: LogicalPlan) -> datafusion::error::Result<LogicalPlan> {
    let rows = count(lit(1_i64)).alias("rows");
    LogicalPlanBuilder::from(plan)
        .aggregate(Vec::<Expr>::new(), vec![rows])?
        .build()
}
