//! Made-up values for what names a person: a test is committed and read by many.
//!
//! Values keep their order and stay equal where they were equal, so that joins, ties and sorting give what
//! they gave. Addresses were masked before a row existed; they are looked for here once more.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::datatypes::{DataType, Schema};

use super::compare::Cell;
use crate::{config::Config, sources::Privacy};

/// Hexadecimal digits of a hash.
const HASH: usize = 64;

/// Collects what is personal, then replaces it.
pub struct Masked<'a> {
    config: &'a Config,
    privacy: Privacy,
    /// Values by the word that stands for them.
    found: BTreeMap<String, BTreeSet<String>>,
    /// What stands for each value, the longest value first.
    names: Vec<(String, String)>,
}

impl<'a> Masked<'a> {
    /// Knows the personal columns of the sources: addresses, and the keys that name their records.
    pub fn new(config: &'a Config) -> Self {
        Self {
            config,
            privacy: Privacy::new(&config.email_hash_key),
            found: BTreeMap::new(),
            names: vec![],
        }
    }

    /// Remembers what is personal in these rows.
    pub fn look(&mut self, schema: &Schema, rows: &[Vec<Cell>]) {
        for (number, field) in schema.fields().iter().enumerate() {
            if !is_text(field.data_type()) {
                continue;
            }
            let word = self.word(field.name());
            for value in rows.iter().filter_map(|row| row[number].as_ref()) {
                let word = if is_hash(value) {
                    Some("hash".to_owned())
                } else {
                    word.clone()
                };
                if let Some(word) = word.filter(|_| !value.trim().is_empty()) {
                    self.found.entry(word).or_default().insert(value.clone());
                }
            }
        }
        let numbered = self.found.iter().flat_map(|(word, values)| {
            let width = values.len().to_string().len();
            let values = values.iter().enumerate();
            values
                .map(move |(index, value)| (value.clone(), format!("{word}-{:0width$}", index + 1)))
        });
        self.names = numbered.collect();
        self.names
            .sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    }

    /// The word for the values of a column, if they are personal.
    fn word(&self, column: &str) -> Option<String> {
        let sources = || self.config.sources.values();
        if sources()
            .flat_map(|source| &source.columns)
            .any(|known| known.is_email && known.name == column)
        {
            return Some("hash".to_owned());
        }
        let is_key = sources().any(|source| source.key.as_deref() == Some(column));
        is_key.then(|| {
            column
                .strip_suffix("_id")
                .unwrap_or(column)
                .replace('_', "-")
        })
    }

    /// The rows with made-up values.
    pub fn rows(&self, schema: &Schema, rows: &mut [Vec<Cell>]) {
        for row in rows {
            for (cell, field) in row.iter_mut().zip(schema.fields()) {
                if is_text(field.data_type()) {
                    *cell = cell.take().map(|text| self.text(&text));
                }
            }
        }
    }

    /// Text with made-up values where it holds personal ones as whole words, and without addresses.
    pub fn text(&self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let begins_word = !masked.ends_with(char::is_alphanumeric);
            let found = self
                .names
                .iter()
                .find(|(value, _)| begins_word && begins_with(rest, value));
            if let Some((value, name)) = found {
                masked.push_str(name);
                rest = &rest[value.len()..];
            } else {
                masked.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
        self.privacy.mask(&masked).into_owned()
    }
}

fn begins_with(text: &str, word: &str) -> bool {
    let after = text.strip_prefix(word);
    after.is_some_and(|after| !after.starts_with(char::is_alphanumeric))
}

fn is_hash(value: &str) -> bool {
    value.len() == HASH && value.bytes().all(|it| it.is_ascii_hexdigit())
}

fn is_text(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}
