//! A declared column: its type, where its value stands, and whether it is personal.

use std::fmt;

use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};

use super::raw::RawPii;

/// A column of a source.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name in SQL.
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
    /// Where its value stands in a record.
    pub path: Vec<String>,
    /// What part of a message holds it instead, in a source that is a topic.
    pub from: Option<MessagePart>,
    /// Whether a record without it is refused.
    pub required: bool,
    /// Whether the value is an e-mail address, to be replaced by its hash.
    pub is_email: bool,
    /// What else of a person it holds: it stays readable within a run, and may not leave it.
    pub personal: Option<Personal>,
    /// One sentence for readers.
    pub description: Option<String>,
}

/// What stands beside the payload of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessagePart {
    /// Its key.
    Key,
    /// When it was made, or when the broker got it: what the topic says.
    Timestamp,
    /// The partition that it came through.
    Partition,
    /// Its place there.
    Offset,
    /// The value of a header; of the last one, if several bear the name.
    Header(String),
}

/// What may stand for a part of a message; a header's name follows.
pub const MESSAGE_PARTS: [&str; 5] = ["key", "timestamp", "partition", "offset", "header:"];

impl MessagePart {
    /// Reads the part as the configuration writes it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "key" => Some(Self::Key),
            "timestamp" => Some(Self::Timestamp),
            "partition" => Some(Self::Partition),
            "offset" => Some(Self::Offset),
            other => {
                let name = other.strip_prefix("header:")?;
                (!name.is_empty()).then(|| Self::Header(name.to_owned()))
            }
        }
    }

    /// The type that it has of itself; none if it is text, which is read as a type.
    pub fn kind(&self) -> Option<ColumnType> {
        match self {
            Self::Key | Self::Header(_) => None,
            Self::Timestamp => Some(ColumnType::Timestamp),
            Self::Partition | Self::Offset => Some(ColumnType::Integer),
        }
    }
}

impl fmt::Display for MessagePart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => formatter.write_str("key"),
            Self::Timestamp => formatter.write_str("timestamp"),
            Self::Partition => formatter.write_str("partition"),
            Self::Offset => formatter.write_str("offset"),
            Self::Header(name) => write!(formatter, "header:{name}"),
        }
    }
}

/// Personal data that stays readable within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personal {
    /// A person's name.
    Name,
    /// A phone number.
    Phone,
    /// A postal address.
    Address,
    /// An internet address.
    Ip,
}

impl Personal {
    /// Of all kinds of personal data those that stay readable: an e-mail address does not.
    pub fn of(pii: RawPii) -> Option<Self> {
        match pii {
            RawPii::Email => None,
            RawPii::Name => Some(Self::Name),
            RawPii::Phone => Some(Self::Phone),
            RawPii::Address => Some(Self::Address),
            RawPii::Ip => Some(Self::Ip),
        }
    }

    /// What it is, for a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Name => "a person's name",
            Self::Phone => "a phone number",
            Self::Address => "a postal address",
            Self::Ip => "an IP address",
        }
    }

    /// What stands in its place where a record is quoted.
    pub fn mask(self) -> &'static str {
        match self {
            Self::Name => "[name]",
            Self::Phone => "[phone]",
            Self::Address => "[address]",
            Self::Ip => "[ip]",
        }
    }
}

impl Column {
    /// What stands in the place of its value where a record is quoted; nothing if it may be quoted.
    pub fn mask(&self) -> Option<&'static str> {
        if self.is_email {
            Some("[email]")
        } else {
            self.personal.map(Personal::mask)
        }
    }

    /// Where its value stands, as the configuration writes it.
    pub fn place(&self) -> String {
        match &self.from {
            Some(part) => part.to_string(),
            None => self.path.join("."),
        }
    }

    /// The column as the engine sees it.
    pub fn field(&self) -> Field {
        Field::new(&self.name, self.kind.arrow(), !self.required)
    }
}

/// What the configuration may write as a type, for its schema: [`ColumnType::parse`] has the last
/// word on the two numbers.
pub const TYPE_PATTERN: &str =
    r"^(text|integer|double|boolean|date|timestamp|decimal\([0-9]{1,2}, ?[0-9]{1,2}\))$";

/// What a reader is told who wrote another type; editors show it too.
pub const TYPE_NAMES: &str =
    "it can be: text, integer, double, boolean, date, timestamp, decimal(p,s)";

/// The types that a column can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A floating-point number of 64 bits.
    Double,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// A moment in UTC, to the microsecond.
    Timestamp,
    /// An exact number.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: i8,
    },
}

impl ColumnType {
    /// Reads the type as the configuration writes it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "integer" => Some(Self::Integer),
            "double" => Some(Self::Double),
            "boolean" => Some(Self::Boolean),
            "date" => Some(Self::Date),
            "timestamp" => Some(Self::Timestamp),
            other => parse_decimal(other),
        }
    }

    /// The type as the configuration writes it.
    pub fn name(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Integer => "integer".to_owned(),
            Self::Double => "double".to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Timestamp => "timestamp".to_owned(),
            Self::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        }
    }

    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
        }
    }
}

fn parse_decimal(text: &str) -> Option<ColumnType> {
    let (precision, scale) = text
        .strip_prefix("decimal(")?
        .strip_suffix(')')?
        .split_once(',')?;
    let (precision, scale): (u8, i8) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    let valid = (1..=38).contains(&precision) && scale >= 0 && scale.unsigned_abs() <= precision;
    valid.then_some(ColumnType::Decimal { precision, scale })
}

#[cfg(test)]
mod tests {
    use super::ColumnType;

    #[test]
    fn types_are_read_as_they_are_written() {
        let decimal = ColumnType::Decimal {
            precision: 18,
            scale: 2,
        };
        for (text, expected) in [
            ("text", Some(ColumnType::Text)),
            ("timestamp", Some(ColumnType::Timestamp)),
            (" Timestamp ", None),
            ("decimal(18,2)", Some(decimal)),
            ("decimal(18, 2)", Some(decimal)),
            ("decimal(39,2)", None),
            ("decimal(2,3)", None),
            ("decimal", None),
            ("varchar", None),
        ] {
            assert_eq!(ColumnType::parse(text), expected, "{text}");
        }
    }
}
