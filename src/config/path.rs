//! The grammar of paths into JSON: names joined by dots, `[0]` for a place in a list, an optional `$` in front.
//!
//! Apart because columns, records, cursors and totals are all found by it, and a path that is misread would
//! find nothing in every record without a word.

/// Why a text is no path.
pub const HINT: &str = "a path is names joined by dots and places in brackets, such as \
                        `data.items` or `links[0].href`; `$` alone is the whole body";

/// The parts of a path. A place in a list is a part in brackets, such as `[0]`; the whole document has none.
pub fn parse(text: &str) -> Option<Vec<String>> {
    let rest = match text.strip_prefix('$') {
        Some("") => return Some(vec![]),
        Some(rest) if rest.starts_with(['.', '[']) => rest.strip_prefix('.').unwrap_or(rest),
        _ => text,
    };
    let mut parts = vec![];
    for piece in rest.split('.') {
        let (name, mut places) = piece.split_at(piece.find('[').unwrap_or(piece.len()));
        let may_lack_name = parts.is_empty() && !places.is_empty();
        if name.is_empty() && !may_lack_name {
            return None;
        }
        if !name.is_empty() {
            parts.push(name.to_owned());
        }
        while !places.is_empty() {
            let (place, more) = places.strip_prefix('[')?.split_once(']')?;
            place.parse::<u32>().ok()?;
            parts.push(format!("[{place}]"));
            places = more;
        }
    }
    Some(parts)
}

/// The place in a list that a part is; `None` for a name.
pub fn place(part: &str) -> Option<usize> {
    part.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// The path as it is written; `$` for the whole document.
pub fn written(parts: &[String]) -> String {
    if parts.is_empty() {
        return "$".to_owned();
    }
    parts.iter().fold(String::new(), |mut text, part| {
        if !text.is_empty() && place(part).is_none() {
            text.push('.');
        }
        text + part
    })
}

#[cfg(test)]
mod tests {
    use super::{parse, place, written};

    #[test]
    fn a_path_is_names_and_places_and_reads_back_as_it_was_written() {
        for (text, parts, again) in [
            ("data", &["data"][..], "data"),
            ("$.data.items", &["data", "items"], "data.items"),
            ("$", &[], "$"),
            ("links[0].href", &["links", "[0]", "href"], "links[0].href"),
            ("$[2]", &["[2]"], "[2]"),
            ("a[0][1]", &["a", "[0]", "[1]"], "a[0][1]"),
            ("$ref", &["$ref"], "$ref"),
            ("@odata", &["@odata"], "@odata"),
        ] {
            let found = parse(text).unwrap();
            assert_eq!(found, parts, "{text}");
            assert_eq!(written(&found), again);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "", ".", "a..b", "a.", "a[", "a[x]", "a[-1]", "a[0]b", "$.", "a.[0]",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_part_in_brackets_is_a_place() {
        assert_eq!(place("[3]"), Some(3));
        assert_eq!(place("3"), None);
    }
}
