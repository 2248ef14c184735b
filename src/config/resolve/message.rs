//! A column that is a part of a message and no field of its payload.
//!
//! Apart because it is the one thing about a column that depends on where the records come from.

use super::Resolver;
use crate::{
    config::{ColumnType, MessagePart, column::MESSAGE_PARTS, raw::RawFrom},
    error::did_you_mean,
};

impl Resolver<'_> {
    /// The part that the column at `here` holds; nothing in files, which have no messages.
    pub(super) fn message_part(
        &mut self,
        here: &[&str],
        text: &str,
        kind: ColumnType,
        within: &RawFrom,
    ) -> Option<MessagePart> {
        let at = [here, &["from"]].concat();
        let Some(part) = MessagePart::parse(text) else {
            self.no_part(&at, text);
            return None;
        };
        self.check(!matches!(within, RawFrom::Crm(_)), &at, || {
            format!("`from: {part}` is a part of a message, and an API has no messages")
        });
        let is_fitting = part.kind().is_none_or(|own| own == kind);
        self.check(is_fitting, &at, || {
            let own = part.kind().map(ColumnType::name).unwrap_or_default();
            format!(
                "the {part} of a message is of type {own}, not {}",
                kind.name()
            )
        });
        matches!(within, RawFrom::Kafka(_)).then_some(part)
    }

    fn no_part(&mut self, at: &[&str], text: &str) {
        let written = self.places.written(at);
        let message = format!("`{written}` is no part of a message");
        let names = "key, timestamp, partition, offset, header:NAME";
        let part = match text.split_once(':') {
            Some((part, _)) => format!("{part}:"),
            None => text.to_owned(),
        };
        let hint = match did_you_mean(&part, MESSAGE_PARTS) {
            Some(meant) => format!("did you mean `{meant}`? It can be: {names}"),
            None => format!("it can be: {names}"),
        };
        let problem = self.places.problem(at, message).with_hint(hint);
        self.problems.push(problem);
    }
}
