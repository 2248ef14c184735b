//! Resumable uploads: a session, pieces, the question how much has arrived, and a job at the end.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    Service, jobs,
    jobs::Parameters,
    refusal::Refusal,
    state::{State, Upload, Work},
};

/// A piece that is not the last one has a multiple of this.
const UNIT: usize = 256 * 1024;

pub(super) async fn begin(
    Shared(service): Shared<Service>,
    Path(project): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    Json(job): Json<Value>,
) -> Result<Response, Refusal> {
    if parameters.get("uploadType").map(String::as_str) != Some("resumable") {
        return Err(Refusal::invalid("Only resumable uploads are taken here."));
    }
    if !job["configuration"]["load"].is_object() {
        return Err(Refusal::invalid(
            "Required parameter is missing: configuration.load",
        ));
    }
    let mut state = service.lock();
    let name = jobs::name(&state, &project, &job)?;
    if state.settings.tells_duplicate_early {
        jobs::refuse_taken(&state, &name)?;
    }
    let id = format!("session-{}", state.next());
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.unwrap_or_default();
    let location = format!(
        "http://{host}/upload/bigquery/v2/projects/{project}/jobs?uploadType=resumable&upload_id={id}"
    );
    let upload = Upload {
        project,
        job,
        received: vec![],
        answer: None,
    };
    state.uploads.insert(id, upload);
    Ok((StatusCode::OK, [(header::LOCATION, location)]).into_response())
}

pub(super) async fn piece(
    Shared(service): Shared<Service>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let id = parameters.get("upload_id").cloned().unwrap_or_default();
    let mut state = service.lock();
    let upload = state.uploads.get_mut(&id);
    let upload = upload.ok_or_else(|| Refusal::not_found("Upload session"))?;
    if let Some(answer) = &upload.answer {
        return Ok(Json(answer.clone()).into_response());
    }
    let range = headers
        .get("content-range")
        .and_then(|range| range.to_str().ok());
    let Some((start, total)) =
        range.map_or(Some((0, Some(body.len()))), |range| span(range, body.len()))
    else {
        return Err(Refusal::invalid("Failed to parse Content-Range header."));
    };
    if let Some(start) = start
        .checked_sub(upload.received.len())
        .filter(|gap| *gap > 0)
    {
        return Err(Refusal::invalid(format!(
            "The piece begins {start} bytes too late."
        )));
    }
    let known = (upload.received.len() - start).min(body.len());
    upload.received.extend_from_slice(&body[known..]);
    let is_last = total == Some(upload.received.len());
    if !is_last && !body.len().is_multiple_of(UNIT) {
        return Err(Refusal::invalid(
            "A piece that is not the last one must be a multiple of 256 KiB.",
        ));
    }
    if is_last {
        return submit(&mut state, &id).map(|job| Json(job).into_response());
    }
    Ok(incomplete(upload.received.len()))
}

/// `bytes 0-99/1000`, `bytes 0-99/*` or `bytes */1000`: where the piece begins, and the total.
fn span(range: &str, length: usize) -> Option<(usize, Option<usize>)> {
    let (span, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let total = match total {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    if span == "*" {
        return (length == 0).then_some((0, total));
    }
    let (first, last) = span.split_once('-')?;
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    ((last + 1).checked_sub(first)? == length).then_some((first, total))
}

/// "Resume incomplete", and how much has arrived.
fn incomplete(received: usize) -> Response {
    let status = StatusCode::PERMANENT_REDIRECT;
    match received {
        0 => status.into_response(),
        received => (
            status,
            [(header::RANGE, format!("bytes=0-{}", received - 1))],
        )
            .into_response(),
    }
}

/// All has arrived: now it is a job.
fn submit(state: &mut State, id: &str) -> Result<Value, Refusal> {
    let upload = &state.uploads[id];
    let (project, job) = (upload.project.clone(), upload.job.clone());
    let name = jobs::name(state, &project, &job)?;
    jobs::refuse_taken(state, &name)?;
    let upload = state.uploads.get_mut(id).expect("it is there");
    let bytes = Bytes::from(std::mem::take(&mut upload.received));
    let shown = jobs::take(state, name, &job, Work::Load(Some(bytes)));
    let upload = state.uploads.get_mut(id).expect("it is there");
    upload.answer = Some(shown.clone());
    Ok(shown)
}
