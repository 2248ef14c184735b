//! Rows become tables: a model's in its order, an extract's as they come.
//!
//! Apart from other queries because what is written here is kept, and because sorting is left out where nobody
//! could see it.

use std::{path::Path, sync::Arc};

use datafusion::{
    arrow::datatypes::SchemaRef,
    datasource::ViewTable,
    error::DataFusionError,
    logical_expr::LogicalPlan,
    physical_plan::{ExecutionPlanProperties, execute_stream_partitioned},
};
use futures::TryStreamExt;

use super::{
    Engine, Rows, Spill,
    arrival::Arrival,
    diagnostics::{explain, is_out_of_memory, ours},
    memory::Watch,
    order::{Neighbours, by_key, ordered, sorts_all},
};
use crate::{
    error::{Error, Result},
    model::{Model, Parameters, Sql},
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
    /// The most memory that was taken from the limit while it was built, in bytes.
    pub peak_memory: u64,
}

impl Built {
    /// What stands for a table that nobody wrote.
    pub fn view(schema: SchemaRef, identity: &str) -> Self {
        Self {
            file: FileFacts {
                rows: 0,
                bytes: 0,
                sha256: identity.to_owned(),
            },
            schema,
            spill: Spill::default(),
            peak_memory: 0,
        }
    }
}

impl Engine {
    /// The columns that a model gives.
    pub async fn columns(&self, model: &Model, parameters: &Parameters) -> Result<SchemaRef> {
        let plan = self.plan(&model.sql, parameters).await?;
        Ok(Arc::clone(plan.schema().inner()))
    }

    /// Registers a model whose rows are computed by whoever reads it.
    pub async fn register_view(
        &self,
        name: &str,
        sql: &Sql,
        parameters: &Parameters,
    ) -> Result<()> {
        let plan = self.plan(sql, parameters).await?;
        self.register(name, Arc::new(ViewTable::new(plan, None)))
    }

    /// Builds a model: its rows, ordered by its key, in the file at `path`. Where memory is too short for its joins, once
    /// more with joins that can spill.
    pub async fn build(
        &self,
        model: &Model,
        parameters: &Parameters,
        path: &Path,
    ) -> Result<Built> {
        match self.built(model, parameters, path).await {
            Err(error) if is_out_of_memory(&error) => {
                self.merging().built(model, parameters, path).await
            }
            built => built,
        }
    }

    async fn built(&self, model: &Model, parameters: &Parameters, path: &Path) -> Result<Built> {
        let memory = self.memory.watch();
        let plan = self.plan(&model.sql, parameters).await?;
        if let Some(rows) = self.as_they_come(&plan, model).await? {
            let neighbours = Neighbours::new(&rows.schema, &model.header.key);
            if let Some(built) = write(rows, path, Some(neighbours), &memory).await? {
                return Ok(built);
            }
        }
        let plan = ordered(plan, &model.header.key).map_err(|error| explain(&error, &model.sql))?;
        let rows = self.execute(&plan, &model.sql).await?;
        let built = write(rows, path, None, &memory).await?;
        built.ok_or_else(|| Error::bug("sorted rows were looked at"))
    }

    /// The rows of a plan that gives them in the order of the model's key without sorting them.
    async fn as_they_come(&self, plan: &LogicalPlan, model: &Model) -> Result<Option<Rows>> {
        let explain = |error: DataFusionError| explain(&error, &model.sql);
        if self.is_remote {
            return Ok(None);
        }
        let Some(plan) = by_key(plan, &model.header.key).map_err(explain)? else {
            return Ok(None);
        };
        let planned = self.context.state().create_physical_plan(&plan).await;
        let plan = planned.map_err(explain)?;
        if sorts_all(&plan) {
            return Ok(None);
        }
        let (file, statement) = (&model.sql.file, &model.sql.statement);
        self.start(plan, file, Some(statement)).map(Some)
    }

    /// Copies the table `name` into `folder`, one file per partition, in parallel.
    pub async fn extract(&self, name: &str, folder: &Path) -> Result<Vec<FileFacts>> {
        let odd = |error: DataFusionError| {
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
            let mut file = ParquetFile::create_beside(&path, &schema, width)?;
            tasks.spawn(async move {
                let mut arrival = Arrival::default();
                while let Some(batch) = stream.try_next().await? {
                    arrival.note(&batch);
                    file.write(&batch).map_err(crate::sources::external)?;
                }
                if arrival.is_in_order() {
                    file.note(Arrival::NOTE, "yes");
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

/// Writes rows into a file; none if two of them have the same key, of those that are looked at.
async fn write(
    mut rows: Rows,
    path: &Path,
    mut neighbours: Option<Neighbours>,
    memory: &Watch,
) -> Result<Option<Built>> {
    let mut file = ParquetFile::create(path, &rows.schema, &[])?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        if let Some(neighbours) = &mut neighbours {
            let differ = neighbours.differ(&batch);
            if !differ.map_err(|error| Error::bug("keys cannot be compared").because(error))? {
                return Ok(None);
            }
        }
        file.write(&batch)?;
    }
    Ok(Some(Built {
        file: file.finish()?,
        schema: Arc::clone(&rows.schema),
        spill: rows.spill(),
        peak_memory: memory.peak(),
    }))
}

/// The file of a partition, in the folder of its table.
pub fn part_name(number: usize) -> String {
    format!("part-{number:05}.parquet")
}
