//! What the CSV parser does not say: where the declared columns stand, and whether a quote is open.

use std::io::{Read, Result as IoResult};

use crate::{
    config::{Column, Source},
    error::{Error, did_you_mean},
    sources::Privacy,
};

/// The fields with `,` between them, for people to recognize a line.
pub fn joined(record: &csv::ByteRecord) -> Vec<u8> {
    record.iter().collect::<Vec<_>>().join(&b',')
}

/// Declared columns that a header lacks.
#[derive(Debug, PartialEq)]
pub struct Missing {
    paths: Vec<String>,
    header: Vec<String>,
}

/// Where each column stands in `header`.
pub fn places(columns: &[Column], header: &csv::StringRecord) -> Result<Vec<usize>, Missing> {
    let mut places = vec![];
    let mut missing = vec![];
    for column in columns {
        let path = column.path.join(".");
        match header.iter().position(|name| name.trim() == path) {
            Some(place) => places.push(place),
            None => missing.push(path),
        }
    }
    if missing.is_empty() {
        return Ok(places);
    }
    Err(Missing {
        paths: missing,
        header: header.iter().map(|name| name.trim().to_owned()).collect(),
    })
}

impl Missing {
    /// What it means for the user, who has one of the two wrong. A file without a header has a
    /// record there.
    pub fn error(&self, source: &Source, file: &str, privacy: &Privacy) -> Error {
        let quoted = |names: &[String]| {
            let names = names.iter().map(|name| format!("`{name}`"));
            names.collect::<Vec<_>>().join(", ")
        };
        let message = format!(
            "`{file}` has no column {}, which source `{}` declares",
            quoted(&self.paths),
            source.name
        );
        let header = quoted(&self.header);
        let known = self.header.iter().map(String::as_str);
        let meant = match &*self.paths {
            [path] => did_you_mean(path, known),
            _ => None,
        };
        let hint = match meant {
            Some(meant) => format!("did you mean `{meant}`? The file's columns are: {header}"),
            None => format!("the file's columns are: {header}"),
        };
        Error::usage(message).with_hint(privacy.mask(&hint))
    }
}

/// Passes bytes on and knows whether they ended inside quotes, which the parser takes for an end of
/// the field.
pub struct Quotes<R> {
    input: R,
    state: State,
    is_over: bool,
}

/// Where the parser is, as far as quotes matter.
#[derive(Clone, Copy, PartialEq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside quotes: the end of them, or half of a doubled one.
    QuoteInQuotes,
}

impl State {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::QuoteInQuotes,
            (Self::Quoted, _) | (Self::FieldStart | Self::QuoteInQuotes, b'"') => Self::Quoted,
            (_, b',' | b'\n' | b'\r') => Self::FieldStart,
            _ => Self::Plain,
        }
    }
}

impl<R> Quotes<R> {
    /// Watches `input`, which begins with a record.
    pub fn new(input: R) -> Self {
        Self {
            input,
            state: State::FieldStart,
            is_over: false,
        }
    }

    /// Whether the input is over and its last field was not closed.
    pub fn end_inside(&self) -> bool {
        self.is_over && self.state == State::Quoted
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let length = self.input.read(buffer)?;
        self.is_over |= length == 0 && !buffer.is_empty();
        let bytes = buffer[..length].iter();
        self.state = bytes.fold(self.state, |state, byte| state.after(*byte));
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::{Quotes, joined, places};
    use crate::{
        config::ColumnType::Text,
        sources::record::testing::{column, of, privacy},
    };

    #[test]
    fn a_quote_that_is_not_closed_is_seen_with_the_last_record() {
        for (text, expected) in [
            ("id,note\n1,\"oops\n2,b\n3,c", vec![true]),
            ("id,note\n1,a\n2,\"b\n", vec![false, true]),
            ("id,note\n1,\"a\n\"\"b\"\n2,\"\"\n", vec![false, false]),
            ("id,note\n1,5\" pipe\n2,\"b\"x\"\n", vec![false, false]),
        ] {
            let mut reader = csv::ReaderBuilder::new()
                .flexible(true)
                .from_reader(Quotes::new(text.as_bytes()));
            reader.headers().unwrap();
            let mut record = csv::ByteRecord::new();
            let mut found = vec![];
            while reader.read_byte_record(&mut record).unwrap() {
                found.push(reader.get_ref().end_inside());
            }
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_declared_column_that_the_header_lacks_is_named_with_what_is_there() {
        let columns = vec![column("a.note", Text, false)];
        let source = of(columns, "a.note");
        let header = |names: [&str; 2]| csv::StringRecord::from(names.to_vec());
        assert_eq!(
            places(&source.columns, &header(["id", " a.note "])),
            Ok(vec![1])
        );
        let missing = places(&source.columns, &header(["a.noet", "x@y.zz"])).unwrap_err();
        let error = missing.error(&source, "in.csv", &privacy());
        assert_eq!(
            error.message(),
            "`in.csv` has no column `a.note`, which source `people` declares"
        );
        assert!(!error.hint().unwrap().contains('@'));
        assert_eq!(
            error.hint(),
            Some(
                &*privacy()
                    .mask("did you mean `a.noet`? The file's columns are: `a.noet`, `x@y.zz`")
            )
        );
    }

    #[test]
    fn the_fields_of_a_line_that_is_no_text_keep_their_separators() {
        let record = csv::ByteRecord::from(vec![b"1".as_slice(), b"\xff", b"b"]);
        assert_eq!(joined(&record), b"1,\xff,b");
    }
}
