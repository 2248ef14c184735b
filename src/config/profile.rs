//! A profile laid over the rest of the file.
//!
//! Apart because "profiles override parts" has one subtle rule: mappings are merged key by key, but
//! one that names another `kind` replaces what it overrides, since its keys mean something else.

use super::yaml::{Data, Node};

/// Lays `over` upon `base`.
pub fn merge(base: &mut Node, over: Node) {
    match (&mut base.data, over.data) {
        (Data::Map(entries), Data::Map(overrides)) if same_kind(entries, &overrides) => {
            for (key, value) in overrides {
                match entries
                    .iter_mut()
                    .find(|(existing, _)| existing.name == key.name)
                {
                    Some((_, existing)) => merge(existing, value),
                    None => entries.push((key, value)),
                }
            }
        }
        (_, data) => {
            *base = Node {
                mark: over.mark,
                data,
            }
        }
    }
}

fn same_kind(base: &[(super::yaml::Key, Node)], over: &[(super::yaml::Key, Node)]) -> bool {
    let kind = |entries: &[(super::yaml::Key, Node)]| {
        let (_, value) = entries.iter().find(|(key, _)| key.name == "kind")?;
        value.text().map(str::to_owned)
    };
    match (kind(base), kind(over)) {
        (Some(base), Some(over)) => base == over,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::config::yaml::{Node, Text, parse};

    fn node(source: &str) -> Node {
        parse(&Text {
            file: "dfpipe.yml",
            source,
            lines_before: 0,
        })
        .unwrap()
    }

    #[test]
    fn mappings_merge_and_another_kind_replaces() {
        let mut base = node("a: {b: 1, c: 2}\nfrom: {kind: files, path: x}");
        merge(&mut base, node("a: {c: 3}\nfrom: {kind: kafka, topic: t}"));
        let a = base.get("a").unwrap();
        assert_eq!(a.get("b").unwrap().text(), Some("1"));
        assert_eq!(a.get("c").unwrap().text(), Some("3"));
        let from = base.get("from").unwrap();
        assert!(from.get("path").is_none());
        assert_eq!(from.get("topic").unwrap().text(), Some("t"));
    }
}
