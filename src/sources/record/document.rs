//! A JSON document that holds a list of records somewhere: a page of an API, a file.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::config::path::{self, place};

/// A document whose records were found.
pub struct Document<'a> {
    /// The records, in order, each a slice of the document.
    pub records: Vec<&'a RawValue>,
}

impl<'a> Document<'a> {
    /// Finds the list at `path` in `json`.
    pub fn parse(json: &'a str, path: &[String]) -> serde_json::Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let found = Finder(path).deserialize(&mut deserializer)?;
        deserializer.end()?;
        match found {
            Some(list) => Ok(Self {
                records: serde_json::from_str(list.get())?,
            }),
            None => Err(serde::de::Error::custom(format!(
                "there is nothing at `{}`",
                path::written(path)
            ))),
        }
    }
}

/// The scalar at `path` in `json` as text; `None` if there is none or it is null.
pub fn text_at(json: &str, path: &[String]) -> Option<String> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let raw = Finder(path).deserialize(&mut deserializer).ok()??;
    match serde_json::from_str(raw.get()).ok()? {
        serde_json::Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

struct Finder<'p>(&'p [String]);

impl<'de> DeserializeSeed<'de> for Finder<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            return serde::Deserialize::deserialize(deserializer).map(Some);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Finder<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "something with `{}`", path::written(self.0))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let wanted = self.0.split_first();
        let wanted = wanted.filter(|(name, _)| place(name).is_none());
        while let Some(key) = map.next_key::<String>()? {
            match wanted {
                Some((name, rest)) if *name == key => found = map.next_value_seed(Finder(rest))?,
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        if let Some((wanted, rest)) = self.0.split_first()
            && let Some(wanted) = place(wanted)
        {
            for _ in 0..wanted {
                if list.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(None);
                }
            }
            found = list.next_element_seed(Finder(rest))?.flatten();
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, text_at};

    fn path(text: &str) -> Vec<String> {
        crate::config::path::parse(text).unwrap()
    }

    #[test]
    fn records_are_found_at_their_path() {
        for (json, at, expected) in [
            (r#"{"data":[{"a":1},2]}"#, "data", Some(2)),
            (r#"{"x":[],"r":{"items":[1,2,3]}}"#, "r.items", Some(3)),
            ("[1]", "$", Some(1)),
            (r#"[{"count":2},{"items":[1,2]}]"#, "[1].items", Some(2)),
            (r#"{"a":[[1],[2,3]]}"#, "a[1]", Some(2)),
            (r#"{"a":[[1]]}"#, "a[1]", None),
            (r#"{"a":{"[0]":[1]}}"#, "a[0]", None),
            (r#"{"data":{}}"#, "data", None),
            (r#"{"items":[]}"#, "data", None),
            (r#"{"data":[1"#, "data", None),
            (r#"{"data":[1]} x"#, "data", None),
            (r#"{"data":7}"#, "data.items", None),
        ] {
            let found = Document::parse(json, &path(at))
                .ok()
                .map(|found| found.records.len());
            assert_eq!(found, expected, "{json}");
        }
    }

    #[test]
    fn a_cursor_is_text_or_number_and_null_is_none() {
        let json = r#"{"next":"abc","meta":{"total":7},"end":null,"blank":""}"#;
        assert_eq!(text_at(json, &path("next")).as_deref(), Some("abc"));
        assert_eq!(text_at(json, &path("meta.total")).as_deref(), Some("7"));
        assert_eq!(text_at(json, &path("end")), None);
        assert_eq!(text_at(json, &path("blank")), None);
        assert_eq!(text_at(json, &path("other")), None);
    }
}
