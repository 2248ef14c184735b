//! A chat's webhook on loopback: takes messages, or refuses them first.

use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, Uri},
    routing::post,
};
use serde_json::Value;
use tokio::sync::oneshot;

pub(crate) struct Webhook {
    address: SocketAddr,
    heard: Arc<Heard>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Heard {
    refusals: Mutex<VecDeque<u16>>,
    messages: Mutex<Vec<Value>>,
}

impl Webhook {
    /// The part of the address that nobody else may see.
    pub(crate) const SECRET: &str = "T00SECRET00";

    /// Listens until it is dropped; the first messages are answered with these statuses.
    pub(crate) fn refusing_first(refusals: &[u16]) -> Self {
        let heard = Arc::new(Heard {
            refusals: Mutex::new(refusals.iter().copied().collect()),
            ..Heard::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (stop, stopped) = oneshot::channel();
        let app = Router::new()
            .fallback(post(hear))
            .with_state(Arc::clone(&heard));
        let server = std::thread::spawn(move || serve(listener, app, stopped));
        Self {
            address,
            heard,
            stop: Some(stop),
            server: Some(server),
        }
    }

    pub(crate) fn url(&self) -> String {
        url(self.address)
    }

    /// The address of a webhook that nobody listens to.
    pub(crate) fn down() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        url(listener.local_addr().expect("a listener has an address"))
    }

    /// Every message so far, whatever it was answered.
    pub(crate) fn messages(&self) -> Vec<Value> {
        lock(&self.heard.messages).clone()
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            // A panic of the server has been printed; another one while dropping would abort.
            let _ = server.join();
        }
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/services/{}", Webhook::SECRET)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn hear(State(heard): State<Arc<Heard>>, uri: Uri, Json(message): Json<Value>) -> StatusCode {
    assert_eq!(uri.path(), format!("/services/{}", Webhook::SECRET));
    lock(&heard.messages).push(message);
    let refusal = lock(&heard.refusals).pop_front();
    refusal.map_or(StatusCode::OK, |code| {
        StatusCode::from_u16(code).expect("it is a status")
    })
}

fn serve(listener: TcpListener, app: Router, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(async {
        listener.set_nonblocking(true).expect("a socket can be set");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime is there");
        tokio::select! {
            result = axum::serve(listener, app) => result.expect("the webhook serves"),
            _ = stopped => {}
        }
    });
}
