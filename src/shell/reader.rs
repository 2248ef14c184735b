//! Lines become statements and `\` commands. Pure.
//!
//! A statement ends with `;`, wherever that is no part of a text, a name, a comment or a dollar quote. A
//! command is a line of its own that begins with `\`; in the middle of a statement it leaves that as it is.

use std::ops::Range;

/// Something that a person has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A statement, without its `;`.
    Statement {
        /// Its text.
        text: String,
        /// The line that it begins in, from 0.
        line: usize,
    },
    /// A line that begins with `\`.
    Command(String),
}

/// Collects lines.
#[derive(Debug, Default)]
pub struct Reader {
    open: String,
    /// The line that what is open begins in.
    first: usize,
    lines: usize,
}

impl Reader {
    /// Takes a line; what has become whole by it.
    pub fn take(&mut self, line: &str) -> Vec<Input> {
        let number = self.lines;
        self.lines += 1;
        let word = line.trim();
        let is_outside = end_of_statement(&self.open).is_outside;
        if is_outside && word.starts_with('\\') {
            return vec![Input::Command(word.to_owned())];
        }
        if self.open.trim().is_empty() {
            self.open.clear();
            self.first = number;
            match word.trim_end_matches(';') {
                "exit" | "quit" => return vec![Input::Command("\\q".to_owned())],
                "help" => return vec![Input::Command("\\?".to_owned())],
                _ => {}
            }
        }
        self.open.push_str(line);
        self.open.push('\n');
        let mut found = vec![];
        while let Some(end) = end_of_statement(&self.open).end {
            let text = self.open[..end].to_owned();
            let rest = self.open[end + 1..].to_owned();
            found.extend(self.statement(&text));
            self.first += text.matches('\n').count();
            self.open = rest;
        }
        if self.open.trim().is_empty() {
            self.open.clear();
        }
        found
    }

    /// What is left when there are no more lines: a statement needs no `;` at the very end.
    pub fn finish(&mut self) -> Option<Input> {
        let text = std::mem::take(&mut self.open);
        self.statement(&text)
    }

    /// Whether a statement has begun and not ended.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// What was typed of a statement that has not ended.
    pub fn open(&self) -> &str {
        &self.open
    }

    /// Forgets it.
    pub fn clear(&mut self) {
        self.open.clear();
    }

    fn statement(&self, text: &str) -> Option<Input> {
        let says_something = !is_blank(text);
        let skipped = text.len() - text.trim_start_matches(['\n', '\r']).len();
        says_something.then(|| Input::Statement {
            line: self.first + text[..skipped].matches('\n').count(),
            text: text[skipped..].trim_end().to_owned(),
        })
    }
}

/// The statements of a text, by their places in it. The last one needs no `;`.
pub fn statements(text: &str) -> Vec<Range<usize>> {
    let mut found = vec![];
    let mut start = 0;
    loop {
        let end = end_of_statement(&text[start..]).end;
        let stop = end.map_or(text.len(), |end| start + end);
        if !is_blank(&text[start..stop]) {
            found.push(start..stop);
        }
        if end.is_none() {
            return found;
        }
        start = stop + 1;
    }
}

/// `text` with all outside of `place` blanked out, so that places in a statement are places in the text.
pub fn alone(text: &str, place: &Range<usize>) -> String {
    let blank = |part: &str| -> String {
        part.chars()
            .map(|one| if one == '\n' { '\n' } else { ' ' })
            .collect()
    };
    let (before, after) = (&text[..place.start], &text[place.end..]);
    format!("{}{}{}", blank(before), &text[place.clone()], blank(after))
}

/// Whether there is nothing but space and comments.
fn is_blank(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let skipped = skip_comment(rest);
        match skipped {
            0 => return rest.is_empty(),
            skipped => rest = &rest[skipped..],
        }
    }
}

/// Where the first statement of a text ends.
struct End {
    /// The place of its `;`.
    end: Option<usize>,
    /// Whether the text ends outside of quotes and comments.
    is_outside: bool,
}

fn end_of_statement(text: &str) -> End {
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let (skipped, is_closed) = match letter {
            ';' => {
                return End {
                    end: Some(at),
                    is_outside: true,
                };
            }
            '\'' | '"' | '`' => quoted(rest, letter),
            '$' => dollar_quoted(rest, &text[..at]),
            '-' | '/' => match skip_comment(rest) {
                0 => (1, true),
                // A line's comment ends with the line, and one in a block with its end.
                skipped => (skipped, letter == '-' || rest[..skipped].ends_with("*/")),
            },
            other => (other.len_utf8(), true),
        };
        if !is_closed {
            return End {
                end: None,
                is_outside: false,
            };
        }
        at += skipped;
    }
    End {
        end: None,
        is_outside: true,
    }
}

/// The length of a quoted text, and whether it ends. A doubled quote ends and begins it, which is the same.
fn quoted(text: &str, quote: char) -> (usize, bool) {
    match text[1..].find(quote) {
        Some(end) => (end + 2, true),
        None => (text.len(), false),
    }
}

/// The same for `$$…$$` and `$tag$…$tag$`; a `$name` is no quote.
fn dollar_quoted(text: &str, before: &str) -> (usize, bool) {
    let is_word = |one: char| one.is_alphanumeric() || one == '_';
    let tag = text[1..].find('$').map(|end| &text[..end + 2]);
    let tag = tag.filter(|tag| {
        let name = &tag[1..tag.len() - 1];
        name.chars().all(is_word) && !name.starts_with(|one: char| one.is_ascii_digit())
    });
    let Some(tag) = tag.filter(|_| !before.ends_with(is_word)) else {
        return (1, true);
    };
    match text[tag.len()..].find(tag) {
        Some(end) => (end + 2 * tag.len(), true),
        None => (text.len(), false),
    }
}

/// The length of the comment that a text begins with; 0 if it begins with none.
fn skip_comment(text: &str) -> usize {
    if text.starts_with("--") {
        return text.find('\n').map_or(text.len(), |end| end + 1);
    }
    if !text.starts_with("/*") {
        return 0;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Input, Reader, alone, statements};

    fn read(text: &str) -> (Vec<String>, bool) {
        let mut reader = Reader::default();
        let found = text.lines().flat_map(|line| reader.take(line));
        let found = found.collect::<Vec<_>>().into_iter().map(|one| match one {
            Input::Statement { text, line } => format!("{line}:{text}"),
            Input::Command(text) => text,
        });
        (found.collect(), reader.is_open())
    }

    #[test]
    fn a_statement_ends_with_a_semicolon_that_is_no_part_of_it() {
        for (text, expected) in [
            ("select 1;", &["0:select 1"][..]),
            ("select\n  1\n;", &["0:select\n  1"]),
            ("select 1; select 2;", &["0:select 1", "0: select 2"]),
            ("select ';';", &["0:select ';'"]),
            ("select 'it''s;';", &["0:select 'it''s;'"]),
            ("select \";\";", &["0:select \";\""]),
            ("select 1 -- ;\n;", &["0:select 1 -- ;"]),
            (
                "select /* ; /* ; */ ; */ 1;",
                &["0:select /* ; /* ; */ ; */ 1"],
            ),
            ("select $$;$$;", &["0:select $$;$$"]),
            ("select $a$;$$;$a$;", &["0:select $a$;$$;$a$"]),
            ("select $as_of, $run_id;", &["0:select $as_of, $run_id"]),
            (";;\n-- nothing\n;", &[]),
            ("\n\nselect 'é;€';", &["2:select 'é;€'"]),
        ] {
            let (found, is_open) = read(text);
            assert_eq!(found, expected, "{text}");
            assert!(!is_open, "{text}");
        }
    }

    #[test]
    fn what_has_not_ended_stays_open() {
        for text in [
            "select 1",
            "select 'a;",
            "select /* ;",
            "select $$ ; ",
            "select \"a;",
        ] {
            assert_eq!(read(text), (vec![], true), "{text}");
        }
    }

    #[test]
    fn a_command_is_a_line_of_its_own_and_leaves_what_is_open() {
        let (found, _) = read("\\d\nselect 1\n  \\timing\n;\nselect '\n\\d\n';\nexit\nhelp;");
        let expected = [
            "\\d",
            "\\timing",
            "1:select 1",
            "4:select '\n\\d\n'",
            "\\q",
            "\\?",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_text_falls_into_statements_whose_places_stay() {
        let text = "select 1;\n-- two\nselect 2; ;\n select 3 -- end";
        let parts: Vec<_> = statements(text)
            .into_iter()
            .map(|one| text[one].trim().to_owned())
            .collect();
        assert_eq!(parts, ["select 1", "-- two\nselect 2", "select 3 -- end"]);
        let place = &statements(text)[2];
        let blanked = alone(text, place);
        assert_eq!(blanked.lines().nth(3), Some(" select 3 -- end"));
        assert_eq!(blanked.trim(), "select 3 -- end");
    }
}
