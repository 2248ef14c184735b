//! SQL in colours. Pure.

use super::{buffer::is_word, complete::KEYWORDS};

const KEYWORD: &str = "\x1b[1;34m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const COMMENT: &str = "\x1b[2m";
const COMMAND: &str = "\x1b[1;35m";
const RESET: &str = "\x1b[0m";

/// Pieces of a text, each with its colour: together they are the text.
pub fn coloured(text: &str) -> Vec<(Option<&'static str>, &str)> {
    let mut pieces = vec![];
    let mut rest = text;
    if text.trim_start().starts_with('\\') {
        let end = text.trim_start().find(char::is_whitespace);
        let indent = text.len() - text.trim_start().len();
        let end = end.map_or(text.len(), |end| indent + end);
        pieces.push((Some(COMMAND), &text[..end]));
        rest = &text[end..];
    }
    while let Some(first) = rest.chars().next() {
        let (colour, length) = piece(rest, first);
        pieces.push((colour, &rest[..length]));
        rest = &rest[length..];
    }
    pieces
}

/// A piece with its colour, or without.
pub fn painted(colour: Option<&str>, piece: &str, is_colored: bool) -> String {
    match colour {
        Some(colour) if is_colored => format!("{colour}{piece}{RESET}"),
        _ => piece.to_owned(),
    }
}

fn piece(rest: &str, first: char) -> (Option<&'static str>, usize) {
    let until = |end: Option<usize>, more: usize| end.map_or(rest.len(), |end| end + more);
    match first {
        '\'' => (Some(TEXT), until(rest[1..].find('\''), 2)),
        '"' => (None, until(rest[1..].find('"'), 2)),
        '-' if rest.starts_with("--") => (Some(COMMENT), until(rest.find('\n'), 0)),
        '/' if rest.starts_with("/*") => (Some(COMMENT), until(rest.find("*/"), 2)),
        one if is_word(one) => {
            let length = until(rest.find(|one| !is_word(one)), 0);
            let word = &rest[..length];
            if one.is_ascii_digit() {
                (Some(NUMBER), length)
            } else if KEYWORDS.contains(&word.to_lowercase().as_str()) {
                (Some(KEYWORD), length)
            } else {
                (None, length)
            }
        }
        one => (None, one.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::coloured;

    #[test]
    fn the_pieces_are_the_text_whatever_stands_in_it() {
        for text in [
            "select 'a'' b', \"x y\", 12 from t -- é\nwhere /* no end",
            "\\d tab",
            "'é",
            "\"",
            "",
            "→ $run_id;",
        ] {
            let together: String = coloured(text).into_iter().map(|(_, piece)| piece).collect();
            assert_eq!(together, text);
        }
        let colours = coloured("SELECT x, 1");
        assert!(colours[0].0.is_some() && colours[2].0.is_none());
    }
}
