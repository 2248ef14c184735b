//! Jobs: taken once, asynchronous, found by project, location and id.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, Query, State as Shared},
};
use dfpipe::clock::Clock;
use serde_json::{Value, json};

use super::{
    Service, load, query,
    refusal::Refusal,
    state::{Job, JobName, Stage, State, TableName, Work},
};

pub(super) type Parameters = BTreeMap<String, String>;
type Answer = Result<Json<Value>, Refusal>;

pub(super) async fn insert(
    Shared(service): Shared<Service>,
    Path(project): Path<String>,
    Json(said): Json<Value>,
) -> Answer {
    if said["configuration"]["query"].is_object() {
        return query::insert(&service, &project, &said).await.map(Json);
    }
    let uris = said["configuration"]["load"]["sourceUris"].as_array();
    let uris: Vec<_> = uris
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if uris.is_empty() {
        return Err(Refusal::invalid(
            "Load configuration must specify at least one source URI",
        ));
    }
    let mut state = service.lock();
    let name = name(&state, &project, &said)?;
    refuse_taken(&state, &name)?;
    Ok(Json(take(&mut state, name, &said, Work::Load(None))))
}

/// The name of the job that was sent: a load without a location is where its table is.
pub(super) fn name(state: &State, project: &str, said: &Value) -> Result<JobName, Refusal> {
    let reference = &said["jobReference"];
    if reference["projectId"]
        .as_str()
        .is_some_and(|said| said != project)
    {
        return Err(Refusal::invalid(
            "The job reference does not match the address.",
        ));
    }
    let id = reference["jobId"].as_str().unwrap_or_default();
    let is_good = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if id.len() > 1024 || !id.chars().all(is_good) {
        return Err(Refusal::invalid(format!("Invalid job ID \"{id}\"")));
    }
    check_labels(&said["configuration"]["labels"])?;
    let destination = TableName::parse(&said["configuration"]["load"]["destinationTable"]);
    let location = match (reference["location"].as_str(), destination) {
        (Some(location), _) => location.to_owned(),
        (None, Ok(table)) => state
            .location(&table.dataset())
            .as_str()
            .unwrap_or("US")
            .to_owned(),
        (None, Err(_)) => "US".to_owned(),
    };
    Ok(JobName {
        project: project.to_owned(),
        location,
        id: id.to_owned(),
    })
}

/// At most 63 lower-case letters, digits, `_` and `-`; a key begins with a letter.
fn check_labels(labels: &Value) -> Result<(), Refusal> {
    let is_good = |text: &str| {
        let mut characters = text.chars();
        text.len() <= 63
            && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
    };
    for (key, value) in labels.as_object().into_iter().flatten() {
        let begins_well = key.starts_with(|character: char| character.is_ascii_lowercase());
        let value = value.as_str().unwrap_or("Not A Text");
        if !(begins_well && is_good(key) && is_good(value)) {
            let message = format!("Label `{key}`: `{value}` is not a valid label.");
            return Err(Refusal::invalid(message));
        }
    }
    Ok(())
}

pub(super) fn refuse_taken(state: &State, name: &JobName) -> Result<(), Refusal> {
    if state.jobs.contains_key(name) {
        return Err(Refusal::duplicate(name));
    }
    Ok(())
}

/// Takes a job whose name is free, and shows it.
pub(super) fn take(state: &mut State, mut name: JobName, said: &Value, work: Work) -> Value {
    let number = state.next();
    if name.id.is_empty() {
        name.id = format!("job_{number}");
    }
    let job = Job {
        configuration: said["configuration"].clone(),
        work,
        stage: Stage::Pending,
        outcome: None,
        polls: 0,
        number,
        created_at: Clock::system().now().timestamp_millis(),
    };
    let shown = shown(&name, &job);
    state.jobs.insert(name, job);
    shown
}

pub(super) async fn get(
    Shared(service): Shared<Service>,
    Path((project, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Answer {
    let mut state = service.lock();
    let name = find(&state, &project, &id, &parameters)?;
    let late = state.settings.late_jobs;
    let job = state.jobs.get_mut(&name).expect("it was found");
    job.polls += 1;
    if job.polls <= late {
        return Err(Refusal::not_found(&name));
    }
    advance(&mut state, &name);
    let job = &state.jobs[&name];
    Ok(Json(shown(&name, job)))
}

/// Without a location, only jobs of the two multi-regions are found.
pub(super) fn find(
    state: &State,
    project: &str,
    id: &str,
    parameters: &Parameters,
) -> Result<JobName, Refusal> {
    let named = |location: &str| JobName {
        project: project.to_owned(),
        location: location.to_owned(),
        id: id.to_owned(),
    };
    let names = match parameters.get("location") {
        Some(location) => vec![named(location)],
        None => vec![named("US"), named("EU")],
    };
    let mut held = names.iter().filter(|name| state.jobs.contains_key(*name));
    let name = held.next().cloned();
    name.ok_or_else(|| Refusal::not_found(format!("Job {project}:{id}")))
}

/// One look at a job brings it further, not the time.
fn advance(state: &mut State, name: &JobName) {
    let Settings {
        pending,
        running,
        late,
    } = Settings::of(state);
    let job = state.jobs.get_mut(name).expect("it was found");
    let looks = job.polls.saturating_sub(late);
    job.stage = match job.stage {
        Stage::Done => return,
        _ if looks <= pending => Stage::Pending,
        _ if looks <= pending + running || state.holds_jobs => Stage::Running,
        _ => Stage::Done,
    };
    if job.stage == Stage::Done {
        finish(state, name);
    }
}

/// How many looks find a job waiting, and how many at work.
struct Settings {
    pending: usize,
    running: usize,
    late: usize,
}

impl Settings {
    fn of(state: &State) -> Self {
        let settings = &state.settings;
        Self {
            pending: settings.polls_pending,
            running: settings.polls_running,
            late: settings.late_jobs,
        }
    }
}

/// The job is done, all of it or nothing.
pub(super) fn finish(state: &mut State, name: &JobName) {
    let job = &state.jobs[name];
    let Work::Load(bytes) = &job.work else {
        return;
    };
    let (bytes, configuration) = (bytes.clone(), job.configuration.clone());
    let outcome = match state.verdicts.pop_front().flatten() {
        Some(refusal) => Err(refusal),
        None => load::commit(state, name, &configuration["load"], bytes),
    };
    let job = state.jobs.get_mut(name).expect("it is there");
    job.stage = Stage::Done;
    job.outcome = Some(outcome);
}

/// A job as the service shows it.
pub(super) fn shown(name: &JobName, job: &Job) -> Value {
    let JobName {
        project,
        location,
        id,
    } = name;
    let mut status = json!({"state": job.stage.name()});
    let at = job.created_at.to_string();
    let mut statistics = json!({"creationTime": at});
    if job.stage > Stage::Pending {
        statistics["startTime"] = at.clone().into();
    }
    if let Some(outcome) = &job.outcome {
        statistics["endTime"] = at.into();
        match outcome {
            Ok(facts) => statistics["load"] = facts.clone(),
            Err(refusal) => {
                status["errorResult"] = refusal.error_result();
                status["errors"] = refusal.errors().into();
            }
        }
    }
    json!({
        "kind": "bigquery#job",
        "etag": "etag",
        "id": format!("{project}:{location}.{id}"),
        "selfLink": format!("https://bigquery.googleapis.com/bigquery/v2/projects/{project}/jobs/{id}?location={location}"),
        "user_email": "loader@project.iam.gserviceaccount.com",
        "configuration": job.configuration,
        "jobReference": {"projectId": project, "jobId": id, "location": location},
        "statistics": statistics,
        "status": status,
    })
}
