//! Finds the raw values of declared columns in one JSON object, without building a tree of it.
//!
//! Apart because this is where the time of decoding goes: everything that is not declared is
//! skipped by the parser, and what is declared stays a slice of the input.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::config::path::place;

/// The paths of all columns, as a tree of names.
#[derive(Debug, Default)]
pub struct PathTree {
    children: Vec<(String, PathTree)>,
    /// The columns whose value stands here.
    columns: Vec<usize>,
}

impl PathTree {
    /// The tree of `paths`; a path's number is its column.
    pub fn new<'a>(paths: impl IntoIterator<Item = (usize, &'a [String])>) -> Self {
        let mut tree = Self::default();
        for (column, path) in paths {
            tree.insert(path, column);
        }
        tree
    }

    fn insert(&mut self, path: &[String], column: usize) {
        let Some((name, rest)) = path.split_first() else {
            self.columns.push(column);
            return;
        };
        let position = self.children.iter().position(|(child, _)| child == name);
        let position = position.unwrap_or_else(|| {
            self.children.push((name.clone(), Self::default()));
            self.children.len() - 1
        });
        self.children[position].1.insert(rest, column);
    }

    /// Puts the raw values of the object in `json` into `slots`.
    #[cfg(test)]
    fn fill<'a>(
        &self,
        json: &'a str,
        slots: &mut [Option<&'a RawValue>],
    ) -> serde_json::Result<()> {
        self.visit(json, &mut |column, raw| slots[column] = Some(raw))
    }

    /// Tells every value of every column, in the order of the object in `json`: a key that is
    /// there twice has two.
    pub fn visit<'a>(
        &self,
        json: &'a str,
        found: &mut impl FnMut(usize, &'a RawValue),
    ) -> serde_json::Result<()> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        Finder { tree: self, found }.deserialize(&mut deserializer)?;
        deserializer.end()
    }

    /// Looks below a value, if something is wanted of what is there.
    fn descend<'a, E: serde::de::Error>(
        &self,
        raw: &'a RawValue,
        found: &mut impl FnMut(usize, &'a RawValue),
    ) -> Result<(), E> {
        let has_places = self.children.iter().any(|(name, _)| place(name).is_some());
        let is_wanted = match raw.get().as_bytes().first() {
            Some(b'{') => !self.children.is_empty(),
            Some(b'[') => has_places,
            _ => false,
        };
        if !is_wanted {
            return Ok(());
        }
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        let seen = Finder { tree: self, found }.below(&mut deserializer);
        seen.and_then(|()| deserializer.end()).map_err(E::custom)
    }

    /// What is wanted below a name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        // A name in brackets is no place in a list.
        let mut names = self.children.iter();
        names
            .find(|(child, _)| child == name && place(child).is_none())
            .map(|(_, tree)| tree)
    }

    /// What is wanted below a place in a list.
    pub fn item(&self, index: usize) -> Option<&Self> {
        let mut names = self.children.iter();
        names
            .find(|(name, _)| place(name) == Some(index))
            .map(|(_, tree)| tree)
    }

    /// The columns whose value stands here.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Whether some column's value stands here.
    pub fn is_wanted(&self) -> bool {
        !self.columns.is_empty()
    }
}

struct Finder<'t, 'f, F> {
    tree: &'t PathTree,
    found: &'f mut F,
}

impl<F> Finder<'_, '_, F> {
    /// Reads what stands below a record's own fields: an object or a list.
    fn below<'de, D>(self, deserializer: D) -> Result<(), D::Error>
    where
        D: Deserializer<'de>,
        F: FnMut(usize, &'de RawValue),
    {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(usize, &'de RawValue)> DeserializeSeed<'de> for Finder<'_, '_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(usize, &'de RawValue)> Visitor<'de> for Finder<'_, '_, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(found) = map.next_key_seed(KeySeed(self.tree))? {
            let Some(child) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw: &'de RawValue = map.next_value()?;
            for column in &child.columns {
                (self.found)(*column, raw);
            }
            child.descend(raw, self.found)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(raw) = list.next_element::<&'de RawValue>()? {
            let children = &self.tree.children;
            let here = children
                .iter()
                .filter(|(name, _)| place(name) == Some(index));
            for (_, child) in here {
                for column in &child.columns {
                    (self.found)(*column, raw);
                }
                child.descend(raw, self.found)?;
            }
            index += 1;
        }
        Ok(())
    }
}

/// Looks a key up while it is read, so that no key is copied.
struct KeySeed<'t>(&'t PathTree);

impl<'de, 't> DeserializeSeed<'de> for KeySeed<'t> {
    type Value = Option<&'t PathTree>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'t> Visitor<'_> for KeySeed<'t> {
    type Value = Option<&'t PathTree>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.child(name))
    }
}

#[cfg(test)]
mod tests {
    use super::PathTree;

    fn filled(json: &str) -> Result<Vec<Option<String>>, serde_json::Error> {
        let paths = ["id", "properties.page", "properties"]
            .map(|path| path.split('.').map(str::to_owned).collect::<Vec<_>>());
        let tree = PathTree::new(
            paths
                .iter()
                .enumerate()
                .map(|(index, path)| (index, path.as_slice())),
        );
        let mut slots = vec![None; 3];
        tree.fill(json, &mut slots)?;
        Ok(slots
            .iter()
            .map(|slot| slot.map(|raw| raw.get().to_owned()))
            .collect())
    }

    #[test]
    fn declared_values_are_found_wherever_they_stand() {
        let some = |text: &str| Some(text.to_owned());
        for (json, expected) in [
            (r#"{"x":[1,{"id":2}],"id":7}"#, [some("7"), None, None]),
            (
                r#"{"properties":{"page":"/a","y":1},"id":"q"}"#,
                [
                    some("\"q\""),
                    some("\"/a\""),
                    some(r#"{"page":"/a","y":1}"#),
                ],
            ),
            (r#"{"properties":null}"#, [None, None, some("null")]),
            (r#"{"id":1,"id":2}"#, [some("2"), None, None]),
            ("{}", [None, None, None]),
        ] {
            assert_eq!(filled(json).unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn a_place_in_a_list_is_found() {
        let path = |text: &str| crate::config::path::parse(text).unwrap();
        let paths = [path("emails[1].address"), path("tags[0]"), path("emails")];
        let paths = paths.iter().enumerate();
        let tree = PathTree::new(paths.map(|(index, path)| (index, path.as_slice())));
        let json = r#"{"emails":[{"address":"a"},{"address":"b"}],"tags":[7,8]}"#;
        let mut slots = vec![None; 3];
        tree.fill(json, &mut slots).unwrap();
        let text = |slot: usize| slots[slot].map(serde_json::value::RawValue::get);
        assert_eq!((text(0), text(1)), (Some("\"b\""), Some("7")));
        assert!(text(2).unwrap().starts_with('['));
        let mut slots = vec![None; 3];
        tree.fill(r#"{"emails":[],"tags":{"[0]":1}}"#, &mut slots)
            .unwrap();
        assert!(slots[0].is_none() && slots[1].is_none());
    }

    #[test]
    fn what_is_not_one_object_is_an_error() {
        for json in ["", "{", "[1]", "42", "{} {}", r#"{"id":}"#, r#"{"a":1"#] {
            assert!(filled(json).is_err(), "{json}");
        }
    }
}
