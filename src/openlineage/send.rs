//! Sends events in the background: to a file, and to an endpoint. One that fails never holds up the other,
//! nor the run.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use reqwest::{
    StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};
use url::Url;

use crate::{
    config::OpenLineage,
    error::{Error, Result},
    http::{plain, with_causes},
};

/// How long an endpoint may think about an event.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a run that is over waits for its last events.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often an event is tried again.
const RETRIES: usize = 3;

/// Takes events, and sends them everywhere.
pub(super) struct Outbox(Mutex<Vec<Worker>>);

/// One place that events go to.
struct Worker {
    queue: UnboundedSender<Bytes>,
    task: JoinHandle<()>,
    tally: Arc<Mutex<Tally>>,
    /// The place, in words that no key is in.
    place: String,
}

/// What became of the events of one place.
#[derive(Debug, Default)]
struct Tally {
    taken: usize,
    arrived: usize,
    /// Why the last one that did not arrive did not.
    cause: Option<String>,
}

impl Outbox {
    /// The outbox that `settings` ask for; none if they name no place.
    pub(super) fn open(settings: &OpenLineage) -> Result<Option<Self>> {
        let mut workers = vec![];
        if let Some(path) = settings.file.clone() {
            let place = format!("`{}`", path.display());
            workers.push(Worker::start(place, |queue, tally| {
                tokio::task::spawn_blocking(move || write_all(&path, queue, &tally))
            }));
        }
        if let Some(url) = &settings.url {
            let endpoint = Endpoint::new(url, settings)?;
            workers.push(Worker::start(address(url), |queue, tally| {
                tokio::spawn(post_all(endpoint, queue, tally))
            }));
        }
        Ok((!workers.is_empty()).then(|| Self(Mutex::new(workers))))
    }

    /// Takes an event.
    pub(super) fn put(&self, event: &Value) {
        let event = Bytes::from(event.to_string());
        for worker in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            locked(&worker.tally).taken += 1;
            // A worker that is gone has said why.
            let _ = worker.queue.send(event.clone());
        }
    }

    /// Waits until all has been sent, but not for long. What did not arrive, in words.
    pub(super) async fn finish(&self) -> Vec<String> {
        let workers = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut warnings = vec![];
        let deadline = tokio::time::Instant::now() + PATIENCE;
        for worker in workers {
            drop(worker.queue);
            let mut task = worker.task;
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
            warnings.extend(locked(&worker.tally).warning(&worker.place));
        }
        warnings
    }
}

impl Worker {
    fn start(
        place: String,
        work: impl FnOnce(UnboundedReceiver<Bytes>, Arc<Mutex<Tally>>) -> JoinHandle<()>,
    ) -> Self {
        let (queue, events) = unbounded_channel();
        let tally = Arc::new(Mutex::new(Tally::default()));
        let task = work(events, Arc::clone(&tally));
        Self {
            queue,
            task,
            tally,
            place,
        }
    }
}

impl Tally {
    fn note(&mut self, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.arrived += 1,
            Err(cause) => self.cause = Some(cause),
        }
    }

    fn warning(&self, place: &str) -> Option<String> {
        let Self { taken, arrived, .. } = self;
        let cause = self
            .cause
            .as_deref()
            .unwrap_or("there was no answer in time");
        let lost = taken.saturating_sub(*arrived);
        (lost > 0)
            .then(|| format!("{lost} of {taken} lineage events did not arrive at {place}: {cause}"))
    }
}

fn locked(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Appends each event as a line, whole: other runs may append to the same file.
fn write_all(path: &Path, mut queue: UnboundedReceiver<Bytes>, tally: &Mutex<Tally>) {
    let mut file = None;
    while let Some(event) = queue.blocking_recv() {
        // Only now: a run that never begins leaves no file.
        let file = file.get_or_insert_with(|| open(path).map_err(|error| error.to_string()));
        let written = match file {
            Ok(file) => {
                let line = [&event[..], b"\n"].concat();
                file.write_all(&line).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.clone()),
        };
        locked(tally).note(written);
    }
}

fn open(path: &Path) -> std::io::Result<fs_err::File> {
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    let path = PathBuf::from(path);
    fs_err::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
}

/// Who gets events as requests.
struct Endpoint {
    client: reqwest::Client,
    url: Url,
    key: Option<HeaderValue>,
}

/// Why an event did not arrive, and whether it may next time.
struct Refusal {
    cause: String,
    is_passing: bool,
}

impl Endpoint {
    fn new(url: &Url, settings: &OpenLineage) -> Result<Self> {
        let key = settings.api_key.as_ref().map(|key| -> Result<_> {
            let value = HeaderValue::try_from(format!("Bearer {}", key.expose()));
            let mut value = value.map_err(|_| {
                Error::usage("`openlineage.api_key` cannot be sent in a header").with_hint(
                    "it holds a line break or a character that is not plain ASCII: look at the variable \
                     that it reads",
                )
            })?;
            value.set_sensitive(true);
            Ok(value)
        });
        let client = plain(TIMEOUT)?;
        Ok(Self {
            client,
            url: url.clone(),
            key: key.transpose()?,
        })
    }

    async fn post(&self, event: Bytes) -> Result<(), Refusal> {
        let request = self.client.post(self.url.clone());
        let mut request = request.header(CONTENT_TYPE, "application/json");
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key.clone());
        }
        let answer = request.body(event).send().await;
        let answer = answer.map_err(|error| Refusal {
            cause: with_causes(error),
            is_passing: true,
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(Refusal {
            cause: format!("the answer was {status}"),
            is_passing: status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS,
        })
    }
}

/// Sends events in their order. Each is tried several times, but as long as none arrives only once: a run
/// has many events, and the endpoint may be down for all of them.
async fn post_all(
    endpoint: Endpoint,
    mut queue: UnboundedReceiver<Bytes>,
    tally: Arc<Mutex<Tally>>,
) {
    let mut is_down = false;
    while let Some(event) = queue.recv().await {
        let attempt = || endpoint.post(event.clone());
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_times(if is_down { 0 } else { RETRIES })
            .with_jitter();
        let sent = attempt
            .retry(backoff)
            .when(|refusal: &Refusal| refusal.is_passing)
            .await;
        is_down = sent.as_ref().is_err_and(|refusal| refusal.is_passing);
        locked(&tally).note(sent.map_err(|refusal| refusal.cause));
    }
}

/// A URL without what may be a key.
fn address(url: &Url) -> String {
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let host = url.host_str().unwrap_or_default();
    format!("`{}://{host}{port}{}`", url.scheme(), url.path())
}
