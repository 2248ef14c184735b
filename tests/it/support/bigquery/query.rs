//! Queries: really run, over what was really loaded, by DataFusion in the service's dialect.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State as Shared},
};
use datafusion::{
    arrow::array::RecordBatch,
    catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider},
    dataframe::DataFrame,
    datasource::MemTable,
    prelude::{SessionConfig, SessionContext},
};
use regex::Regex;
use serde_json::{Value, json};

use super::{
    Service, cells, jobs,
    jobs::Parameters,
    refusal::Refusal,
    schema::{self, Column},
    state::{Stage, State, TableName, Work},
};

/// What a query found.
#[derive(Clone)]
pub(super) struct Found {
    columns: Vec<Column>,
    batches: Vec<RecordBatch>,
}

/// `jobs.query`: a job and, mostly, its answer in one go.
pub(super) async fn query(
    Shared(service): Shared<Service>,
    Path(project): Path<String>,
    Json(said): Json<Value>,
) -> Result<Json<Value>, Refusal> {
    if said["useLegacySql"] != json!(false) {
        return Err(Refusal::invalid_query(
            "Encountered \"`\" at line 1: legacy SQL",
        ));
    }
    let job = json!({
        "jobReference": {"projectId": project, "location": said["location"]},
        "configuration": {"query": said, "labels": said["labels"]},
    });
    let shown = insert(&service, &project, &job).await?;
    if said["dryRun"] == true {
        return Ok(Json(json!({
            "kind": "bigquery#queryResponse",
            "jobComplete": true,
            "jobReference": {"projectId": project, "location": shown["jobReference"]["location"]},
            "totalBytesProcessed": "0",
        })));
    }
    let id = shown["jobReference"]["jobId"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let location = shown["jobReference"]["location"]
        .as_str()
        .unwrap_or_default();
    let mut parameters = Parameters::from([("location".to_owned(), location.to_owned())]);
    let options = &said["formatOptions"]["useInt64Timestamp"];
    parameters.insert(
        "formatOptions.useInt64Timestamp".to_owned(),
        options.to_string(),
    );
    let is_slow = service.lock().settings.slow_queries;
    answer(&service, &project, &id, &parameters, is_slow)
}

/// `jobs.getQueryResults`.
pub(super) async fn results(
    Shared(service): Shared<Service>,
    Path((project, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Value>, Refusal> {
    answer(&service, &project, &id, &parameters, false)
}

fn answer(
    service: &Service,
    project: &str,
    id: &str,
    parameters: &Parameters,
    is_slow: bool,
) -> Result<Json<Value>, Refusal> {
    let state = service.lock();
    let name = jobs::find(&state, project, id, parameters)?;
    let reference = json!({"projectId": project, "jobId": id, "location": name.location});
    if is_slow {
        return Ok(Json(
            json!({"kind": "bigquery#queryResponse", "jobComplete": false, "jobReference": reference}),
        ));
    }
    let found = state.found.get(&name);
    let found = found.ok_or_else(|| Refusal::invalid("The job is no query."))?;
    let is_exact = parameters
        .get("formatOptions.useInt64Timestamp")
        .is_some_and(|set| set == "true");
    let rows = cells::rows(&found.columns, &found.batches, is_exact);
    Ok(Json(json!({
        "kind": "bigquery#queryResponse",
        "jobComplete": true,
        "jobReference": reference,
        "schema": {"fields": schema::to_json(&found.columns)},
        "totalRows": rows.len().to_string(),
        "rows": rows,
        "totalBytesProcessed": "0",
        "cacheHit": false,
    })))
}

/// Runs the query of a job, and takes the job.
pub(super) async fn insert(
    service: &Service,
    project: &str,
    said: &Value,
) -> Result<Value, Refusal> {
    let query = &said["configuration"]["query"];
    if query["useLegacySql"] != json!(false) {
        return Err(Refusal::invalid_query(
            "Encountered \"`\" at line 1: legacy SQL",
        ));
    }
    let name = {
        let state = service.lock();
        let name = jobs::name(&state, project, said)?;
        jobs::refuse_taken(&state, &name)?;
        name
    };
    let statement = with_parameters(query["query"].as_str().unwrap_or_default(), query)?;
    let frame = plan(service, &statement, Some(&name.location)).await?;
    let is_dry = query["dryRun"] == true || said["configuration"]["dryRun"] == true;
    let columns = columns_of(&frame)?;
    let batches = if is_dry {
        vec![]
    } else {
        let collected = frame.collect().await;
        collected.map_err(|error| Refusal::invalid_query(error.to_string()))?
    };
    let mut state = service.lock();
    let number = format!("job_{}", state.next());
    let mut name = name;
    if name.id.is_empty() {
        name.id = number;
    }
    jobs::take(&mut state, name.clone(), said, Work::Query);
    let job = state.jobs.get_mut(&name).expect("it was taken");
    (job.stage, job.outcome) = (Stage::Done, Some(Ok(Value::Null)));
    let shown = jobs::shown(&name, job);
    state.found.insert(name, Found { columns, batches });
    Ok(shown)
}

/// The columns that a statement gives, or why it is none.
pub(super) async fn columns(service: &Service, statement: &str) -> Result<Vec<Column>, Refusal> {
    columns_of(&plan(service, statement, None).await?)
}

fn columns_of(frame: &DataFrame) -> Result<Vec<Column>, Refusal> {
    schema::of_arrow(frame.schema().as_arrow()).map_err(Refusal::invalid_query)
}

/// Named parameters, written into the statement.
fn with_parameters(statement: &str, query: &Value) -> Result<String, Refusal> {
    let mut statement = statement.to_owned();
    for parameter in query["queryParameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let value = parameter["parameterValue"]["value"]
            .as_str()
            .unwrap_or_default();
        let quoted = format!("'{}'", value.replace('\'', "''"));
        let literal = match parameter["parameterType"]["type"]
            .as_str()
            .unwrap_or_default()
        {
            "STRING" => quoted,
            "INT64" | "INTEGER" => value
                .parse::<i64>()
                .map_err(|error| Refusal::invalid_query(error.to_string()))?
                .to_string(),
            "DATE" => format!("date {quoted}"),
            "TIMESTAMP" => format!("timestamp {quoted}"),
            other => {
                return Err(Refusal::invalid_query(format!(
                    "Parameters of type {other} are unknown here"
                )));
            }
        };
        let pattern =
            Regex::new(&format!(r"@{}\b", regex::escape(name))).expect("a name is a pattern");
        statement = pattern
            .replace_all(&statement, regex::NoExpand(&literal))
            .into_owned();
    }
    Ok(statement)
}

/// The statement over all tables and views; with a location, over those that lie there.
async fn plan(
    service: &Service,
    statement: &str,
    location: Option<&str>,
) -> Result<DataFrame, Refusal> {
    let (tables, views) = contents(&service.lock(), location);
    let session = session();
    for (name, schema, batches) in tables {
        let table = MemTable::try_new(schema, vec![batches]).expect("batches fit their table");
        register(&session, &name, Arc::new(table));
    }
    for (name, statement) in views {
        // A view over what is gone is still there; who asks it is told.
        if let Ok(frame) = session.sql(&statement).await {
            register(&session, &name, frame.into_view());
        }
    }
    session
        .sql(statement)
        .await
        .map_err(|error| refused(&error.to_string()))
}

fn refused(error: &str) -> Refusal {
    let missing = Regex::new(r"table '([^']+)' not found").expect("it is a pattern");
    match missing.captures(error) {
        Some(missing) => Refusal::not_found(format!("Table {}", missing[1].replacen('.', ":", 1))),
        None => Refusal::invalid_query(error.lines().next().unwrap_or(error)),
    }
}

type Held = (
    TableName,
    datafusion::arrow::datatypes::SchemaRef,
    Vec<RecordBatch>,
);

fn contents(state: &State, location: Option<&str>) -> (Vec<Held>, Vec<(TableName, String)>) {
    let (mut tables, mut views) = (vec![], vec![]);
    for (name, table) in &state.tables {
        let place = state.location(&name.dataset());
        if location.is_some_and(|location| place != location) {
            continue;
        }
        match table.view() {
            Some(statement) => views.push((name.clone(), statement.to_owned())),
            None => tables.push((name.clone(), table.schema(), table.batches())),
        }
    }
    (tables, views)
}

fn session() -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(1);
    config.options_mut().sql_parser.dialect = datafusion::common::config::Dialect::BigQuery;
    SessionContext::new_with_config(config)
}

fn register(
    session: &SessionContext,
    name: &TableName,
    table: Arc<dyn datafusion::catalog::TableProvider>,
) {
    let catalog = session.catalog(&name.project).unwrap_or_else(|| {
        let catalog: Arc<dyn CatalogProvider> = Arc::new(MemoryCatalogProvider::new());
        session.register_catalog(&name.project, Arc::clone(&catalog));
        catalog
    });
    let schema = catalog.schema(&name.dataset).unwrap_or_else(|| {
        let schema: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
        let made = catalog.register_schema(&name.dataset, Arc::clone(&schema));
        made.expect("a schema can be added");
        schema
    });
    let added = schema.register_table(name.table.clone(), table);
    added.expect("a table can be added");
}

/// The rows that a statement finds, as JSON objects by the names of its columns.
pub(super) async fn objects(service: &Service, statement: &str) -> Vec<BTreeMap<String, Value>> {
    let frame = plan(service, statement, None)
        .await
        .expect("the statement can be planned");
    let columns = columns_of(&frame).expect("its columns have types");
    let batches = frame.collect().await.expect("the statement can be run");
    let row = |row: Value| {
        let cells = row["f"].as_array().cloned().unwrap_or_default();
        let named = columns.iter().zip(cells);
        named
            .map(|(column, mut cell)| (column.name.clone(), cell["v"].take()))
            .collect()
    };
    cells::rows(&columns, &batches, true)
        .into_iter()
        .map(row)
        .collect()
}
