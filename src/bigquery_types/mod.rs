//! How columns of Arrow are columns of BigQuery, and back. Pure: no network, no file.
//!
//! ```text
//! Arrow field ─▶ from_arrow ─▶ Column ─▶ to_arrow ─▶ Arrow field, as it lies in the loaded file
//! ```
//!
//! Apart from the sink, because `dfpipe check` asks the same questions offline: one mapping serves both.

mod from_arrow;
mod names;
mod to_arrow;

pub use from_arrow::{Unfit, column};
pub use names::{MOST_COLUMNS, name_problem};
pub use to_arrow::{field, stored};

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; letters' case does not count.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether it may be null, or holds many values.
    pub mode: Mode,
    /// The columns of a record.
    pub fields: Vec<Column>,
    /// Digits of a number that has fewer than its type could have.
    pub precision: Option<u8>,
    /// Digits of it behind the point.
    pub scale: Option<u8>,
    /// The most characters or bytes of a value.
    pub max_length: Option<u64>,
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

    /// Its name in the API's answers.
    pub fn api_name(&self) -> &str {
        match self {
            Self::Int64 => "INTEGER",
            Self::Float64 => "FLOAT",
            Self::Bool => "BOOLEAN",
            Self::Record => "RECORD",
            other => other.name(),
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

/// Whether a column may be null, or holds many values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It may be null.
    #[default]
    Nullable,
    /// It may not.
    Required,
    /// It is a list.
    Repeated,
}

#[cfg(test)]
mod tests {
    use super::{Column, Kind, Mode};

    #[test]
    fn a_type_is_called_as_sql_calls_it() {
        let number = |precision, scale| Column {
            precision: Some(precision),
            scale,
            ..Column::new("c", Kind::Numeric)
        };
        let record = Column {
            mode: Mode::Repeated,
            fields: vec![Column::new("ok", Kind::Bool), number(10, Some(2))],
            ..Column::new("c", Kind::Record)
        };
        let text = Column {
            max_length: Some(3),
            ..Column::new("c", Kind::String)
        };
        for (column, expected) in [
            (number(10, None), "NUMERIC(10)"),
            (text, "STRING(3)"),
            (record, "ARRAY<STRUCT<ok BOOL, c NUMERIC(10, 2)>>"),
            (Column::new("c", Kind::of("geography")), "GEOGRAPHY"),
        ] {
            assert_eq!(column.type_name(), expected);
        }
    }

    #[test]
    fn a_type_has_one_name_in_the_api_and_another_in_sql() {
        for (api, sql) in [
            ("INTEGER", "INT64"),
            ("FLOAT", "FLOAT64"),
            ("BOOLEAN", "BOOL"),
            ("RECORD", "STRUCT"),
            ("STRING", "STRING"),
            ("RANGE", "RANGE"),
        ] {
            assert_eq!(Kind::of(api), Kind::of(sql));
            assert_eq!((Kind::of(sql).api_name(), Kind::of(api).name()), (api, sql));
        }
    }
}
