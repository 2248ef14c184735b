//! The table: made by the first load, and held against the configuration and the columns by every later
//! one, before a byte is uploaded.
//!
//! ```text
//! examine  before anything is extracted: looks, changes nothing
//! ensure   before the load: makes dataset and table, gives the columns that the load names
//! ```

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};

use super::{
    super::{compare::Difference, receipt::SchemaChange},
    Client, Target,
    failure::Class,
    judge::{self, Judged},
    schema::{self, What},
    staged::refused,
    wire::{Clustering, Table, TableReference, TableSchema, TimePartitioning},
};
use crate::{
    bigquery_types::{self, Column},
    config,
    error::{Error, Result},
};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// The table as it is, and what a load changes of it.
#[derive(Clone, Debug)]
pub struct TableState {
    /// The columns that the load says the table has.
    pub schema: TableSchema,
    /// What the load changes.
    pub changes: Vec<SchemaChange>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

impl TableState {
    /// What a load job must be allowed to change.
    pub fn update_options(&self) -> Vec<String> {
        judge::update_options(&self.changes)
    }
}

/// Makes sure that there is a table that rows of `own` can be loaded into.
pub async fn ensure(
    client: &Client,
    target: &Target,
    to: &config::BigQuery,
    own: &Schema,
) -> Result<TableState> {
    let here = columns_of(own)?;
    if dataset_is_there(client, target).await? {
        if let Some(found) = client.table(target).await? {
            return settled(judge::judge(&found, target, to, &here));
        }
    } else {
        create_dataset(client, target).await?;
    }
    judge::clustering_of_a_new_table(to, &here)?;
    match create(client, target, to, &here).await {
        Ok(made) => settled(judge::judge(&made, target, to, &here)),
        // Somebody was faster: what they made is judged as any other table.
        Err(error) => match client.table(target).await? {
            Some(found) => settled(judge::judge(&found, target, to, &here)),
            None => Err(error),
        },
    }
}

/// Whether rows of `own` can be loaded, and what a reader should know of it. Nothing is made.
pub async fn examine(
    client: &Client,
    target: &Target,
    to: &config::BigQuery,
    own: &Schema,
) -> Result<Vec<String>> {
    let here = columns_of(own)?;
    if dataset_is_there(client, target).await?
        && let Some(found) = client.table(target).await?
    {
        return settled(judge::judge(&found, target, to, &here)).map(|state| state.notes);
    }
    judge::clustering_of_a_new_table(to, &here)?;
    Ok(vec![])
}

/// The columns of the table; none if there is no table yet.
pub async fn columns(client: &Client, target: &Target) -> Result<Option<SchemaRef>> {
    let found = client.table(target).await?;
    Ok(found.map(|found| {
        let columns = schema::columns(&found.schema.unwrap_or_default());
        let fields = columns.iter().map(bigquery_types::field);
        Arc::new(Schema::new(fields.collect::<Vec<Field>>()))
    }))
}

/// How the columns `own` differ from those of the table.
pub async fn differences(
    client: &Client,
    target: &Target,
    own: &Schema,
) -> Result<Vec<Difference>> {
    let here = columns_of(own)?;
    let Some(found) = client.table(target).await? else {
        return Ok(vec![]);
    };
    let there = schema::columns(&found.schema.unwrap_or_default());
    let changes = schema::changes(&here, &there);
    let kind =
        |column: Option<&Column>| column.map(|it| bigquery_types::field(it).data_type().clone());
    let added = || changes.iter().filter(|change| change.what == What::Added);
    let others = changes.iter().filter(|change| change.what != What::Relaxed);
    let differences = others.map(|change| {
        let names = added().map(|added| added.path.as_str());
        let meant = crate::error::did_you_mean(&change.path, names);
        Difference {
            column: change.path.clone(),
            here: kind(change.here.as_ref()),
            there: kind(change.there.as_ref()),
            renamed_to: meant
                .filter(|_| change.what == What::Lost)
                .map(str::to_owned),
        }
    });
    Ok(differences.collect())
}

fn settled(judged: Judged) -> Result<TableState> {
    match Error::all(judged.problems) {
        Some(error) => Err(error),
        None => Ok(judged.state),
    }
}

/// The columns of BigQuery for rows of `own`; all that cannot be loaded is told at once.
fn columns_of(own: &Schema) -> Result<Vec<Column>> {
    let mut problems = vec![];
    let columns = own.fields().iter().filter_map(|field| {
        let column = bigquery_types::column(field);
        column.map_err(|unfit| problems.push(refused(unfit))).ok()
    });
    let columns = columns.collect();
    match Error::all(problems) {
        Some(error) => Err(error),
        None => Ok(columns),
    }
}

/// Whether there is a dataset; one that lies elsewhere is an error, since its jobs could not be found.
pub async fn dataset_is_there(client: &Client, target: &Target) -> Result<bool> {
    let Some(found) = client.dataset(&target.dataset).await? else {
        return Ok(false);
    };
    let Some(place) = found.location else {
        return Ok(true);
    };
    if place.eq_ignore_ascii_case(&target.location) {
        return Ok(true);
    }
    let (dataset, location) = (&target.dataset, &target.location);
    let message = format!("the dataset `{dataset}` lies in `{place}`, not in `{location}`");
    Err(Error::usage(message).with_hint(format!("`destination.location: {place}` in dfpipe.yml")))
}

async fn create_dataset(client: &Client, target: &Target) -> Result<()> {
    match client.create_dataset(&target.dataset).await {
        Err(failure) if failure.class != Class::Exists => Err(failure.into()),
        _ => Ok(()),
    }
}

async fn create(
    client: &Client,
    target: &Target,
    to: &config::BigQuery,
    here: &[Column],
) -> Result<Table> {
    let days = to.partition_expiration_days.map(u64::from);
    let table = Table {
        table_reference: reference(target),
        description: Some(format!(
            "Loaded by the pipeline {}; each date's latest complete load is {}_latest.",
            target.pipeline, target.table
        )),
        schema: Some(TableSchema {
            fields: here.iter().map(schema::wire).collect(),
        }),
        time_partitioning: Some(TimePartitioning {
            kind: "DAY".to_owned(),
            field: Some(judge::PARTITION.to_owned()),
            expiration_ms: days.map(|days| (days * DAY).to_string()),
        }),
        clustering: (!to.cluster_by.is_empty()).then(|| Clustering {
            fields: to.cluster_by.clone(),
        }),
        ..Table::default()
    };
    Ok(client.create_table(target, &table).await?)
}

/// The name of a table, as the API writes it.
pub fn reference(target: &Target) -> TableReference {
    TableReference {
        project_id: target.project.clone(),
        dataset_id: target.dataset.clone(),
        table_id: target.table.clone(),
    }
}

/// Where people look at the table; nowhere, if it is not Google's service.
pub fn console(target: &Target, to: &config::BigQuery) -> Option<String> {
    let is_google = to
        .endpoint
        .host_str()
        .is_some_and(|host| host.ends_with(".googleapis.com"));
    let (project, dataset, table) = (&target.project, &target.dataset, &target.table);
    is_google.then(|| {
        format!(
            "https://console.cloud.google.com/bigquery?project={project}&p={project}&d={dataset}\
             &t={table}&page=table"
        )
    })
}
