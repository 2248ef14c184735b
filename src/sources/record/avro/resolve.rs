//! What was written under one schema, seen under another: fields by their reader's names, and its defaults for
//! what was not written. Types are not changed here: each column takes only what it may.

use std::collections::HashMap;

use super::schema::{Absent, Field, Meaning, Node, Record, Schema, Symbols};

/// The records of `writer` as `reader` names them.
pub fn resolve(writer: &Schema, reader: &Schema) -> Result<Schema, String> {
    let mut resolver = Resolver {
        writer,
        reader,
        nodes: vec![],
        seen: HashMap::new(),
        copied: HashMap::new(),
    };
    let root = resolver.pair(writer.root, reader.root)?;
    Ok(Schema {
        nodes: resolver.nodes,
        root,
    })
}

struct Resolver<'s> {
    writer: &'s Schema,
    reader: &'s Schema,
    nodes: Vec<Node>,
    /// What became of a type of the writer under one of the reader.
    seen: HashMap<(usize, usize), usize>,
    /// What became of a type that stands in one of them only.
    copied: HashMap<(bool, usize), usize>,
}

impl Resolver<'_> {
    fn pair(&mut self, writer: usize, reader: usize) -> Result<usize, String> {
        if let Some(node) = self.seen.get(&(writer, reader)) {
            return Ok(*node);
        }
        let (written, read) = (&self.writer.nodes[writer], &self.reader.nodes[reader]);
        if let (false, Node::Union(branches)) = (matches!(written, Node::Union(_)), read) {
            // A union of the one branch: what is written has no number before it.
            let nodes = &self.reader.nodes;
            let mut branches = branches.iter();
            return match branches.find(|branch| is_like(written, &nodes[**branch])) {
                Some(branch) => self.pair(writer, *branch),
                None => Ok(self.copy(true, writer)),
            };
        }
        let node = self.reserve();
        self.seen.insert((writer, reader), node);
        self.nodes[node] = match (written, read) {
            (Node::Union(branches), _) => {
                let branches = branches.iter().map(|branch| self.pair(*branch, reader));
                Node::Union(branches.collect::<Result<_, _>>()?)
            }
            (Node::Record(written), Node::Record(read)) => self.record(written, read)?,
            (Node::List(written), Node::List(read)) => Node::List(self.pair(*written, *read)?),
            (Node::Map(written), Node::Map(read)) => Node::Map(self.pair(*written, *read)?),
            (Node::Enum(written), Node::Enum(read)) => Node::Enum(known(written, read)),
            (Node::Whole(is_long, Meaning::Plain), Node::Whole(_, meaning)) => {
                Node::Whole(*is_long, *meaning)
            }
            (Node::Bytes(Meaning::Plain), Node::Bytes(meaning)) => Node::Bytes(*meaning),
            (Node::Fixed(size, Meaning::Plain), Node::Fixed(_, meaning)) => {
                Node::Fixed(*size, *meaning)
            }
            _ => {
                let copy = self.copy(true, writer);
                self.nodes[copy].clone()
            }
        };
        Ok(node)
    }

    fn record(&mut self, written: &Record, read: &Record) -> Result<Node, String> {
        let mut fields = vec![];
        let mut is_there = vec![false; read.fields.len()];
        for field in &written.fields {
            let own = read
                .fields
                .iter()
                .position(|one| is_named(one, &field.name));
            let node = match own {
                Some(own) => {
                    is_there[own] = true;
                    self.pair(field.node, read.fields[own].node)?
                }
                None => self.copy(true, field.node),
            };
            let name = own.map_or(&field.name, |own| &read.fields[own].name);
            fields.push(Field {
                name: name.clone(),
                aliases: vec![],
                default: None,
                node,
            });
        }
        let lacking = read.fields.iter().zip(is_there);
        let lacking = lacking.filter(|(_, is_there)| !is_there);
        let mut absent = vec![];
        for (field, _) in lacking {
            let Some(default) = &field.default else {
                continue;
            };
            absent.push(Absent {
                name: field.name.clone(),
                bytes: self.reader.write(field.node, default)?,
                node: self.copy(false, field.node),
            });
        }
        Ok(Node::Record(Record { fields, absent }))
    }

    /// A type as it is.
    fn copy(&mut self, is_writers: bool, node: usize) -> usize {
        if let Some(copied) = self.copied.get(&(is_writers, node)) {
            return *copied;
        }
        let copied = self.reserve();
        self.copied.insert((is_writers, node), copied);
        let from = if is_writers { self.writer } else { self.reader };
        let mut of = |node: &usize| self.copy(is_writers, *node);
        let copy = match &from.nodes[node] {
            Node::List(items) => Node::List(of(items)),
            Node::Map(values) => Node::Map(of(values)),
            Node::Union(branches) => Node::Union(branches.iter().map(of).collect()),
            Node::Record(record) => {
                let fields = record.fields.iter().map(|field| Field {
                    node: of(&field.node),
                    ..field.clone()
                });
                let fields = fields.collect();
                let absent = vec![];
                Node::Record(Record { fields, absent })
            }
            other => other.clone(),
        };
        self.nodes[copied] = copy;
        copied
    }

    /// A place for a type, since it may hold itself.
    fn reserve(&mut self) -> usize {
        self.nodes.push(Node::Null);
        self.nodes.len() - 1
    }
}

fn is_named(field: &Field, name: &str) -> bool {
    field.name == name || field.aliases.iter().any(|alias| alias == name)
}

/// Whether a branch of the reader's union is the one for what is written.
fn is_like(written: &Node, read: &Node) -> bool {
    let is_text = |node: &Node| matches!(node, Node::Text | Node::Bytes(_) | Node::Enum(_));
    let is_number = |node: &Node| matches!(node, Node::Whole(..) | Node::Float | Node::Double);
    std::mem::discriminant(written) == std::mem::discriminant(read)
        || (is_text(written) && is_text(read))
        || (is_number(written) && is_number(read))
}

/// The names of what is written; one that the reader does not know is what it says in its place.
fn known(written: &Symbols, read: &Symbols) -> Symbols {
    let names = written.names.iter().map(|name| match &read.default {
        Some(default) if !read.names.contains(name) => default.clone(),
        _ => name.clone(),
    });
    Symbols {
        names: names.collect(),
        default: None,
    }
}
