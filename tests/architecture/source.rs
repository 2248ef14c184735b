//! Rust files as the house rules see them: text, code without comments and literals, code that ships.
//!
//! All of it is blanked in place, so that an offset means the same in each and tells the line.

#![expect(
    clippy::disallowed_methods,
    reason = "the rules use std only, to be built in a second"
)]

use std::fs;
use std::path::Path;

pub(crate) struct Source {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text, with comments and literals blanked: a rule must not trip over words.
    pub(crate) code: String,
    /// The code, with test items blanked too.
    pub(crate) production: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = without_comments_and_literals(text);
        let production = if path.starts_with("tests/") {
            blank(&code)
        } else {
            without_test_items(&code)
        };
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            production,
        }
    }

    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
    }

    /// The files of `#[cfg(test)] mod name;`: nothing in them ships.
    fn test_files(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs");
        let folder = ["/mod", "/lib", "/main"]
            .iter()
            .find_map(|root| stem.strip_suffix(root))
            .unwrap_or(stem);
        self.code
            .split("#[cfg(test)]")
            .skip(1)
            .filter_map(|item| item.split_once(['{', ';'])?.0.split_once("mod "))
            .map(|(_, name)| format!("{folder}/{}.rs", name.trim()))
            .collect()
    }

    /// `path:line`, as an editor opens it.
    pub(crate) fn place(&self, offset: usize) -> String {
        let line = self.text[..offset].matches('\n').count() + 1;
        format!("{}:{line}", self.path)
    }
}

/// The Rust files in these folders of the repository. One that does not exist yet holds none.
pub(crate) fn rust_files(folders: &[&str]) -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in folders {
        for path in files_below(Path::new(folder)) {
            if Path::new(&path)
                .extension()
                .is_some_and(|kind| kind == "rs")
            {
                let text =
                    fs::read_to_string(repository().join(&path)).expect("a Rust file is UTF-8");
                sources.push(Source::new(&path, &text));
            }
        }
    }
    let test_files: Vec<_> = sources.iter().flat_map(Source::test_files).collect();
    for source in &mut sources {
        if test_files.contains(&source.path) {
            source.production = blank(&source.code);
        }
    }
    sources
}

/// The paths of all files below a folder, in order; what is built or hidden is left out, save `.ci`.
pub(crate) fn files_below(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(repository().join(folder)) else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    for entry in entries.map(|entry| entry.expect("the repository can be listed")) {
        let name = entry
            .file_name()
            .into_string()
            .expect("file names are UTF-8");
        let path = folder.join(&name);
        if name == "target" || (name.starts_with('.') && name != ".ci") {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            paths.extend(files_below(&path));
        } else {
            paths.push(
                path.to_str()
                    .expect("file names are UTF-8")
                    .replace('\\', "/"),
            );
        }
    }
    paths.sort();
    paths
}

pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The offsets at which a word stands for itself, not as a part of a longer one.
pub(crate) fn words(code: &str, word: &str) -> Vec<usize> {
    let stands_alone = |offset: usize| {
        !code[..offset].ends_with(is_word) && !code[offset + word.len()..].starts_with(is_word)
    };
    code.match_indices(word)
        .map(|(offset, _)| offset)
        .filter(|&offset| stands_alone(offset))
        .collect()
}

pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The end of the group that opens at the start of the text: after its closing brace.
pub(crate) fn end_of_braces(code: &str) -> usize {
    let mut depth = 0_usize;
    for (offset, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth <= 1 => return offset + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Items under `#[cfg(test)]` end at their closing brace, or at the semicolon of `mod tests;`.
fn without_test_items(code: &str) -> String {
    let mut production = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]") {
        let (before, item) = rest.split_at(start);
        let end = match item.find(['{', ';']) {
            Some(brace) if item[brace..].starts_with('{') => brace + end_of_braces(&item[brace..]),
            Some(semicolon) => semicolon + 1,
            None => item.len(),
        };
        production.push_str(before);
        production.push_str(&blank(&item[..end]));
        rest = &item[end..];
    }
    production.push_str(rest);
    production
}

fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let blanked = comment_or_literal(rest);
        let (token, after) = rest.split_at(blanked.unwrap_or_else(|| word_or_sign(rest)));
        match blanked {
            Some(_) => code.push_str(&blank(token)),
            None => code.push_str(token),
        }
        rest = after;
    }
    code
}

/// Spaces, as many bytes as there were, on as many lines.
fn blank(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect()
}

/// A whole word at once, so that the `r` at the end of `for"` does not open a raw string.
fn word_or_sign(rest: &str) -> usize {
    match rest.find(|character| !is_word(character)) {
        Some(0) => rest.chars().next().map_or(0, char::len_utf8),
        Some(end) => end,
        None => rest.len(),
    }
}

fn comment_or_literal(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        Some(rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        Some(end_of_block_comment(rest))
    } else if rest.starts_with('"') {
        Some(end_of_quoted(rest, '"'))
    } else if rest.starts_with('\'') {
        end_of_character(rest)
    } else {
        end_of_raw_string(rest)
    }
}

fn end_of_block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut offset = 0;
    while offset < rest.len() {
        let here = &rest.as_bytes()[offset..];
        if here.starts_with(b"/*") {
            depth += 1;
            offset += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            offset += 2;
            if depth == 0 {
                return offset;
            }
        } else {
            offset += 1;
        }
    }
    rest.len()
}

fn end_of_quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (offset, character) in rest.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return offset + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `'a'` is a literal, `'a` is a lifetime.
fn end_of_character(rest: &str) -> Option<usize> {
    let mut characters = rest.char_indices().skip(1);
    let (_, first) = characters.next()?;
    let (offset, second) = characters.next()?;
    match (first, second) {
        ('\\', _) => Some(end_of_quoted(rest, '\'')),
        (_, '\'') => Some(offset + 1),
        _ => None,
    }
}

/// `r"…"`, `r#"…"#` and the same after `b` or `c`.
fn end_of_raw_string(rest: &str) -> Option<usize> {
    let after_prefix = ["r", "br", "cr"]
        .iter()
        .find_map(|prefix| rest.strip_prefix(prefix))?;
    let hashes = after_prefix.len() - after_prefix.trim_start_matches('#').len();
    let inside = after_prefix[hashes..].strip_prefix('"')?;
    let closing = format!("\"{}", "#".repeat(hashes));
    let end = inside
        .find(&closing)
        .map_or(inside.len(), |end| end + closing.len());
    Some(rest.len() - inside.len() + end)
}

#[test]
fn code_is_what_is_left_without_comments_and_literals() {
    let cases = [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"a("b \" c") d"#, "a(        ) d"),
        (r##"a(r#"b " c"#) d"##, "a(          ) d"),
        ("a('\"', '\\'') b", "a(   ,     ) b"),
        ("fn a<'b>(c: &'b str)", "fn a<'b>(c: &'b str)"),
        ("r#type + bar\"x\"", "r#type + bar   "),
        ("\"ö\" a", "     a"),
    ];
    for (text, code) in cases {
        assert_eq!(without_comments_and_literals(text), code, "of {text}");
    }
}

#[test]
fn code_that_ships_is_what_is_left_without_test_items() {
    let text =
        "a();\n#[cfg(test)]\nmod tests;\nb();\n#[cfg(test)]\nmod more { fn c() { d(); } }\ne();";
    let source = Source::new("src/a.rs", text);
    let left: Vec<_> = source.production.split_whitespace().collect();
    assert_eq!(left, ["a();", "b();", "e();"]);
    assert_eq!(
        source.place(text.find("e();").unwrap_or_default()),
        "src/a.rs:7"
    );
    assert_eq!(source.test_files(), ["src/a/tests.rs", "src/a/more.rs"]);
    assert_eq!(Source::new("tests/a.rs", "a();").production.trim(), "");
}
