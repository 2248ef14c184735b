//! A schema registry on loopback that answers as Confluent's does, and as one does that is in trouble.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use axum::{
    Json, Router,
    extract::{Request, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// A registry, as long as it is held.
pub(crate) struct Registry {
    address: String,
    state: Arc<State>,
    _stop: oneshot::Sender<()>,
}

/// What a registry knows, and how it behaves.
#[derive(Default)]
pub(crate) struct Setup {
    /// What stands at a path.
    answers: BTreeMap<String, Value>,
    /// The header that it asks for.
    authorization: Option<String>,
    /// How many requests it fails before it answers.
    failures: usize,
    /// Whether it never answers.
    is_silent: bool,
    /// Whether it is no registry but a server without the path.
    is_another: bool,
}

struct State {
    setup: Setup,
    asked: Mutex<Vec<String>>,
}

impl Setup {
    /// With the Avro schema `number`.
    pub(crate) fn avro(self, number: u32, schema: &str) -> Self {
        self.answer(&format!("/schemas/ids/{number}"), json!({"schema": schema}))
    }

    /// With the JSON Schema `number`.
    pub(crate) fn json(self, number: u32) -> Self {
        let schema = r#"{"type":"object"}"#;
        let answer = json!({"schemaType": "JSON", "schema": schema});
        self.answer(&format!("/schemas/ids/{number}"), answer)
    }

    /// With this answer at a path.
    pub(crate) fn answer(mut self, path: &str, answer: Value) -> Self {
        self.answers.insert(path.to_owned(), answer);
        self
    }

    /// Only for this user.
    pub(crate) fn for_user(mut self, user: &str, password: &str) -> Self {
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.authorization = Some(format!("Basic {pair}"));
        self
    }

    /// Only for this token.
    pub(crate) fn for_token(mut self, token: &str) -> Self {
        self.authorization = Some(format!("Bearer {token}"));
        self
    }

    /// So many requests fail before one is answered.
    pub(crate) fn failing(mut self, failures: usize) -> Self {
        self.failures = failures;
        self
    }

    /// It takes requests and never answers.
    pub(crate) fn silent(mut self) -> Self {
        self.is_silent = true;
        self
    }

    /// Something else listens at its address.
    pub(crate) fn another(mut self) -> Self {
        self.is_another = true;
        self
    }

    /// Starts it.
    pub(crate) fn serve(self) -> Registry {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let state = Arc::new(State {
            setup: self,
            asked: Mutex::default(),
        });
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || serve(listener, app, stopped));
        Registry {
            address: format!("http://{address}"),
            state,
            _stop: stop,
        }
    }
}

impl Registry {
    /// What `SCHEMA_REGISTRY_URL` is set to.
    pub(crate) fn url(&self) -> &str {
        &self.address
    }

    /// The paths that it was asked for, in order of their names.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = locked(&self.state.asked).clone();
        asked.sort_unstable();
        asked
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
            result = axum::serve(listener, app) => result.expect("the registry serves"),
            _ = stopped => {}
        }
    });
}

async fn answer(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let number = {
        let mut asked = locked(&state.asked);
        asked.push(path.clone());
        asked.len()
    };
    let setup = &state.setup;
    if setup.is_silent {
        std::future::pending::<()>().await;
    }
    if setup.is_another {
        return (StatusCode::NOT_FOUND, "404 page not found").into_response();
    }
    if number <= setup.failures {
        return complaint(500, 50001, "Error in the backend data store");
    }
    if !is_known(request.headers(), setup) {
        return complaint(401, 401, "Unauthorized");
    }
    match setup.answers.get(&path) {
        Some(answer) => Json(answer.clone()).into_response(),
        None => complaint(404, 40403, "Schema not found"),
    }
}

fn is_known(headers: &HeaderMap, setup: &Setup) -> bool {
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|given| given.to_str().ok());
    setup
        .authorization
        .as_deref()
        .is_none_or(|wanted| given == Some(wanted))
}

fn complaint(status: u16, code: i64, message: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("it is a status");
    let body = Json(json!({"error_code": code, "message": message}));
    (status, body).into_response()
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
