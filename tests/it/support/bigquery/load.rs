//! A load job at work: all of the file or nothing, columns by name, the table's rules first.

use axum::body::Bytes;
use datafusion::arrow::array::RecordBatch;
use serde_json::{Value, json};

use super::{
    decode,
    refusal::Refusal,
    schema::{self, Allowed, Column, Mode},
    state::{JobName, State, Table, TableName},
    tables,
};

/// Does what the configuration says. The statistics, or why nothing was done.
pub(super) fn commit(
    state: &mut State,
    job: &JobName,
    load: &Value,
    content: Option<Bytes>,
) -> Result<Value, Refusal> {
    let name = TableName::parse(&load["destinationTable"])?;
    let key = name.dataset();
    let location = state.location(&key);
    if !state.datasets.contains_key(&key) || location != job.location.as_str() {
        let message = format!(
            "Dataset {}:{} was not found in location {}",
            key.0, key.1, job.location
        );
        return Err(Refusal::not_found(message));
    }
    if load["sourceFormat"] != "PARQUET" {
        return Err(Refusal::invalid("Only Parquet is loaded here."));
    }
    let files = files(state, load, content)?;
    let said = match &load["schema"]["fields"] {
        Value::Null => None,
        fields => Some(schema::parse(fields).map_err(Refusal::invalid)?),
    };
    let columns = match &said {
        Some(columns) => columns.clone(),
        None => implied(state.tables.get(&name), files[0].columns()?),
    };
    let columns = columns_after(state.tables.get(&name), &name, &columns, load)?;
    // The files are read in the columns that were said: one of the table that they lack is null.
    let mut batches = vec![];
    for file in &files {
        batches.extend(file.rows(&columns, said.is_some())?);
    }
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if !state.tables.contains_key(&name) {
        state
            .tables
            .insert(name.clone(), made(&name, &columns, load)?);
    }
    let loses_rows = state.loses_rows;
    let table = state.tables.get_mut(&name).expect("it is there by now");
    if load["writeDisposition"] == "WRITE_TRUNCATE" {
        table.loads.clear();
    }
    if table.columns != columns {
        table.columns = columns;
        table.etag += 1;
    }
    let lost = usize::from(loses_rows);
    table.loads.extend(
        batches
            .into_iter()
            .map(|batch| batch.slice(lost, batch.num_rows() - lost)),
    );
    let bytes: usize = files.iter().map(|file| file.bytes).sum();
    Ok(json!({
        "inputFiles": files.len().to_string(),
        "inputFileBytes": bytes.to_string(),
        "outputRows": rows.to_string(),
        "outputBytes": bytes.to_string(),
        "badRecords": "0",
    }))
}

/// What was uploaded, or what lies where the load says.
fn files(
    state: &State,
    load: &Value,
    content: Option<Bytes>,
) -> Result<Vec<decode::File>, Refusal> {
    let uris = load["sourceUris"].as_array().into_iter().flatten();
    let staged = uris
        .filter_map(Value::as_str)
        .map(|uri| state.buckets.read(uri));
    let contents = match content {
        Some(content) => vec![content],
        None => staged.collect::<Result<_, _>>()?,
    };
    let files = contents
        .into_iter()
        .map(|content| decode::File::open(content, load));
    files.collect()
}

/// What a file says without a schema beside it: nothing about columns that it lacks and may lack, nor about
/// the digits of decimals.
fn implied(table: Option<&Table>, mut columns: Vec<Column>) -> Vec<Column> {
    for held in table.into_iter().flat_map(|table| &table.columns) {
        let found = columns
            .iter_mut()
            .find(|column| schema::is_same(&column.name, &held.name));
        match found {
            Some(column) if column.kind.name() == held.kind.name() => {
                column.kind = held.kind.clone();
            }
            None if held.mode != Mode::Required => columns.push(held.clone()),
            _ => {}
        }
    }
    columns
}

/// The columns that the table has after the load, if it may be loaded.
fn columns_after(
    held: Option<&Table>,
    name: &TableName,
    said: &[Column],
    load: &Value,
) -> Result<Vec<Column>, Refusal> {
    let Some(table) = held else {
        return match load["createDisposition"].as_str() {
            Some("CREATE_NEVER") => Err(Refusal::not_found(format!("Table {name}"))),
            _ => Ok(said.to_vec()),
        };
    };
    if table.view().is_some() {
        return Err(Refusal::invalid(format!(
            "Cannot load into the view {name}."
        )));
    }
    if load["writeDisposition"] == "WRITE_EMPTY" && table.rows() > 0 {
        return Err(Refusal::duplicate(format!("Table {name}")));
    }
    same_layout(table, load)?;
    let options: Vec<_> = load["schemaUpdateOptions"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let has = |option: &str| options.iter().any(|said| **said == option);
    let allowed = Allowed {
        addition: has("ALLOW_FIELD_ADDITION"),
        relaxation: has("ALLOW_FIELD_RELAXATION"),
    };
    schema::evolve(&table.columns, said, allowed).map_err(|why| {
        Refusal::invalid(format!(
            "Provided Schema does not match Table {name}. {why}."
        ))
    })
}

/// What the load says of partitions must be what the table has.
fn same_layout(table: &Table, load: &Value) -> Result<(), Refusal> {
    let layout = |resource: &Value| {
        let partitioning = &resource["timePartitioning"];
        (partitioning["type"].clone(), partitioning["field"].clone())
    };
    if !load["timePartitioning"].is_null() && layout(load) != layout(&table.resource) {
        return Err(Refusal::invalid(
            "Incompatible table partitioning specification.",
        ));
    }
    if !load["clustering"].is_null()
        && load["clustering"]["fields"] != table.resource["clustering"]["fields"]
    {
        return Err(Refusal::invalid(
            "Incompatible table clustering specification.",
        ));
    }
    Ok(())
}

/// The table that a first load makes.
fn made(name: &TableName, columns: &[Column], load: &Value) -> Result<Table, Refusal> {
    let mut resource = json!({
        "tableReference": {"projectId": name.project, "datasetId": name.dataset, "tableId": name.table},
        "schema": {"fields": schema::to_json(columns)},
    });
    for key in ["timePartitioning", "clustering"] {
        if !load[key].is_null() {
            resource[key] = load[key].clone();
        }
    }
    tables::table(resource)
}
