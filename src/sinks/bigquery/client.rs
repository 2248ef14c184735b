//! BigQuery as the sink sees it: datasets, tables, queries and jobs, each one call.
//!
//! The only file that names `gcp_bigquery_client`. It does datasets and queries; what it loses goes
//! through [`super::rest`]: its errors drop the status of answers that are no JSON, its tables know a
//! closed list of column types, its load configuration lacks `parquetOptions`, and it uploads nothing.

use std::sync::Arc;

use async_trait::async_trait;
use gcp_bigquery_client::{
    Client as Library,
    auth::Authenticator,
    client_builder::ClientBuilder,
    error::BQError,
    model::{
        dataset::Dataset as LibraryDataset,
        get_query_results_parameters::GetQueryResultsParameters,
        get_query_results_response::GetQueryResultsResponse, query_request::QueryRequest,
        table_row::TableRow,
    },
};
use reqwest::{Method, header::IF_MATCH};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    access::Access,
    auth::Credentials,
    failure::{Class, Failure},
    pace::{Pace, back_off},
    rest::{Request, Rest, broken, patiently},
    target::Target,
    wire::{ErrorProto, Job, Table},
};
use crate::{config, error::Result};

const API: &str = "bigquery/v2";

/// Milliseconds that the service holds a query before it answers "not yet".
const HELD: i32 = 10_000;

/// Talks to one project of BigQuery.
#[derive(Clone)]
pub struct Client {
    rest: Rest,
    library: Arc<OnceCell<Library>>,
    project: String,
    location: String,
    patience: std::time::Duration,
}

/// A dataset.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Where it lies.
    pub location: Option<String>,
}

/// What a query gave. A value is text as the service writes it, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Rows(pub Vec<Vec<Option<String>>>);

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Client");
        shown
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the project that `to` names. Nobody is asked yet.
    pub fn new(to: &config::BigQuery) -> Result<Self> {
        let credentials = Credentials::new(&to.project, &to.auth, to.staging.is_some())?;
        Ok(Self {
            rest: Rest::new(to.endpoint.clone(), credentials)?,
            library: Arc::default(),
            project: to.project.clone(),
            location: to.location.clone(),
            patience: to.timeout,
        })
    }

    /// Who asks, as `gcloud` names members, where that is known.
    pub fn principal(&self) -> Option<&str> {
        self.rest.credentials().principal()
    }

    /// What sends requests of other shapes.
    pub fn rest(&self) -> &Rest {
        &self.rest
    }

    /// The dataset, if there is one.
    pub async fn dataset(&self, name: &str) -> Result<Option<Dataset>, Failure> {
        let access = Access::read_dataset(&self.project, name, self.principal());
        let asked = patiently(async || {
            let library = self.library(&access).await?;
            let found = library.dataset().get(&self.project, name).await;
            found.map_err(|error| failure(&access, error))
        });
        let found = absent(asked.await)?;
        Ok(found.map(|found| Dataset {
            location: found.location,
        }))
    }

    /// Makes the dataset. One that is there already is [`Class::Exists`].
    pub async fn create_dataset(&self, name: &str) -> Result<(), Failure> {
        let access = Access::create_dataset(&self.project, name, self.principal());
        patiently(async || {
            let library = self.library(&access).await?;
            let dataset = LibraryDataset::new(&self.project, name).location(&self.location);
            let made = library.dataset().create(dataset).await;
            made.map(drop).map_err(|error| failure(&access, error))
        })
        .await
    }

    /// The table or view, if there is one.
    pub async fn table(&self, target: &Target) -> Result<Option<Table>, Failure> {
        let access = Access::read_table(&self.project, &target.path(), self.principal());
        let url = self.table_url(target, true);
        absent(self.rest.ask(&access, Request::get(url)).await)
    }

    /// Makes a table or view. One that is there already is [`Class::Exists`].
    pub async fn create_table(&self, target: &Target, table: &Table) -> Result<Table, Failure> {
        let access = Access::create_table(&self.project, &target.path(), self.principal());
        let url = self.table_url(target, false);
        let request = Request::with_json(Method::POST, url, table);
        self.rest.ask(&access, request).await
    }

    /// Changes what `changes` names of a table or view, if it is still what `etag` was read of.
    pub async fn patch_table(
        &self,
        target: &Target,
        changes: &Value,
        etag: Option<&str>,
    ) -> Result<Table, Failure> {
        let access = Access::change_table(&self.project, &target.path(), self.principal());
        let url = self.table_url(target, true);
        let mut request = Request::with_json(Method::PATCH, url, changes);
        if let Some(etag) = etag {
            request = request.with_header(IF_MATCH, etag);
        }
        self.rest.ask(&access, request).await
    }

    /// The rows of a query. It must change nothing: it may be asked more than once.
    pub async fn query(&self, sql: &str) -> Result<Rows, Failure> {
        let access = Access::query(&self.project, self.principal());
        patiently(|| self.query_once(&access, sql)).await
    }

    /// What a query would need, without running it: whether jobs may be made, and its tables read.
    pub async fn dry_run(&self, sql: &str) -> Result<(), Failure> {
        let access = Access::query(&self.project, self.principal());
        patiently(async || {
            let mut request = self.request(sql);
            request.dry_run = Some(true);
            let library = self.library(&access).await?;
            let asked = library.job().query(&self.project, request).await;
            asked.map(drop).map_err(|error| failure(&access, error))
        })
        .await
    }

    /// The job, if there is one.
    pub async fn job(&self, id: &str) -> Result<Option<Job>, Failure> {
        let access = Access::jobs(&self.project, self.principal());
        let mut url = self.rest.url(API, &["projects", &self.project, "jobs", id]);
        url.query_pairs_mut()
            .append_pair("location", &self.location);
        absent(self.rest.ask(&access, Request::get(url)).await)
    }

    /// Submits a job, once: whoever submits must know what a lost answer means.
    pub async fn insert_job(&self, access: &Access, job: &Job) -> Result<Job, Failure> {
        let url = self.rest.url(API, &["projects", &self.project, "jobs"]);
        let request = Request::with_json(Method::POST, url, job);
        self.rest.once(access, request).await
    }

    fn table_url(&self, target: &Target, is_one: bool) -> url::Url {
        let dataset = [
            "projects",
            &*target.project,
            "datasets",
            &*target.dataset,
            "tables",
        ];
        let mut names = dataset.to_vec();
        if is_one {
            names.push(&target.table);
        }
        self.rest.url(API, &names)
    }

    fn request(&self, sql: &str) -> QueryRequest {
        let mut request = QueryRequest::new(sql);
        request.location = Some(self.location.clone());
        request.timeout_ms = Some(HELD);
        request.use_legacy_sql = false;
        // What was counted before a load says nothing of it.
        request.use_query_cache = Some(false);
        request
    }

    async fn query_once(&self, access: &Access, sql: &str) -> Result<Rows, Failure> {
        let library = self.library(access).await?;
        let asked = library.job().query(&self.project, self.request(sql)).await;
        let first = asked.map_err(|error| failure(access, error))?;
        let id = first.job_reference.and_then(|job| job.job_id);
        let mut rows = Rows::default();
        let mut token = first.page_token;
        if first.job_complete.unwrap_or(false) {
            rows.take(first.rows);
            if token.is_none() {
                return Ok(rows);
            }
        }
        let id = id.ok_or_else(|| Failure::broken(access, "a query without a job"))?;
        let mut pace = Pace::new(self.patience);
        let mut asked = 0;
        loop {
            let page = self.results(access, &id, token.as_deref()).await?;
            if page.job_complete.unwrap_or(false) {
                rows.take(page.rows);
                token = page.page_token;
                if token.is_none() {
                    return Ok(rows);
                }
            } else if pace.is_over() {
                return Err(Failure::broken(access, "the query does not end"));
            } else {
                asked += 1;
                pace.wait(back_off(asked)).await;
            }
        }
    }

    async fn results(
        &self,
        access: &Access,
        id: &str,
        token: Option<&str>,
    ) -> Result<GetQueryResultsResponse, Failure> {
        let library = self.library(access).await?;
        let parameters = GetQueryResultsParameters {
            location: Some(self.location.clone()),
            page_token: token.map(str::to_owned),
            timeout_ms: Some(HELD),
            ..GetQueryResultsParameters::default()
        };
        let page = library
            .job()
            .get_query_results(&self.project, id, parameters);
        page.await.map_err(|error| failure(access, error))
    }

    /// The library for one request: once that may go out, and once a token can be had, since its own errors
    /// could not say why there is none.
    async fn library(&self, access: &Access) -> Result<&Library, Failure> {
        self.rest.credentials().token().await?;
        let _permit = self.rest.turn().await;
        let make = async || {
            let signs = Arc::new(Signs(self.rest.credentials().clone()));
            let mut builder = ClientBuilder::new();
            let base = self.rest.url(API, &[]);
            builder
                .with_v2_base_url(base.to_string())
                .with_client(self.rest.http());
            builder.build_from_authenticator(signs).await
        };
        let made = self.library.get_or_try_init(make).await;
        made.map_err(|error| Failure::broken(access, error))
    }
}

impl Rows {
    fn take(&mut self, rows: Option<Vec<TableRow>>) {
        let rows = rows.unwrap_or_default().into_iter().map(|row| {
            let cells = row.columns.unwrap_or_default().into_iter();
            let values = cells.map(|cell| match cell.value? {
                Value::Null => None,
                Value::String(text) => Some(text),
                other => Some(other.to_string()),
            });
            values.collect()
        });
        self.0.extend(rows);
    }
}

/// Our credentials, as the library wants them.
#[derive(Clone)]
struct Signs(Credentials);

#[async_trait]
impl Authenticator for Signs {
    async fn access_token(&self) -> Result<String, BQError> {
        self.0.token().await.map_err(|_| BQError::NoToken)
    }
}

fn absent<T>(asked: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.class == Class::Absent => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What the library's error means.
fn failure(access: &Access, error: BQError) -> Failure {
    match error {
        BQError::ResponseError { error } => {
            let error = error.error;
            let said = |error: &std::collections::HashMap<String, String>, name| {
                error.get(name).cloned().unwrap_or_default()
            };
            let details = error.errors.iter().map(|one| ErrorProto {
                reason: said(one, "reason"),
                location: one.get("location").cloned(),
                message: said(one, "message"),
            });
            let status = u16::try_from(error.code).unwrap_or(500);
            Failure::said(access, status, error.message, details.collect())
        }
        // The library has dropped the status: a page of a proxy, most likely.
        BQError::RequestError(error) if error.is_decode() => {
            Failure::broken(access, "the service's answer is not what it promises")
        }
        BQError::RequestError(error) => broken(access, error),
        other => Failure::broken(access, other),
    }
}
