//! A source as DataFusion sees it: a table whose partitions stream.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    error::Result as DataFusionResult,
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_plan::{
        ExecutionPlan,
        streaming::{PartitionStream, StreamingTableExec},
    },
};

use super::{
    Bounds, Privacy, Window, crm, files, kafka, landing::Landing, partition::external,
    record::RefusedLog, source_schema,
};
use crate::{
    config::{From, Source},
    error::{Error, Result},
};

/// A table over a live source, within one window.
#[derive(Debug)]
pub struct SourceTable {
    source: Arc<Source>,
    schema: SchemaRef,
    window: Window,
    privacy: Privacy,
    log: Arc<RefusedLog>,
    max_partitions: usize,
    landing: Option<Arc<Landing>>,
}

/// What one scan asks of a source.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The source.
    pub source: Arc<Source>,
    /// The time that the run looks at.
    pub window: Window,
    /// Indices into the source's schema.
    pub projection: Vec<usize>,
    /// Moments that are wanted, of the column that the source can filter by. Others may come as well.
    pub bounds: Bounds,
    /// How many rows are enough, if not all.
    pub limit: Option<usize>,
    /// How personal data is kept out.
    pub privacy: Privacy,
    /// Where refused records go.
    pub log: Arc<RefusedLog>,
    /// Partitions that can run at a time; a source may give fewer.
    pub max_partitions: usize,
    /// Where pages land, if all of the source is wanted and a crash is to be survived.
    pub landing: Option<Arc<Landing>>,
}

impl SourceTable {
    /// The table of `source`.
    pub fn new(
        source: Arc<Source>,
        window: Window,
        privacy: Privacy,
        log: Arc<RefusedLog>,
        max_partitions: usize,
    ) -> Self {
        let schema = Arc::new(source_schema(&source));
        Self {
            source,
            schema,
            window,
            privacy,
            log,
            max_partitions,
            landing: None,
        }
    }

    /// What `filters` say of the column that the source can filter by.
    fn bounds(&self, filters: &[Expr]) -> Bounds {
        let column = match &self.source.from {
            From::Crm(crm) => crm.filter.as_ref().map(|filter| &filter.column),
            From::Kafka(_) => self.source.message_time().map(|column| &column.name),
            From::Files(_) => None,
        };
        column.map_or(Bounds::default(), |column| Bounds::of(filters, column))
    }

    /// The same table; what is read of it lands in `landing`, so that it is read once only.
    #[must_use]
    pub fn landing_in(self, landing: Option<Arc<Landing>>) -> Self {
        Self { landing, ..self }
    }
}

impl Scan {
    /// The schema of the rows that this scan gives.
    pub fn schema(&self) -> Result<SchemaRef> {
        let projected = source_schema(&self.source).project(&self.projection);
        projected
            .map(Arc::new)
            .map_err(|error| Error::bug("a projection is off").because(error))
    }
}

#[async_trait]
impl TableProvider for SourceTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        let known = filters.iter().map(|filter| {
            // The engine looks at the rows again: an API's moments may be rounder than ours.
            if self.bounds(std::slice::from_ref(*filter)).is_some() {
                TableProviderFilterPushDown::Inexact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        });
        Ok(known.collect())
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let all: Vec<_> = (0..self.schema.fields().len()).collect();
        let projection = projection.cloned().unwrap_or_else(|| all.clone());
        // A part of a source is not what a later attempt would go on with.
        let is_whole = limit.is_none() && filters.is_empty() && projection == all;
        let scan = Scan {
            source: Arc::clone(&self.source),
            window: self.window,
            landing: self.landing.clone().filter(|_| is_whole),
            projection,
            bounds: self.bounds(filters),
            limit,
            privacy: self.privacy.clone(),
            log: Arc::clone(&self.log),
            max_partitions: self.max_partitions,
        };
        let schema = scan.schema().map_err(external)?;
        let partitions = plan(scan).await.map_err(external)?;
        let exec = StreamingTableExec::try_new(schema, partitions, None, None, false, limit)?;
        Ok(Arc::new(exec))
    }
}

/// Asks the source how its records are divided. At least one partition, so that the plan holds.
async fn plan(scan: Scan) -> Result<Vec<Arc<dyn PartitionStream>>> {
    match scan.source.from.clone() {
        From::Files(files) => files::plan(files, scan).await,
        From::Crm(crm) => crm::plan(crm, scan),
        From::Kafka(kafka) => kafka::plan(kafka, scan).await,
    }
}
