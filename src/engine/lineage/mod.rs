//! Where tables and columns come from: known before any data is read, from the plans of the models.
//!
//! ```text
//! model ─▶ plan ─▶ walk ─┬▶ per column: what it is computed from, and what decides its value
//!                        └▶ per table: what decides which rows there are
//! ```
//!
//! Apart from [`super::check`] since most commands do not need it. What a plan does not tell is said to
//! be unknown and never guessed.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Engine, catalog::engine_tables, check};
use crate::{
    config::Config,
    error::{Error, Result},
    model::{Model, Parameters, Project},
    sources::source_schema,
};

mod expression;
mod graph;
mod nodes;
mod origin;
mod plan;
#[cfg(test)]
mod tests;

pub use origin::{How, Sources, TableColumn};
use plan::Relation;

/// All tables of a pipeline and what they are made of: sources first, then models in the order of
/// building.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    /// The tables.
    pub tables: Vec<Table>,
}

/// A table and what it is made of.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Who makes it.
    pub kind: TableKind,
    /// The tables that it reads, in order of name.
    pub reads: Vec<String>,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// What decides which rows it has.
    pub rows: Sources,
}

/// Who makes a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// It is read from outside.
    Source,
    /// The engine writes down how reading went.
    Engine,
    /// A model.
    Model,
}

/// A column and what it is made of.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// What it is computed from, and what decides its value.
    pub sources: Sources,
}

/// The lineage of all models of `project`; an error if one of them is wrong.
pub async fn lineage(
    config: &Config,
    project: &Project,
    parameters: &Parameters,
    engine: &Engine,
) -> Result<Lineage> {
    let checked = check(config, project, parameters, engine).await?;
    if let Some(error) = Error::all(checked.problems) {
        return Err(error);
    }
    let mut tables: Vec<Table> = config
        .sources
        .values()
        .map(|source| plain(&source.name, TableKind::Source, &source_schema(source)))
        .collect();
    let engine_tables = engine_tables();
    tables.extend(
        engine_tables
            .iter()
            .map(|(name, schema)| plain(name, TableKind::Engine, schema)),
    );
    let mut known: BTreeSet<String> = tables.iter().map(|table| table.name.clone()).collect();
    for model in &project.models {
        tables.push(engine.lineage_of(model, parameters, &known).await?);
        known.insert(model.name.clone());
    }
    Ok(Lineage { tables })
}

impl Engine {
    /// What `model` is made of, if the tables that it reads are registered; `known` are their names.
    async fn lineage_of(
        &self,
        model: &Model,
        parameters: &Parameters,
        known: &BTreeSet<String>,
    ) -> Result<Table> {
        let plan = self.plan(&model.sql, parameters).await?;
        let Relation { columns, rows } = plan::follow(&plan, known);
        let fields = plan.schema().fields().iter();
        let columns = fields.zip(columns).map(|(field, sources)| Column {
            name: field.name().clone(),
            kind: field.data_type().to_string(),
            sources,
        });
        let reads = model.sql.reads.iter().map(|read| read.table.clone());
        let reads: BTreeSet<String> = reads.collect();
        Ok(Table {
            name: model.name.clone(),
            kind: TableKind::Model,
            reads: reads.into_iter().collect(),
            columns: columns.collect(),
            rows,
        })
    }
}

/// A table that is made of nothing that we know.
fn plain(name: &str, kind: TableKind, schema: &datafusion::arrow::datatypes::Schema) -> Table {
    let columns = schema.fields().iter().map(|field| Column {
        name: field.name().clone(),
        kind: field.data_type().to_string(),
        sources: Sources::default(),
    });
    Table {
        name: name.to_owned(),
        kind,
        reads: vec![],
        columns: columns.collect(),
        rows: Sources::default(),
    }
}
