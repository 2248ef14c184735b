//! What stands around the payload of a message: columns can be made of it, and a message that cannot be read
//! is kept with it.

use serde_json::json;

use super::{typed::Typed, value::Slot};
use crate::{
    config::{Column, MessagePart},
    sources::Privacy,
};

/// What stands around the payload of a message.
#[derive(Clone, Copy, Default)]
pub struct Envelope<'a> {
    /// The topic.
    pub topic: Option<&'a str>,
    /// The partition.
    pub partition: i32,
    /// The place in it.
    pub offset: i64,
    /// When it was made or received, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// The message's key.
    pub key: Option<&'a [u8]>,
    /// Its headers, in order; a name may be there twice.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
}

impl<'a> Envelope<'a> {
    /// A part of it.
    pub(super) fn slot(&self, part: &MessagePart) -> Option<Slot<'a>> {
        match part {
            MessagePart::Key => self.key.map(Slot::Bytes),
            MessagePart::Timestamp => self
                .timestamp
                .map(|milliseconds| Slot::Typed(Typed::Moment(milliseconds, 1000))),
            MessagePart::Partition => Some(Slot::Typed(Typed::Integer(self.partition.into()))),
            MessagePart::Offset => Some(Slot::Typed(Typed::Integer(self.offset))),
            MessagePart::Header(name) => {
                let mut headers = self.headers.iter().rev();
                let (_, value) = headers.find(|(header, _)| header == name)?;
                value.map(Slot::Bytes)
            }
        }
    }

    /// When it was made or received, in microseconds since 1970.
    pub(super) fn received_at(&self) -> Option<i64> {
        self.timestamp?.checked_mul(1000)
    }

    /// The key as it may be kept.
    pub(super) fn kept_key(&self, columns: &[Column], privacy: &Privacy) -> Option<Vec<u8>> {
        let mask = mask_of(columns, &MessagePart::Key);
        let key = self.key?;
        Some(match mask {
            Some(mask) => mask.as_bytes().to_vec(),
            None => privacy.mask_bytes(key).into_owned(),
        })
    }

    /// The headers as they may be kept: a list of names and values in JSON.
    pub(super) fn kept_headers(&self, columns: &[Column], privacy: &Privacy) -> Option<String> {
        if self.headers.is_empty() {
            return None;
        }
        let headers = self.headers.iter().map(|(name, value)| {
            let part = MessagePart::Header((*name).to_owned());
            let value = value.map(|value| match mask_of(columns, &part) {
                Some(mask) => mask.to_owned(),
                None => String::from_utf8_lossy(&privacy.mask_bytes(value)).into_owned(),
            });
            json!({"name": privacy.mask(name), "value": value})
        });
        let headers: serde_json::Value = headers.collect();
        Some(headers.to_string())
    }
}

/// What stands in the place of a part that is declared personal.
fn mask_of(columns: &[Column], part: &MessagePart) -> Option<&'static str> {
    let mut holding = columns
        .iter()
        .filter(|column| column.from.as_ref() == Some(part));
    holding.find_map(Column::mask)
}

#[cfg(test)]
mod tests {
    use super::Envelope;
    use crate::{
        config::{ColumnType, MessagePart},
        sources::record::testing::{column, decoder, of, origin},
    };

    const HEADERS: [(&str, Option<&[u8]>); 3] = [
        ("owner", Some(b"Jane Doe")),
        ("trace", Some(b"first")),
        ("trace", Some(b"ann@example.com")),
    ];

    fn columns() -> Vec<crate::config::Column> {
        let part = |name: &str, kind, part, is_email| {
            let mut column = column(name, kind, is_email);
            column.from = Some(part);
            column
        };
        vec![
            column("id", ColumnType::Text, false),
            part("who", ColumnType::Text, MessagePart::Key, true),
            part(
                "trace",
                ColumnType::Text,
                MessagePart::Header("trace".into()),
                false,
            ),
            part(
                "owner",
                ColumnType::Text,
                MessagePart::Header("owner".into()),
                true,
            ),
            part(
                "sent_at",
                ColumnType::Timestamp,
                MessagePart::Timestamp,
                false,
            ),
            part("shard", ColumnType::Integer, MessagePart::Partition, false),
            part("number", ColumnType::Integer, MessagePart::Offset, false),
        ]
    }

    fn envelope() -> Envelope<'static> {
        Envelope {
            topic: Some("t"),
            partition: 3,
            offset: 40,
            timestamp: Some(1500),
            key: Some(b"ann@example.com"),
            headers: &HEADERS,
        }
    }

    #[test]
    fn the_parts_of_a_message_are_columns_and_addresses_in_them_are_hashed_or_masked() {
        let (mut decoder, _) = decoder(&of(columns(), "id"));
        decoder
            .message(br#"{"id":"a","who":"x","trace":"y"}"#, origin(), envelope())
            .unwrap();
        let batch = decoder.flush().unwrap().unwrap();
        let shown = |column: usize| {
            use datafusion::arrow::util::display::array_value_to_string;
            array_value_to_string(batch.column(column), 0).unwrap()
        };
        assert_eq!(shown(0), "a");
        assert!(
            !shown(2).contains("ann@") && !shown(2).is_empty(),
            "{}",
            shown(2)
        );
        // A declared address is its hash, whether it looks like one or not.
        assert_eq!([1, 3].map(|column| shown(column).len()), [64, 64]);
        assert_eq!(shown(4), "1970-01-01T00:00:01.500Z");
        assert_eq!([5, 6].map(shown), ["3", "40"]);
    }

    #[test]
    fn a_key_that_is_no_text_is_a_reject_and_no_dead_letter() {
        let mut columns = columns();
        columns[1].is_email = false;
        let (mut decoder, log) = decoder(&of(columns, "who"));
        let envelope = Envelope {
            key: Some(b"\xff\xfe"),
            ..envelope()
        };
        decoder
            .message(br#"{"id":"a"}"#, origin(), envelope)
            .unwrap();
        let (rejects, _) = log.held();
        assert_eq!(
            rejects[0].detail,
            "`key` is not of type text: \u{fffd}\u{fffd}"
        );
        assert_eq!(rejects[0].record_key, None);
    }

    #[test]
    fn what_is_kept_of_an_unreadable_message_shows_no_declared_address() {
        let (mut decoder, log) = decoder(&of(columns(), "id"));
        decoder.message(b"{", origin(), envelope()).unwrap();
        let letter = log.held().1.remove(0);
        assert_eq!(letter.key.as_deref(), Some(&b"[email]"[..]));
        let headers = letter.headers.unwrap();
        assert!(headers.starts_with(
            r#"[{"name":"owner","value":"[email]"},{"name":"trace","value":"first"}"#
        ));
        assert!(!headers.contains("ann@example.com"), "{headers}");
    }
}
