//! The destination's columns as they were last recorded: `sql/destination.schema.yml`.
//!
//! People who read the destination rely on its columns; the file makes a change of them one that is
//! seen in review. Written by `dfpipe check --record-destination`; without it nothing is compared.
//! Pure; the loader reads the file.

use std::fmt::Write;

use indexmap::IndexMap;
use schemars::{JsonSchema, schema_for};
use serde::Deserialize;

use crate::{
    config::{conform::conform, yaml},
    error::{Error, Place, Result},
};

/// The file.
pub const FILE: &str = "sql/destination.schema.yml";

const HEAD: &str = "# The destination's columns, written by `dfpipe check --record-destination`. Commit it:\n\
                    # `dfpipe check` refuses a loaded model that drops one of them or changes its type.\n";

/// The columns of a destination, in order.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// Each column.
    pub columns: Vec<RecordedColumn>,
}

/// A column of a destination.
#[derive(Clone, Debug)]
pub struct RecordedColumn {
    /// Its name.
    pub name: String,
    /// Its type, in our words.
    pub kind: String,
    /// Where the file says so.
    pub place: Place,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// Types by the names of the columns.
    columns: IndexMap<String, String>,
}

impl Recorded {
    /// Reads the file's text.
    pub fn parse(source: &str) -> Result<Self> {
        let text = yaml::Text {
            file: FILE,
            source,
            lines_before: 0,
        };
        let node = yaml::parse(&text)?;
        let value = conform(&node, &schema_for!(Said).to_value(), &text)
            .map_err(|problems| Error::all(problems).unwrap_or_else(|| Error::bug("no problem")))?;
        let said: Said = serde_json::from_value(value)
            .map_err(|error| Error::bug(format!("`{FILE}` is odd")).because(error))?;
        let list = node.get("columns");
        let columns = said.columns.into_iter().map(|(name, kind)| {
            let found = list.and_then(|list| list.get(&name));
            let place = found.map_or_else(
                || Place::new(FILE, source, 1, 1, 1),
                |node| text.place(node.mark),
            );
            RecordedColumn { name, kind, place }
        });
        Ok(Self {
            columns: columns.collect(),
        })
    }

    /// The file's text for `columns`: names and types.
    pub fn render<'a>(columns: impl IntoIterator<Item = (&'a str, String)>) -> String {
        let mut text = format!("{HEAD}columns:\n");
        for (name, kind) in columns {
            // JSON strings are YAML, whatever stands in them.
            let _ = writeln!(text, "  {}: {}", plain(name), plain(&kind));
        }
        text
    }
}

/// A word as it is, anything else in quotes.
fn plain(text: &str) -> String {
    let is_word = |one: char| one.is_ascii_alphanumeric() || one == '_';
    let starts = text.starts_with(|one: char| one.is_ascii_alphabetic());
    // What YAML would take for something else than text.
    let is_other = matches!(
        text.to_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if starts && text.chars().all(is_word) && !is_other {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Recorded;

    #[test]
    fn what_is_written_is_read_again_with_its_place() {
        let columns = [
            ("id", "text"),
            ("on", "decimal(18,2)"),
            ("ä b", "list<text>"),
        ];
        let columns = columns.map(|(name, kind)| (name, kind.to_owned()));
        let text = Recorded::render(columns.clone());
        let read = Recorded::parse(&text).unwrap().columns;
        let pairs: Vec<_> = read
            .iter()
            .map(|column| (column.name.as_str(), column.kind.clone()))
            .collect();
        assert_eq!(pairs, columns);
        assert_eq!((read[1].place.line, read[1].place.column), (5, 9));
    }

    #[test]
    fn a_file_of_another_shape_is_refused() {
        let error = Recorded::parse("colums:\n  a: text\n").unwrap_err();
        assert!(
            error
                .problems()
                .any(|one| one.hint() == Some("did you mean `columns`?"))
        );
    }
}
