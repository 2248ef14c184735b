//! A BigQuery in the test's process, after the public contract of its REST interface.
//!
//! ```text
//! dfpipe ──HTTP──▶ watch (log, token, faults) ──▶ datasets, tables, views
//!                                             ├──▶ upload (session, pieces) ──▶ jobs ──▶ load ──▶ rows
//!                                             └──▶ queries, run by DataFusion on those rows
//! ```
//!
//! It is an opinion of its own on what the service does, and shares no code with what it tests. Jobs go
//! on when they are asked for, not with the time, so that a test says how long one takes.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{any, get, post},
};
use serde_json::Value;
use tokio::sync::oneshot;

use super::connection::{BreakableListener, Plug};
use state::{State, TableName};

mod bucket;
pub(crate) mod caller;
mod cells;
mod decode;
mod fault;
mod jobs;
mod load;
pub(crate) mod loading;
mod query;
mod refusal;
mod schema;
mod state;
mod tables;
pub(crate) mod tokens;
mod upload;
mod watch;

pub(crate) use fault::{Call, Fault, What, When};
pub(crate) use refusal::Refusal;
pub(crate) use state::{Seen, Settings};

/// What all handlers share.
#[derive(Clone, Default)]
pub(crate) struct Service(Arc<Mutex<State>>);

impl Service {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The service, until it is dropped.
pub(crate) struct BigQuery {
    address: SocketAddr,
    service: Service,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl BigQuery {
    /// Serves on a free port of loopback.
    pub(crate) fn serve() -> Self {
        Self::with(Settings::default())
    }

    /// The same, behaving like this where the real one is free to.
    pub(crate) fn with(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let service = Service::default();
        service.lock().settings = settings;
        let app = app(service.clone());
        let (stop, stopped) = oneshot::channel();
        // Planning a query takes more stack than a thread has by default in this profile.
        let thread = std::thread::Builder::new().stack_size(32 << 20);
        let server = thread.spawn(move || serve(listener, app, stopped));
        Self {
            address,
            service,
            stop: Some(stop),
            server: Some(server.expect("a thread can be started")),
        }
    }

    /// What `endpoint` is set to.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Behaves differently from now on.
    pub(crate) fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.service.lock().settings);
    }

    /// Lets things go wrong from now on.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.service.lock().faults.extend(faults);
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn recover(&self) {
        let mut state = self.service.lock();
        state.faults.clear();
        state.verdicts.clear();
    }

    /// What the next load jobs end with; `None` is success.
    pub(crate) fn judge(&self, verdicts: impl IntoIterator<Item = Option<Refusal>>) {
        self.service.lock().verdicts.extend(verdicts);
    }

    /// Whether jobs stay `RUNNING` however often they are asked for.
    pub(crate) fn hold_jobs(&self, holds: bool) {
        self.service.lock().holds_jobs = holds;
    }

    /// Whether jobs that succeed lose a row on the way, and do not say so.
    pub(crate) fn lose_rows(&self, loses: bool) {
        self.service.lock().loses_rows = loses;
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.service.lock().requests.clone()
    }

    /// How many of these calls there were.
    pub(crate) fn calls(&self, call: Call) -> usize {
        let state = self.service.lock();
        state
            .requests
            .iter()
            .filter(|seen| seen.call == call)
            .count()
    }

    /// The most requests in any span of this length.
    pub(crate) fn busiest(&self, span: Duration) -> usize {
        let times: Vec<_> = self.requests().into_iter().map(|seen| seen.at).collect();
        let within = |start: usize| {
            let rest = times[start..].iter();
            rest.take_while(|time| **time - times[start] < span).count()
        };
        (0..times.len()).map(within).max().unwrap_or(0)
    }

    /// All load jobs, the first one first, as the service shows them.
    pub(crate) fn load_jobs(&self) -> Vec<Value> {
        let state = self.service.lock();
        let loads = state.jobs.iter();
        let mut loads: Vec<_> = loads
            .filter(|(_, job)| job.configuration["load"].is_object())
            .collect();
        loads.sort_by_key(|(_, job)| job.number);
        loads
            .into_iter()
            .map(|(name, job)| jobs::shown(name, job))
            .collect()
    }

    /// All that lies in buckets, by address.
    pub(crate) fn objects(&self) -> Vec<String> {
        self.service.lock().buckets.addresses()
    }

    /// A dataset's facts, if it is there.
    pub(crate) fn dataset(&self, project: &str, dataset: &str) -> Option<Value> {
        let key = (project.to_owned(), dataset.to_owned());
        self.service.lock().datasets.get(&key).cloned()
    }

    /// A table's or a view's facts, if it is there.
    pub(crate) fn table(&self, project: &str, dataset: &str, table: &str) -> Option<Value> {
        let name = TableName {
            project: project.to_owned(),
            dataset: dataset.to_owned(),
            table: table.to_owned(),
        };
        let state = self.service.lock();
        let location = state.location(&name.dataset());
        state
            .tables
            .get(&name)
            .map(|table| table.to_json(&name, &location))
    }

    /// What a statement finds, past the network and all faults: rows by the names of their columns, every
    /// scalar a text.
    pub(crate) fn query(&self, statement: &str) -> Vec<BTreeMap<String, Value>> {
        // A runtime cannot be waited for in a test that is asynchronous itself; a thread can.
        let ask = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let runtime = runtime.expect("a runtime can be made");
            runtime.block_on(query::objects(&self.service, statement))
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(32 << 20);
            let asked = thread
                .spawn_scoped(scope, ask)
                .expect("a thread can be started");
            asked
                .join()
                .expect("a query that a test asks can be answered")
        })
    }
}

impl Drop for BigQuery {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            // A panic of the server has been printed; another one while dropping would abort.
            let _ = server.join();
        }
    }
}

fn app(service: Service) -> Router {
    let project = "/bigquery/v2/projects/{project}";
    let path = |rest: &str| format!("{project}{rest}");
    Router::new()
        .route(&path("/datasets"), post(tables::insert_dataset))
        .route(&path("/datasets/{dataset}"), get(tables::get_dataset))
        .route(
            &path("/datasets/{dataset}/tables"),
            post(tables::insert_table),
        )
        .route(
            &path("/datasets/{dataset}/tables/{table}"),
            get(tables::get_table).patch(tables::patch_table),
        )
        .route(&path("/jobs"), post(jobs::insert))
        .route(&path("/jobs/{job}"), get(jobs::get))
        .route(&path("/queries"), post(query::query))
        .route(&path("/queries/{job}"), get(query::results))
        .route(
            "/upload/bigquery/v2/projects/{project}/jobs",
            post(upload::begin).put(upload::piece),
        )
        .route("/storage/{bucket}", get(bucket::list))
        .route("/storage/{bucket}/", get(bucket::list))
        .route("/storage/{bucket}/{*key}", any(bucket::object))
        .route("/token", post(tokens::give))
        .route(
            "/v1/projects/-/serviceAccounts/{account}",
            post(tokens::impersonate),
        )
        .route(
            "/computeMetadata/v1/instance/service-accounts/default/token",
            get(tokens::give),
        )
        .layer(middleware::from_fn_with_state(
            service.clone(),
            watch::watch,
        ))
        .layer(DefaultBodyLimit::disable())
        .with_state(service)
}

/// A thread and a runtime of its own: the tests themselves need neither.
fn serve(listener: TcpListener, app: Router, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(async {
        listener.set_nonblocking(true).expect("a socket can be set");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime is there");
        let app = app.into_make_service_with_connect_info::<Plug>();
        tokio::select! {
            result = axum::serve(BreakableListener(listener), app) => result.expect("BigQuery serves"),
            _ = stopped => {}
        }
    });
}
