//! Executes plans: the one seam where it is decided where a plan runs.

use std::sync::Arc;

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    error::DataFusionError,
    logical_expr::LogicalPlan,
    physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream},
    sql::sqlparser::ast::Statement as SqlStatement,
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::{
    Engine,
    diagnostics::{explain, explain_text, is_out_of_memory},
    order::ordered,
};
use crate::{
    error::{Error, Kind, Result},
    model::{File, Parameters, Sql},
};

/// How much a query put on disk because memory was short.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Spill {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Rows as they come.
pub struct Rows {
    /// Their columns.
    pub schema: SchemaRef,
    stream: SendableRecordBatchStream,
    plan: Arc<dyn ExecutionPlan>,
    file: File,
    statement: Option<SqlStatement>,
}

impl Rows {
    /// The next batch.
    pub async fn next(&mut self) -> Option<Result<RecordBatch>> {
        let batch = self.stream.next().await?;
        Some(batch.map_err(|error| self.explain(&error)))
    }

    /// All rows at once: for results that are known to be small.
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>> {
        let mut batches = vec![];
        while let Some(batch) = self.next().await {
            batches.push(batch?);
        }
        Ok(batches)
    }

    fn explain(&self, error: &DataFusionError) -> Error {
        at_run_time(
            explain_text(error, &self.file, self.statement.as_ref()),
            &self.file,
        )
    }

    /// What was spilled so far.
    pub fn spill(&self) -> Spill {
        spill(self.plan.as_ref())
    }
}

impl Engine {
    /// Runs a query.
    pub async fn query(&self, sql: &Sql, parameters: &Parameters) -> Result<Rows> {
        let plan = self.plan(sql, parameters).await?;
        self.execute(&plan, sql).await
    }

    /// All rows of a query whose result is small, whatever it reads: where memory is too short for its joins, they are
    /// computed once more by joins that can spill.
    pub async fn collect(&self, sql: &Sql, parameters: &Parameters) -> Result<Vec<RecordBatch>> {
        match self.query(sql, parameters).await?.collect().await {
            Err(error) if is_out_of_memory(&error) => {
                self.merging().query(sql, parameters).await?.collect().await
            }
            rows => rows,
        }
    }

    /// Runs a plan that was made from `sql`.
    pub async fn execute(&self, plan: &LogicalPlan, sql: &Sql) -> Result<Rows> {
        self.execute_text(plan, &sql.file, Some(&sql.statement))
            .await
    }

    pub(super) async fn execute_text(
        &self,
        plan: &LogicalPlan,
        file: &File,
        statement: Option<&SqlStatement>,
    ) -> Result<Rows> {
        let physical = self.context.state().create_physical_plan(plan).await;
        let physical = physical.map_err(|error| explain_text(&error, file, statement))?;
        self.start(physical, file, statement)
    }

    /// Runs a plan of operators.
    pub(super) fn start(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        file: &File,
        statement: Option<&SqlStatement>,
    ) -> Result<Rows> {
        let stream = match &self.apart {
            None => execute_stream(Arc::clone(&plan), self.context.task_ctx()),
            Some(apart) => apart.stream(Arc::clone(&plan), self.context.task_ctx()),
        };
        let stream = stream.map_err(|error| explain_text(&error, file, statement))?;
        let (file, statement) = (file.clone(), statement.cloned());
        Ok(Rows {
            schema: stream.schema(),
            stream,
            plan,
            file,
            statement,
        })
    }

    /// The rows of `sql`, ordered as a model with this `key` keeps them.
    pub async fn rows(&self, sql: &Sql, key: &[String], parameters: &Parameters) -> Result<Rows> {
        let plan = self.plan(sql, parameters).await?;
        let plan = ordered(plan, key).map_err(|error| explain(&error, sql))?;
        self.execute(&plan, sql).await
    }
}

/// An error that came while rows were flowing: the data is wrong, not the SQL's form.
fn at_run_time(error: Error, file: &File) -> Error {
    if error.kind() != Kind::Usage {
        return error;
    }
    let message = format!("`{}` fails on this data: {}", file.name, error.message());
    let failed = Error::data(message);
    match error.place() {
        Some(place) => failed.at(place.clone()),
        None => failed,
    }
}

fn spill(plan: &dyn ExecutionPlan) -> Spill {
    let own = plan.metrics().map(|metrics| Spill {
        files: metrics.spill_count().unwrap_or(0) as u64,
        bytes: metrics.spilled_bytes().unwrap_or(0) as u64,
    });
    let below = plan
        .children()
        .into_iter()
        .map(|child| spill(child.as_ref()));
    below.chain(own).fold(Spill::default(), |sum, one| Spill {
        files: sum.files + one.files,
        bytes: sum.bytes + one.bytes,
    })
}
