//! Rows as the service sends them: `{"f": [{"v": "1"}, …]}`, every scalar a text.

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, TimestampMicrosecondType},
    util::display::{ArrayFormatter, FormatOptions},
};
use serde_json::{Value, json};

use super::schema::{Column, Kind, Mode};

/// The rows of a result. `is_exact`: moments as whole microseconds, as `useInt64Timestamp` asks for.
pub(super) fn rows(columns: &[Column], batches: &[RecordBatch], is_exact: bool) -> Vec<Value> {
    let mut rows = vec![];
    for batch in batches {
        rows.extend((0..batch.num_rows()).map(|row| {
            let pairs = columns.iter().zip(batch.columns());
            let cells =
                pairs.map(|(column, array)| json!({"v": cell(column, array, row, is_exact)}));
            json!({"f": cells.collect::<Vec<_>>()})
        }));
    }
    rows
}

fn cell(column: &Column, array: &ArrayRef, row: usize, is_exact: bool) -> Value {
    if column.mode == Mode::Repeated {
        let items = array.as_list::<i32>().value(row);
        let item = |at| json!({"v": scalar(&column.kind, &items, at, is_exact)});
        return (0..items.len()).map(item).collect();
    }
    scalar(&column.kind, array, row, is_exact)
}

fn scalar(kind: &Kind, array: &ArrayRef, row: usize, is_exact: bool) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match kind {
        Kind::Timestamp => moment(array, row, is_exact).into(),
        Kind::Float => {
            let numbers = cast(array, &DataType::Float64).expect("a number is a number");
            format!("{:?}", numbers.as_primitive::<Float64Type>().value(row)).into()
        }
        Kind::Record(columns) => {
            let record = array.as_struct();
            let pairs = columns.iter().zip(record.columns());
            let cells =
                pairs.map(|(column, array)| json!({"v": cell(column, array, row, is_exact)}));
            json!({"f": cells.collect::<Vec<_>>()})
        }
        Kind::Numeric(..) | Kind::BigNumeric(..) => plain_decimal(&text(array, row)).into(),
        _ => text(array, row).into(),
    }
}

fn moment(array: &ArrayRef, row: usize, is_exact: bool) -> String {
    let micros = cast(array, &Kind::Timestamp.arrow()).expect("a moment has microseconds");
    let micros = micros.as_primitive::<TimestampMicrosecondType>().value(row);
    if is_exact {
        return micros.to_string();
    }
    // What the service sends if nothing else is asked for: seconds, as a number with an exponent.
    let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    format!("{seconds}.{rest:06}E0")
}

fn text(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options).expect("a value can be shown");
    formatter.value(row).to_string()
}

/// Without zeros at the end, as the service writes them.
fn plain_decimal(text: &str) -> String {
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text.to_owned(),
    }
}
