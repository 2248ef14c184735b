//! How columns of Arrow are columns of BigQuery, and back. Pure: no network, no file.
//!
//! ```text
//! Arrow field ─▶ from_arrow ─▶ Column ─▶ to_arrow ─▶ Arrow field, as it lies in the loaded file
//! ```
//!
//! Apart from the sink, because `dfpipe check` asks the same questions offline: one mapping serves both.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod from_arrow;
mod names;
mod to_arrow;

pub use from_arrow::{Unfit, column};
pub use names::{MOST_COLUMNS, name_problem};
pub use to_arrow::{field, stored};

/// A column of a table, as BigQuery's REST API writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name; letters' case does not count.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whether it may be null, or holds many values.
    #[serde(default)]
    pub mode: Mode,
    /// The columns of a record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Column>,
    /// Digits of a number that has fewer than its type could have.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "number_as_text"
    )]
    pub precision: Option<u8>,
    /// Digits of it behind the point.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "number_as_text"
    )]
    pub scale: Option<u8>,
    /// The most characters or bytes of a value.
    #[serde(
        default,
        rename = "maxLength",
        skip_serializing_if = "Option::is_none",
        with = "number_as_text"
    )]
    pub max_length: Option<u64>,
    /// What it holds, for readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Column {
    /// A column that may be null.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            mode: Mode::Nullable,
            fields: vec![],
            precision: None,
            scale: None,
            max_length: None,
            description: None,
        }
    }

    /// Whether `name` is this column's, to BigQuery.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.to_lowercase() == name.to_lowercase()
    }

    /// The type as SQL writes it, such as `NUMERIC(10, 2)` or `ARRAY<STRING>`.
    pub fn type_name(&self) -> String {
        let own = match (&self.kind, self.precision, self.scale, self.max_length) {
            (Kind::Record, ..) => {
                let fields = self.fields.iter();
                let fields = fields.map(|field| format!("{} {}", field.name, field.type_name()));
                format!("STRUCT<{}>", fields.collect::<Vec<_>>().join(", "))
            }
            (kind, Some(precision), None | Some(0), _) => format!("{}({precision})", kind.name()),
            (kind, Some(precision), Some(scale), _) => {
                format!("{}({precision}, {scale})", kind.name())
            }
            (kind, _, _, Some(length)) => format!("{}({length})", kind.name()),
            (kind, ..) => kind.name().to_owned(),
        };
        match self.mode {
            Mode::Repeated => format!("ARRAY<{own}>"),
            Mode::Nullable | Mode::Required => own,
        }
    }
}

/// A type of BigQuery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// Whole numbers of 64 bits.
    Int64,
    /// Floating-point numbers of 64 bits.
    Float64,
    /// Exact numbers: 29 digits before the point and 9 behind it.
    Numeric,
    /// Exact numbers: 38 digits before the point and 38 behind it.
    BigNumeric,
    /// True or false.
    Bool,
    /// A moment, to the microsecond.
    Timestamp,
    /// A day.
    Date,
    /// A time of day, to the microsecond.
    Time,
    /// A day and a time of no zone, to the microsecond.
    DateTime,
    /// Columns within a column.
    Record,
    /// A type that dfpipe does not load, such as `GEOGRAPHY`.
    Other(String),
}

impl Kind {
    /// Its name in SQL.
    pub fn name(&self) -> &str {
        match self {
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Int64 => "INT64",
            Self::Float64 => "FLOAT64",
            Self::Numeric => "NUMERIC",
            Self::BigNumeric => "BIGNUMERIC",
            Self::Bool => "BOOL",
            Self::Timestamp => "TIMESTAMP",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::DateTime => "DATETIME",
            Self::Record => "STRUCT",
            Self::Other(name) => name,
        }
    }

    /// The type of that name. The API's answers have older names than its SQL.
    pub fn of(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "STRING" => Self::String,
            "BYTES" => Self::Bytes,
            "INTEGER" | "INT64" => Self::Int64,
            "FLOAT" | "FLOAT64" => Self::Float64,
            "NUMERIC" => Self::Numeric,
            "BIGNUMERIC" => Self::BigNumeric,
            "BOOLEAN" | "BOOL" => Self::Bool,
            "TIMESTAMP" => Self::Timestamp,
            "DATE" => Self::Date,
            "TIME" => Self::Time,
            "DATETIME" => Self::DateTime,
            "RECORD" | "STRUCT" => Self::Record,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Int64 => "INTEGER",
            Self::Float64 => "FLOAT",
            Self::Bool => "BOOLEAN",
            Self::Record => "RECORD",
            other => other.name(),
        })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::of(&name))
    }
}

/// Whether a column may be null, or holds many values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// It may be null.
    #[default]
    Nullable,
    /// It may not.
    Required,
    /// It is a list.
    Repeated,
}

/// The API writes 64-bit numbers as text; emulators do not always.
mod number_as_text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Number(u64),
    }

    #[expect(
        clippy::ref_option,
        reason = "serde calls it with a reference to the field"
    )]
    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let text = match Option::<Written>::deserialize(deserializer)? {
            Some(Written::Text(text)) => text,
            Some(Written::Number(number)) => number.to_string(),
            None => return Ok(None),
        };
        let number = text.parse();
        number
            .map(Some)
            .map_err(|_| D::Error::custom(format!("`{text}` is not a number here")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Column, Kind, Mode};

    #[test]
    fn a_table_of_bigquery_is_read_whatever_types_it_has() {
        let said = json!([
            {"name": "id", "type": "INTEGER", "mode": "REQUIRED"},
            {"name": "price", "type": "NUMERIC", "precision": "10", "scale": "2"},
            {"name": "code", "type": "STRING", "maxLength": 3},
            {"name": "place", "type": "GEOGRAPHY", "mode": "NULLABLE", "somethingNew": {}},
            {"name": "tags", "type": "STRUCT", "mode": "REPEATED",
             "fields": [{"name": "ok", "type": "BOOL"}]},
        ]);
        let columns: Vec<Column> = serde_json::from_value(said).unwrap();
        let types: Vec<_> = columns.iter().map(Column::type_name).collect();
        assert_eq!(
            types,
            [
                "INT64",
                "NUMERIC(10, 2)",
                "STRING(3)",
                "GEOGRAPHY",
                "ARRAY<STRUCT<ok BOOL>>"
            ]
        );
        assert_eq!(columns[0].mode, Mode::Required);
        assert_eq!(columns[3].kind, Kind::Other("GEOGRAPHY".to_owned()));
        let again: Vec<Column> =
            serde_json::from_value(serde_json::to_value(&columns).unwrap()).unwrap();
        assert_eq!(again, columns);
    }

    #[test]
    fn a_column_is_written_by_the_names_of_the_api() {
        let mut column = Column::new("amount", Kind::Numeric);
        column.precision = Some(10);
        let written = serde_json::to_value([column, Column::new("n", Kind::Int64)]).unwrap();
        assert_eq!(
            written,
            json!([
                {"name": "amount", "type": "NUMERIC", "mode": "NULLABLE", "precision": "10"},
                {"name": "n", "type": "INTEGER", "mode": "NULLABLE"},
            ])
        );
    }
}
