//! What names mean: live sources, files of a run, and bare shapes for `check`.

use std::{path::Path, sync::Arc};

use datafusion::{
    arrow::{
        array::RecordBatch,
        datatypes::{DataType, Field, Schema, SchemaRef},
    },
    catalog::{MemorySchemaProvider, TableProvider},
    datasource::{
        MemTable,
        empty::EmptyTable,
        file_format::options::ReadOptions,
        listing::{ListingTable, ListingTableConfig, ListingTableUrl},
    },
    logical_expr::SortExpr,
    prelude::{DataFrame, ParquetReadOptions},
};

use super::{Engine, arrival, order::ascending};
use crate::{
    error::{Error, Result},
    sources::{
        PART, POSITION,
        record::{dead_letter_schema, reject_schema},
    },
    storage::Location,
};

/// The table of how many records each source gave: one row per source.
pub const EXTRACT_LOG: &str = "extract_log";

/// The table of records that the decoders rejected.
pub const EXTRACT_REJECTS: &str = "extract_rejects";

/// The table of records that could not be read.
pub const DEAD_LETTERS: &str = "dead_letters";

/// The tables that every run has, whatever its pipeline.
pub fn engine_tables() -> [(&'static str, SchemaRef); 3] {
    [
        (EXTRACT_LOG, extract_log_schema()),
        (EXTRACT_REJECTS, reject_schema()),
        (DEAD_LETTERS, dead_letter_schema()),
    ]
}

fn extract_log_schema() -> SchemaRef {
    let count = |name: &str| Field::new(name, DataType::Int64, false);
    Arc::new(Schema::new(vec![
        Field::new("source", DataType::Utf8, false),
        count("records_read"),
        count("rows_kept"),
        count("rejected"),
        count("dead_lettered"),
    ]))
}

impl Engine {
    /// Registers a table under its name, in `schema` or the default one.
    pub fn register(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
        self.context
            .register_table(name, table)
            .map(|_| ())
            .map_err(|error| odd(name, &error))
    }

    /// Registers a table under its name, which another one may have had.
    pub fn replace(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
        let gone = self.context.deregister_table(name);
        gone.map_err(|error| odd(name, &error))?;
        self.register(name, table)
    }

    /// Registers a table that has a shape and no rows.
    pub fn register_shape(&self, name: &str, schema: SchemaRef) -> Result<()> {
        self.register(name, Arc::new(EmptyTable::new(schema)))
    }

    /// Registers a table whose rows are held in memory: for few rows.
    pub fn register_rows(
        &self,
        name: &str,
        schema: SchemaRef,
        rows: Vec<RecordBatch>,
    ) -> Result<()> {
        let table = MemTable::try_new(schema, vec![rows]).map_err(|error| odd(name, &error))?;
        self.register(name, Arc::new(table))
    }

    /// Registers a Parquet file, or a folder of them, as a table.
    pub async fn register_parquet(&self, name: &str, path: &Path) -> Result<()> {
        self.register_ordered(name, path, vec![], false).await
    }

    /// Registers the file of a model, whose rows are in the order of `key`.
    pub async fn register_model(&self, name: &str, path: &Path, key: &[String]) -> Result<()> {
        let order = key.iter().map(|column| ascending(column)).collect();
        self.register_ordered(name, path, order, false).await
    }

    /// Registers the folder of an extract. It is long, and read once by each model that reads it: text is taken from
    /// its pages as views, and not copied.
    pub async fn register_extract(&self, name: &str, folder: &Path) -> Result<()> {
        let order = if arrival::is_in_order(folder) {
            [PART, POSITION].map(ascending).into()
        } else {
            vec![]
        };
        self.register_ordered(name, folder, order, true).await
    }

    async fn register_ordered(
        &self,
        name: &str,
        path: &Path,
        order: Vec<SortExpr>,
        as_views: bool,
    ) -> Result<()> {
        // A URL, since in a path DataFusion takes `*`, `?` and `[` for a pattern.
        let mut url = Location::file(path)?.url()?.to_string();
        if path.is_dir() {
            url.push('/');
        }
        let mut options = ParquetReadOptions::default();
        if !order.is_empty() {
            options.file_sort_order = vec![order];
        }
        let state = self.context.state();
        let mut stored = state.default_table_options();
        stored.parquet.global.schema_force_view_types = as_views;
        let options = options.to_listing_options(state.config(), stored);
        let registered = self
            .context
            .register_listing_table(name, url, options, None, None)
            .await;
        registered.map_err(|error| odd(name, &error))
    }

    /// Registers Parquet files that were written as one table, here or in a store. They are of one shape, and their
    /// rows in the order of `key`, if it names columns.
    pub async fn register_parts(
        &self,
        name: &str,
        files: &[Location],
        key: &[String],
    ) -> Result<()> {
        let mut urls = vec![];
        for file in files {
            self.context
                .register_object_store(&file.root()?, Arc::clone(&file.store));
            let url = ListingTableUrl::parse(file.url()?);
            urls.push(url.map_err(|error| odd(name, &error))?);
        }
        let state = self.context.state();
        let mut options = ParquetReadOptions::default();
        if !key.is_empty() {
            options.file_sort_order = vec![key.iter().map(|column| ascending(column)).collect()];
        }
        let options = options.to_listing_options(state.config(), state.default_table_options());
        let table = ListingTableConfig::new_with_multi_paths(urls)
            .with_listing_options(options)
            .infer_schema(&state)
            .await
            .and_then(ListingTable::try_new);
        let table = table.map_err(|error| match files.first() {
            Some(file) => file.refused(format!("the table `{name}` cannot be opened"), &error),
            None => odd(name, &error),
        })?;
        self.register(name, Arc::new(table))
    }

    /// Registers Parquet files of a store as one table, columns matched by name, the last file's
    /// first; nothing if there are no files.
    pub async fn register_files(&self, name: &str, files: &[Location]) -> Result<()> {
        let mut table: Option<DataFrame> = None;
        for file in files.iter().rev() {
            self.context
                .register_object_store(&file.root()?, Arc::clone(&file.store));
            let options = ParquetReadOptions::default();
            let read = self
                .context
                .read_parquet(file.url()?.to_string(), options)
                .await;
            let read = read.map_err(|error| odd(name, &error))?;
            table = Some(match table {
                None => read,
                Some(table) => table.union_by_name(read).map_err(|error| {
                    let place = file.display();
                    odd(name, &error).with_hint(format!(
                        "the columns of `{place}` are of other types than later ones"
                    ))
                })?,
            });
        }
        match table {
            None => Ok(()),
            Some(table) => self.register(name, table.into_view()),
        }
    }

    /// Registers a table of another session under a name of this one.
    pub async fn adopt(&self, other: &Self, table: &str, name: &str) -> Result<()> {
        let found = other.context.table_provider(table).await;
        self.register(name, found.map_err(|error| odd(table, &error))?)
    }

    /// Forgets a table, if there is one of that name.
    pub fn forget(&self, name: &str) -> Result<()> {
        let forgotten = self.context.deregister_table(name);
        forgotten.map(|_| ()).map_err(|error| odd(name, &error))
    }

    /// Has bare names looked up in `schema` from now on.
    pub fn look_in(&self, schema: &str) {
        let state = self.context.state_ref();
        let mut state = state.write();
        let options = state.config_mut().options_mut();
        schema.clone_into(&mut options.catalog.default_schema);
    }

    /// Makes the schema `name`, so that tables can be registered as `name.table`.
    pub fn create_schema(&self, name: &str) -> Result<()> {
        let catalog = self.context.catalog("datafusion");
        let catalog = catalog.ok_or_else(|| Error::bug("the session has no catalog"))?;
        let registered = catalog.register_schema(name, Arc::new(MemorySchemaProvider::new()));
        registered.map(|_| ()).map_err(|error| odd(name, &error))
    }
}

fn odd(name: &str, error: &dyn std::fmt::Display) -> Error {
    Error::outside(format!("the table `{name}` cannot be opened")).because(error)
}
