//! What the file says of a BigQuery destination becomes what will be done.
//!
//! Apart from the other destinations, because it has rules of its own: names as Google takes them, and
//! a key that is never sent where it does not belong.

use std::time::Duration;

use url::{Host, Url};

use super::{
    BigQuery, Destination, GoogleAuth, To,
    raw::{RawBigQuery, RawGoogleAuth},
    resolve::Resolver,
};

const ENDPOINT: &str = "https://bigquery.googleapis.com";
const MEBIBYTE: u32 = 1024 * 1024;
const HERE: [&str; 1] = ["destination"];

impl Resolver<'_> {
    pub(super) fn bigquery(&mut self, raw: RawBigQuery) -> Destination {
        self.names(&raw);
        let endpoint = self.endpoint(raw.endpoint.as_deref());
        let auth = self.google_auth(raw.auth.as_ref(), endpoint.as_ref());
        let chunk = self.number("chunk_mb", raw.chunk_mb, 100, 1, 1024);
        let limit = self.number("upload_limit_mb", raw.upload_limit_mb, 1024, 1, 4_000_000);
        let minutes = self.number("timeout_minutes", raw.timeout_minutes, 60, 1, 1440);
        let expiration = raw.partition_expiration_days;
        if expiration.is_some() {
            self.number("partition_expiration_days", expiration, 1, 1, 36_500);
        }
        let staging = self.staging(raw.staging);
        let bytes = usize::try_from(u64::from(chunk) * u64::from(MEBIBYTE));
        let to = BigQuery {
            project: raw.project,
            location: raw.location.unwrap_or_else(|| "US".to_owned()),
            auth,
            endpoint: endpoint.unwrap_or_else(default_endpoint),
            cluster_by: raw.cluster_by,
            partition_expiration_days: expiration,
            schema_changes: raw.schema_changes.unwrap_or(true),
            chunk: bytes.unwrap_or(usize::MAX),
            staging,
            upload_limit: u64::from(limit) * u64::from(MEBIBYTE),
            split: raw.split.unwrap_or(false),
            timeout: Duration::from_mins(u64::from(minutes)),
        };
        Destination {
            model: raw.model,
            dataset: raw.dataset,
            table: raw.table,
            on_repeat: raw.on_repeat.unwrap_or_default(),
            to: To::BigQuery(Box::new(to)),
        }
    }

    fn names(&mut self, raw: &RawBigQuery) {
        let written = |name: &str| self.places.written(&["destination", name]).to_owned();
        let (project, location) = (written("project"), written("location"));
        self.check(
            is_project(&raw.project),
            &["destination", "project"],
            || format!("`{project}` cannot be the id of a project"),
        );
        for (name, value) in [("dataset", &raw.dataset), ("table", &raw.table)] {
            self.destination_name(name, value);
        }
        let place = raw.location.as_deref().unwrap_or("US");
        self.check(is_location(place), &["destination", "location"], || {
            format!("`{location}` cannot be a location: such as `US`, `EU` or `europe-west3`")
        });
        let clustered = &raw.cluster_by;
        let names: std::collections::BTreeSet<_> = clustered.iter().collect();
        let is_usable = clustered.len() <= 4 && names.len() == clustered.len();
        let place = ["destination", "cluster_by"];
        self.check(is_usable, &place, || {
            "`cluster_by` names up to four columns, each once".to_owned()
        });
    }

    /// The address, which has no path, no key and no question.
    fn endpoint(&mut self, said: Option<&str>) -> Option<Url> {
        let url = Url::parse(said.unwrap_or(ENDPOINT)).ok().filter(|url| {
            let is_plain = url.username().is_empty() && url.password().is_none();
            let ends = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            is_plain && ends && url.has_host() && matches!(url.scheme(), "http" | "https")
        });
        self.check(url.is_some(), &["destination", "endpoint"], || {
            "`endpoint` is not an http or https URL without a path".to_owned()
        });
        let is_private = url
            .as_ref()
            .is_none_or(|url| url.scheme() == "https" || is_loopback(url));
        self.check(is_private, &["destination", "endpoint"], || {
            "`endpoint` must be an https URL: over http the key could be read on its way".to_owned()
        });
        url
    }

    fn google_auth(&mut self, said: Option<&RawGoogleAuth>, endpoint: Option<&Url>) -> GoogleAuth {
        match said {
            None | Some(RawGoogleAuth::Adc) => GoogleAuth::Adc,
            Some(RawGoogleAuth::File(path)) => {
                self.check(!path.is_empty(), &["destination", "auth"], || {
                    "`auth.file` is empty".to_owned()
                });
                GoogleAuth::File(self.folder(path))
            }
            Some(RawGoogleAuth::None) => {
                let is_here = endpoint.is_none_or(is_loopback);
                self.check(is_here, &["destination", "auth"], || {
                    "`auth: none` is only for an `endpoint` on this machine".to_owned()
                });
                GoogleAuth::None
            }
        }
    }

    fn staging(&mut self, said: Option<String>) -> Option<String> {
        let staging = said.filter(|staging| !staging.is_empty());
        let url = staging.as_deref().map(Url::parse);
        let is_bucket = url.is_none_or(|url| {
            url.is_ok_and(|url| {
                url.scheme() == "gs" && url.host_str().is_some_and(|it| !it.is_empty())
            })
        });
        self.check(is_bucket, &["destination", "staging"], || {
            "`staging` is not a folder of Google Cloud Storage, such as `gs://bucket/folder`"
                .to_owned()
        });
        staging
    }

    fn number(&mut self, name: &str, said: Option<u32>, or: u32, least: u64, most: u64) -> u32 {
        let value = said.unwrap_or(or);
        self.between(&HERE, name, value.into(), least..=most);
        value
    }
}

fn default_endpoint() -> Url {
    Url::parse(ENDPOINT).expect("a constant and valid URL")
}

/// Whether a request to `url` never leaves this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Letters, digits and hyphens; those of an organization may have its domain before a colon.
fn is_project(id: &str) -> bool {
    let own = id.rsplit(':').next().unwrap_or(id);
    let is_domain = |text: &str| {
        text.chars()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || "-.:".contains(it))
    };
    let is_own = own.starts_with(|first: char| first.is_ascii_lowercase())
        && own
            .chars()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-');
    is_own && is_domain(id) && id.len() <= 100
}

fn is_location(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || it == '-')
}

#[cfg(test)]
mod tests;
