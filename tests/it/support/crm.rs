//! A real HTTP CRM on loopback: customers in pages, behind a key, with faults at will.
//!
//! `GET /v1/customers?page=1&per_page=100&updated_since=2026-11-15T00:00:00Z` answers
//! `{"data": […], "page": 1, "per_page": 100, "total_pages": 6, "total": 600}`.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use axum::body::Body;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, FixedOffset};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::connection::{BreakableListener, Plug};

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// An error, and what its `Retry-After` says: seconds or a date.
    Status(u16, Option<&'static str>),
    /// The answer ends in the middle, earlier than its `Content-Length` promised.
    Truncated,
    /// The connection is reset before a word is said.
    Reset,
    /// A page for people where data was asked for, as a proxy likes to answer.
    NotJson,
}

pub(crate) struct Crm {
    address: SocketAddr,
    customers: Arc<Customers>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Crm {
    /// What `CRM_API_KEY` is set to.
    pub(crate) const KEY: &str = "key-of-the-test-crm";

    /// Serves these customers until it is dropped.
    pub(crate) fn serve(records: Vec<Value>) -> Self {
        let customers = Arc::new(Customers {
            records,
            ..Customers::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (stop, stopped) = oneshot::channel();
        let app = app(Arc::clone(&customers));
        let server = std::thread::spawn(move || serve(listener, app, stopped));
        Self {
            address,
            customers,
            stop: Some(stop),
            server: Some(server),
        }
    }

    /// What `CRM_API_URL` is set to.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets the next requests fail, one after the other; those after them are answered.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.customers.faults).extend(faults);
    }

    /// Adds headers to every answer from now on; they win over the server's own.
    pub(crate) fn answer_with(&self, headers: impl IntoIterator<Item = (&'static str, String)>) {
        lock(&self.customers.headers).extend(headers);
    }

    /// Every request so far, such as `GET /v1/customers?page=1`.
    pub(crate) fn requests(&self) -> Vec<String> {
        lock(&self.customers.requests).clone()
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            // A panic of the server has been printed; another one while dropping would abort.
            let _ = server.join();
        }
    }
}

#[derive(Default)]
struct Customers {
    records: Vec<Value>,
    faults: Mutex<VecDeque<Fault>>,
    requests: Mutex<Vec<String>>,
    headers: Mutex<Vec<(&'static str, String)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn app(customers: Arc<Customers>) -> Router {
    Router::new()
        .route("/v1/customers", get(page_of_customers))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&customers),
            watch,
        ))
        .with_state(customers)
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
            result = axum::serve(BreakableListener(listener), app) => result.expect("the CRM serves"),
            _ = stopped => {}
        }
    });
}

/// Writes every request down, and lets it fail where that was ordered.
async fn watch(
    State(customers): State<Arc<Customers>>,
    ConnectInfo(plug): ConnectInfo<Plug>,
    request: Request,
    next: Next,
) -> Response {
    lock(&customers.requests).push(format!("{} {}", request.method(), request.uri()));
    let fault = lock(&customers.faults).pop_front();
    let mut answer = answer(fault, plug, request, next).await;
    for (name, value) in lock(&customers.headers).iter() {
        let value = value.parse().expect("a header can be sent");
        answer.headers_mut().insert(*name, value);
    }
    answer
}

async fn answer(fault: Option<Fault>, plug: Plug, request: Request, next: Next) -> Response {
    match fault {
        None => next.run(request).await,
        Some(Fault::Status(code, retry_after)) => refusal(code, retry_after),
        Some(Fault::Truncated) => truncated(next.run(request).await).await,
        Some(Fault::Reset) => {
            plug.pull();
            StatusCode::OK.into_response()
        }
        Some(Fault::NotJson) => {
            axum::response::Html("<h1>Back in five minutes</h1>").into_response()
        }
    }
}

fn refusal(code: u16, retry_after: Option<&'static str>) -> Response {
    let code = StatusCode::from_u16(code).expect("a fault has a valid status");
    let body = Json(json!({"error": code.canonical_reason()}));
    match retry_after {
        Some(retry_after) => (code, [(header::RETRY_AFTER, retry_after)], body).into_response(),
        None => (code, body).into_response(),
    }
}

/// Keeps the head of the answer, and half of its body.
async fn truncated(answer: Response) -> Response {
    let (mut head, body) = answer.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX)
        .await
        .expect("our own body can be read");
    head.headers
        .insert(header::CONTENT_LENGTH, whole.len().into());
    let half = whole.slice(..whole.len() / 2);
    let cut = async {
        // Meanwhile the server sends what it has; it would drop that together with the connection.
        tokio::task::yield_now().await;
        Err(io::ErrorKind::ConnectionAborted)
    };
    let chunks = stream::iter([Ok(half)]).chain(stream::once(cut));
    let body = Body::from_stream(chunks.map_err(io::Error::from));
    Response::from_parts(head, body)
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default = "first_page")]
    page: usize,
    #[serde(default = "customers_per_page")]
    per_page: usize,
    updated_since: Option<String>,
}

fn first_page() -> usize {
    1
}

fn customers_per_page() -> usize {
    100
}

async fn page_of_customers(
    State(customers): State<Arc<Customers>>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Response {
    if !has_key(&headers) {
        return refusal(401, None);
    }
    if wanted.page == 0 || wanted.per_page == 0 {
        return refusal(400, None);
    }
    let since = wanted.updated_since.as_deref().and_then(time);
    let found: Vec<_> = customers
        .records
        .iter()
        .filter(|record| is_since(record, since))
        .collect();
    let start = (wanted.page - 1).saturating_mul(wanted.per_page);
    let data: Vec<_> = found.iter().skip(start).take(wanted.per_page).collect();
    let answer = json!({
        "data": data,
        "page": wanted.page,
        "per_page": wanted.per_page,
        "total_pages": found.len().div_ceil(wanted.per_page),
        "total": found.len(),
    });
    Json(answer).into_response()
}

fn has_key(headers: &HeaderMap) -> bool {
    let expected = format!("Bearer {}", Crm::KEY);
    headers
        .get(header::AUTHORIZATION)
        .is_some_and(|given| given == expected.as_str())
}

/// What has no readable time of change is served, as a careless API would.
fn is_since(record: &Value, since: Option<DateTime<FixedOffset>>) -> bool {
    let updated_at = record["updated_at"].as_str().and_then(time);
    since.is_none_or(|since| updated_at.is_none_or(|updated_at| updated_at >= since))
}

fn time(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).ok()
}

fn three_customers() -> Vec<Value> {
    (1..=3)
        .map(|number| json!({"customer_id": number, "updated_at": format!("2026-11-1{number}T00:00:00Z")}))
        .collect()
}

#[tokio::test]
async fn crm_answers_in_pages_to_those_who_have_the_key() {
    let crm = Crm::serve(three_customers());
    let client = reqwest::Client::new();
    let ask = async |query: &str, key: &str| {
        let url = format!("{}/v1/customers{query}", crm.url());
        let answer = client
            .get(url)
            .bearer_auth(key)
            .send()
            .await
            .expect("the CRM answers");
        (
            answer.status().as_u16(),
            answer.text().await.expect("the CRM answers in full"),
        )
    };

    let (status, page) = ask("?page=2&per_page=2", Crm::KEY).await;
    assert_eq!(status, 200);
    assert_eq!(
        page,
        r#"{"data":[{"customer_id":3,"updated_at":"2026-11-13T00:00:00Z"}],"page":2,"per_page":2,"total_pages":2,"total":3}"#
    );
    let (_, page) = ask("?updated_since=2026-11-12T01:00:00%2B01:00", Crm::KEY).await;
    assert!(
        page.ends_with(r#""page":1,"per_page":100,"total_pages":1,"total":2}"#),
        "{page}"
    );
    assert_eq!(ask("", "another key").await.0, 401);
    assert_eq!(
        crm.requests(),
        [
            "GET /v1/customers?page=2&per_page=2",
            "GET /v1/customers?updated_since=2026-11-12T01:00:00%2B01:00",
            "GET /v1/customers",
        ]
    );
}

#[tokio::test]
async fn crm_fails_as_ordered_and_then_recovers() {
    let crm = Crm::serve(three_customers());
    crm.fail([
        Fault::Status(429, Some("2")),
        Fault::NotJson,
        Fault::Truncated,
        Fault::Reset,
    ]);
    let client = reqwest::Client::new();
    let ask = || {
        client
            .get(crm.url() + "/v1/customers")
            .bearer_auth(Crm::KEY)
            .send()
    };

    let refusal = ask().await.expect("an answer");
    assert_eq!(
        (refusal.status().as_u16(), &refusal.headers()["retry-after"]),
        (429, &"2".parse().expect("a header"))
    );
    let page = ask()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a text");
    assert_eq!(page, "<h1>Back in five minutes</h1>");
    let truncated = ask().await.expect("the head of an answer").bytes().await;
    assert!(truncated.is_err(), "{truncated:?}");
    let reset = ask().await.expect_err("no answer");
    assert!(
        format!("{reset:?}").contains("ConnectionReset"),
        "{reset:?}"
    );
    assert_eq!(ask().await.expect("an answer").status().as_u16(), 200);
    assert_eq!(crm.requests().len(), 5);
}
