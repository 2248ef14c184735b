//! Executes plans: the one seam where it is decided where a plan runs.

use std::{path::Path, sync::Arc};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    error::DataFusionError,
    logical_expr::LogicalPlan,
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, SendableRecordBatchStream, execute_stream,
        execute_stream_partitioned,
    },
    sql::sqlparser::ast::Statement as SqlStatement,
};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use super::{
    Engine,
    diagnostics::{explain, explain_text, ours},
    plan::ordered,
};
use crate::{
    error::{Error, Kind, Result},
    model::{File, Model, Parameters, Sql},
    table_file::{FileFacts, ParquetFile},
};

/// A table that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// Its file.
    pub file: FileFacts,
    /// Its columns.
    pub schema: SchemaRef,
    /// What building it put on disk.
    pub spill: Spill,
    /// The most memory that it took from the limit, in bytes.
    pub peak_memory: u64,
}

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
        let explain = |error: DataFusionError| explain_text(&error, file, statement);
        let physical = self
            .context
            .state()
            .create_physical_plan(plan)
            .await
            .map_err(explain)?;
        let stream = match &self.apart {
            None => execute_stream(Arc::clone(&physical), self.context.task_ctx()),
            Some(apart) => apart.stream(Arc::clone(&physical), self.context.task_ctx()),
        };
        let stream = stream.map_err(explain)?;
        let (file, statement) = (file.clone(), statement.cloned());
        Ok(Rows {
            schema: stream.schema(),
            stream,
            plan: physical,
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

    /// Builds a model: its rows, ordered by its key, in the file at `path`.
    pub async fn build(
        &self,
        model: &Model,
        parameters: &Parameters,
        path: &Path,
    ) -> Result<Built> {
        self.memory.take_peak();
        let mut rows = self.rows(&model.sql, &model.header.key, parameters).await?;
        let mut file = ParquetFile::create(path, &rows.schema, &[])?;
        while let Some(batch) = rows.next().await {
            file.write(&batch?)?;
        }
        Ok(Built {
            file: file.finish()?,
            schema: Arc::clone(&rows.schema),
            spill: rows.spill(),
            peak_memory: self.memory.take_peak(),
        })
    }

    /// Copies the table `name` into `folder`, one file per partition, in parallel.
    pub async fn extract(&self, name: &str, folder: &Path) -> Result<Vec<FileFacts>> {
        let odd = |error: datafusion::error::DataFusionError| {
            ours(&error).cloned().unwrap_or_else(|| {
                Error::outside(format!("source `{name}` cannot be read")).because(error)
            })
        };
        let frame = self.context.table(name).await.map_err(odd)?;
        let physical = frame.create_physical_plan().await.map_err(odd)?;
        let width = physical.output_partitioning().partition_count();
        let schema = physical.schema();
        let streams = execute_stream_partitioned(physical, self.context.task_ctx()).map_err(odd)?;
        let mut tasks = tokio::task::JoinSet::new();
        for (number, mut stream) in streams.into_iter().enumerate() {
            let path = folder.join(part_name(number));
            let mut file = ParquetFile::create(&path, &schema, &[])?;
            tasks.spawn(async move {
                while let Some(batch) = stream.try_next().await? {
                    file.write(&batch).map_err(crate::sources::external)?;
                }
                Ok((number, file.finish().map_err(crate::sources::external)?))
            });
        }
        let mut facts = Vec::with_capacity(width);
        while let Some(done) = tasks.join_next().await {
            let done: datafusion::error::Result<_> =
                done.map_err(|error| Error::bug("an extraction stopped").because(error))?;
            facts.push(done.map_err(odd)?);
        }
        facts.sort_by_key(|(number, _)| *number);
        Ok(facts.into_iter().map(|(_, facts)| facts).collect())
    }
}

/// The file of a partition, in the folder of its table.
pub fn part_name(number: usize) -> String {
    format!("part-{number:05}.parquet")
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
