//! Rows of a test file, typed by the schema of their table: lists of mappings, or CSV text.

use std::sync::Arc;

use datafusion::arrow::{
    array::{ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, new_null_array},
    compute::concat,
    datatypes::{Field, Schema, SchemaRef},
};

use super::value;
use crate::{
    config::yaml::{Data, Node},
    error::{Error, Place, Result, did_you_mean},
    sources::{PART, POSITION},
    testing::Test,
};

/// A row: only the columns that it names.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Places of columns in the schema, and values.
    pub cells: Vec<(usize, ArrayRef)>,
}

/// Who reads rows: the test, the table's name and its shape.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The test.
    pub test: &'a Test,
    /// The table, as it is named in messages.
    pub table: &'a str,
    /// Its columns.
    pub schema: &'a Schema,
}

impl Reader<'_> {
    /// The rows of `node`, or all that is wrong with them.
    pub fn read(&self, node: &Node) -> Result<Vec<Row>, Vec<Error>> {
        let mut problems = vec![];
        let rows = match &node.data {
            _ if node.is_null() => vec![],
            Data::List(items) => {
                let rows = items.iter().map(|item| self.row(item, &mut problems));
                rows.collect()
            }
            Data::Map(_) if node.get("csv").is_some_and(|csv| csv.text().is_some()) => {
                self.csv(node.get("csv").unwrap_or(node), &mut problems)
            }
            _ => {
                let message = format!("`{}` has no rows here", self.table);
                problems.push(
                    Error::usage(message)
                        .at(self.test.at(node.mark))
                        .with_hint("write a list of rows, or `csv: |` and lines below it"),
                );
                vec![]
            }
        };
        if problems.is_empty() {
            Ok(rows)
        } else {
            Err(problems)
        }
    }

    fn row(&self, node: &Node, problems: &mut Vec<Error>) -> Row {
        let Data::Map(entries) = &node.data else {
            let message = format!("a row of `{}` must be a mapping", self.table);
            problems.push(
                Error::usage(message)
                    .at(self.test.at(node.mark))
                    .with_hint("write it as {column: value, column: value}"),
            );
            return Row::default();
        };
        let mut row = Row::default();
        for (key, node) in entries {
            let Some(column) = self.column(&key.name, || self.test.at(key.mark), problems) else {
                continue;
            };
            let kind = self.schema.field(column).data_type();
            match value::of_node(node, kind) {
                Some(value) => row.cells.push((column, value)),
                None => {
                    let written = match &node.data {
                        Data::List(_) => "a list".to_owned(),
                        Data::Map(_) => "a mapping".to_owned(),
                        _ => format!("`{}`", node.text().unwrap_or_default()),
                    };
                    problems.push(self.wrong(column, &written, self.test.at(node.mark)));
                }
            }
        }
        row
    }

    /// Lines with a header; an empty field is a null.
    fn csv(&self, node: &Node, problems: &mut Vec<Error>) -> Vec<Row> {
        let text = node.text().unwrap_or_default();
        let first = self.test.at(node.mark).line;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let header = reader.headers().cloned().unwrap_or_default();
        let columns: Vec<_> = header
            .iter()
            .map(|name| self.column(name, || self.in_line(first, name), problems))
            .collect();
        let mut rows = vec![];
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let line = error.position().map_or(1, csv::Position::line);
                    let message = format!("the rows of `{}` are no CSV", self.table);
                    let problem = Error::usage(message).because(words(&error));
                    problems.push(problem.at(self.in_line(first + below(line), "")));
                    continue;
                }
            };
            let line = first + below(record.position().map_or(1, csv::Position::line));
            let mut row = Row::default();
            for (column, field) in columns.iter().zip(&record) {
                let Some(column) = *column else { continue };
                let kind = self.schema.field(column).data_type();
                let value = match field {
                    "" => Some(new_null_array(kind, 1)),
                    field => value::of_text(field, kind),
                };
                match value {
                    Some(value) => row.cells.push((column, value)),
                    None => problems.push(self.wrong(
                        column,
                        &format!("`{field}`"),
                        self.in_line(line, field),
                    )),
                }
            }
            rows.push(row);
        }
        rows
    }

    fn column(
        &self,
        name: &str,
        place: impl Fn() -> Place,
        problems: &mut Vec<Error>,
    ) -> Option<usize> {
        let names = || {
            self.schema
                .fields()
                .iter()
                .map(|field| field.name().as_str())
        };
        let found = names().position(|known| known == name);
        if found.is_none() {
            let hint = match did_you_mean(name, names()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!(
                    "the columns are: {}",
                    names().collect::<Vec<_>>().join(", ")
                ),
            };
            let message = format!("`{}` has no column `{name}`", self.table);
            problems.push(Error::usage(message).at(place()).with_hint(hint));
        }
        found
    }

    fn wrong(&self, column: usize, written: &str, place: Place) -> Error {
        let field = self.schema.field(column);
        let (table, name) = (self.table, field.name());
        let kind = value::type_name(field.data_type());
        Error::usage(format!(
            "`{table}.{name}` must be of type {kind}, not {written}"
        ))
        .at(place)
    }

    /// The place of `word` in a line of the file.
    fn in_line(&self, line: usize, word: &str) -> Place {
        let file = &self.test.file;
        let text = file
            .text
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default();
        let before = text.find(word).map_or("", |at| &text[..at]);
        let column = before.chars().count() + 1;
        Place::new(&file.name, &file.text, line, column, word.chars().count())
    }
}

fn below(line: u64) -> usize {
    usize::try_from(line).unwrap_or(1).saturating_sub(1)
}

fn words(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("columns in the header: {expected_len}, in this line: {len}")
        }
        _ => error.to_string(),
    }
}

/// The shape of a made-up table: the declared one, but nothing has to be there.
pub fn nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| Field::new(field.name(), field.data_type().clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Rows of a source stand one behind the other in its first part, where they do not say otherwise: no row of a run is
/// without its place.
pub fn place(rows: &mut [Row], schema: &Schema) {
    let mut fill = |name: &str, value: &dyn Fn(usize) -> ArrayRef| {
        let Ok(column) = schema.index_of(name) else {
            return;
        };
        for (number, row) in rows.iter_mut().enumerate() {
            if row.cells.iter().all(|(named, _)| *named != column) {
                row.cells.push((column, value(number)));
            }
        }
    };
    fill(PART, &|_| Arc::new(Int32Array::from(vec![0])));
    fill(POSITION, &|number| {
        let position = i64::try_from(number).unwrap_or(i64::MAX).saturating_add(1);
        Arc::new(Int64Array::from(vec![position]))
    });
}

/// The rows as one batch; what they do not name is null.
pub fn batch(rows: &[Row], schema: &SchemaRef) -> Result<RecordBatch> {
    let odd = |error| Error::bug("rows of a test do not fit their table").because(error);
    let columns = schema.fields().iter().enumerate().map(|(column, field)| {
        let null = new_null_array(field.data_type(), 1);
        let cells: Vec<&dyn datafusion::arrow::array::Array> = rows
            .iter()
            .map(|row| {
                let cell = row.cells.iter().find(|(number, _)| *number == column);
                cell.map_or(null.as_ref(), |(_, value)| value.as_ref())
            })
            .collect();
        if cells.is_empty() {
            Ok(new_null_array(field.data_type(), 0))
        } else {
            concat(&cells)
        }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(odd)?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(odd)
}
