//! What can be said of a destination without loading: who asks, and what they may. Facts only; whether they
//! are good enough is judged by who asked.

use super::{Client, Target, table, view};
use crate::{
    config::{self, Destination},
    error::Result,
};

/// What was found.
#[derive(Debug)]
pub struct Survey {
    /// The table's full name.
    pub path: String,
    /// Who asks, where that is known.
    pub principal: Option<String>,
    /// Whether a query could be run: it is planned only, and costs nothing.
    pub queries: Result<()>,
    /// Whether the dataset is there, and where it should be.
    pub dataset: Result<bool>,
    /// Whether the table is there, and its view's name not taken.
    pub table: Result<bool>,
}

/// Looks at the table of `destination` in `to`.
pub async fn survey(
    pipeline: &str,
    destination: &Destination,
    to: &config::BigQuery,
) -> Result<Survey> {
    let client = Client::new(to)?;
    let target = Target::new(pipeline, destination, to);
    let found = client.table(&target).await;
    let table = match found {
        Ok(Some(_)) => view::examine(&client, &target).await.map(|()| true),
        Ok(None) => Ok(false),
        Err(failure) => Err(failure.into()),
    };
    let statement = match &table {
        Ok(true) => format!("select count(*) as row_count from {}", target.sql()),
        _ => "select 1 as one".to_owned(),
    };
    let queries = client.dry_run(&statement).await.map_err(Into::into);
    Ok(Survey {
        path: target.path(),
        dataset: table::dataset_is_there(&client, &target).await,
        principal: client.principal().map(str::to_owned),
        queries,
        table,
    })
}
