//! A default of a reader's schema, written as if the record held it: so it is read like any other value.

use serde_json::Value;

use super::schema::{Node, Schema};

impl Schema {
    /// The bytes of `value` as the type `node`.
    pub(super) fn write(&self, node: usize, value: &Value) -> Result<Vec<u8>, String> {
        let mut bytes = vec![];
        self.write_into(node, value, &mut bytes)?;
        Ok(bytes)
    }

    fn write_into(&self, node: usize, value: &Value, into: &mut Vec<u8>) -> Result<(), String> {
        let odd = || format!("the default `{value}` is not of its field's type");
        match &self.nodes[node] {
            Node::Null if value.is_null() => {}
            Node::Boolean => into.push(value.as_bool().ok_or_else(odd)?.into()),
            Node::Whole(..) => long(value.as_i64().ok_or_else(odd)?, into),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the field is one of 32 bits"
            )]
            Node::Float => {
                let number = value.as_f64().ok_or_else(odd)? as f32;
                into.extend(number.to_le_bytes());
            }
            Node::Double => into.extend(value.as_f64().ok_or_else(odd)?.to_le_bytes()),
            Node::Text => counted(value.as_str().ok_or_else(odd)?.as_bytes(), into),
            Node::Bytes(_) => counted(&latin(value).ok_or_else(odd)?, into),
            Node::Fixed(size, _) => {
                let bytes = latin(value).filter(|bytes| bytes.len() == *size);
                into.extend(bytes.ok_or_else(odd)?);
            }
            Node::Enum(symbols) => {
                let symbol = symbols.names.iter().position(|name| value == name);
                long(index(symbol.ok_or_else(odd)?), into);
            }
            Node::List(items) => {
                for item in value.as_array().ok_or_else(odd)? {
                    long(1, into);
                    self.write_into(*items, item, into)?;
                }
                long(0, into);
            }
            Node::Map(values) => {
                for (key, item) in value.as_object().ok_or_else(odd)? {
                    long(1, into);
                    counted(key.as_bytes(), into);
                    self.write_into(*values, item, into)?;
                }
                long(0, into);
            }
            Node::Union(branches) => {
                let written = branches.iter().map(|node| self.write(*node, value));
                let mut fitting = written
                    .enumerate()
                    .filter_map(|(at, bytes)| Some((at, bytes.ok()?)));
                let (branch, bytes) = fitting.next().ok_or_else(odd)?;
                long(index(branch), into);
                into.extend(bytes);
            }
            Node::Record(record) => {
                let given = value.as_object().ok_or_else(odd)?;
                for field in &record.fields {
                    let own = given.get(&field.name).or(field.default.as_ref());
                    self.write_into(field.node, own.ok_or_else(odd)?, into)?;
                }
            }
            Node::Null => return Err(odd()),
        }
        Ok(())
    }
}

/// A text whose letters stand for bytes.
fn latin(value: &Value) -> Option<Vec<u8>> {
    let letters = value.as_str()?.chars();
    letters.map(|letter| u8::try_from(letter).ok()).collect()
}

fn counted(bytes: &[u8], into: &mut Vec<u8>) {
    long(index(bytes.len()), into);
    into.extend(bytes);
}

fn index(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn long(number: i64, into: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest >= 0x80 {
        into.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    into.push(rest.to_le_bytes()[0]);
}
