//! Holds a file's tree against the JSON Schema of the type it is read into.
//!
//! Apart because it tells *all* problems, each with its line, where serde stops at the first and
//! knows no lines. The schema is generated from the Rust types, so there is one list of keys. A
//! general validator was tried on paper: it can name neither the branch that `kind:` chose nor the
//! key that was meant.

use serde_json::{Map, Value};

use super::yaml::{Data, Key, Node, Text};
use crate::error::{Error, did_you_mean};

/// Turns `node` into the JSON that `schema` describes, or says all that is wrong with it.
pub fn conform(node: &Node, schema: &Value, text: &Text<'_>) -> Result<Value, Vec<Error>> {
    let mut walk = Walk {
        root: schema,
        text,
        problems: vec![],
    };
    let value = walk.value(node, schema, "");
    if walk.problems.is_empty() {
        Ok(value)
    } else {
        Err(walk.problems)
    }
}

struct Walk<'a> {
    root: &'a Value,
    text: &'a Text<'a>,
    problems: Vec<Error>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, node: &Node, schema: &'a Value, path: &str) -> Value {
        let schema = self.follow(schema);
        if node.is_null() && allows(schema, "null") {
            return Value::Null;
        }
        let schema = self.not_null(schema);
        if let Some(branches) = schema["oneOf"].as_array() {
            return self.one_of(node, schema, branches, path);
        }
        match &node.data {
            Data::Map(entries) => self.map(node, entries, &[schema], path),
            Data::List(items) if allows(schema, "array") => {
                let items = items.iter().enumerate();
                items
                    .map(|(index, item)| {
                        self.value(item, &schema["items"], &format!("{path}[{index}]"))
                    })
                    .collect()
            }
            Data::List(_) => self.wrong_type(node, schema, path, "a list"),
            Data::Scalar { text, plain } => self.scalar(node, text, *plain, schema, path),
        }
    }

    /// The definition behind a `$ref`.
    fn follow(&self, schema: &'a Value) -> &'a Value {
        match schema["$ref"]
            .as_str()
            .and_then(|reference| reference.strip_prefix('#'))
        {
            Some(pointer) => self.root.pointer(pointer).unwrap_or(schema),
            None => schema,
        }
    }

    /// What an optional value is when it is there.
    fn not_null(&self, schema: &'a Value) -> &'a Value {
        let branches = schema["anyOf"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        match branches {
            [one, null] if null["type"] == "null" => self.follow(one),
            _ => schema,
        }
    }

    /// Either names of an enumeration, or mappings told apart by `kind` or by their only key.
    fn one_of(
        &mut self,
        node: &Node,
        schema: &'a Value,
        branches: &'a [Value],
        path: &str,
    ) -> Value {
        let Data::Map(entries) = &node.data else {
            let names: Vec<_> = branches
                .iter()
                .filter_map(|branch| name_of(branch))
                .collect();
            return self.name(node, &names, path);
        };
        let tag = if branches
            .iter()
            .any(|branch| branch["properties"]["kind"].is_object())
        {
            node.get("kind").and_then(Node::text)
        } else {
            entries.first().map(|(key, _)| key.name.as_str())
        };
        let found = branches
            .iter()
            .find(|branch| tag.is_some() && tag_of(branch) == tag);
        match found {
            Some(branch) => {
                let inner = self.follow(branch);
                let schemas = [branch, inner];
                let own = usize::from(std::ptr::eq(branch, inner));
                self.map(node, entries, &schemas[own..], path)
            }
            None => {
                let names: Vec<_> = branches.iter().filter_map(tag_of).collect();
                let what = if schema["oneOf"][0]["properties"]["kind"].is_object() {
                    "`kind` must be one of"
                } else {
                    "it must have one of the keys"
                };
                let place = node.get("kind").map_or(node.mark, |kind| kind.mark);
                let problem = Error::usage(format!("{} is not understood", named(path)))
                    .at(self.text.place(place))
                    .with_hint(format!("{what}: {}", names.join(", ")));
                self.problems.push(problem);
                Value::Null
            }
        }
    }

    fn name(&mut self, node: &Node, names: &[&str], path: &str) -> Value {
        let text = node.text().unwrap_or_default();
        if names.contains(&text) {
            return text.into();
        }
        let hint = match did_you_mean(text, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`? It can be: {}", names.join(", ")),
            None => format!("it can be: {}", names.join(", ")),
        };
        let problem = Error::usage(format!("{} cannot be `{text}`", named(path)));
        self.problems
            .push(problem.at(self.text.place(node.mark)).with_hint(hint));
        Value::Null
    }

    fn map(
        &mut self,
        node: &Node,
        entries: &[(Key, Node)],
        schemas: &[&'a Value],
        path: &str,
    ) -> Value {
        if !schemas.iter().any(|schema| allows(schema, "object")) {
            return self.wrong_type(node, schemas[0], path, "a mapping");
        }
        let mut object = Map::new();
        for (key, value) in entries {
            let below = if path.is_empty() {
                key.name.clone()
            } else {
                format!("{path}.{}", key.name)
            };
            match property(schemas, &key.name) {
                Some(schema) => {
                    let value = self.value(value, schema, &below);
                    object.insert(key.name.clone(), value);
                }
                None => self.unknown_key(key, schemas, path),
            }
        }
        let required = schemas
            .iter()
            .filter_map(|schema| schema["required"].as_array())
            .flatten();
        for name in required.filter_map(Value::as_str) {
            if !entries.iter().any(|(key, _)| key.name == name) {
                let problem = Error::usage(format!("{} lacks the key `{name}`", named(path)));
                self.problems.push(problem.at(self.text.place(node.mark)));
            }
        }
        Value::Object(object)
    }

    fn unknown_key(&mut self, key: &Key, schemas: &[&'a Value], path: &str) {
        let known = || {
            let properties = schemas
                .iter()
                .filter_map(|schema| schema["properties"].as_object());
            properties.flat_map(Map::keys).map(String::as_str)
        };
        let hint = match did_you_mean(&key.name, known()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the keys are: {}", known().collect::<Vec<_>>().join(", ")),
        };
        let problem = Error::usage(format!("{} has no key `{}`", named(path), key.name));
        self.problems
            .push(problem.at(self.text.place(key.mark)).with_hint(hint));
    }

    fn scalar(
        &mut self,
        node: &Node,
        text: &str,
        plain: bool,
        schema: &'a Value,
        path: &str,
    ) -> Value {
        if let Some(names) = schema["enum"].as_array() {
            let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
            return self.name(node, &names, path);
        }
        let meant = plain.then(|| {
            let boolean = matches!(text, "true" | "false").then(|| (text == "true").into());
            boolean
                .filter(|_| allows(schema, "boolean"))
                .or_else(|| number(text).filter(|number| fits(number, schema)))
        });
        match meant.flatten() {
            Some(value) => value,
            None if allows(schema, "string") => text.into(),
            None => self.wrong_type(node, schema, path, &format!("`{text}`")),
        }
    }

    fn wrong_type(&mut self, node: &Node, schema: &Value, path: &str, found: &str) -> Value {
        let types = match &schema["type"] {
            Value::String(one) => one.clone(),
            Value::Array(several) => several
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" or "),
            _ => "another type".to_owned(),
        };
        let problem = Error::usage(format!(
            "{} must be of type {types}, not {found}",
            named(path)
        ));
        self.problems.push(problem.at(self.text.place(node.mark)));
        Value::Null
    }
}

/// How a problem names the mapping or value at `path`.
fn named(path: &str) -> String {
    if path.is_empty() {
        "this file".to_owned()
    } else {
        format!("`{path}`")
    }
}

fn number(text: &str) -> Option<Value> {
    let integer = text.parse::<i64>().ok().map(Value::from);
    let looks_numeric = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    integer.or_else(|| {
        text.parse::<f64>()
            .ok()
            .filter(|_| looks_numeric)
            .map(Value::from)
    })
}

fn fits(number: &Value, schema: &Value) -> bool {
    let unsigned = schema["minimum"]
        .as_f64()
        .is_some_and(|minimum| minimum >= 0.0);
    let in_range = !unsigned || number.as_f64().is_some_and(|value| value >= 0.0);
    let integer = number.is_i64() && allows(schema, "integer");
    in_range && (integer || allows(schema, "number"))
}

/// Whether the schema's `type` names `wanted`.
fn allows(schema: &Value, wanted: &str) -> bool {
    match &schema["type"] {
        Value::String(one) => one == wanted,
        Value::Array(several) => several.iter().any(|one| one == wanted),
        _ => {
            let branches = schema["anyOf"].as_array().into_iter().flatten();
            branches.into_iter().any(|branch| allows(branch, wanted))
        }
    }
}

fn property<'a>(schemas: &[&'a Value], name: &str) -> Option<&'a Value> {
    let declared = schemas
        .iter()
        .find_map(|schema| schema["properties"].get(name));
    declared.or_else(|| {
        let others = schemas.iter().map(|schema| &schema["additionalProperties"]);
        others.into_iter().find(|other| other.is_object())
    })
}

/// The value of `kind`, or the only key, that chooses this branch of a `oneOf`.
fn tag_of(branch: &Value) -> Option<&str> {
    let properties = branch["properties"].as_object()?;
    match properties.get("kind") {
        Some(kind) => kind["const"].as_str(),
        None => properties.keys().next().map(String::as_str),
    }
}

/// The name that this branch of a `oneOf` stands for in an enumeration.
fn name_of(branch: &Value) -> Option<&str> {
    branch["const"].as_str()
}
