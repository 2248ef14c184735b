//! Columns as the service declares them, as Arrow holds them, and what a load may change about them.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde_json::{Value, json};

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    Nullable,
    Required,
    Repeated,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    String,
    Integer,
    Float,
    Boolean,
    Date,
    Timestamp,
    Datetime,
    Time,
    Bytes,
    Numeric(u8, i8),
    BigNumeric(u8, i8),
    Record(Vec<Column>),
}

impl Kind {
    /// The name that the service shows.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::String => "STRING",
            Self::Integer => "INTEGER",
            Self::Float => "FLOAT",
            Self::Boolean => "BOOLEAN",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
            Self::Datetime => "DATETIME",
            Self::Time => "TIME",
            Self::Bytes => "BYTES",
            Self::Numeric(..) => "NUMERIC",
            Self::BigNumeric(..) => "BIGNUMERIC",
            Self::Record(_) => "RECORD",
        }
    }

    fn parse(field: &Value) -> Result<Self, String> {
        let digits = |name, most, places| digits(field, name, most, places);
        Ok(match field["type"].as_str().unwrap_or_default() {
            "STRING" => Self::String,
            "INTEGER" | "INT64" => Self::Integer,
            "FLOAT" | "FLOAT64" => Self::Float,
            "BOOLEAN" | "BOOL" => Self::Boolean,
            "DATE" => Self::Date,
            "TIMESTAMP" => Self::Timestamp,
            "DATETIME" => Self::Datetime,
            "TIME" => Self::Time,
            "BYTES" => Self::Bytes,
            "NUMERIC" | "DECIMAL" => {
                let (precision, scale) = digits("NUMERIC", (38, 9), 29)?;
                Self::Numeric(precision, scale)
            }
            "BIGNUMERIC" | "BIGDECIMAL" => {
                let (precision, scale) = digits("BIGNUMERIC", (76, 38), 38)?;
                Self::BigNumeric(precision, scale)
            }
            "RECORD" | "STRUCT" => Self::Record(parse(&field["fields"])?),
            other => {
                return Err(format!(
                    "Invalid value for type: {other} is not a valid value"
                ));
            }
        })
    }

    pub(super) fn arrow(&self) -> DataType {
        match self {
            Self::String => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Datetime => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Bytes => DataType::Binary,
            Self::Numeric(precision, scale) => DataType::Decimal128(*precision, *scale),
            Self::BigNumeric(precision, scale) => DataType::Decimal256(*precision, *scale),
            Self::Record(columns) => DataType::Struct(arrow(columns).fields.clone()),
        }
    }

    /// The kind that fits a column of a result or of a file.
    pub(super) fn of(kind: &DataType) -> Result<Self, String> {
        Ok(match kind {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::String,
            kind if kind.is_integer() => Self::Integer,
            DataType::Float32 | DataType::Float64 => Self::Float,
            DataType::Boolean => Self::Boolean,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(_, Some(_)) => Self::Timestamp,
            DataType::Timestamp(_, None) => Self::Datetime,
            DataType::Time64(_) | DataType::Time32(_) => Self::Time,
            DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Decimal128(precision, scale)
                if *scale <= 9 && precision - scale.unsigned_abs() <= 29 =>
            {
                Self::Numeric(38, 9)
            }
            DataType::Decimal128(..) | DataType::Decimal256(..) => Self::BigNumeric(76, 38),
            DataType::Struct(fields) => Self::Record(of_arrow(&Schema::new(fields.clone()))?),
            other => return Err(format!("{other} is a type that the service does not have")),
        })
    }
}

/// `precision` and `scale`, checked as the service checks them.
fn digits(field: &Value, name: &str, most: (u8, i8), places: u8) -> Result<(u8, i8), String> {
    let number = |key: &str| -> Result<Option<i64>, String> {
        match &field[key] {
            Value::Null => Ok(None),
            Value::String(text) => text.parse().map(Some).map_err(|_| format!("Invalid {key}")),
            other => Err(format!("Invalid {key}: {other} is no string")),
        }
    };
    let Some(precision) = number("precision")? else {
        return match number("scale")? {
            None => Ok(most),
            Some(_) => Err("Scale is set without precision".to_owned()),
        };
    };
    let scale = number("scale")?.unwrap_or(0);
    let fits = (0..=i64::from(most.1)).contains(&scale)
        && precision >= scale.max(1)
        && precision - scale <= i64::from(places);
    if !fits {
        return Err(format!("{name}({precision}, {scale}) is out of range"));
    }
    let both = (u8::try_from(precision), i8::try_from(scale));
    Ok((
        both.0.expect("it is in range"),
        both.1.expect("it is in range"),
    ))
}

/// The columns of a `fields` list.
pub(super) fn parse(fields: &Value) -> Result<Vec<Column>, String> {
    let fields = fields.as_array().ok_or("Schema has no fields.")?;
    if fields.is_empty() {
        return Err("Schema has no fields.".to_owned());
    }
    let columns: Result<Vec<_>, String> = fields.iter().map(column).collect();
    let columns = columns?;
    for (at, column) in columns.iter().enumerate() {
        if columns[..at]
            .iter()
            .any(|other| is_same(&other.name, &column.name))
        {
            return Err(format!("Duplicate field name {} in schema", column.name));
        }
    }
    Ok(columns)
}

fn column(field: &Value) -> Result<Column, String> {
    let name = field["name"].as_str().unwrap_or_default().to_owned();
    let is_good = |character: char| character.is_alphanumeric() || "_- ".contains(character);
    let reserved = [
        "_PARTITION",
        "_TABLE_",
        "_FILE_",
        "_ROW_TIMESTAMP",
        "__ROOT__",
        "_COLIDENTIFIER",
    ];
    let is_reserved = reserved
        .iter()
        .any(|prefix| name.to_uppercase().starts_with(prefix));
    if name.is_empty() || name.len() > 300 || !name.chars().all(is_good) || is_reserved {
        return Err(format!("Invalid field name \"{name}\"."));
    }
    let mode = match field["mode"].as_str().unwrap_or("NULLABLE") {
        "NULLABLE" => Mode::Nullable,
        "REQUIRED" => Mode::Required,
        "REPEATED" => Mode::Repeated,
        other => return Err(format!("Invalid mode {other} of field {name}")),
    };
    Ok(Column {
        name,
        kind: Kind::parse(field)?,
        mode,
    })
}

/// Names of columns are compared without regard to case.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// A `fields` list.
pub(super) fn to_json(columns: &[Column]) -> Value {
    let field = |column: &Column| {
        let mode = match column.mode {
            Mode::Nullable => "NULLABLE",
            Mode::Required => "REQUIRED",
            Mode::Repeated => "REPEATED",
        };
        let mut field = json!({"name": column.name, "type": column.kind.name(), "mode": mode});
        match &column.kind {
            Kind::Record(columns) => field["fields"] = to_json(columns),
            Kind::Numeric(38, 9) | Kind::BigNumeric(76, 38) => {}
            Kind::Numeric(precision, scale) | Kind::BigNumeric(precision, scale) => {
                field["precision"] = precision.to_string().into();
                // What is 0 is left out, as the service does.
                if *scale > 0 {
                    field["scale"] = scale.to_string().into();
                }
            }
            _ => {}
        }
        field
    };
    columns.iter().map(field).collect()
}

/// The same columns as Arrow holds them.
pub(super) fn arrow(columns: &[Column]) -> SchemaRef {
    let field = |column: &Column| {
        let kind = column.kind.arrow();
        match column.mode {
            Mode::Repeated => {
                Field::new_list(&column.name, Field::new_list_field(kind, true), true)
            }
            _ => Field::new(&column.name, kind, true),
        }
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// The columns of a result or of a file.
pub(super) fn of_arrow(schema: &Schema) -> Result<Vec<Column>, String> {
    let column = |field: &Arc<Field>| {
        let (kind, mode) = match field.data_type() {
            DataType::List(item) | DataType::LargeList(item) => {
                (Kind::of(item.data_type())?, Mode::Repeated)
            }
            kind => (Kind::of(kind)?, Mode::Nullable),
        };
        Ok(Column {
            name: field.name().clone(),
            kind,
            mode,
        })
    };
    schema.fields().iter().map(column).collect()
}

/// What a load or a patch may do to the columns that are there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowed {
    pub(super) addition: bool,
    pub(super) relaxation: bool,
}

/// The columns of a table after a change that says `said`, or why it cannot be made.
pub(super) fn evolve(
    held: &[Column],
    said: &[Column],
    allowed: Allowed,
) -> Result<Vec<Column>, String> {
    let mut evolved = vec![];
    for column in held {
        let said = said.iter().find(|said| is_same(&said.name, &column.name));
        let Some(said) = said else {
            return Err(format!("Field {} is missing in new schema", column.name));
        };
        evolved.push(evolve_column(column, said, allowed)?);
    }
    for column in said {
        if held.iter().any(|held| is_same(&held.name, &column.name)) {
            continue;
        }
        if !allowed.addition {
            return Err(format!("Cannot add fields (field: {})", column.name));
        }
        if column.mode == Mode::Required {
            return Err(format!(
                "Cannot add required fields to an existing schema. (field: {})",
                column.name
            ));
        }
        evolved.push(column.clone());
    }
    Ok(evolved)
}

fn evolve_column(held: &Column, said: &Column, allowed: Allowed) -> Result<Column, String> {
    let name = &held.name;
    let kind = match (&held.kind, &said.kind) {
        (Kind::Record(held), Kind::Record(said)) => Kind::Record(evolve(held, said, allowed)?),
        (held, said) if held == said => held.clone(),
        (held, said) => {
            let (held, said) = (held.name(), said.name());
            return Err(format!(
                "Field {name} has changed type from {held} to {said}"
            ));
        }
    };
    let mode = match (held.mode, said.mode) {
        (held, said) if held == said => held,
        (Mode::Required, Mode::Nullable) if allowed.relaxation => Mode::Nullable,
        (held, said) => {
            let (held, said) = (
                format!("{held:?}").to_uppercase(),
                format!("{said:?}").to_uppercase(),
            );
            return Err(format!(
                "Field {name} has changed mode from {held} to {said}"
            ));
        }
    };
    Ok(Column {
        name: name.clone(),
        kind,
        mode,
    })
}
