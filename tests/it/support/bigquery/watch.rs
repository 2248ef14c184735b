//! What stands before every handler: the log of requests, the token, and the faults.

use std::time::Instant;

use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State as Shared},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    Plug, Service,
    fault::{self, Call, Fault, What, When},
    refusal::{self, Refusal},
    state::Seen,
    tokens,
};

/// Writes every request down, and lets it fail where that was ordered.
pub(super) async fn watch(
    Shared(service): Shared<Service>,
    ConnectInfo(plug): ConnectInfo<Plug>,
    request: Request,
    next: Next,
) -> Response {
    let call = Call::of(request.method(), request.uri().path(), request.headers());
    let (fault, is_stranger) = {
        let mut state = service.lock();
        state.requests.push(seen(call, &request));
        let is_stranger = state.settings.needs_token
            && !matches!(call, Call::Token | Call::Piece | Call::Probe)
            && !tokens::is_known(&state, request.headers());
        (fault::strike(&mut state.faults, call), is_stranger)
    };
    if is_stranger {
        return Refusal::unauthenticated().into_response();
    }
    match fault {
        None => next.run(request).await,
        Some(Fault { when, what, .. }) => strike(&service, &plug, when, what, request, next).await,
    }
}

fn seen(call: Call, request: &Request) -> Seen {
    let uri = request.uri();
    let authorization = request.headers().get(header::AUTHORIZATION);
    Seen {
        at: Instant::now(),
        call,
        method: request.method().clone(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        authorization: authorization
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
    }
}

async fn strike(
    service: &Service,
    plug: &Plug,
    when: When,
    what: What,
    request: Request,
    next: Next,
) -> Response {
    if let What::KeepsHalf = what {
        next.run(half(request).await).await;
        plug.pull();
        return StatusCode::OK.into_response();
    }
    if let What::UploadsTo(place) = what {
        let mut answer = next.run(request).await;
        let place = HeaderValue::from_str(&place).expect("a place can be sent");
        answer.headers_mut().insert(header::LOCATION, place);
        return answer;
    }
    let session = request
        .uri()
        .query()
        .and_then(|query| query.split_once("upload_id="));
    let session = session.map(|(_, session)| session.to_owned());
    if when == When::After {
        next.run(request).await;
    } else {
        // Whoever is refused has sent all that was to be sent.
        let body = to_bytes(request.into_body(), usize::MAX).await;
        body.expect("a body arrives");
    }
    match what {
        What::Refuses(refusal) => refusal.into_response(),
        What::Page(status) => refusal::page(status),
        What::Forgets(status) => {
            service.lock().uploads.remove(&session.unwrap_or_default());
            refusal::page(status)
        }
        What::Redirects(place) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, place)]).into_response()
        }
        What::Resets | What::KeepsHalf | What::UploadsTo(_) => {
            plug.pull();
            StatusCode::OK.into_response()
        }
    }
}

/// Half of the piece, in whole units: what a server keeps of a connection that breaks.
async fn half(request: Request) -> Request {
    const UNIT: usize = 256 * 1024;
    let (mut head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body arrives");
    let kept = body.slice(..body.len() / 2 / UNIT * UNIT);
    let range = head
        .headers
        .get("content-range")
        .and_then(|range| range.to_str().ok());
    let range = range.and_then(|range| {
        let (span, total) = range.strip_prefix("bytes ")?.split_once('/')?;
        let start: usize = span.split_once('-')?.0.parse().ok()?;
        (!kept.is_empty()).then(|| format!("bytes {start}-{}/{total}", start + kept.len() - 1))
    });
    let range = range.unwrap_or_else(|| "bytes */*".to_owned());
    let range = HeaderValue::from_str(&range).expect("a range can be sent");
    head.headers.insert("content-range", range);
    head.headers.remove(header::CONTENT_LENGTH);
    Request::from_parts(head, Body::from(kept))
}
