//! Files and objects that a statement names in the place of a table: `select * from 'data/x.csv'`.
//!
//! They are there for one statement, so that the next one sees what the file holds then. Whatever text they
//! hold is masked: no session ever holds an address, whoever wrote the file.

use std::{path::Path, sync::Arc};

use datafusion::{
    logical_expr::{Expr, ScalarUDF, col},
    prelude::{CsvReadOptions, JsonReadOptions, ParquetReadOptions},
};

use super::{Engine, masking::Mask};
use crate::{
    error::{Error, Result},
    model::Reference,
    sources::locations,
    storage::Location,
};

/// How the files of a name are written.
#[derive(Clone, Copy)]
enum Kind {
    Parquet,
    Csv,
    Ndjson,
}

const KINDS: [(&str, Kind); 5] = [
    (".parquet", Kind::Parquet),
    (".csv", Kind::Csv),
    (".ndjson", Kind::Ndjson),
    (".jsonl", Kind::Ndjson),
    (".json", Kind::Ndjson),
];

impl Engine {
    /// Opens the files that are among `reads`; the names that were opened. Relative to the current folder.
    pub async fn open_named_files(&self, reads: &[Reference]) -> Result<Vec<String>> {
        let mut opened = vec![];
        for read in reads {
            let Some(kind) = kind(&read.table).filter(|_| !self.knows(&read.table)) else {
                continue;
            };
            let table = self.file(&read.table, kind).await;
            let table = table.map_err(|error| error.at(read.place.clone()))?;
            let name = datafusion::common::TableReference::bare(read.table.clone());
            let registered = self.context.register_table(name, table);
            registered.map_err(|error| unreadable(&read.table, &error))?;
            opened.push(read.table.clone());
        }
        Ok(opened)
    }

    /// Forgets files that were opened.
    pub fn close_named_files(&self, names: &[String]) {
        for name in names {
            let name = datafusion::common::TableReference::bare(name.clone());
            // One that is gone already is forgotten as well.
            let _ = self.context.deregister_table(name);
        }
    }

    async fn file(&self, name: &str, kind: Kind) -> Result<super::question::Provider> {
        let location = Location::parse(name)?;
        self.context
            .register_object_store(&location.root()?, Arc::clone(&location.store));
        let has_pattern = name.contains(['*', '?', '[']);
        if let Some(path) = location.local_file().filter(|_| !has_pattern)
            && !path.exists()
        {
            let error = Error::usage(format!("there is no file `{name}`"));
            return Err(error.with_hint("a file is looked for in the current folder"));
        }
        // In a path DataFusion takes `*` for a pattern, and in a URL it does not.
        let addresses = match location.local_file() {
            Some(path) if has_pattern => vec![path.display().to_string()],
            None if name.contains('*') => addresses(name).await?,
            _ => vec![location.url()?.to_string()],
        };
        let extension = format!(".{}", name.rsplit('.').next().unwrap_or_default());
        let frame = match kind {
            Kind::Parquet => {
                let options = ParquetReadOptions::default();
                self.context.read_parquet(addresses, options).await
            }
            Kind::Csv => {
                let options = CsvReadOptions::new().file_extension(&extension);
                self.context.read_csv(addresses, options).await
            }
            Kind::Ndjson => {
                let options = JsonReadOptions::default().file_extension(&extension);
                self.context.read_json(addresses, options).await
            }
        };
        let frame = frame.map_err(|error| location.refused(message(name), &error))?;
        let mask = ScalarUDF::new_from_impl(Mask::new(self.privacy.clone()));
        let schema = frame.schema().clone();
        let columns = schema.fields().iter().map(|field| {
            let column = col(datafusion::common::Column::new_unqualified(field.name()));
            if Mask::concerns(field.data_type()) {
                Expr::ScalarFunction(datafusion::logical_expr::expr::ScalarFunction::new_udf(
                    Arc::new(mask.clone()),
                    vec![column],
                ))
                .alias(field.name())
            } else {
                column
            }
        });
        let columns: Vec<Expr> = columns.collect();
        let frame = frame.select(columns);
        let frame = frame.map_err(|error| unreadable(name, &error))?;
        Ok(frame.into_view())
    }
}

/// The addresses of the files of a store that `name` means.
async fn addresses(name: &str) -> Result<Vec<String>> {
    let places = locations(name).await?;
    if places.is_empty() {
        let error = Error::usage(format!("there is no file `{name}`"));
        return Err(error.with_hint("`*` stands for a part of a name, `**/` for folders"));
    }
    let urls = places.iter().map(|place| Ok(place.url()?.to_string()));
    urls.collect()
}

/// How the files `name` are written, if it is the name of files.
fn kind(name: &str) -> Option<Kind> {
    let lower = name.to_lowercase();
    let mut kinds = KINDS.iter();
    kinds
        .find(|(ending, _)| lower.ends_with(ending))
        .map(|(_, kind)| *kind)
}

/// An error for a name that can only be that of a file, and is none of those that can be asked.
pub(super) fn no_table_file(name: &str) -> Option<Error> {
    if kind(name).is_some() || !(name.contains('/') || Path::new(name).is_file()) {
        return None;
    }
    let endings: Vec<_> = KINDS.iter().map(|(ending, _)| *ending).collect();
    let hint = format!(
        "files can be asked whose names end in {}",
        endings.join(", ")
    );
    Some(Error::usage(format!("`{name}` is no file of tables")).with_hint(hint))
}

fn message(name: &str) -> String {
    format!("the file `{name}` cannot be read")
}

fn unreadable(name: &str, error: &datafusion::error::DataFusionError) -> Error {
    Error::outside(message(name)).because(error.strip_backtrace())
}
