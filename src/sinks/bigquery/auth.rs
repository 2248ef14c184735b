//! Who asks: credentials of a key, a federation, a person or a machine, as access tokens.
//!
//! By `google-cloud-auth`, which keeps a token until it expires and knows workload identity federation;
//! the client library knows no federation, and asks the metadata server anew for every request.

use std::path::{Path, PathBuf};

use google_cloud_auth::credentials::{
    AccessTokenCredentials, Builder, external_account, impersonated, service_account, user_account,
};
use serde_json::Value;

use super::{access::Access, failure::Failure};
use crate::{
    config::GoogleAuth,
    error::{Error, Result},
};

/// What a token is good for: the service, and buckets where a file is staged in one.
const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/bigquery",
    "https://www.googleapis.com/auth/devstorage.read_write",
];

/// What an emulator gets: the client library always sends a token.
const NOBODY: &str = "nobody";

/// Gives tokens.
#[derive(Clone, Debug)]
pub struct Credentials {
    project: String,
    inner: Option<AccessTokenCredentials>,
    principal: Option<String>,
}

impl Credentials {
    /// Those that `auth` names, for buckets as well if files are staged. Files are read, and nobody is
    /// asked.
    pub fn new(project: &str, auth: &GoogleAuth, is_staging: bool) -> Result<Self> {
        let scopes = &SCOPES[..=usize::from(is_staging)];
        // The library panics without it. An error says that somebody has chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (inner, principal) = match auth {
            GoogleAuth::None => (None, None),
            GoogleAuth::File(path) => {
                let key = read(path)?;
                (Some(of_file(path, &key, scopes)?), principal(&key))
            }
            GoogleAuth::Adc => (Some(of_environment(scopes)?), principal_of_environment()),
        };
        Ok(Self {
            project: project.to_owned(),
            inner,
            principal,
        })
    }

    /// An access token that is valid for a while.
    pub async fn token(&self) -> Result<String, Failure> {
        let Some(inner) = &self.inner else {
            return Ok(NOBODY.to_owned());
        };
        match inner.access_token().await {
            Ok(token) => Ok(token.token),
            Err(error) => {
                let mut failure = Failure::broken(&Access::token(&self.project), causes(&error));
                if !error.is_transient() {
                    failure.class = super::failure::Class::Unknown;
                }
                Err(failure)
            }
        }
    }

    /// Who it is, as `gcloud` names members, where that is known without asking.
    pub fn principal(&self) -> Option<&str> {
        self.principal.as_deref()
    }
}

fn of_environment(scopes: &[&str]) -> Result<AccessTokenCredentials> {
    let built = Builder::default().with_scopes(scopes.iter().copied());
    built.build_access_token_credentials().map_err(|error| {
        Error::usage("the environment names no usable Google account")
            .because(causes(&error))
            .with_hint(
                "set `GOOGLE_APPLICATION_CREDENTIALS`, or log in with \
                 `gcloud auth application-default login`",
            )
    })
}

fn of_file(path: &Path, key: &Value, scopes: &[&str]) -> Result<AccessTokenCredentials> {
    let scopes = scopes.iter().copied();
    let built = match key["type"].as_str() {
        Some("service_account") => service_account::Builder::new(key.clone())
            .with_access_specifier(service_account::AccessSpecifier::from_scopes(scopes))
            .build_access_token_credentials(),
        Some("external_account") => external_account::Builder::new(key.clone())
            .with_scopes(scopes)
            .build_access_token_credentials(),
        Some("authorized_user") => user_account::Builder::new(key.clone())
            .with_scopes(scopes)
            .build_access_token_credentials(),
        Some("impersonated_service_account") => impersonated::Builder::new(key.clone())
            .with_scopes(scopes)
            .build_access_token_credentials(),
        _ => return Err(no_key(path).because("its `type` is none that Google's tools write")),
    };
    // Not the library's words: they may repeat a piece of the key.
    built.map_err(|_| no_key(path).because("it lacks something, or its private key cannot be read"))
}

fn read(path: &Path) -> Result<Value> {
    let text = fs_err::read(path).map_err(|error| no_key(path).because(error))?;
    serde_json::from_slice(&text).map_err(|_| no_key(path).because("it is not JSON"))
}

fn no_key(path: &Path) -> Error {
    Error::usage(format!("`{}` is no key of a Google account", path.display())).with_hint(
        "`destination.auth.file` names a key of a service account, or the configuration of a workload \
         identity federation",
    )
}

/// The account that a key is for. A person's address is nobody's business.
fn principal(key: &Value) -> Option<String> {
    let account = match key["type"].as_str()? {
        "service_account" => key["client_email"].as_str()?,
        "external_account" | "impersonated_service_account" => {
            let url = key["service_account_impersonation_url"].as_str()?;
            let name = url.rsplit('/').next()?;
            name.split(':').next()?
        }
        _ => return None,
    };
    let is_account = account.ends_with(".gserviceaccount.com");
    is_account.then(|| format!("serviceAccount:{account}"))
}

fn principal_of_environment() -> Option<String> {
    let named = std::env::var_os("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
    let usual = std::env::var_os("HOME").map(|home| {
        PathBuf::from(home).join(".config/gcloud/application_default_credentials.json")
    });
    principal(&read(&named.or(usual)?).ok()?)
}

/// An error with what caused it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut deeper = error.source();
    while let Some(source) = deeper {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        deeper = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Credentials, principal};
    use crate::config::GoogleAuth;

    #[test]
    fn only_service_accounts_are_named() {
        let account = "loader@p.iam.gserviceaccount.com";
        let impersonation = format!(
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
        );
        let expected = Some(format!("serviceAccount:{account}"));
        for (key, expected) in [
            (
                json!({"type": "service_account", "client_email": account}),
                expected.clone(),
            ),
            (
                json!({"type": "external_account", "service_account_impersonation_url": impersonation}),
                expected,
            ),
            (json!({"type": "external_account"}), None),
            (
                json!({"type": "authorized_user", "account": "ada@example.com"}),
                None,
            ),
            (
                json!({"type": "service_account", "client_email": "ada@example.com"}),
                None,
            ),
        ] {
            assert_eq!(principal(&key), expected, "{key}");
        }
    }

    #[test]
    fn a_key_that_is_none_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        for (text, cause) in [
            ("hunter2", "it is not JSON"),
            (r#"{"type": "hunter2"}"#, "its `type` is none"),
            (
                r#"{"type": "service_account", "private_key": "hunter2"}"#,
                "it lacks something",
            ),
        ] {
            fs_err::write(&path, text).unwrap();
            let error = Credentials::new("p", &GoogleAuth::File(path.clone()), true).unwrap_err();
            assert_eq!(error.kind().exit_code(), 2);
            assert!(error.cause().unwrap().starts_with(cause), "{error}");
            assert!(!format!("{error} {:?}", error.hint()).contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn nobody_needs_no_key() {
        let nobody = Credentials::new("p", &GoogleAuth::None, false).unwrap();
        assert_eq!(nobody.token().await.unwrap(), "nobody");
        assert!(nobody.principal().is_none());
    }
}
