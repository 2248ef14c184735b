//! Which files a path with `*` means, in an order that does not depend on the store.

use std::{future::ready, path::Path as FilePath};

use futures::TryStreamExt;
use object_store::{Error::NotFound, ObjectMeta, ObjectStoreExt, path::Path};
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
    /// Its path below the folder that all files lie in.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Lists the files that `address` means. There must be one.
pub async fn list(address: &str, source: &str) -> Result<Vec<FilePart>> {
    let message = format!("the files of `{source}` cannot be listed: `{address}`");
    let (base, objects) = found(address, message).await?;
    if objects.is_empty() {
        return Err(
            Error::usage(format!("source `{source}` has no files at `{address}`"))
                .with_hint("look at `path` in dfpipe.yml; a relative path begins at the project"),
        );
    }
    let numbered = (0..).zip(objects);
    Ok(numbered
        .map(|(part, object)| FilePart {
            part,
            name: name_below(&base, &object.location),
            bytes: object.size,
            location: base.at(object.location),
        })
        .collect())
}

/// The places of the files that `address` means; none if there are none.
pub async fn locations(address: &str) -> Result<Vec<Location>> {
    let message = format!("the files `{address}` cannot be listed");
    let (base, objects) = found(address, message).await?;
    let paths = objects.into_iter().map(|object| object.location);
    Ok(paths.map(|path| base.at(path)).collect())
}

/// The files that `address` means, in order, and the place that they lie below.
async fn found(address: &str, message: String) -> Result<(Location, Vec<ObjectMeta>)> {
    let (folder, pattern) = split(address);
    let base = Location::parse(folder)?;
    let found = match pattern {
        None => one(&base).await,
        Some(pattern) => matching(&base, &pattern).await,
    };
    let mut objects = found.map_err(|error| base.refused(message, &error))?;
    objects.sort_by(|one, other| one.location.cmp(&other.location));
    Ok((base, objects))
}

/// The file itself, if it is there.
async fn one(file: &Location) -> object_store::Result<Vec<ObjectMeta>> {
    match file.store.head(&file.path).await {
        Ok(object) => Ok(vec![object]),
        Err(NotFound { .. }) if file.local_file().is_some() => Ok(vec![]),
        // That answer has no room for a reason: a bucket that is not there says so when listed.
        Err(NotFound { .. }) => file
            .store
            .list_with_delimiter(Some(&file.path))
            .await
            .map(|_| vec![]),
        Err(error) => Err(error),
    }
}

/// The files below `base` whose path from there matches.
async fn matching(base: &Location, pattern: &Regex) -> object_store::Result<Vec<ObjectMeta>> {
    let matches = |path: &Path| below(base, path).is_some_and(|below| pattern.is_match(below));
    let objects = base.store.list(Some(&base.path));
    objects
        .try_filter(|object| ready(matches(&object.location)))
        .try_collect()
        .await
}

/// The path of a file from `base` on.
fn below<'a>(base: &Location, path: &'a Path) -> Option<&'a str> {
    let below = path.as_ref().strip_prefix(base.path.as_ref())?;
    Some(below.trim_start_matches('/'))
}

/// What tells a file from the others: the path below the folder, or its name if it is the only one.
fn name_below(base: &Location, path: &Path) -> String {
    match below(base, path) {
        Some(below) if !below.is_empty() => below.to_owned(),
        _ => path.filename().unwrap_or_default().to_owned(),
    }
}

/// The folder before the first `*`, and what must match below it.
fn split(address: &str) -> (&str, Option<Regex>) {
    let Some(star) = first_star(address) else {
        return (address, None);
    };
    let slash = address[..star].rfind('/').map_or(0, |slash| slash + 1);
    let (folder, rest) = address.split_at(slash);
    let rest = decoded(address, rest);
    let (rest, everything) = match rest.strip_suffix("**") {
        Some(before) if before.is_empty() || before.ends_with('/') => (before, ".+"),
        _ => (&*rest, ""),
    };
    let pattern = regex::escape(rest)
        .replace(r"\*\*/", "(.*/)?")
        .replace(r"\*", "[^/]*")
        + everything;
    (folder, Regex::new(&format!("^{pattern}$")).ok())
}

/// Where the first `*` stands that is no part of a folder's name on this machine.
fn first_star(address: &str) -> Option<usize> {
    let is_folder =
        |end: &usize| !address.contains("://") && FilePath::new(&address[..*end]).is_dir();
    let slashes = address.match_indices('/').map(|(slash, _)| slash);
    let folder = slashes.take_while(|end| *end == 0 || is_folder(end)).last();
    let start = folder.unwrap_or(0);
    address[start..].find('*').map(|star| start + star)
}

/// The end of `address` as paths have it: in a URL it is encoded.
fn decoded(address: &str, end: &str) -> String {
    let is_url = address.contains("://");
    let path = is_url.then(|| Path::from_url_path(end).ok()).flatten();
    path.map_or_else(|| end.to_owned(), String::from)
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

    #[test]
    fn two_stars_at_the_end_are_all_files_below() {
        for (address, name, expected) in [
            ("/d/**", "p.json", true),
            ("/d/**", "x/y/p.json", true),
            ("/d/**/**", "x/y/p.json", true),
            ("/d/*/**", "x/y/p.json", true),
            ("/d/*/**", "p.json", false),
            ("/d/page**", "page/1.json", false),
        ] {
            let pattern = split(address).1.unwrap();
            assert_eq!(pattern.is_match(name), expected, "{address} {name}");
        }
    }

    #[test]
    fn a_folder_that_has_a_star_in_its_name_is_no_pattern() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a*b");
        fs_err::create_dir(&folder).unwrap();
        let address = format!("{}/*.json", folder.display());
        let (before, pattern) = split(&address);
        assert_eq!(before, format!("{}/", folder.display()));
        assert!(pattern.unwrap().is_match("page.json"));
    }

    #[test]
    fn a_pattern_in_a_url_is_decoded_like_the_rest_of_it() {
        let (folder, pattern) = split("s3://bucket/a%20b/**/c%20d-*.json");
        assert_eq!(folder, "s3://bucket/a%20b/");
        assert!(pattern.unwrap().is_match("x/c d-1.json"));
    }
}
