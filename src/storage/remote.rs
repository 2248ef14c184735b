//! Object stores, set up from an address and the environment.
//!
//! Only variables that begin with the store's own prefix count. `object_store` would take `TOKEN`
//! or `REGION` as well, which on a build machine are somebody else's.

use std::{str::FromStr, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, S3CopyIfNotExists},
    gcp::{GcpCredentialProvider, GoogleCloudStorageBuilder},
};
use url::Url;

use super::unusable;
use crate::error::{Error, Result};

/// The store that `url` lies in, which Google is asked for with `tokens`, if there are any. Nothing is asked
/// of it yet.
pub fn open(
    url: &Url,
    variables: impl IntoIterator<Item = (String, String)>,
    tokens: Option<GcpCredentialProvider>,
) -> Result<Arc<dyn ObjectStore>> {
    let bucket = url.host_str().filter(|bucket| !bucket.is_empty());
    let store = match (url.scheme(), bucket) {
        ("s3", Some(bucket)) => s3(bucket, variables),
        ("gs", Some(bucket)) => gcs(bucket, variables, tokens),
        ("s3" | "gs", None) => return Err(unusable(url, "it names no bucket")),
        _ => {
            let known = "only paths, `file://`, `s3://` and `gs://` are known";
            return Err(unusable(url, known));
        }
    };
    store.map_err(|error| {
        Error::outside(format!("the store of `{url}` cannot be set up")).because(error)
    })
}

fn s3(
    bucket: &str,
    variables: impl IntoIterator<Item = (String, String)>,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    let builder = AmazonS3Builder::new()
        .with_retry(patience())
        .with_client_options(limits())
        // S3 copies unconditionally. What it does refuse when the name is taken is to complete a
        // multipart upload, and a part can be a copy. Stores with a way of their own are told by
        // AWS_COPY_IF_NOT_EXISTS.
        .with_copy_if_not_exists(S3CopyIfNotExists::Multipart);
    let builder = settings("AWS_", variables).fold(builder, |builder, (key, value)| {
        builder.with_config(key, value)
    });
    Ok(Arc::new(builder.with_bucket_name(bucket).build()?))
}

fn gcs(
    bucket: &str,
    variables: impl IntoIterator<Item = (String, String)>,
    tokens: Option<GcpCredentialProvider>,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    let builder = GoogleCloudStorageBuilder::new()
        .with_retry(patience())
        .with_client_options(limits());
    let builder = match tokens {
        Some(tokens) => builder.with_credentials(tokens),
        None => builder,
    };
    let builder = settings("GOOGLE_", variables).fold(builder, |builder, (key, value)| {
        builder.with_config(key, value)
    });
    Ok(Arc::new(builder.with_bucket_name(bucket).build()?))
}

/// Those of the variables that set up a store.
fn settings<Key: FromStr>(
    prefix: &str,
    variables: impl IntoIterator<Item = (String, String)>,
) -> impl Iterator<Item = (Key, String)> {
    let ours = variables
        .into_iter()
        .filter(move |(name, _)| name.starts_with(prefix));
    ours.filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value)))
}

/// A store that stumbles is asked again; one that is not there is given up within half a minute.
/// By default, minutes pass before a wrong address is told.
fn patience() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: 6,
        retry_timeout: Duration::from_secs(30),
    }
}

/// For one request, which never moves more than some megabytes.
fn limits() -> ClientOptions {
    ClientOptions::new()
        .with_connect_timeout(Duration::from_secs(5))
        .with_timeout(Duration::from_mins(1))
}
