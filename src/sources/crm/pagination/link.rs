//! An address that an API gives for its next page: where it may lead, what of it may be kept, how its size
//! changes.
//!
//! Apart because links come in bodies and in headers, and are to be distrusted alike: a key is sent with
//! them.

use url::Url;

use crate::{
    config::PageSize,
    error::{Error, Result},
};

/// Parameters that number pages.
const NUMBERS: [&str; 6] = [
    "page",
    "page[number]",
    "page_number",
    "pagenumber",
    "p",
    "pg",
];

/// The address that `text` names, on the page at `from`. One that leads elsewhere is refused.
pub fn follow(from: &Url, text: &str) -> Result<Url> {
    let unreadable = || Error::outside("the API gives a next link that is no address");
    let mut url = from.join(text.trim()).map_err(|_| unreadable())?;
    if url.origin() != from.origin() {
        let elsewhere = url.host_str().unwrap_or("nowhere").to_owned();
        return Err(Error::outside(format!(
            "the API gives a next link to another server, `{}://{elsewhere}`, which is not followed",
            url.scheme()
        ))
        .with_hint("the key is sent to no other server than that of `url` in dfpipe.yml: put the server \
                    there that the links lead to, scheme and port included"));
    }
    url.set_fragment(None);
    // Both fail only for addresses without a host, whose origin is another.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(url)
}

/// The address from its path on: it leads to the same page on whatever host the collection is.
pub fn kept(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// What came before a link: pages of the size that it has, and records of its own page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Pages, where that is known.
    pub pages: Option<u64>,
    /// Records.
    pub overlap: usize,
}

/// The address with another page size, and what came before it then. Where it numbers pages, it aims again.
pub fn resized(url: &Url, before: Before, from: &PageSize, to: u32) -> Option<(Url, Before)> {
    let of_size = |name: &str| name == from.parameter;
    url.query_pairs().find(|(name, _)| of_size(name))?;
    let number = url.query_pairs().find_map(|(name, value)| {
        let is_number = NUMBERS.contains(&name.to_ascii_lowercase().as_str()) && !of_size(&name);
        let number = value.parse::<u64>().ok().filter(|_| is_number)?;
        Some((name.into_owned(), number))
    });
    let (mut page, mut after) = (None, Before::default());
    if let Some((name, number)) = number {
        let pages = before.pages?;
        let (old, new) = (u64::from(from.records), u64::from(to.max(1)));
        let records = pages * old + before.overlap as u64;
        let again = number.checked_sub(pages)? + records / new;
        after = Before {
            pages: Some(records / new),
            overlap: usize::try_from(records % new).ok()?,
        };
        page = Some((name, again.to_string()));
    }
    let url = changed(url, |name, value| match &page {
        _ if of_size(name) => to.to_string(),
        Some((number, again)) if number == name => again.clone(),
        _ => value.to_owned(),
    });
    Some((url, after))
}

/// The address with other values.
fn changed(url: &Url, value_of: impl Fn(&str, &str) -> String) -> Url {
    let pairs: Vec<_> = url
        .query_pairs()
        .map(|(name, value)| (name.clone().into_owned(), value_of(&name, &value)))
        .collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url
}

/// The target of the first link with `rel="next"` in a `Link` header (RFC 8288).
pub fn next_of(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>')?;
        let target = &rest[start + 1..end];
        let (parameters, behind) = link_end(&rest[end + 1..]);
        if is_next(parameters) {
            return Some(target);
        }
        rest = behind;
    }
    None
}

/// The parameters of a link, up to the comma that is not within quotes, and what is behind it.
fn link_end(text: &str) -> (&str, &str) {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (index, next) in text.char_indices() {
        match next {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => return (&text[..index], &text[index + 1..]),
            _ => {}
        }
    }
    (text, "")
}

/// Whether one of the relations is `next`.
fn is_next(parameters: &str) -> bool {
    let mut relations = parameters.split(';').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("rel")
            .then(|| value.trim().trim_matches('"'))
    });
    // Only the first `rel` counts.
    relations.next().is_some_and(|value| {
        value
            .split_ascii_whitespace()
            .any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Before, follow, next_of, resized};
    use crate::config::PageSize;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_link_is_followed_on_the_same_server_only() {
        let from = url("https://crm.test/v1/customers?page=1");
        for (text, expected) in [
            (
                "/v1/customers?page=2",
                Some("https://crm.test/v1/customers?page=2"),
            ),
            ("?page=2", Some("https://crm.test/v1/customers?page=2")),
            ("https://crm.test:443/x#y", Some("https://crm.test/x")),
            ("https://u:p@crm.test/x", Some("https://crm.test/x")),
            ("//evil.test/x", None),
            ("https://crm.test.evil/x", None),
            ("http://crm.test/x", None),
            ("https://crm.test:8443/x", None),
            ("file:///etc/passwd", None),
            ("https://", None),
        ] {
            let found = follow(&from, text).ok();
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{text}");
        }
    }

    #[test]
    fn a_refused_link_is_told_without_its_query() {
        let from = url("https://crm.test/v1");
        let error = follow(&from, "https://evil.test/x?api_key=hunter2").unwrap_err();
        assert!(!format!("{error:?} {:?}", error.hint()).contains("hunter2"));
        assert!(error.message().contains("evil.test"), "{error}");
    }

    #[test]
    fn the_next_link_of_a_header_is_found_among_others() {
        for (header, expected) in [
            (
                r#"<https://c.test/?page=2>; rel="next", <https://c.test/?page=9>; rel="last""#,
                Some("https://c.test/?page=2"),
            ),
            (
                r#"</p?a=1,2>; rel="prev", </p?a=3,4>; title="a, \"b\" <c>"; REL=Next"#,
                Some("/p?a=3,4"),
            ),
            (r#"</p>; rel="last next""#, Some("/p")),
            (r#"</p>; rel="prev"; rel="next""#, None),
            (r#"</p>; title="rel=next""#, None),
            ("</p>", None),
            ("</p; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next_of(header), expected, "{header}");
        }
    }

    #[test]
    fn another_size_aims_a_numbered_link_again_and_leaves_a_cursor_alone() {
        let size = |records| PageSize {
            parameter: "limit".into(),
            records,
        };
        for (link, pages, from, to, expected) in [
            (
                "http://c/?page=2&limit=100",
                1,
                100,
                50,
                Some(("http://c/?page=3&limit=50", 0)),
            ),
            (
                "http://c/?page=1&limit=75",
                1,
                75,
                50,
                Some(("http://c/?page=1&limit=50", 25)),
            ),
            (
                "http://c/?after=x&limit=100",
                3,
                100,
                50,
                Some(("http://c/?after=x&limit=50", 0)),
            ),
            (
                "http://c/?offset=100&limit=100",
                1,
                100,
                50,
                Some(("http://c/?offset=100&limit=50", 0)),
            ),
            ("http://c/?after=x", 3, 100, 50, None),
        ] {
            let before = Before {
                pages: Some(pages),
                overlap: 0,
            };
            let found = resized(&url(link), before, &size(from), to);
            let found = found
                .as_ref()
                .map(|(url, overlap)| (url.as_str(), overlap.overlap));
            assert_eq!(found, expected, "{link}");
        }
    }
}
