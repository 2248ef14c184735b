//! A schema as a list of nodes that point to each other, so that a type may contain itself.

use serde_json::Value;

use super::{parse, resolve};

/// A schema of records.
#[derive(Debug)]
pub struct Schema {
    pub(super) nodes: Vec<Node>,
    pub(super) root: usize,
}

/// A type. What it is made of is told by its place in the list.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Null,
    Boolean,
    /// `int`, then whether it is a `long`.
    Whole(bool, Meaning),
    Float,
    Double,
    Bytes(Meaning),
    Text,
    Fixed(usize, Meaning),
    Enum(Symbols),
    List(usize),
    Map(usize),
    Union(Vec<usize>),
    Record(Record),
}

/// What a logical type makes of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Plain,
    Date,
    /// So many units are a second.
    Moment(i64),
    /// So many digits stand after the point.
    Decimal(u32),
    Uuid,
    /// No column can hold it.
    Other(&'static str),
}

/// The names of an enumeration, and the one that stands for those that are not known.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbols {
    pub names: Vec<String>,
    pub default: Option<String>,
}

/// The fields of a record as they are written, and those that only its reader knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub fields: Vec<Field>,
    pub absent: Vec<Absent>,
}

/// A field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub name: String,
    pub aliases: Vec<String>,
    pub default: Option<Value>,
    pub node: usize,
}

/// A field that is not written: its value, written.
#[derive(Clone, Debug)]
pub(super) struct Absent {
    pub name: String,
    pub node: usize,
    pub bytes: Vec<u8>,
}

impl Schema {
    /// Reads a schema; types that it uses may stand in `others`, each before its users.
    pub fn parse(text: &str, others: &[String]) -> Result<Self, String> {
        parse::parse(text, others)
    }

    /// The same records under the names of `reader`, with its defaults for what they lack.
    pub fn read_as(&self, reader: &Self) -> Result<Self, String> {
        resolve::resolve(self, reader)
    }

    /// Whether something can stand at `path`.
    pub fn has(&self, path: &[String]) -> bool {
        self.has_below(self.root, path)
    }

    fn has_below(&self, node: usize, path: &[String]) -> bool {
        let Some((name, rest)) = path.split_first() else {
            return true;
        };
        let place = crate::config::path::place(name);
        match &self.nodes[node] {
            Node::Record(record) => {
                let fields = record.fields.iter().map(|field| (&field.name, field.node));
                let absent = record.absent.iter().map(|field| (&field.name, field.node));
                let mut named = fields.chain(absent).filter(|(found, _)| *found == name);
                named.any(|(_, node)| self.has_below(node, rest))
            }
            Node::Map(values) => self.has_below(*values, rest),
            Node::List(items) => place.is_some() && self.has_below(*items, rest),
            Node::Union(branches) => branches.iter().any(|node| self.has_below(*node, path)),
            _ => false,
        }
    }
}
