//! Folders and object stores under one kind of address: a path, `file://`, `s3://` or `gs://`.
//!
//! Apart because sources, sinks and the archive all need it, and none of them should know which
//! store it is.

use std::{
    fmt::Display,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use object_store::{ObjectStore, gcp::GcpCredentialProvider, local::LocalFileSystem, path::Path};
use url::Url;

use crate::error::{Error, Result};

mod download;
mod listing;
mod refusal;
mod remote;
pub mod transfer;

/// A place in a store.
#[derive(Clone, Debug)]
pub struct Location {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// The path within it.
    pub path: Path,
    /// The address as people write it, without the path's last parts.
    address: String,
    is_local: bool,
}

impl Location {
    /// The place that `address` names: a URL, or an absolute path. What a store needs beside it is
    /// taken from the environment, by the names that its other tools use too.
    pub fn parse(address: &str) -> Result<Self> {
        Self::parse_with(address, variables())
    }

    /// A place in Google Cloud Storage, asked for as whom `tokens` speak and not as whom the environment
    /// names.
    pub fn signed(address: &str, tokens: GcpCredentialProvider) -> Result<Self> {
        Self::parse_as(address, variables(), Some(tokens))
    }

    /// The place that `address` names, with other variables than the environment's.
    pub fn parse_with(
        address: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        Self::parse_as(address, variables, None)
    }

    fn parse_as(
        address: &str,
        variables: impl IntoIterator<Item = (String, String)>,
        tokens: Option<GcpCredentialProvider>,
    ) -> Result<Self> {
        if address.starts_with('/') || !address.contains("://") {
            return Self::file(FilePath::new(address));
        }
        let url = Url::parse(address).map_err(|error| unusable(address, error))?;
        refuse_what_is_no_place(address, &url)?;
        if url.scheme() == "file" {
            return match url.to_file_path() {
                Ok(path) => Self::file(&path),
                Err(()) => Err(unusable(
                    address,
                    "the path of a file begins with `file:///`",
                )),
            };
        }
        let path = Path::from_url_path(url.path()).map_err(|error| unusable(address, error))?;
        Ok(Self {
            store: remote::open(&url, variables, tokens)?,
            path,
            address: url[..url::Position::BeforePath].to_owned(),
            is_local: false,
        })
    }

    /// A file or folder of this machine.
    pub fn file(path: &FilePath) -> Result<Self> {
        let parsed = Path::from_absolute_path(lexically_absolute(path));
        Ok(Self {
            store: Arc::new(LocalFileSystem::new()),
            path: parsed.map_err(|error| unusable(path.display(), error))?,
            address: String::new(),
            is_local: true,
        })
    }

    /// The same store at another path.
    #[must_use]
    pub fn at(&self, path: Path) -> Self {
        Self {
            path,
            ..self.clone()
        }
    }

    /// A place below this one.
    #[must_use]
    pub fn join(&self, parts: &[&str]) -> Self {
        let path = parts.iter().flat_map(|part| part.split('/'));
        self.at(path.fold(self.path.clone(), Path::join))
    }

    /// The file on this machine, if it is one.
    pub fn local_file(&self) -> Option<PathBuf> {
        self.is_local
            .then(|| FilePath::new("/").join(self.path.as_ref()))
    }

    /// The address as people write it.
    pub fn display(&self) -> String {
        format!("{}/{}", self.address, self.path)
    }

    /// The root of the store as DataFusion registers it.
    pub fn root(&self) -> Result<Url> {
        let text = if self.is_local {
            "file:///"
        } else {
            &self.address
        };
        Url::parse(text).map_err(|error| Error::bug("a store without a root").because(error))
    }

    /// The whole address as a URL, with all that means something else in a URL encoded.
    pub fn url(&self) -> Result<Url> {
        let mut url = self.root()?;
        url.path_segments_mut()
            .map_err(|()| Error::bug("a store without folders"))?
            .pop_if_empty()
            .extend(self.path.parts());
        Ok(url)
    }
}

/// The environment's. A variable that is no text is none of ours.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn unusable(address: impl Display, cause: impl Display) -> Error {
    Error::usage(format!("`{address}` is not a place to read or write")).because(cause)
}

/// What a URL may have and a place has not.
fn refuse_what_is_no_place(address: &str, url: &Url) -> Result<()> {
    if !url.username().is_empty() || url.password().is_some() {
        // Not the address itself: it holds a secret.
        let hint = "a store's keys are taken from the environment";
        return Err(unusable(url.scheme(), "an address holds no keys").with_hint(hint));
    }
    if url.query().is_some() || url.fragment().is_some() {
        let hint = "in the name of an object `?` is written `%3F`, and `#` is written `%23`";
        return Err(unusable(address, "`?` and `#` end a URL's path").with_hint(hint));
    }
    Ok(())
}

/// `path` without `.` and `..`; relative to the current folder if it is not absolute.
fn lexically_absolute(path: &FilePath) -> PathBuf {
    use std::path::Component;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let mut clean = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => _ = clean.pop(),
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::Location;

    #[test]
    fn paths_and_urls_name_places() {
        for (address, display) in [
            ("/data/in/../x.json", "/data/x.json"),
            ("/data/./page-*.json", "/data/page-*.json"),
            ("file:///data/x y.json", "/data/x y.json"),
            ("file:///data/100%25.json", "/data/100%.json"),
            ("s3://bucket/a/b.parquet", "s3://bucket/a/b.parquet"),
            ("s3://bucket/a%23b", "s3://bucket/a#b"),
            ("gs://bucket/a", "gs://bucket/a"),
        ] {
            let place = Location::parse_with(address, gcs_without_account()).unwrap();
            assert_eq!(place.display(), display, "{address}");
        }
        assert_eq!(
            Location::parse("/a").unwrap().join(&["b", "c=1"]).display(),
            "/a/b/c=1"
        );
    }

    #[test]
    fn what_is_no_place_is_refused_with_a_reason() {
        for (address, reason) in [
            ("nowhere://x", "paths, `file://`, `s3://` and `gs://`"),
            ("https://example.com/x", "paths, `file://`"),
            ("file://data/x", "`file:///`"),
            ("s3://bucket/a?b", "`?` and `#`"),
            ("s3:///a", "bucket"),
            ("s3://key:secret@bucket/a", "holds no keys"),
        ] {
            let error = Location::parse_with(address, []).unwrap_err();
            assert!(error.to_string().contains(reason), "{address}: {error}");
            assert!(!error.to_string().contains("secret"), "{address}: {error}");
        }
    }

    #[test]
    fn a_url_encodes_what_a_path_may_hold() {
        for (path, url) in [
            ("/a b/50%/é?#[*]", "file:///a%20b/50%25/%C3%A9%3F%23[*]"),
            ("/", "file:///"),
        ] {
            assert_eq!(Location::parse(path).unwrap().url().unwrap().as_str(), url);
        }
        let object = Location::parse_with("s3://bucket/a%20b/50%25", []).unwrap();
        assert_eq!(object.display(), "s3://bucket/a b/50%");
        assert_eq!(object.url().unwrap().as_str(), "s3://bucket/a%20b/50%25");
    }

    fn gcs_without_account() -> [(String, String); 1] {
        [("GOOGLE_SKIP_SIGNATURE".into(), "true".into())]
    }
}
