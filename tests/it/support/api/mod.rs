//! A hostile REST API on loopback: known records, every pagination, every way to sign, and faults at will.
//!
//! ```text
//! request ─▶ log ─▶ limit ─▶ changes ─▶ fault? ─▶ signed? ─▶ page of the collection ─▶ encoding ─▶ wire
//!                     │ 429                │ 5xx, reset, silence, half a body, …
//! ```
//!
//! Each piece is a file of its own; this one is what a test holds in its hands.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;
use tokio::sync::oneshot;

mod body;
mod collection;
mod configuration;
mod fault;
mod limit;
mod log;
mod page;
mod paging;
mod people;
mod serve;
mod setup;
mod signing;
mod tests;

pub(crate) use collection::Collection;
pub(crate) use fault::Fault;
pub(crate) use log::Asked;
pub(crate) use paging::Paging;
pub(crate) use people::{id, ids, people, person};
pub(crate) use setup::{Encoding, Endless, RecordsAt, Setup};
pub(crate) use signing::Signing;

use fault::Plan;
use limit::Limit;
use log::Log;
use signing::Tokens;

/// The API, until it is dropped.
pub(crate) struct Api {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

/// What all requests share.
struct State {
    setup: Setup,
    collection: Mutex<Collection>,
    plan: Mutex<Plan>,
    limit: Option<Mutex<Limit>>,
    log: Mutex<Log>,
    tokens: Mutex<Tokens>,
    headers: Mutex<Vec<(&'static str, String)>>,
}

impl Api {
    /// What `CRM_API_KEY` is set to, whatever it is called where it is sent.
    pub(crate) const KEY: &str = "key-of-the-test-crm";

    /// Where the records are.
    pub(crate) const PATH: &str = "/v1/customers";

    /// Where tokens are.
    pub(crate) const TOKENS: &str = "/oauth/token";

    /// Serves these records in numbered pages to who has the bearer key.
    pub(crate) fn serve(records: Vec<Value>) -> Self {
        Self::of(records, Setup::default())
    }

    /// Serves these records.
    pub(crate) fn of(records: Vec<Value>, setup: Setup) -> Self {
        let limit = setup
            .limit
            .map(|(requests, period)| Limit::new(requests, period));
        let state = Arc::new(State {
            limit: limit.map(Mutex::new),
            collection: Mutex::new(Collection::new(records)),
            plan: Mutex::default(),
            log: Mutex::default(),
            tokens: Mutex::default(),
            headers: Mutex::default(),
            setup,
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&state);
        let server = std::thread::spawn(move || serve::serve(listener, &serving, stopped));
        Self {
            address,
            state,
            stop: Some(stop),
            server: Some(server),
        }
    }

    /// What `CRM_API_URL` is set to.
    pub(crate) fn url(&self) -> String {
        if self.state.setup.is_encrypted {
            return format!("https://localhost:{}", self.address.port());
        }
        format!("http://{}", self.address)
    }

    /// Lets the next requests fail, one after the other; those after them are answered.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.state.plan).fail(faults);
    }

    /// Lets the request with this number fail, from 1.
    pub(crate) fn fail_at(&self, number: usize, fault: Fault) {
        lock(&self.state.plan).fail_at(number, fault);
    }

    /// Lets every request fail that reaches a record at this position or behind, from 0, as often as it
    /// is asked.
    pub(crate) fn fail_behind(&self, position: usize, fault: Fault) {
        lock(&self.state.plan).fail_behind(position, fault);
    }

    /// From now on every request is answered well.
    pub(crate) fn recover(&self) {
        *lock(&self.state.plan) = Plan::default();
    }

    /// Changes the records just before the request with this number is answered.
    pub(crate) fn change_at(
        &self,
        number: usize,
        change: impl FnOnce(&mut Collection) + Send + 'static,
    ) {
        lock(&self.state.plan).change_at(number, Box::new(change));
    }

    /// From now on takes none of the cursors that it has given.
    pub(crate) fn forget_cursors(&self) {
        lock(&self.state.collection).forget_cursors();
    }

    /// Adds headers to every answer from now on; they win over the server's own.
    pub(crate) fn answer_with(&self, headers: impl IntoIterator<Item = (&'static str, String)>) {
        lock(&self.state.headers).extend(headers);
    }

    /// Every request so far, such as `GET /v1/customers?page=1`.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = lock(&self.state.log);
        log.all().iter().map(Asked::line).collect()
    }

    /// Every request for records so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let log = lock(&self.state.log);
        let all = log.all().iter();
        all.filter(|asked| asked.path == Self::PATH)
            .cloned()
            .collect()
    }

    /// Every request for a token so far.
    pub(crate) fn tokens_asked(&self) -> usize {
        let log = lock(&self.state.log);
        let all = log.all().iter();
        all.filter(|asked| asked.path == Self::TOKENS).count()
    }

    /// The most requests for records that came within any stretch of this length.
    pub(crate) fn busiest(&self, period: Duration) -> usize {
        log::busiest(&self.asked(), period)
    }

    /// The most requests for records that were ever under way together.
    pub(crate) fn most_together(&self) -> usize {
        lock(&self.state.log).most_together()
    }

    /// How many requests came too early.
    pub(crate) fn refused(&self) -> usize {
        let limit = self.state.limit.as_ref();
        limit.map_or(0, |limit| lock(limit).refused())
    }

    /// The records that it has by now, in their order.
    pub(crate) fn records(&self) -> Vec<Value> {
        lock(&self.state.collection).all()
    }

    /// How its pages lead to each other.
    pub(crate) fn paging(&self) -> Paging {
        self.state.setup.paging
    }

    /// What stands behind `from:` to read it, as JSON, which is YAML: as fast as can be, and with few and
    /// quick retries.
    pub(crate) fn from(&self) -> Value {
        configuration::from(&self.state.setup)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            // A panic of the server has been printed; another one while dropping would abort.
            let _ = server.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
