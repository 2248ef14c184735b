//! Holds a file's tree against the JSON Schema of the type it is read into.
//!
//! Apart because it tells *all* problems, each with its line, where serde stops at the first and
//! knows no lines. The schema is generated from the Rust types, so there is one list of keys. A
//! general validator was tried on paper: it can name neither the branch that `kind:` chose nor the
//! key that was meant.

use regex::Regex;
use serde_json::{Map, Value};

use super::{
    number::{self, Meaning},
    yaml::{Data, Key, Node, Text},
};
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
        if matches!(node.data, Data::Unset) {
            return Value::Null;
        }
        if node.is_null() {
            return self.problem(node, format!("{} lacks a value", named(path)), None);
        }
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
            Data::Scalar { text, plain, .. } => self.scalar(node, text, *plain, schema, path),
            Data::Unset => Value::Null,
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
            if names.is_empty() {
                let tags: Vec<_> = branches.iter().filter_map(tag_of).collect();
                return self.no_branch(node, schema, &tags, path);
            }
            let keys: Vec<_> = branches.iter().filter_map(tag_of).collect();
            return self.name(node, &names, &keys, path);
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
                let tags: Vec<_> = branches.iter().filter_map(tag_of).collect();
                self.no_branch(node, schema, &tags, path)
            }
        }
    }

    fn no_branch(&mut self, node: &Node, schema: &Value, tags: &[&str], path: &str) -> Value {
        let what = if schema["oneOf"][0]["properties"]["kind"].is_object() {
            "`kind` must be one of"
        } else {
            "it must have one of the keys"
        };
        let place = node.get("kind").unwrap_or(node);
        let message = format!("{} is not understood", named(path));
        self.problem(place, message, Some(format!("{what}: {}", tags.join(", "))))
    }

    /// One of `names`; a mapping with one of `keys` could stand here as well.
    fn name(&mut self, node: &Node, names: &[&str], keys: &[&str], path: &str) -> Value {
        if let Some(text) = node.text().filter(|text| names.contains(text)) {
            return text.into();
        }
        let text = node.written().unwrap_or_default();
        let mut all = names.join(", ");
        if !keys.is_empty() {
            all += &format!("; or a mapping with one of the keys: {}", keys.join(", "));
        }
        let hint = match did_you_mean(text, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`? It can be: {all}"),
            None => format!("it can be: {all}"),
        };
        let message = format!("{} cannot be `{text}`", named(path));
        self.problem(node, message, Some(hint))
    }

    /// The text as it is, if it has the form that the schema asks for.
    fn text(&mut self, node: &Node, text: &str, schema: &'a Value, path: &str) -> Value {
        let pattern = schema["pattern"].as_str();
        let pattern = pattern.and_then(|pattern| Regex::new(pattern).ok());
        if pattern.is_none_or(|pattern| pattern.is_match(text)) {
            return text.into();
        }
        let written = node.written().unwrap_or_default();
        let hint = schema["patternErrorMessage"].as_str().map(str::to_owned);
        self.problem(node, format!("{} cannot be `{written}`", named(path)), hint)
    }

    fn problem(&mut self, node: &Node, message: String, hint: Option<String>) -> Value {
        let problem = Error::usage(message).at(self.text.place(node.mark));
        self.problems.push(match hint {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        });
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
        let mut lacking = vec![];
        for name in required.filter_map(Value::as_str) {
            let is_there = entries.iter().any(|(key, _)| key.name == name);
            if !is_there && !lacking.contains(&name) {
                lacking.push(name);
                self.problem(
                    node,
                    format!("{} lacks the key `{name}`", named(path)),
                    None,
                );
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
            return self.name(node, &names, &[], path);
        }
        let written = || format!("`{}`", node.written().unwrap_or_default());
        if plain && matches!(text, "true" | "false") && allows(schema, "boolean") {
            return (text == "true").into();
        }
        match number::read(text, schema) {
            Meaning::Number(value) if plain => value,
            Meaning::OutOfRange(wanted) if plain => {
                let message = format!("{} {wanted}, not {}", named(path), written());
                self.problem(node, message, None)
            }
            _ if allows(schema, "string") => self.text(node, text, schema, path),
            _ => self.wrong_type(node, schema, path, &written()),
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
        let message = format!("{} must be of type {types}, not {found}", named(path));
        self.problem(node, message, None)
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

/// Whether the schema's `type` names `wanted`.
pub(super) fn allows(schema: &Value, wanted: &str) -> bool {
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
