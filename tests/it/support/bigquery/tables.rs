//! Datasets, tables and views: made, shown, changed.

use axum::{
    Json,
    extract::{Path, State as Shared},
    http::HeaderMap,
};
use serde_json::{Value, json};

use super::{
    Service, query,
    refusal::Refusal,
    schema::{self, Allowed},
    state::{Table, TableName},
};

type Answer = Result<Json<Value>, Refusal>;

pub(super) async fn insert_dataset(
    Shared(service): Shared<Service>,
    Path(project): Path<String>,
    Json(mut dataset): Json<Value>,
) -> Answer {
    let mut state = service.lock();
    let id = dataset["datasetReference"]["datasetId"]
        .as_str()
        .unwrap_or_default();
    if id.is_empty()
        || !id
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
    {
        return Err(Refusal::invalid(format!("Invalid dataset ID \"{id}\".")));
    }
    let key = (project, id.to_owned());
    let name = format!("{}:{}", key.0, key.1);
    if state.datasets.contains_key(&key) {
        return Err(Refusal::duplicate(format!("Dataset {name}")));
    }
    if dataset["location"].is_null() {
        dataset["location"] = "US".into();
    }
    dataset["datasetReference"]["projectId"] = key.0.clone().into();
    dataset["kind"] = "bigquery#dataset".into();
    dataset["id"] = name.into();
    state.datasets.insert(key, dataset.clone());
    Ok(Json(dataset))
}

pub(super) async fn get_dataset(
    Shared(service): Shared<Service>,
    Path(key): Path<(String, String)>,
) -> Answer {
    let state = service.lock();
    let dataset = state.datasets.get(&key);
    let dataset =
        dataset.ok_or_else(|| Refusal::not_found(format!("Dataset {}:{}", key.0, key.1)))?;
    Ok(Json(dataset.clone()))
}

pub(super) async fn insert_table(
    Shared(service): Shared<Service>,
    Path((project, dataset)): Path<(String, String)>,
    Json(said): Json<Value>,
) -> Answer {
    let name = TableName::parse(&said["tableReference"])?;
    if (name.project.as_str(), name.dataset.as_str()) != (&project, &dataset) {
        return Err(Refusal::invalid(
            "The table reference does not match the address.",
        ));
    }
    let key = name.dataset();
    if !service.lock().datasets.contains_key(&key) {
        return Err(Refusal::not_found(format!("Dataset {project}:{dataset}")));
    }
    if service.lock().tables.contains_key(&name) {
        return Err(Refusal::duplicate(format!("Table {name}")));
    }
    let table = if said["view"].is_object() {
        view(&service, said).await?
    } else {
        table(said)?
    };
    let mut state = service.lock();
    let location = state.location(&key);
    let shown = table.to_json(&name, &location);
    state.tables.insert(name, table);
    Ok(Json(shown))
}

/// A table without rows, as it was asked for.
pub(super) fn table(mut said: Value) -> Result<Table, Refusal> {
    let columns = schema::parse(&said["schema"]["fields"]).map_err(Refusal::invalid)?;
    if let Some(field) = said["timePartitioning"]["field"].as_str() {
        let column = columns
            .iter()
            .find(|column| schema::is_same(&column.name, field));
        let is_time = column.is_some_and(|column| {
            matches!(column.kind.name(), "DATE" | "TIMESTAMP" | "DATETIME")
                && column.mode != schema::Mode::Repeated
        });
        if !is_time {
            let message = format!(
                "The field specified for partitioning cannot be found in the schema: {field}"
            );
            return Err(Refusal::invalid(message));
        }
    }
    for field in said["clustering"]["fields"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let field = field.as_str().unwrap_or_default();
        if !columns
            .iter()
            .any(|column| schema::is_same(&column.name, field))
        {
            let message = format!(
                "The field specified for clustering cannot be found in the schema: {field}"
            );
            return Err(Refusal::invalid(message));
        }
    }
    remove(&mut said, "schema");
    Ok(Table {
        resource: said,
        columns,
        loads: vec![],
        etag: 1,
    })
}

/// A view; its statement must be one that the service can run.
async fn view(service: &Service, said: Value) -> Result<Table, Refusal> {
    // Without being told, the service reads views in its old dialect, in which backticks mean nothing.
    if said["view"]["useLegacySql"] != json!(false) {
        return Err(Refusal::invalid_query(
            "Encountered \" \"`\" \"\" at line 1: legacy SQL",
        ));
    }
    let statement = said["view"]["query"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let columns = query::columns(service, &statement).await?;
    let mut resource = said;
    remove(&mut resource, "schema");
    Ok(Table {
        resource,
        columns,
        loads: vec![],
        etag: 1,
    })
}

pub(super) async fn get_table(
    Shared(service): Shared<Service>,
    Path((project, dataset, table)): Path<(String, String, String)>,
) -> Answer {
    let name = TableName {
        project,
        dataset,
        table,
    };
    let state = service.lock();
    let key = name.dataset();
    if !state.datasets.contains_key(&key) {
        return Err(Refusal::not_found(format!("Dataset {}:{}", key.0, key.1)));
    }
    let table = state.tables.get(&name);
    let table = table.ok_or_else(|| Refusal::not_found(format!("Table {name}")))?;
    Ok(Json(table.to_json(&name, &state.location(&key))))
}

pub(super) async fn patch_table(
    Shared(service): Shared<Service>,
    Path((project, dataset, table)): Path<(String, String, String)>,
    headers: HeaderMap,
    Json(said): Json<Value>,
) -> Answer {
    let name = TableName {
        project,
        dataset,
        table,
    };
    let (held, etag) = {
        let state = service.lock();
        let table = state.tables.get(&name);
        let table = table.ok_or_else(|| Refusal::not_found(format!("Table {name}")))?;
        (table.resource.clone(), table.etag)
    };
    if headers
        .get("if-match")
        .is_some_and(|wanted| wanted != format!("etag-{etag}").as_str())
    {
        return Err(Refusal::condition_not_met());
    }
    if said["view"].is_object() {
        let changed = view(&service, merged(held, &said)).await?;
        let mut state = service.lock();
        let location = state.location(&name.dataset());
        let table = state.tables.get_mut(&name).expect("it is there");
        (table.columns, table.resource, table.etag) = (changed.columns, changed.resource, etag + 1);
        return Ok(Json(table.to_json(&name, &location)));
    }
    patched(&service, &name, &said)
}

fn patched(service: &Service, name: &TableName, said: &Value) -> Answer {
    let mut state = service.lock();
    let location = state.location(&name.dataset());
    let table = state.tables.get_mut(name).expect("it is there");
    for fixed in ["timePartitioning", "clustering"] {
        let (held, said) = (&table.resource[fixed], &said[fixed]);
        if fixed == "timePartitioning"
            && !said.is_null()
            && (said["field"] != held["field"] || said["type"] != held["type"])
        {
            return Err(Refusal::invalid(
                "Cannot change partitioning spec for a partitioned table.",
            ));
        }
    }
    if !said["schema"].is_null() {
        let columns = schema::parse(&said["schema"]["fields"]).map_err(Refusal::invalid)?;
        let allowed = Allowed {
            addition: true,
            relaxation: true,
        };
        table.columns = schema::evolve(&table.columns, &columns, allowed).map_err(|why| {
            Refusal::invalid(format!(
                "Provided Schema does not match Table {name}. {why}."
            ))
        })?;
    }
    let mut resource = merged(std::mem::take(&mut table.resource), said);
    remove(&mut resource, "schema");
    table.resource = resource;
    table.etag += 1;
    Ok(Json(table.to_json(name, &location)))
}

/// What a patch leaves: objects are merged, `null` removes.
fn merged(held: Value, said: &Value) -> Value {
    let (Value::Object(mut held), Value::Object(said)) = (held, said) else {
        return said.clone();
    };
    for (key, value) in said {
        if value.is_null() {
            held.remove(key);
        } else {
            let before = held.remove(key).unwrap_or(Value::Null);
            held.insert(key.clone(), merged(before, value));
        }
    }
    Value::Object(held)
}

fn remove(resource: &mut Value, key: &str) {
    if let Some(resource) = resource.as_object_mut() {
        resource.remove(key);
    }
}
