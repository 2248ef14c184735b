//! The source itself, read in this process by a session: what a query asks of the API, and what it gets.

use std::sync::Arc;

use datafusion::arrow::{array::RecordBatch, json::ArrayWriter};
use dfpipe::{
    config,
    engine::Engine,
    error::Error,
    model::{File, Parameters, Sql},
    sources::{Privacy, RefusedLog, SourceTable, Window},
};
use serde_json::{Value, json};

use super::{pipeline_from, with};
use crate::support::{
    api::{Api, Paging, Setup, ids, people},
    project::Project,
};

/// What a reading ended with.
pub(super) struct Reading {
    pub(super) rows: Vec<Value>,
    pub(super) ended: Result<(), Error>,
    pub(super) log: Arc<RefusedLog>,
}

/// Reads what this query wants, and all that comes before an error.
pub(super) async fn read(project: &Project, api: &Api, query: &str) -> Reading {
    let variable = |name: &str| match name {
        "CRM_API_URL" => Some(api.url()),
        "CRM_API_KEY" => Some(Api::KEY.to_owned()),
        _ => None,
    };
    let config = config::load(&project.folder(), None, &variable).expect("the project is good");
    let engine = Engine::new(&config, &project.path("spill")).expect("a session can be made");
    let log = Arc::new(RefusedLog::counting("people"));
    let table = SourceTable::new(
        Arc::new(config.sources["people"].clone()),
        Window::before(config.as_of.expect("it is fixed"), config.window_days),
        Privacy::new(&config.email_hash_key),
        Arc::clone(&log),
        1,
    );
    engine
        .register("people", Arc::new(table))
        .expect("the name is free");
    let mut rows = vec![];
    let ended = collect(&engine, query, &mut rows).await;
    Reading { rows, ended, log }
}

async fn collect(engine: &Engine, query: &str, rows: &mut Vec<Value>) -> Result<(), Error> {
    let file = File {
        path: "test.sql".into(),
        name: "test.sql".into(),
        text: query.into(),
    };
    let sql = Sql::parse(file).expect("it is SQL");
    let mut stream = engine.query(&sql, &Parameters::default()).await?;
    while let Some(batch) = stream.next().await {
        rows.extend(objects(&batch?));
    }
    Ok(())
}

fn objects(batch: &RecordBatch) -> Vec<Value> {
    if batch.num_rows() == 0 {
        return vec![];
    }
    let mut writer = ArrayWriter::new(vec![]);
    writer.write(batch).expect("rows can be JSON");
    writer.finish().expect("rows can be JSON");
    serde_json::from_slice(&writer.into_inner()).expect("JSON can be read back")
}

#[tokio::test]
async fn a_limit_stops_paging() {
    for paging in Paging::ALL {
        let api = Api::of(people(100), Setup::paged(paging, 10));
        let project = pipeline_from(&api, &api.from());
        let reading = read(&project, &api, "select * from people limit 7").await;
        reading.ended.expect("it can be read");
        assert_eq!(reading.rows.len(), 7, "{paging:?}");
        assert_eq!(api.asked().len(), 1, "{paging:?}: {:?}", api.requests());
    }
}

#[tokio::test]
async fn only_the_fields_that_a_query_needs_are_asked_for() {
    let api = Api::of(people(30), Setup::paged(Paging::Offset, 10));
    let fields = json!({"parameter": "fields", "separator": ","});
    let project = pipeline_from(&api, &with(&api, [("fields", fields)]));
    let query = "select customer_id, email_hash from people where tier = 'basic'";
    let reading = read(&project, &api, query).await;
    reading.ended.expect("it can be read");
    assert_eq!(reading.rows.len(), 10);
    for asked in api.asked() {
        let fields = asked.parameter("fields").expect("fields are asked for");
        let mut fields: Vec<_> = fields.split(',').collect();
        fields.sort_unstable();
        // What is required is looked at, whoever wants it; and an address is asked for by its own name.
        fields.retain(|field| *field != "updated_at");
        assert_eq!(fields, ["customer_id", "email", "tier"]);
    }
    // Not being wanted is no reason to be refused.
    assert_eq!(reading.log.counts().rejected, 0);
}

#[tokio::test]
async fn a_filter_on_the_time_of_change_becomes_the_apis_own_and_is_kept_to() {
    let setup = Setup {
        knows_updated_before: true,
        ..Setup::paged(Paging::Cursor, 10)
    };
    let api = Api::of(people(100), setup);
    let filter = json!({"column": "updated_at", "from": "updated_since", "to": "updated_before"});
    let project = pipeline_from(
        &api,
        &with(&api, [("filter", filter), ("query", json!({}))]),
    );
    let query = "select customer_id from people where updated_at >= timestamp '2026-11-08T00:21:00Z' \
                 and updated_at < timestamp '2026-11-08T00:36:00Z'";
    let reading = read(&project, &api, query).await;
    reading.ended.expect("it can be read");
    assert_eq!(ids(&reading.rows), ids(&people(35)[20..]));
    let asked = &api.asked()[0];
    let since = asked
        .parameter("updated_since")
        .expect("the filter is sent");
    // The API may take the bound to be excluded: an earlier one is safe, a later one is not.
    assert!(
        ("2026-11-08T00:20:00".."2026-11-08T00:21:01").contains(&since),
        "{since}"
    );
    let before = asked
        .parameter("updated_before")
        .expect("the filter is sent");
    // The API may take the bound to be included: a later one is safe, an earlier one is not.
    assert!(before >= "2026-11-08T00:36:00", "{before}");
    assert!(api.asked().len() <= 3, "{:?}", api.requests());
}

/// A filter that the API does not know is kept to here.
#[tokio::test]
async fn a_filter_that_the_api_does_not_know_is_kept_to_all_the_same() {
    for condition in [
        "updated_at > timestamp '2026-11-08T00:21:00Z'",
        "support_tickets = 3",
    ] {
        let api = Api::of(people(50), Setup::paged(Paging::PageNumber, 10));
        let project = pipeline_from(&api, &api.from());
        let query = format!("select customer_id from people where {condition}");
        let reading = read(&project, &api, &query).await;
        reading.ended.expect("it can be read");
        let expected = if condition.contains("tickets") {
            10
        } else {
            29
        };
        assert_eq!(reading.rows.len(), expected, "{condition}");
    }
}

/// A limit counts the rows that a filter lets through, and not those that it was shown.
#[tokio::test]
async fn a_limit_behind_a_filter_does_not_stop_too_early() {
    let api = Api::of(people(100), Setup::paged(Paging::Cursor, 10));
    let project = pipeline_from(&api, &api.from());
    let query = "select customer_id from people where support_tickets = 4 limit 15";
    let reading = read(&project, &api, query).await;
    reading.ended.expect("it can be read");
    assert_eq!(reading.rows.len(), 15);
    let query = "select count(*) as people from people";
    let counted = read(&project, &api, query).await;
    assert_eq!(counted.rows, [json!({"people": 100})]);
}
