//! The JSON of a schema becomes its nodes: names, namespaces, references to types that were named before.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::schema::{Field, Meaning, Node, Record, Schema, Symbols};

/// Reads a schema, after those that it refers to.
pub fn parse(text: &str, others: &[String]) -> Result<Schema, String> {
    let mut parser = Parser::default();
    for other in others {
        parser.text(other)?;
    }
    let root = parser.text(text)?;
    match parser.nodes[root] {
        Node::Record(_) => Ok(Schema {
            nodes: parser.nodes,
            root,
        }),
        _ => Err("the schema is not one of a record".to_owned()),
    }
}

#[derive(Default)]
struct Parser {
    nodes: Vec<Node>,
    names: HashMap<String, usize>,
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<usize, String> {
        // A bare name is a schema, too, though no JSON.
        let value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
        self.schema(&value, "")
    }

    /// The node of a schema that stands within `namespace`.
    fn schema(&mut self, value: &Value, namespace: &str) -> Result<usize, String> {
        match value {
            Value::String(name) => self.named(name, namespace),
            Value::Array(branches) => {
                let branches = branches.iter().map(|one| self.schema(one, namespace));
                let branches: Vec<_> = branches.collect::<Result<_, _>>()?;
                if branches.is_empty() {
                    return Err("a union has no branches".to_owned());
                }
                Ok(self.add(Node::Union(branches)))
            }
            Value::Object(object) => self.object(object, namespace),
            other => Err(format!("`{other}` is no type")),
        }
    }

    fn named(&mut self, name: &str, namespace: &str) -> Result<usize, String> {
        if let Some(node) = primitive(name, Meaning::Plain) {
            return Ok(self.add(node));
        }
        let within = full_name(name, namespace);
        let found = self.names.get(&within).or_else(|| self.names.get(name));
        found
            .copied()
            .ok_or_else(|| format!("there is no type `{name}`"))
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<usize, String> {
        let Some(kind) = object.get("type") else {
            return Err("a type lacks `type`".to_owned());
        };
        let Value::String(kind) = kind else {
            return self.schema(kind, namespace);
        };
        match kind.as_str() {
            "record" | "error" => self.record(object, namespace),
            "enum" => {
                let names = strings(object, "symbols");
                let default = object.get("default").and_then(Value::as_str);
                let default = default.map(str::to_owned);
                let node = self.add(Node::Enum(Symbols { names, default }));
                self.name(object, namespace, node).map(|_| node)
            }
            "fixed" => {
                let size = object.get("size").and_then(Value::as_u64);
                let size = size.and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or("a `fixed` has no size")?;
                let meaning = meaning_of_fixed(object, size);
                let node = self.add(Node::Fixed(size, meaning));
                self.name(object, namespace, node).map(|_| node)
            }
            "array" => {
                let items = self.part(object, "items", namespace)?;
                Ok(self.add(Node::List(items)))
            }
            "map" => {
                let values = self.part(object, "values", namespace)?;
                Ok(self.add(Node::Map(values)))
            }
            name => match primitive(name, meaning(name, object)) {
                Some(node) => Ok(self.add(node)),
                None => self.named(name, namespace),
            },
        }
    }

    fn record(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<usize, String> {
        let node = self.add(Node::Record(Record::default()));
        // Before its fields, which may hold such records again.
        let namespace = self.name(object, namespace, node)?;
        let fields = object.get("fields").and_then(Value::as_array);
        let fields = fields.ok_or("a record has no `fields`")?;
        let fields = fields.iter().map(|field| self.field(field, &namespace));
        let fields = fields.collect::<Result<_, _>>()?;
        let absent = vec![];
        self.nodes[node] = Node::Record(Record { fields, absent });
        Ok(node)
    }

    fn field(&mut self, field: &Value, namespace: &str) -> Result<Field, String> {
        let name = field["name"].as_str().ok_or("a field has no name")?;
        let kind = field
            .get("type")
            .ok_or_else(|| format!("the field `{name}` has no type"))?;
        Ok(Field {
            name: name.to_owned(),
            aliases: field
                .as_object()
                .map(|field| strings(field, "aliases"))
                .unwrap_or_default(),
            default: field.get("default").cloned(),
            node: self.schema(kind, namespace)?,
        })
    }

    fn part(
        &mut self,
        object: &Map<String, Value>,
        name: &str,
        namespace: &str,
    ) -> Result<usize, String> {
        let part = object
            .get(name)
            .ok_or_else(|| format!("a type lacks `{name}`"))?;
        self.schema(part, namespace)
    }

    /// Names `node`; gives the namespace of what stands within it.
    fn name(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
        node: usize,
    ) -> Result<String, String> {
        let name = object.get("name").and_then(Value::as_str);
        let name = name.ok_or("a named type has no name")?;
        let own = object.get("namespace").and_then(Value::as_str);
        let full = full_name(name, own.unwrap_or(namespace));
        let within = full.rsplit_once('.').map_or("", |(within, _)| within);
        let within = within.to_owned();
        match self.names.insert(full, node) {
            Some(_) => Err(format!("the type `{name}` is there twice")),
            None => Ok(within),
        }
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn primitive(name: &str, meaning: Meaning) -> Option<Node> {
    Some(match name {
        "null" => Node::Null,
        "boolean" => Node::Boolean,
        "int" => Node::Whole(false, meaning),
        "long" => Node::Whole(true, meaning),
        "float" => Node::Float,
        "double" => Node::Double,
        "bytes" => Node::Bytes(meaning),
        "string" => Node::Text,
        _ => return None,
    })
}

/// What a logical type makes of a primitive one. One that is not known, or not of this type, does not count.
fn meaning(name: &str, object: &Map<String, Value>) -> Meaning {
    let logical = object.get("logicalType").and_then(Value::as_str);
    match (name, logical.unwrap_or_default()) {
        ("int", "date") => Meaning::Date,
        ("int", "time-millis") | ("long", "time-micros") => Meaning::Other("a time of day"),
        ("long", "timestamp-millis" | "local-timestamp-millis") => Meaning::Moment(1000),
        ("long", "timestamp-micros" | "local-timestamp-micros") => Meaning::Moment(1_000_000),
        ("long", "timestamp-nanos" | "local-timestamp-nanos") => Meaning::Moment(1_000_000_000),
        ("bytes", "decimal") => decimal(object),
        _ => Meaning::Plain,
    }
}

fn meaning_of_fixed(object: &Map<String, Value>, size: usize) -> Meaning {
    let logical = object.get("logicalType").and_then(Value::as_str);
    match (size, logical.unwrap_or_default()) {
        (16, "uuid") => Meaning::Uuid,
        (12, "duration") => Meaning::Other("a duration"),
        (_, "decimal") => decimal(object),
        _ => Meaning::Plain,
    }
}

fn decimal(object: &Map<String, Value>) -> Meaning {
    let number = |name: &str| object.get(name).and_then(Value::as_u64);
    let scale = number("scale").unwrap_or(0);
    match (number("precision"), u32::try_from(scale)) {
        (Some(precision), Ok(digits)) if scale <= precision => Meaning::Decimal(digits),
        _ => Meaning::Plain,
    }
}

fn strings(object: &Map<String, Value>, name: &str) -> Vec<String> {
    let items = object.get(name).and_then(Value::as_array);
    let items = items.into_iter().flatten().filter_map(Value::as_str);
    items.map(str::to_owned).collect()
}
