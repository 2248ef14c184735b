//! Walks a record's bytes along its schema.
//!
//! Two walks go the same way: one tells what columns are declared of, at every message; the other tells all,
//! for a record that is refused.

use serde_json::{Map, Value};

use super::{
    cursor::Cursor,
    schema::{Meaning, Node, Record, Schema},
};
use crate::sources::record::{slots::PathTree, typed::Typed};

/// Records within records: more are no data, and would use up the stack.
const DEEPEST: usize = 100;

impl Schema {
    /// Tells the value of each column of `tree` that the record in `bytes` has one for. All bytes must be the
    /// record's.
    pub fn visit<'a>(
        &'a self,
        tree: &PathTree,
        bytes: &'a [u8],
        found: &mut dyn FnMut(usize, Typed<'a>),
    ) -> Result<(), String> {
        let mut walk = Walk::new(self, bytes);
        walk.value(self.root, Some(tree), found)?;
        walk.cursor.end()
    }

    /// The whole record as JSON.
    pub fn json(&self, bytes: &[u8]) -> Result<Value, String> {
        let mut walk = Walk::new(self, bytes);
        walk.json(self.root)
    }
}

struct Walk<'a> {
    schema: &'a Schema,
    cursor: Cursor<'a>,
    depth: usize,
}

type Found<'f, 'a> = &'f mut dyn FnMut(usize, Typed<'a>);

impl<'a> Walk<'a> {
    fn new(schema: &'a Schema, bytes: &'a [u8]) -> Self {
        Self {
            schema,
            cursor: Cursor::new(bytes),
            depth: 0,
        }
    }

    /// Steps over a value, and tells what is wanted of it.
    fn value(
        &mut self,
        node: usize,
        tree: Option<&PathTree>,
        found: Found<'_, 'a>,
    ) -> Result<(), String> {
        let schema = self.schema;
        let what = match &schema.nodes[node] {
            Node::Union(branches) => {
                let branch = self.cursor.choice(branches.len(), "branch of a union")?;
                return self.value(branches[branch], tree, found);
            }
            Node::Record(record) => {
                self.deeper(|walk| walk.fields(record, tree, found))?;
                Typed::Other("a record")
            }
            Node::List(items) => {
                self.deeper(|walk| walk.items(*items, tree, found))?;
                Typed::Other("a list")
            }
            Node::Map(values) => {
                self.deeper(|walk| walk.entries(*values, tree, found))?;
                Typed::Other("a map")
            }
            scalar if tree.is_some_and(PathTree::is_wanted) => self.scalar(scalar)?,
            scalar => return self.skip(scalar),
        };
        for column in tree.map(PathTree::columns).unwrap_or_default() {
            found(*column, what);
        }
        Ok(())
    }

    fn fields(
        &mut self,
        record: &'a Record,
        tree: Option<&PathTree>,
        found: Found<'_, 'a>,
    ) -> Result<(), String> {
        for field in &record.fields {
            let below = tree.and_then(|tree| tree.child(&field.name));
            self.value(field.node, below, found)?;
        }
        for field in &record.absent {
            if let Some(below) = tree.and_then(|tree| tree.child(&field.name)) {
                let mut walk = Walk::new(self.schema, &field.bytes);
                walk.value(field.node, Some(below), found)?;
            }
        }
        Ok(())
    }

    fn items(
        &mut self,
        items: usize,
        tree: Option<&PathTree>,
        found: Found<'_, 'a>,
    ) -> Result<(), String> {
        let mut place = 0;
        self.blocks(|walk| {
            let below = tree.and_then(|tree| tree.item(place));
            place += 1;
            walk.value(items, below, found)
        })
    }

    fn entries(
        &mut self,
        values: usize,
        tree: Option<&PathTree>,
        found: Found<'_, 'a>,
    ) -> Result<(), String> {
        self.blocks(|walk| {
            let key = walk.cursor.text()?;
            let below = tree.and_then(|tree| tree.child(key));
            walk.value(values, below, found)
        })
    }

    /// Calls `each` for every item of a list or map, block by block.
    fn blocks(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        loop {
            let count = self.cursor.long()?;
            if count == 0 {
                return Ok(());
            }
            let size = if count < 0 {
                Some(self.cursor.long()?)
            } else {
                None
            };
            let begin = self.cursor.at();
            for _ in 0..count.unsigned_abs() {
                let before = self.cursor.at();
                each(self)?;
                // An item of no bytes is nothing, however many of them there are said to be.
                if self.cursor.at() == before {
                    break;
                }
            }
            let read = self.cursor.at() - begin;
            if size.is_some_and(|size| usize::try_from(size) != Ok(read)) {
                return Err(self.cursor.broken("a block has another size than it says"));
            }
        }
    }

    fn deeper<T>(
        &mut self,
        walk: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        if self.depth == DEEPEST {
            return Err(self.cursor.broken("the record is nested too deep"));
        }
        self.depth += 1;
        let walked = walk(self);
        self.depth -= 1;
        walked
    }

    fn skip(&mut self, node: &'a Node) -> Result<(), String> {
        match node {
            Node::Boolean => self.cursor.take(1).map(|_| ()),
            Node::Whole(..) | Node::Enum(_) => self.scalar(node).map(|_| ()),
            Node::Float => self.cursor.take(4).map(|_| ()),
            Node::Double => self.cursor.take(8).map(|_| ()),
            Node::Bytes(_) | Node::Text => self.cursor.counted().map(|_| ()),
            Node::Fixed(size, _) => self.cursor.take(*size).map(|_| ()),
            Node::Null | Node::List(_) | Node::Map(_) | Node::Union(_) | Node::Record(_) => Ok(()),
        }
    }

    fn scalar(&mut self, node: &'a Node) -> Result<Typed<'a>, String> {
        Ok(match node {
            Node::Boolean => match self.cursor.array()? {
                [0] => Typed::Boolean(false),
                [1] => Typed::Boolean(true),
                _ => return Err(self.cursor.broken("a boolean is neither 0 nor 1")),
            },
            Node::Whole(is_long, meaning) => {
                let number = if *is_long {
                    self.cursor.long()?
                } else {
                    self.cursor.int()?
                };
                whole(number, *meaning)
            }
            Node::Float => Typed::Float(f32::from_le_bytes(self.cursor.array()?)),
            Node::Double => Typed::Double(f64::from_le_bytes(self.cursor.array()?)),
            Node::Text => Typed::Text(self.cursor.text()?),
            Node::Bytes(meaning) => raw(self.cursor.counted()?, *meaning),
            Node::Fixed(size, meaning) => raw(self.cursor.take(*size)?, *meaning),
            Node::Enum(symbols) => {
                let symbol = self
                    .cursor
                    .choice(symbols.names.len(), "symbol of an enum")?;
                Typed::Text(&symbols.names[symbol])
            }
            _ => Typed::Null,
        })
    }

    fn json(&mut self, node: usize) -> Result<Value, String> {
        let schema = self.schema;
        match &schema.nodes[node] {
            Node::Union(branches) => {
                let branch = self.cursor.choice(branches.len(), "branch of a union")?;
                self.json(branches[branch])
            }
            Node::Record(record) => self.deeper(|walk| walk.json_fields(record)),
            Node::List(items) => {
                let mut list = vec![];
                self.deeper(|walk| {
                    walk.blocks(|walk| walk.json(*items).map(|item| list.push(item)))
                })?;
                Ok(Value::Array(list))
            }
            Node::Map(values) => {
                let mut map = Map::new();
                self.deeper(|walk| {
                    walk.blocks(|walk| {
                        let key = walk.cursor.text()?.to_owned();
                        map.insert(key, walk.json(*values)?);
                        Ok(())
                    })
                })?;
                Ok(Value::Object(map))
            }
            scalar => self.scalar(scalar).map(as_json),
        }
    }

    fn json_fields(&mut self, record: &'a Record) -> Result<Value, String> {
        let mut object = Map::new();
        for field in &record.fields {
            object.insert(field.name.clone(), self.json(field.node)?);
        }
        Ok(Value::Object(object))
    }
}

fn whole(number: i64, meaning: Meaning) -> Typed<'static> {
    match meaning {
        Meaning::Date => match i32::try_from(number) {
            Ok(days) => Typed::Date(days),
            Err(_) => Typed::Other("a date"),
        },
        Meaning::Moment(per_second) => Typed::Moment(number, per_second),
        Meaning::Other(what) => Typed::Other(what),
        Meaning::Plain | Meaning::Decimal(_) | Meaning::Uuid => Typed::Integer(number),
    }
}

fn raw(bytes: &[u8], meaning: Meaning) -> Typed<'_> {
    match (meaning, <[u8; 16]>::try_from(bytes)) {
        (Meaning::Decimal(scale), _) => match units(bytes) {
            Some(units) => Typed::Decimal(units, scale),
            None => Typed::Other("a decimal of more than 38 digits"),
        },
        (Meaning::Uuid, Ok(bytes)) => Typed::Uuid(bytes),
        (Meaning::Other(what), _) => Typed::Other(what),
        _ => Typed::Bytes(bytes),
    }
}

/// A number in two's complement, the highest byte first.
fn units(bytes: &[u8]) -> Option<i128> {
    let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        0xff
    } else {
        0
    };
    let (padding, digits) = bytes.split_at(bytes.len().saturating_sub(16));
    if padding.iter().any(|byte| *byte != sign) {
        return None;
    }
    let mut all = [sign; 16];
    all[16 - digits.len()..].copy_from_slice(digits);
    let units = i128::from_be_bytes(all);
    // What was cut off was its sign.
    ((units < 0) == (sign != 0)).then_some(units)
}

fn as_json(typed: Typed<'_>) -> Value {
    match typed {
        Typed::Null => Value::Null,
        Typed::Boolean(truth) => truth.into(),
        Typed::Integer(number) => number.into(),
        Typed::Double(number) => number.into(),
        other => other.shown().into(),
    }
}
