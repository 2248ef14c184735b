//! The front matter of a `.sql` file: YAML in a leading block comment, which stays valid SQL.
//!
//! ```sql
//! /* dfpipe
//! version: 1
//! key: [customer_id]
//! */
//! ```

use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{BuiltinCheck, File};
use crate::{
    config::{check::Severity, conform::conform, yaml},
    error::{Error, Place, Result},
};

const OPENING: &str = "/* dfpipe";

/// How the rows of a model are kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Materialized {
    /// As a file of the run: computed once, read often.
    #[default]
    Table,
    /// Not at all: whoever reads it computes what it needs of it. For what is as long as a source and cheap to say.
    View,
}

/// What the front matter of a model says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelHeader {
    /// Version of the meaning, raised by people.
    pub version: u32,
    /// One sentence for readers.
    pub description: Option<String>,
    /// Columns that name a row; the output is ordered by them.
    #[serde(default)]
    pub key: Vec<String>,
    /// Whether its rows are kept in a file. Default: `table`.
    #[serde(default)]
    pub materialized: Materialized,
    /// Properties that every row must have.
    #[serde(default)]
    pub checks: Vec<BuiltinCheck>,
    /// Name of a further copy in the run's folder; `.json` writes JSON, `.parquet` Parquet.
    pub save_as: Option<String>,
    /// The formula that the model computes, for the transform log.
    pub formula: Option<String>,
    /// Words that select it: `-s tag:weekly`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What `dfpipe check` would refuse or warn of, and why it is right here.
    #[serde(default)]
    pub allow: Allow,
}

/// What `dfpipe check` would refuse or warn of, each with the reason why it is right in this model.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// Functions that only estimate, such as `approx_distinct`.
    pub approximations: Option<String>,
    /// What takes rows in the order in which they come, such as `array_agg` without `order by`.
    pub any_order: Option<String>,
    /// Sums, means and deviations of floating-point numbers, whose last digits depend on the order.
    pub float_aggregates: Option<String>,
    /// That no key names a row.
    pub no_key: Option<String>,
    /// That nothing reads the model.
    pub unused: Option<String>,
}

impl ModelHeader {
    /// Whether its rows are computed by whoever reads it.
    pub fn is_view(&self) -> bool {
        self.materialized == Materialized::View
    }
}

impl Allow {
    /// Those of them after which the same rows may give other bytes, each with its reason.
    pub fn inexact(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let is_inexact = |(key, _): &(&str, &str)| {
            matches!(*key, "approximations" | "any_order" | "float_aggregates")
        };
        self.given().filter(is_inexact)
    }

    /// The keys that are given, each with its reason.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("approximations", &self.approximations),
            ("any_order", &self.any_order),
            ("float_aggregates", &self.float_aggregates),
            ("no_key", &self.no_key),
            ("unused", &self.unused),
        ];
        all.into_iter()
            .filter_map(|(key, reason)| Some((key, reason.as_deref()?)))
    }
}

/// What the front matter of a file in `sql/checks/` says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckHeader {
    /// What should hold, in one sentence.
    pub description: String,
    /// Whether rows stop the load. Default: `error`.
    #[serde(default)]
    pub severity: Severity,
    /// What a person should do when there are rows.
    pub hint: Option<String>,
}

/// Reads the front matter of `file`.
pub fn read<H: DeserializeOwned + JsonSchema>(file: &File) -> Result<H, Vec<Error>> {
    let (yaml, lines_before) = front_matter(file).map_err(|error| vec![error])?;
    let text = yaml::Text {
        file: &file.name,
        source: yaml,
        lines_before,
    };
    let node = yaml::parse(&text).map_err(|error| vec![error])?;
    let value = conform(&node, &schema_for!(H).to_value(), &text)?;
    serde_json::from_value(value).map_err(|error| {
        vec![Error::bug(format!("`{}` has an odd header", file.name)).because(error)]
    })
}

/// Where the value of `key` stands in the front matter of `file`; of a list, the item `index`.
pub fn place(file: &File, key: &str, index: Option<usize>) -> Place {
    let found = front_matter(file).ok().and_then(|(yaml, lines_before)| {
        let text = yaml::Text {
            file: &file.name,
            source: yaml,
            lines_before,
        };
        let node = yaml::parse(&text).ok()?;
        let value = node.get(key)?;
        let item = match (&value.data, index) {
            (yaml::Data::List(items), Some(index)) => items.get(index),
            _ => None,
        };
        Some(text.place(item.unwrap_or(value).mark))
    });
    found.unwrap_or_else(|| Place::new(&file.name, &file.text, 1, 1, 1))
}

fn front_matter(file: &File) -> Result<(&str, usize)> {
    let missing = || {
        Error::usage(format!("`{}` has no front matter", file.name)).with_hint(format!(
            "begin the file with a comment such as:\n{OPENING}\nversion: 1\ndescription: …\n*/"
        ))
    };
    let start = file.text.find(OPENING).ok_or_else(missing)?;
    let blank_before = file.text[..start].trim().is_empty();
    let body = file.text[start + OPENING.len()..].strip_prefix(['\n', '\r']);
    let body = body.filter(|_| blank_before).ok_or_else(missing)?;
    let end = body.find("*/").ok_or_else(missing)?;
    let lines_before = file.text[..file.text.len() - body.len()]
        .matches('\n')
        .count();
    Ok((&body[..end], lines_before))
}

#[cfg(test)]
mod tests {
    use super::{File, ModelHeader, read};

    fn header(text: &str) -> Result<ModelHeader, Vec<crate::error::Error>> {
        read(&File {
            path: "m.sql".into(),
            name: "sql/m.sql".into(),
            text: text.into(),
        })
    }

    #[test]
    fn a_header_is_read_and_what_is_left_out_has_its_default() {
        let header = header("\n/* dfpipe\nversion: 2\nkey: [a]\n*/\nselect 1").unwrap();
        assert_eq!(
            (header.version, header.key.as_slice()),
            (2, &["a".to_owned()][..])
        );
        assert!(header.checks.is_empty());
    }

    #[test]
    fn problems_of_a_header_name_the_line_of_the_file() {
        let problems =
            header("\n/* dfpipe\nversion: 1\nkeys: [a]\nchecks:\n  - notnull: [a]\n*/\n");
        let problems = problems.unwrap_err();
        let lines: Vec<_> = problems
            .iter()
            .map(|problem| problem.place().unwrap().line)
            .collect();
        assert_eq!(lines, [4, 6]);
        assert!(problems[0].hint().unwrap().contains("`key`"));
    }

    #[test]
    fn a_file_without_header_says_how_to_begin() {
        for text in [
            "select 1",
            "select 1 /* dfpipe\nversion: 1\n*/",
            "/* dfpipe\nversion: 1",
        ] {
            assert!(
                header(text).unwrap_err()[0]
                    .hint()
                    .unwrap()
                    .contains("/* dfpipe"),
                "{text}"
            );
        }
    }
}
