//! Which files a path with `*` means, in an order that does not depend on the store.

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use regex::Regex;

use crate::{
    error::{Error, Result},
    storage::Location,
};

/// A file and its number among those of the source.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// Its number: the column `_part`.
    pub part: i32,
    /// Where it is.
    pub location: Location,
}

/// Lists the files that `address` means. There must be one.
pub async fn list(address: &str, source: &str) -> Result<Vec<FilePart>> {
    let (folder, pattern) = split(address);
    let base = Location::parse(folder)?;
    let unreadable = |error: object_store::Error| {
        Error::outside(format!(
            "the files of `{source}` cannot be listed: `{address}`"
        ))
        .because(error)
    };
    let mut paths = match &pattern {
        None => match base.store.head(&base.path).await {
            Ok(object) => vec![object.location],
            Err(object_store::Error::NotFound { .. }) => vec![],
            Err(error) => return Err(unreadable(error)),
        },
        Some(pattern) => {
            let objects = base.store.list(Some(&base.path));
            let objects: Vec<_> = objects.try_collect().await.map_err(unreadable)?;
            let prefix = base.path.as_ref();
            let below = |path: &str| {
                path.strip_prefix(prefix)
                    .unwrap_or(path)
                    .trim_start_matches('/')
                    .to_owned()
            };
            let paths = objects.into_iter().map(|object| object.location);
            paths
                .filter(|path| pattern.is_match(&below(path.as_ref())))
                .collect()
        }
    };
    paths.sort();
    if paths.is_empty() {
        return Err(
            Error::usage(format!("source `{source}` has no files at `{address}`"))
                .with_hint("look at `path` in dfpipe.yml; a relative path begins at the project"),
        );
    }
    let numbered = (0..).zip(paths);
    Ok(numbered
        .map(|(part, path)| FilePart {
            part,
            location: base.at(path),
        })
        .collect())
}

/// The folder before the first `*`, and what must match below it.
fn split(address: &str) -> (&str, Option<Regex>) {
    let Some(star) = address.find('*') else {
        return (address, None);
    };
    let slash = address[..star].rfind('/').map_or(0, |slash| slash + 1);
    let (folder, rest) = address.split_at(slash);
    let pattern = regex::escape(rest)
        .replace(r"\*\*/", "(.*/)?")
        .replace(r"\*", "[^/]*");
    (folder, Regex::new(&format!("^{pattern}$")).ok())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_star_matches_within_a_name_and_two_across_folders() {
        for (address, name, expected) in [
            ("/d/page-*.json", "page-1.json", true),
            ("/d/page-*.json", "x/page-1.json", false),
            ("/d/page-*.json", "page-1.json.bak", false),
            ("/d/**/p.json", "x/y/p.json", true),
            ("/d/**/p.json", "p.json", true),
            ("/d/*/p.json", "x/p.json", true),
        ] {
            let (folder, pattern) = split(address);
            assert_eq!(folder, "/d/");
            assert_eq!(
                pattern.unwrap().is_match(name),
                expected,
                "{address} {name}"
            );
        }
        assert!(split("/d/one.json").1.is_none());
    }
}
