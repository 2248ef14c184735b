//! A lineage catalog on loopback: takes events behind a key, and refuses at will.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use serde_json::Value;
use tokio::sync::oneshot;

pub(crate) struct Catalog {
    address: SocketAddr,
    told: Arc<Told>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Told {
    events: Mutex<Vec<Value>>,
    refusals: Mutex<Vec<u16>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Catalog {
    /// What events are sent with.
    pub(crate) const KEY: &str = "key-of-the-test-catalog";

    /// Takes events until it is dropped; the first requests are answered by `refusals`.
    pub(crate) fn serve(refusals: &[u16]) -> Self {
        let told = Arc::new(Told::default());
        lock(&told.refusals).extend(refusals.iter().rev());
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (stop, stopped) = oneshot::channel();
        let app = Router::new()
            .route("/api/v1/lineage", post(take))
            .with_state(Arc::clone(&told));
        let server = std::thread::spawn(move || serve(listener, app, stopped));
        Self {
            address,
            told,
            stop: Some(stop),
            server: Some(server),
        }
    }

    /// What events are sent to.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/v1/lineage", self.address)
    }

    /// Every event that was taken, in order.
    pub(crate) fn events(&self) -> Vec<Value> {
        lock(&self.told.events).clone()
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn serve(listener: TcpListener, app: Router, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(async {
        listener.set_nonblocking(true).expect("a socket can be set");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime is there");
        tokio::select! {
            result = axum::serve(listener, app) => result.expect("the catalog serves"),
            _ = stopped => {}
        }
    });
}

async fn take(State(told): State<Arc<Told>>, headers: HeaderMap, body: String) -> StatusCode {
    if let Some(code) = lock(&told.refusals).pop() {
        return StatusCode::from_u16(code).expect("a refusal has a valid status");
    }
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let key = format!("Bearer {}", Catalog::KEY);
    if header(header::AUTHORIZATION) != Some(key.as_str()) {
        return StatusCode::UNAUTHORIZED;
    }
    match serde_json::from_str(&body) {
        Ok(event) if header(header::CONTENT_TYPE) == Some("application/json") => {
            lock(&told.events).push(event);
            StatusCode::CREATED
        }
        _ => StatusCode::BAD_REQUEST,
    }
}
