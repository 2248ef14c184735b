//! What a configuration says otherwise than another one, key by key. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// A key that is not what it was. Secrets are blanked on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The key, its parts joined by dots.
    pub key: String,
    /// What it was; `null` if it was not said.
    pub before: Option<Value>,
    /// What it is; `null` if it is not said any more.
    pub after: Option<Value>,
}

/// All keys whose values differ, in order.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let (mut said_before, mut said_after) = (BTreeMap::new(), BTreeMap::new());
    flatten("", before, &mut said_before);
    flatten("", after, &mut said_after);
    let mut keys: Vec<_> = said_before.keys().chain(said_after.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let differing = keys.into_iter().filter_map(|key| {
        let (before, after) = (said_before.get(key), said_after.get(key));
        (before != after).then(|| Difference {
            key: key.clone(),
            before: before.map(|value| (*value).clone()),
            after: after.map(|value| (*value).clone()),
        })
    });
    differing.collect()
}

/// The values below `value` by their keys. A list is one value: its items have no names.
fn flatten<'a>(key: &str, value: &'a Value, into: &mut BTreeMap<String, &'a Value>) {
    let Value::Object(fields) = value else {
        into.insert(key.to_owned(), value);
        return;
    };
    for (name, field) in fields {
        let key = if key.is_empty() {
            name.clone()
        } else {
            format!("{key}.{name}")
        };
        flatten(&key, field, into);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differences;

    #[test]
    fn a_difference_is_told_by_its_key() {
        let before = json!({"a": {"b": 1, "gone": "x"}, "list": [1, 2], "same": true});
        let after = json!({"a": {"b": 2}, "list": [1], "new": {"c": null}, "same": true});
        let told: Vec<_> = differences(&before, &after)
            .into_iter()
            .map(|one| (one.key, one.before, one.after))
            .collect();
        let expected = [
            ("a.b".to_owned(), Some(json!(1)), Some(json!(2))),
            ("a.gone".to_owned(), Some(json!("x")), None),
            ("list".to_owned(), Some(json!([1, 2])), Some(json!([1]))),
            ("new.c".to_owned(), None, Some(json!(null))),
        ];
        assert_eq!(told, expected);
        assert!(differences(&after, &after).is_empty());
    }
}
