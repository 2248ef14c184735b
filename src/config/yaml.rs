//! A YAML file as a tree that remembers where everything stands.
//!
//! Apart from the rest because problems are told with file, line and column, which a plain
//! deserializer forgets. Scalars stay text: what `${PORT}` means is known only after interpolation.

use saphyr::{MarkedYaml, ScalarStyle, YamlData, YamlLoader};
use saphyr_parser::{Parser, Span};

use crate::error::{Error, Place, Result};

/// A file and its text, for telling places in it.
pub struct Text<'a> {
    /// The file as the user would name it.
    pub file: &'a str,
    /// What stands in it.
    pub source: &'a str,
    /// How many lines of the file stand before `source`: front matter begins below line 1.
    pub lines_before: usize,
}

impl Text<'_> {
    /// The place of a node or key.
    pub fn place(&self, mark: Mark) -> Place {
        let place = Place::new(self.file, self.source, mark.line, mark.column, mark.length);
        Place {
            line: place.line + self.lines_before,
            ..place
        }
    }
}

/// Where a node or key begins, and how long it is on its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    line: usize,
    column: usize,
    length: usize,
}

/// A value of the file.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands.
    pub mark: Mark,
    /// What it is.
    pub data: Data,
}

/// What a value can be before types are known.
#[derive(Clone, Debug)]
pub enum Data {
    /// Text as written; `plain` when it stood without quotes and may mean a number.
    Scalar {
        /// The text.
        text: String,
        /// Whether it stood without quotes.
        plain: bool,
        /// What stands in the file, where `text` came from variables.
        written: Option<String>,
    },
    /// A value whose variable is not set, or that names a run parameter in vain: told already.
    Unset,
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub struct Key {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub mark: Mark,
}

impl Node {
    /// The value of `name`, if this is a mapping that has it.
    pub fn get(&self, name: &str) -> Option<&Node> {
        match &self.data {
            Data::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.name == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// Takes the entry of `name` out of this mapping.
    pub fn take(&mut self, name: &str) -> Option<Node> {
        let Data::Map(entries) = &mut self.data else {
            return None;
        };
        let position = entries.iter().position(|(key, _)| key.name == name)?;
        Some(entries.remove(position).1)
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar as it stands in the file: what variables hold is not for the screen.
    pub fn written(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, written, .. } => Some(written.as_ref().unwrap_or(text)),
            _ => None,
        }
    }

    /// An empty scalar, or one that YAML reads as nothing. A variable that holds `null` is text.
    pub fn is_null(&self) -> bool {
        match &self.data {
            Data::Scalar { plain: false, .. } => false,
            Data::Scalar { text, written, .. } if written.is_some() => text.is_empty(),
            Data::Scalar { text, .. } => {
                matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }
}

/// Reads one YAML document.
pub fn parse(text: &Text<'_>) -> Result<Node> {
    let mut documents = documents(text)?;
    if documents.len() > 1 {
        return Err(Error::usage(format!(
            "`{}` holds more than one YAML document",
            text.file
        )));
    }
    documents
        .pop()
        .ok_or_else(|| Error::usage(format!("`{}` is empty", text.file)))
}

/// Reads all YAML documents of a file, between which stands `---`.
pub fn documents(text: &Text<'_>) -> Result<Vec<Node>> {
    let mut loader: YamlLoader<'_, MarkedYaml<'_>> = YamlLoader::default();
    loader.early_parse(false);
    let outcome = Parser::new_from_str(text.source).load(&mut loader, true);
    let failure = outcome.err().or_else(|| loader.error().cloned());
    if let Some(failure) = failure {
        let marker = failure.marker();
        let mark = Mark {
            line: marker.line(),
            column: marker.col() + 1,
            length: 1,
        };
        return Err(Error::usage(format!(
            "`{}` is not valid YAML: {}",
            text.file,
            failure.info()
        ))
        .at(text.place(mark)));
    }
    let documents = loader.into_documents();
    documents.iter().map(|one| convert(one, text)).collect()
}

fn convert(node: &MarkedYaml<'_>, text: &Text<'_>) -> Result<Node> {
    let mark = mark(node.span);
    let data = match &node.data {
        YamlData::Representation(value, style, _) => Data::Scalar {
            text: value.to_string(),
            plain: *style == ScalarStyle::Plain,
            written: None,
        },
        YamlData::Sequence(items) => Data::List(
            items
                .iter()
                .map(|item| convert(item, text))
                .collect::<Result<_>>()?,
        ),
        YamlData::Mapping(entries) => Data::Map(
            entries
                .iter()
                .map(|(key, value)| Ok((convert_key(key, text)?, convert(value, text)?)))
                .collect::<Result<_>>()?,
        ),
        YamlData::Tagged(_, inner) => return convert(inner, text),
        YamlData::Value(_) | YamlData::Alias(_) | YamlData::BadValue => {
            return Err(
                Error::usage(format!("`{}` cannot be read here", text.file)).at(text.place(mark))
            );
        }
    };
    Ok(Node { mark, data })
}

fn convert_key(node: &MarkedYaml<'_>, text: &Text<'_>) -> Result<Key> {
    let mark = mark(node.span);
    match &node.data {
        YamlData::Representation(name, ..) => Ok(Key {
            name: name.to_string(),
            mark,
        }),
        _ => Err(Error::usage("a key must be a plain name").at(text.place(mark))),
    }
}

fn mark(span: Span) -> Mark {
    let (start, end) = (span.start, span.end);
    let length = if end.line() == start.line() {
        end.col().saturating_sub(start.col())
    } else {
        1
    };
    Mark {
        line: start.line(),
        column: start.col() + 1,
        length: length.max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, parse};

    fn text(source: &str) -> Text<'_> {
        Text {
            file: "dfpipe.yml",
            source,
            lines_before: 0,
        }
    }

    #[test]
    fn a_value_knows_its_line_and_column() {
        let text = text("a: 1\nb:\n  c: 'two'\n");
        let node = parse(&text).unwrap();
        let value = node.get("b").unwrap().get("c").unwrap();
        let place = text.place(value.mark);
        assert_eq!((place.line, place.column, place.length), (3, 6, 5));
        assert_eq!(value.text(), Some("two"));
    }

    #[test]
    fn broken_yaml_is_an_error_with_a_place() {
        for source in ["a: [1\n", "a: 1\na: 2\n", "a: b: c\n", ""] {
            let error = parse(&text(source)).unwrap_err();
            assert_eq!(error.kind().exit_code(), 2, "{source:?}: {error}");
        }
    }
}
