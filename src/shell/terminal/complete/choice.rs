//! The candidates for a place in a text, by what stands before it. Pure, but for files.

use super::{Candidate, KEYWORDS, Names, files::files};
use crate::shell::{
    desk::RUN,
    terminal::buffer::is_word,
    words::{Takes, WORDS, find},
};

/// Behind these words stands a table.
const BEFORE_TABLES: [&str; 4] = ["from", "join", "table", "describe"];

impl Names {
    /// What may stand behind `before`: the place where it begins, and the candidates, in order.
    pub fn complete(&self, before: &str) -> (usize, Vec<Candidate>) {
        let line = before.rsplit('\n').next().unwrap_or(before);
        let offset = before.len() - line.len();
        if line.starts_with('\\') {
            let (start, found) = self.command(line);
            return (offset + start, found);
        }
        if before.matches('\'').count() % 2 == 1 {
            let start = before.rfind('\'').map_or(0, |at| at + 1);
            return (start, self.quoted(&before[start..], &before[..start - 1]));
        }
        let start = before
            .trim_end_matches(|one| is_word(one) || one == '.')
            .len();
        let word = &before[start..];
        if before[..start].ends_with('$') {
            return (start, beginning(plain(&self.parameters), word));
        }
        if let Some((left, part)) = word.rsplit_once('.') {
            return (start + left.len() + 1, self.below(left, part, before));
        }
        (start, self.word(word, &before[..start], before))
    }

    /// What stands in quotes: the table or the run of `model('…', run => '…')`, or a file.
    fn quoted(&self, part: &str, before: &str) -> Vec<Candidate> {
        let before = before.trim_end().to_lowercase();
        let tables = self.schemas.get(RUN).map_or(&[][..], Vec::as_slice);
        if before.ends_with("model(") {
            return beginning(plain(tables), part);
        }
        let left = before.trim_end_matches("=>").trim_end();
        if left.len() < before.len() && left.ends_with("run") {
            return beginning(plain(&self.runs), part);
        }
        files(part)
    }

    fn command(&self, line: &str) -> (usize, Vec<Candidate>) {
        let Some(space) = line.find(' ') else {
            let all = WORDS.iter().map(|word| Candidate {
                text: if word.arguments.is_empty() {
                    word.name.to_owned()
                } else {
                    format!("{} ", word.name)
                },
                label: format!("{} {}", word.name, word.arguments)
                    .trim_end()
                    .to_owned(),
            });
            return (0, beginning(all, line));
        };
        let start = line
            .rfind([' ', '\''])
            .map_or(space, |at| at + 1)
            .max(space + 1);
        let part = &line[start..];
        let Ok((word, _)) = find(line) else {
            return (start, vec![]);
        };
        let found = match word.takes {
            Takes::Nothing => vec![],
            Takes::Table => match part.rsplit_once('.') {
                Some((left, column)) => {
                    return (start + left.len() + 1, self.below(left, column, ""));
                }
                None => beginning(self.tables(), part),
            },
            Takes::Model => beginning(plain(&self.models), part),
            Takes::Reason => beginning(plain(&self.reasons), part),
            Takes::Run => beginning(plain(&self.runs), part),
            Takes::File => files(part),
            Takes::Function => {
                let names: Vec<_> = self
                    .functions
                    .iter()
                    .map(|(name, _)| name.clone())
                    .collect();
                beginning(plain(&names), part)
            }
            Takes::Format => {
                let formats = ["table", "csv", "json", "ndjson", "markdown"].map(str::to_owned);
                beginning(plain(&formats), part)
            }
            Takes::Switch => beginning(plain(&["on", "off"].map(str::to_owned)), part),
            Takes::Sql => {
                let (sql, found) = self.complete(&line[space + 1..]);
                return (space + 1 + sql, found);
            }
        };
        (start, found)
    }

    /// What stands behind `left.`: a table of a schema, or a column of a table.
    fn below(&self, left: &str, part: &str, text: &str) -> Vec<Candidate> {
        if let Some(tables) = self.schemas.get(left) {
            return beginning(plain(tables), part);
        }
        let name = left.rsplit('.').next().unwrap_or(left);
        let table = meant(name, text).unwrap_or_else(|| name.to_owned());
        let columns = self.columns.get(&table);
        columns.map_or_else(Vec::new, |columns| beginning(plain(columns), part))
    }

    fn word(&self, word: &str, before: &str, text: &str) -> Vec<Candidate> {
        let last = before.trim_end().rsplit(|one| !is_word(one)).next();
        let last = last.unwrap_or_default().to_lowercase();
        if BEFORE_TABLES.contains(&last.as_str()) {
            return beginning(self.tables(), word);
        }
        if word.is_empty() {
            return vec![];
        }
        let spoken_of = text.split(|one| !is_word(one));
        let columns = spoken_of.filter_map(|name| self.columns.get(name));
        let columns: Vec<String> = columns.flatten().cloned().collect();
        let functions = self.functions.iter().map(|(name, syntax)| Candidate {
            text: format!("{name}("),
            label: syntax.clone(),
        });
        let keywords: Vec<String> = KEYWORDS.iter().map(|one| (*one).to_owned()).collect();
        let all = plain(&columns)
            .chain(self.tables())
            .chain(functions)
            .chain(plain(&keywords));
        beginning(all.collect::<Vec<_>>().into_iter(), word)
    }

    fn tables(&self) -> impl Iterator<Item = Candidate> {
        let bare = self.schemas.get(&self.public).cloned().unwrap_or_default();
        let schemas = self.schemas.keys().map(|schema| Candidate {
            text: format!("{schema}."),
            label: format!("{schema}."),
        });
        plain(&bare).chain(schemas).collect::<Vec<_>>().into_iter()
    }
}

/// The table that an alias stands for in `text`.
fn meant(alias: &str, text: &str) -> Option<String> {
    let words: Vec<&str> = text
        .split(|one: char| !is_word(one) && one != '.')
        .filter(|word| !word.is_empty())
        .collect();
    let at = words
        .windows(2)
        .position(|pair| pair[1] == alias && !pair[0].contains('('))?;
    let mut table = words[at];
    if table.eq_ignore_ascii_case("as") {
        table = words.get(at.checked_sub(1)?)?;
    }
    table.rsplit('.').next().map(str::to_owned)
}

fn plain(names: &[String]) -> impl Iterator<Item = Candidate> {
    let names: Vec<String> = names.to_vec();
    names.into_iter().map(|name| Candidate {
        label: name.clone(),
        text: name,
    })
}

/// Those that begin like `part`, in order, each once.
fn beginning(all: impl Iterator<Item = Candidate>, part: &str) -> Vec<Candidate> {
    let part = part.to_lowercase();
    let mut found: Vec<_> = all
        .filter(|one| one.text.to_lowercase().starts_with(&part))
        .collect();
    found.sort();
    found.dedup_by(|one, other| one.text == other.text);
    found
}

#[cfg(test)]
mod tests {
    use super::super::{Names, common};

    fn names() -> Names {
        let list = |names: &[&str]| {
            names
                .iter()
                .map(|one| (*one).to_owned())
                .collect::<Vec<_>>()
        };
        Names {
            schemas: [
                (
                    "run".to_owned(),
                    list(&["orders", "orders_extract", "totals"]),
                ),
                ("source".to_owned(), list(&["orders"])),
            ]
            .into(),
            public: "run".into(),
            columns: [("totals".to_owned(), list(&["customer", "total"]))].into(),
            functions: vec![("coalesce".into(), "coalesce(a, b)".into())],
            models: list(&["totals"]),
            runs: list(&["2026-11-15", "last"]),
            parameters: list(&["as_of", "run_id"]),
            reasons: list(&["duplicate"]),
        }
    }

    #[test]
    fn what_comes_next_depends_on_what_stands_before() {
        for (before, start, expected) in [
            ("select * from ord", 14, &["orders", "orders_extract"][..]),
            ("select * from sou", 14, &["source."]),
            ("select * from source.", 21, &["orders"]),
            ("select totals.", 14, &["customer", "total"]),
            ("select t.c from totals t where t.to", 33, &["total"]),
            (
                "select t.c from run.totals as t where t.cu",
                40,
                &["customer"],
            ),
            ("select co", 7, &["coalesce(", "copy"]),
            ("select * from totals where cust", 27, &["customer"]),
            ("sel", 0, &["select"]),
            ("\\li", 0, &["\\lineage "]),
            ("\\diff t", 6, &["totals"]),
            ("\\d totals.c", 10, &["customer"]),
            ("\\use l", 5, &["last"]),
            ("\\rejects d", 9, &["duplicate"]),
            ("select * from model('tot", 21, &["totals"]),
            ("select * from model('totals', run => 'la", 38, &["last"]),
            ("select $as", 8, &["as_of"]),
            ("\\format c", 8, &["csv"]),
            ("\\explain select * from tot", 23, &["totals"]),
            ("select 'nothing like this", 8, &[]),
            ("select ", 7, &[]),
        ] {
            let (found_start, found) = names().complete(before);
            let texts: Vec<_> = found.iter().map(|one| one.text.as_str()).collect();
            assert_eq!(
                (found_start, texts.as_slice()),
                (start, expected),
                "{before}"
            );
        }
        let functions = names().complete("select coal").1;
        assert_eq!(functions[0].label, "coalesce(a, b)");
    }

    #[test]
    fn candidates_share_a_beginning() {
        let (_, found) = names().complete("select * from ord");
        assert_eq!(common(&found), "orders");
        assert_eq!(common(&[]), "");
    }
}
