//! Buckets beside the service, for files that are staged before they are loaded: as much of Google Cloud
//! Storage's XML interface as object stores are used by.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Service, jobs::Parameters, refusal::Refusal, state::State};

/// Objects by bucket and key, and uploads that are not complete.
#[derive(Default)]
pub(super) struct Buckets {
    objects: BTreeMap<(String, String), Bytes>,
    parts: BTreeMap<String, BTreeMap<u32, Bytes>>,
}

impl Buckets {
    /// What there is, by address.
    pub(super) fn addresses(&self) -> Vec<String> {
        let objects = self.objects.keys();
        objects
            .map(|(bucket, key)| format!("gs://{bucket}/{key}"))
            .collect()
    }

    /// What `gs://bucket/key` holds.
    pub(super) fn read(&self, uri: &str) -> Result<Bytes, Refusal> {
        let place = uri
            .strip_prefix("gs://")
            .and_then(|place| place.split_once('/'));
        let object =
            place.and_then(|(bucket, key)| self.objects.get(&(bucket.to_owned(), key.to_owned())));
        object
            .cloned()
            .ok_or_else(|| Refusal::not_found(format!("URI {uri}")))
    }
}

/// Any request for an object.
pub(super) async fn object(
    Shared(service): Shared<Service>,
    method: Method,
    Path(place): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut state = service.lock();
    let upload = parameters.get("uploadId");
    match (method, upload) {
        (Method::POST, None) => begin(&mut state),
        (Method::PUT, Some(upload)) => part(&mut state, upload, &parameters, body),
        (Method::POST, Some(upload)) => complete(&mut state, place, upload),
        (Method::PUT, None) => put(&mut state, place, &headers, body),
        (Method::DELETE, Some(upload)) => {
            state.buckets.parts.remove(upload);
            StatusCode::NO_CONTENT.into_response()
        }
        (Method::DELETE, None) => match state.buckets.objects.remove(&place) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        (Method::HEAD, _) => match state.buckets.objects.get(&place) {
            Some(content) => (facts(), [(header::CONTENT_LENGTH, content.len())]).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        _ => match state.buckets.objects.get(&place) {
            Some(content) => get(content, &headers),
            None => StatusCode::NOT_FOUND.into_response(),
        },
    }
}

fn begin(state: &mut State) -> Response {
    let id = format!("parts-{}", state.next());
    state.buckets.parts.insert(id.clone(), BTreeMap::new());
    format!(
        "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>{id}</UploadId>\
         </InitiateMultipartUploadResult>"
    )
    .into_response()
}

fn part(state: &mut State, upload: &str, parameters: &Parameters, body: Bytes) -> Response {
    let number = parameters
        .get("partNumber")
        .and_then(|number| number.parse().ok());
    match (state.buckets.parts.get_mut(upload), number) {
        (Some(parts), Some(number)) => {
            parts.insert(number, body);
            stored()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn complete(state: &mut State, place: (String, String), upload: &str) -> Response {
    let Some(parts) = state.buckets.parts.remove(upload) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let whole: Vec<u8> = parts.into_values().flatten().collect();
    state.buckets.objects.insert(place, whole.into());
    "<CompleteMultipartUploadResult><ETag>etag</ETag></CompleteMultipartUploadResult>"
        .into_response()
}

fn put(state: &mut State, place: (String, String), headers: &HeaderMap, body: Bytes) -> Response {
    let is_new_only = headers
        .get("x-goog-if-generation-match")
        .is_some_and(|wanted| wanted == "0");
    if is_new_only && state.buckets.objects.contains_key(&place) {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    state.buckets.objects.insert(place, body);
    stored()
}

fn stored() -> Response {
    [("etag", "etag"), ("x-goog-generation", "1")].into_response()
}

fn facts() -> [(&'static str, &'static str); 3] {
    [
        ("etag", "etag"),
        ("x-goog-generation", "1"),
        ("last-modified", "Sun, 15 Nov 2026 00:00:00 GMT"),
    ]
}

/// All of it, or the bytes that are asked for.
fn get(content: &Bytes, headers: &HeaderMap) -> Response {
    let facts = facts();
    let range = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok());
    let span = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = span else {
        return (facts, content.clone()).into_response();
    };
    let length = content.len();
    let last = last
        .parse()
        .map_or(length, |last: usize| (last + 1).min(length));
    let first = first.parse().unwrap_or_default();
    let told = format!("bytes {first}-{}/{length}", last - 1);
    let status = StatusCode::PARTIAL_CONTENT;
    (
        status,
        facts,
        [(header::CONTENT_RANGE, told)],
        content.slice(first..last),
    )
        .into_response()
}

/// The objects of a bucket below a prefix, in one page.
pub(super) async fn list(
    Shared(service): Shared<Service>,
    Path(bucket): Path<String>,
    Query(parameters): Query<Parameters>,
) -> String {
    let state = service.lock();
    let prefix = parameters.get("prefix").map_or("", String::as_str);
    let objects = state.buckets.objects.iter();
    let wanted = objects.filter(|((held, key), _)| *held == bucket && key.starts_with(prefix));
    let contents = wanted.map(|((_, key), content)| {
        let size = content.len();
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-11-15T00:00:00.000Z</LastModified><Size>{size}</Size>\
             <ETag>etag</ETag></Contents>"
        )
    });
    let contents: String = contents.collect();
    format!(
        "<ListBucketResult><Name>{bucket}</Name><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
    )
}
