//! A schema registry with Confluent's interface. Each schema is asked for once in a run, by whoever comes first;
//! a number that it does not know is not asked for again either.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Deserialize;
use tokio::runtime::Handle;
use url::Url;

use crate::{
    config,
    error::{Error, Result},
    http::{Client, Failed, Timeouts},
};

/// What the registry answers for a number that it does not know.
const UNKNOWN: [i64; 3] = [40401, 40402, 40403];

/// A schema as the registry holds it.
#[derive(Debug)]
pub struct Registered {
    /// `AVRO`, `JSON` or `PROTOBUF`.
    pub kind: String,
    /// Its text.
    pub schema: String,
    /// The texts of those that it refers to, each before its users.
    pub others: Vec<String>,
}

/// What a schema is to its reader, or why it is none.
type Parse<T> = Box<dyn Fn(&Registered) -> Result<T, String> + Send + Sync>;

/// The schemas of a registry, as `T`.
pub struct Registry<T> {
    client: Client,
    url: Url,
    parse: Parse<T>,
    runtime: Handle,
    known: Mutex<HashMap<u32, Result<Arc<T>, String>>>,
}

impl<T> fmt::Debug for Registry<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Registry")
            .field("url", &config::shown(&self.url))
            .finish_non_exhaustive()
    }
}

impl<T> Registry<T> {
    /// The registry that `said` names. Made where tasks can run; asked on threads that may block.
    pub fn new(said: &config::Registry, parse: Parse<T>) -> Result<Self> {
        let runtime = Handle::try_current()
            .map_err(|error| Error::bug("a registry needs a runtime").because(error))?;
        Ok(Self {
            client: Client::new(&said.0)?,
            url: said.0.url.clone(),
            parse,
            runtime,
            known: Mutex::default(),
        })
    }

    /// The schema with this number; inside, why there is none. An error means that the registry cannot be asked.
    pub fn get(&self, number: u32) -> Result<Result<Arc<T>, String>> {
        // Held while it is asked: the others want the same.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = known.get(&number) {
            return Ok(schema.clone());
        }
        let found = self.runtime.block_on(self.fetch(number))?;
        let schema = match found {
            Some(found) => (self.parse)(&found)
                .map(Arc::new)
                .map_err(|cause| format!("the schema {number} cannot be used: {cause}")),
            None => Err(format!("the registry knows no schema {number}")),
        };
        known.insert(number, schema.clone());
        Ok(schema)
    }

    async fn fetch(&self, number: u32) -> Result<Option<Registered>> {
        let Some(answer) = self.ask(&["schemas", "ids", &number.to_string()]).await? else {
            return Ok(None);
        };
        Ok(Some(Registered {
            kind: answer.kind.unwrap_or_else(|| "AVRO".to_owned()),
            schema: answer.schema,
            others: self.others(answer.references).await?,
        }))
    }

    /// The texts of all that is referred to, each before its users.
    async fn others(&self, references: Vec<Reference>) -> Result<Vec<String>> {
        let (mut texts, mut seen) = (vec![], HashSet::new());
        let mut waiting: Vec<_> = waiting_for(references).collect();
        while let Some(next) = waiting.pop() {
            match next {
                Waiting::Text(text) => texts.push(text),
                Waiting::Reference(reference) => {
                    if !seen.insert((reference.subject.clone(), reference.version)) {
                        continue;
                    }
                    let answer = self.referred(&reference).await?;
                    waiting.push(Waiting::Text(answer.schema));
                    waiting.extend(waiting_for(answer.references));
                }
            }
        }
        Ok(texts)
    }

    async fn referred(&self, reference: &Reference) -> Result<Answer> {
        let Reference { subject, version } = reference;
        let path = ["subjects", subject, "versions", &version.to_string()];
        let found = self.ask(&path).await?;
        found.ok_or_else(|| {
            Error::outside(format!(
                "`{}` does not know the schema `{subject}` of version {version}, which another one refers to",
                config::shown(&self.url)
            ))
        })
    }

    /// The answer at a path; nothing if the registry does not know it.
    async fn ask(&self, path: &[&str]) -> Result<Option<Answer>> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let is_usable = |body: &str| match serde_json::from_str::<Answer>(body) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the answer is no schema: {error}")),
        };
        match self.client.get(url, &is_usable, Timeouts::Retry).await {
            Ok(page) => Ok(serde_json::from_str(&page.body).ok()),
            Err(failed) if is_unknown(&failed) => Ok(None),
            Err(failed) => Err(explained(failed)),
        }
    }
}

fn explained(failed: Failed) -> Error {
    let error = failed.error;
    if failed.status == Some(404) {
        return Error::usage(error.message())
            .because("that is no answer of a schema registry")
            .with_hint("look at `registry.url` of the source in dfpipe.yml");
    }
    error
}

/// What is still to be done on the way to all texts; the last first.
enum Waiting {
    Reference(Reference),
    Text(String),
}

fn waiting_for(references: Vec<Reference>) -> impl Iterator<Item = Waiting> {
    references.into_iter().rev().map(Waiting::Reference)
}

#[derive(Deserialize)]
struct Answer {
    schema: String,
    #[serde(rename = "schemaType")]
    kind: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    subject: String,
    version: i64,
}

/// Whether the registry itself says that it does not know what was asked for.
fn is_unknown(failed: &Failed) -> bool {
    #[derive(Deserialize)]
    struct Complaint {
        error_code: i64,
    }
    let body = failed.excerpt.as_deref().unwrap_or_default();
    let complaint = serde_json::from_slice::<Complaint>(body);
    failed.status == Some(404) && complaint.is_ok_and(|told| UNKNOWN.contains(&told.error_code))
}
