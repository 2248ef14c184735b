//! The server itself: from a request to an answer, or to what goes wrong instead.

use std::{
    future, io,
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State as Shared},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use tokio::sync::oneshot;

use super::{Api, Asked, Fault, State, body, lock, page};
use crate::support::{
    connection::{BreakableListener, Plug},
    tls::EncryptedListener,
};

/// How long a slow answer takes: long enough for whoever asks at once to be there together.
const MOMENT: Duration = Duration::from_millis(30);

fn app(state: Arc<State>) -> Router {
    Router::new()
        .route(Api::PATH, get(records))
        .route(Api::TOKENS, post(token))
        .fallback(nothing)
        .with_state(state)
}

/// A thread and a runtime of its own: the tests themselves need neither.
pub(super) fn serve(listener: TcpListener, state: &Arc<State>, stopped: oneshot::Receiver<()>) {
    let app = app(Arc::clone(state)).into_make_service_with_connect_info::<Plug>();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(async {
        listener.set_nonblocking(true).expect("a socket can be set");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime is there");
        let listener = BreakableListener(listener);
        let serving = if state.setup.is_encrypted {
            axum::serve(EncryptedListener::new(listener), app).into_future()
        } else {
            axum::serve(listener, app).into_future()
        };
        tokio::select! {
            result = serving => result.expect("the API serves"),
            _ = stopped => {}
        }
    });
}

async fn nothing(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    lock(&state.log).add(Asked::of(&request));
    refusal(404, None)
}

async fn token(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let asked = Asked::of(&request);
    let now = asked.at;
    lock(&state.log).add(asked);
    if let Some(refusal) = limited(&state, now) {
        return refusal;
    }
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a form arrives");
    let asked = axum::http::Request::from_parts(head, ());
    let given = lock(&state.tokens).give(&asked, &body);
    given.map_or_else(|| refusal(401, None), |given| Json(given).into_response())
}

async fn records(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(plug): ConnectInfo<Plug>,
    request: Request,
) -> Response {
    let asked = Asked::of(&request);
    let number = lock(&state.log).add(asked.clone());
    lock(&state.log).begin();
    if state.setup.is_slow {
        tokio::time::sleep(MOMENT).await;
    }
    lock(&state.log).end();
    let mut answer = match limited(&state, asked.at) {
        Some(refusal) => refusal,
        None => answer(&state, plug, &asked, number).await,
    };
    announce(&state, &mut answer);
    for (name, value) in lock(&state.headers).iter() {
        let value = value.parse().expect("a header can be sent");
        answer.headers_mut().insert(*name, value);
    }
    answer
}

fn limited(state: &State, now: Instant) -> Option<Response> {
    let wait = lock(state.limit.as_ref()?).take(now).err()?;
    let mut refusal = refusal(429, None);
    let seconds = wait.as_secs() + 1;
    refusal
        .headers_mut()
        .insert(header::RETRY_AFTER, seconds.into());
    Some(refusal)
}

/// As the IETF's draft has it. What is left and when it is renewed cannot be said in whole seconds of a window
/// that slides.
fn announce(state: &State, answer: &mut Response) {
    let Some(limit) = state
        .limit
        .as_ref()
        .filter(|_| state.setup.announces_its_limit)
    else {
        return;
    };
    let (requests, period) = lock(limit).allowance();
    let policy = format!("\"default\";q={requests};w={}", period.as_secs());
    let policy = policy.parse().expect("a header can be sent");
    answer.headers_mut().insert("ratelimit-policy", policy);
}

async fn answer(state: &State, plug: Plug, asked: &Asked, number: usize) -> Response {
    let changes = lock(&state.plan).changes(number);
    let mut page = {
        let mut collection = lock(&state.collection);
        for change in changes {
            change(&mut collection);
        }
        page::page(&collection, asked, &state.setup)
    };
    // A page behind the last record reaches none.
    let end = page.as_ref().map_or(0, |page| match page.records.len() {
        0 => 0,
        records => page.start + records,
    });
    let size = page.as_ref().map_or(0, |page| page.size);
    let fault = lock(&state.plan).fault(number, end);
    let fault = match fault {
        Some(Fault::SilenceAbove(most)) => (size > most).then_some(Fault::Silence),
        other => other,
    };
    match (&fault, &mut page) {
        (Some(Fault::Total(total)), Ok(page)) => page.total = *total,
        (Some(Fault::SameCursor), Ok(page)) => {
            page.next = asked.parameter("cursor").map(str::to_owned);
        }
        _ => {}
    }
    let written = || match page {
        _ if !state
            .setup
            .signing
            .is_signed(asked, &mut lock(&state.tokens)) =>
        {
            refusal(401, None)
        }
        Ok(page) => body::answer(page, asked, &state.setup, &host(asked)),
        Err(status) => refusal(status, None),
    };
    let Some(fault) = fault else { return written() };
    spoilt(fault, plug, written).await
}

/// Where the asker has found us.
fn host(asked: &Asked) -> String {
    format!("http://{}", asked.header("host").unwrap_or_default())
}

async fn spoilt(fault: Fault, plug: Plug, written: impl FnOnce() -> Response) -> Response {
    match fault {
        Fault::Status(code, retry_after) => refusal(code, retry_after),
        Fault::TooManyUntil(wait) => {
            let until = DateTime::<Utc>::from(wall_clock() + wait);
            let until = until.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let mut refusal = refusal(429, None);
            let value = until.parse().expect("a date can be sent");
            refusal.headers_mut().insert(header::RETRY_AFTER, value);
            refusal
        }
        Fault::Truncated => truncated(written()).await,
        Fault::HalfSent => {
            let whole = whole(written()).await.1;
            Response::new(Body::from(whole.slice(..whole.len() / 2)))
        }
        Fault::Reset => {
            plug.pull();
            StatusCode::OK.into_response()
        }
        Fault::Silence => future::pending().await,
        Fault::NotJson => Html("<h1>Back in five minutes</h1>").into_response(),
        Fault::NoRecords(said) => Json(json!({"message": said})).into_response(),
        Fault::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Fault::SilenceAbove(_) | Fault::SameCursor | Fault::Total(_) => written(),
    }
}

/// A date of `Retry-After` is about the servers' present.
fn wall_clock() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "see above")]
    SystemTime::now()
}

fn refusal(code: u16, retry_after: Option<&'static str>) -> Response {
    let code = StatusCode::from_u16(code).expect("a fault has a valid status");
    let body = Json(json!({"error": code.canonical_reason()}));
    match retry_after {
        Some(retry_after) => (code, [(header::RETRY_AFTER, retry_after)], body).into_response(),
        None => (code, body).into_response(),
    }
}

async fn whole(answer: Response) -> (axum::http::response::Parts, bytes::Bytes) {
    let (head, body) = answer.into_parts();
    let whole = to_bytes(body, usize::MAX).await;
    (head, whole.expect("our own body can be read"))
}

/// Keeps the head of the answer, and half of its body.
async fn truncated(answer: Response) -> Response {
    let (mut head, whole) = whole(answer).await;
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
