//! Folders and object stores under one kind of address: a path, `file://`, `s3://` or `gs://`.
//!
//! Apart because sources, sinks and the archive all need it, and none of them should know which
//! store it is.

use std::{path::Path as FilePath, sync::Arc};

use object_store::{ObjectStore, ObjectStoreScheme, local::LocalFileSystem, path::Path};
use url::Url;

use crate::error::{Error, Result};

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
    /// The place that `address` names: a URL, or an absolute path.
    pub fn parse(address: &str) -> Result<Self> {
        let unusable = |cause: &dyn std::fmt::Display| {
            Error::usage(format!("`{address}` is not a place to read or write")).because(cause)
        };
        if !address.contains("://") {
            let path = Path::from_absolute_path(lexically_absolute(address));
            let path = path.map_err(|error| unusable(&error))?;
            return Ok(Self::local(path));
        }
        let url = Url::parse(address).map_err(|error| unusable(&error))?;
        let (scheme, path) = ObjectStoreScheme::parse(&url).map_err(|error| unusable(&error))?;
        if matches!(scheme, ObjectStoreScheme::Local) {
            return Ok(Self::local(path));
        }
        // The stores' own variables (AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS, …).
        let (store, path) = object_store::parse_url_opts(&url, std::env::vars())
            .map_err(|error| unusable(&error))?;
        let prefix = url[..url::Position::BeforePath].to_owned();
        Ok(Self {
            store: Arc::from(store),
            path,
            address: prefix,
            is_local: false,
        })
    }

    fn local(path: Path) -> Self {
        let store = Arc::new(LocalFileSystem::new());
        Self {
            store,
            path,
            address: String::new(),
            is_local: true,
        }
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
    pub fn local_file(&self) -> Option<std::path::PathBuf> {
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

    /// The whole address as a URL.
    pub fn url(&self) -> String {
        if self.is_local {
            format!("file:///{}", self.path)
        } else {
            self.display()
        }
    }
}

/// `path` without `.` and `..`; relative to the current folder if it is not absolute.
fn lexically_absolute(path: &str) -> std::path::PathBuf {
    use std::path::Component;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let mut clean = std::path::PathBuf::new();
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
            ("s3://bucket/a/b.parquet", "s3://bucket/a/b.parquet"),
            ("gs://bucket/a", "gs://bucket/a"),
        ] {
            assert_eq!(
                Location::parse(address).unwrap().display(),
                display,
                "{address}"
            );
        }
        assert!(Location::parse("nowhere://x").is_err());
        assert_eq!(
            Location::parse("/a").unwrap().join(&["b", "c=1"]).display(),
            "/a/b/c=1"
        );
    }
}
