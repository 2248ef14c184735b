//! What a session has: schemas, tables, columns, functions. For `\d`, for completion, for hints.

use datafusion::{
    arrow::datatypes::SchemaRef, common::TableReference, logical_expr::Documentation,
};

use super::Engine;
use crate::error::{Error, Result};

/// A function as a person reads about it.
#[derive(Clone, Debug, Default)]
pub struct FunctionHelp {
    /// Its name.
    pub name: String,
    /// `scalar`, `aggregate`, `window` or `table`.
    pub kind: &'static str,
    /// How it is written.
    pub syntax: String,
    /// What it does.
    pub description: String,
    /// Its arguments, each with its meaning.
    pub arguments: Vec<(String, String)>,
    /// An example.
    pub example: Option<String>,
}

impl Engine {
    /// The schemas, in order of name.
    pub fn schemas(&self) -> Vec<String> {
        let catalog = self.context.catalog("datafusion");
        let mut names = catalog
            .map(|catalog| catalog.schema_names())
            .unwrap_or_default();
        names.sort();
        names
    }

    /// The schema that bare names are looked up in.
    pub fn default_schema(&self) -> String {
        let state = self.context.state();
        state.config_options().catalog.default_schema.clone()
    }

    /// The tables of a schema, in order of name.
    pub fn tables(&self, schema: &str) -> Vec<String> {
        let catalog = self.context.catalog("datafusion");
        let schema = catalog.and_then(|catalog| catalog.schema(schema));
        let mut names = schema
            .map(|schema| schema.table_names())
            .unwrap_or_default();
        names.sort();
        names
    }

    /// The columns of a table.
    pub async fn columns_of(&self, table: &str) -> Result<SchemaRef> {
        let name = TableReference::parse_str(table);
        let provider = self.context.table_provider(name).await;
        let provider = provider.map_err(|error| {
            Error::usage(format!("there is no table `{table}`")).because(error.strip_backtrace())
        })?;
        Ok(provider.schema())
    }

    /// All functions, in order of name. The halves that the engine itself makes are left out.
    pub fn functions(&self) -> Vec<FunctionHelp> {
        let state = self.context.state();
        let mut all: Vec<FunctionHelp> = vec![];
        for function in state.scalar_functions().values() {
            all.push(help(function.name(), "scalar", function.documentation()));
        }
        for function in state.aggregate_functions().values() {
            all.push(help(function.name(), "aggregate", function.documentation()));
        }
        for function in state.window_functions().values() {
            all.push(help(function.name(), "window", function.documentation()));
        }
        for name in state.table_functions().keys() {
            all.push(help(name, "table", None));
        }
        let (fits, transforms) = dfpipe_udfs::halves();
        let halves = fits
            .iter()
            .map(datafusion::logical_expr::AggregateUDF::name);
        let halves: Vec<&str> = halves
            .chain(
                transforms
                    .iter()
                    .map(datafusion::logical_expr::ScalarUDF::name),
            )
            .collect();
        all.retain(|function| !halves.contains(&function.name.as_str()));
        all.sort_by(|one, other| (&one.name, one.kind).cmp(&(&other.name, other.kind)));
        all.dedup_by(|one, other| one.name == other.name && one.kind == other.kind);
        all
    }
}

fn help(name: &str, kind: &'static str, documentation: Option<&Documentation>) -> FunctionHelp {
    let Some(text) = documentation else {
        return FunctionHelp {
            name: name.to_owned(),
            kind,
            syntax: format!("{name}(…)"),
            ..FunctionHelp::default()
        };
    };
    FunctionHelp {
        name: name.to_owned(),
        kind,
        syntax: text.syntax_example.clone(),
        description: text.description.trim().to_owned(),
        arguments: text.arguments.clone().unwrap_or_default(),
        example: text.sql_example.clone(),
    }
}
