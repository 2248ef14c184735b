//! What a test expects, and whether it came: rows, a number of rows, or an error of the data.

use datafusion::arrow::{array::RecordBatch, datatypes::SchemaRef};

use super::{
    Test,
    compare::{Difference, Rules, compare},
    rows::{Reader, Row},
};
use crate::{
    config::yaml::{Data, Node},
    error::{Error, Kind, Result},
    model::Model,
};

/// What is wrong with what came out.
#[derive(Clone, Debug)]
pub struct Failure {
    /// In one sentence.
    pub message: String,
    /// Row by row.
    pub difference: Option<Difference>,
}

/// What a test expects.
pub enum Expected {
    /// These rows.
    Rows(Vec<Row>),
    /// As many rows.
    Count(usize),
    /// An error that says this.
    Error(String),
}

/// What `test` expects of rows of this shape.
pub fn expected(test: &Test, table: &str, schema: &SchemaRef) -> Result<Expected> {
    let node = &test.expect;
    let only = |name: &str| match &node.data {
        Data::Map(entries) if entries.len() == 1 => node.get(name),
        _ => None,
    };
    if let Some(count) = only("rows") {
        let number = count.text().and_then(|text| text.parse().ok());
        return number.map(Expected::Count).ok_or_else(|| {
            let message = "`expect.rows` must be a whole number";
            Error::usage(message).at(test.at(count.mark))
        });
    }
    if let Some(text) = only("error").and_then(Node::text) {
        return Ok(Expected::Error(text.to_owned()));
    }
    if matches!(node.data, Data::Map(_)) && only("csv").is_none() {
        let hint = "write a list of rows, or one of: {rows: 3}, {error: \"text\"}, csv: |";
        let problem = Error::usage("`expect` is not understood");
        return Err(problem.at(test.at(node.mark)).with_hint(hint));
    }
    let reader = Reader {
        test,
        table,
        schema,
    };
    match reader.read(node) {
        Ok(rows) => Ok(Expected::Rows(rows)),
        Err(problems) => {
            Err(Error::all(problems).unwrap_or_else(|| Error::bug("no problem at all")))
        }
    }
}

/// Holds what came against what is expected.
pub fn judge(
    test: &Test,
    model: &Model,
    expected: &Expected,
    got: Result<RecordBatch>,
) -> Result<Option<Failure>> {
    let failure = |message: String, difference| {
        Ok(Some(Failure {
            message,
            difference,
        }))
    };
    let key = if test.cte.is_none() {
        &model.header.key[..]
    } else {
        &[]
    };
    let rules = Rules {
        ordered: test.ordered,
        tolerance: test.tolerance,
        key,
    };
    match (expected, got) {
        (Expected::Error(text), Err(error)) if said(&error).contains(text) => Ok(None),
        (Expected::Error(text), Err(error)) if error.kind() == Kind::Data => failure(
            format!(
                "expected an error that says “{text}”, got: {}",
                said(&error)
            ),
            None,
        ),
        (_, Err(error)) if error.kind() == Kind::Data => failure(said(&error), None),
        (_, Err(error)) => Err(error),
        (Expected::Error(text), Ok(got)) => failure(
            format!(
                "expected an error that says “{text}”, got {}",
                count(got.num_rows())
            ),
            None,
        ),
        (Expected::Count(rows), Ok(got)) if *rows == got.num_rows() => Ok(None),
        (Expected::Count(rows), Ok(got)) => failure(
            format!("expected {}, got {}", count(*rows), got.num_rows()),
            compare(&[], &got, rules),
        ),
        (Expected::Rows(rows), Ok(got)) => match compare(rows, &got, rules) {
            None => Ok(None),
            Some(difference) => failure(counted(rows.len(), got.num_rows()), Some(difference)),
        },
    }
}

fn counted(expected: usize, got: usize) -> String {
    if expected == got {
        "the rows differ".to_owned()
    } else {
        format!("expected {}, got {got}", count(expected))
    }
}

fn count(rows: usize) -> String {
    match rows {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    }
}

fn said(error: &Error) -> String {
    error.to_string()
}
