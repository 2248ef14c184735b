//! What came out against what was expected: which rows belong together, and which cells differ.

use datafusion::arrow::{
    array::{Array, ArrayRef, RecordBatch},
    datatypes::Schema,
    util::display::array_value_to_string,
};
use serde::Serialize;

use super::rows::Row;

/// A value as it is printed; `None` where it is null.
pub type Cell = Option<String>;

/// How rows are compared.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Whether the order counts.
    pub ordered: bool,
    /// How far numbers may be apart.
    pub tolerance: f64,
    /// The columns that name a row.
    pub key: &'a [String],
}

/// Rows that are not as they should be.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Difference {
    /// The columns that are shown.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Line>,
}

/// A row of a difference.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What it is.
    pub is: Is,
    /// Its cells; the outer `None` where a row does not say anything of a column.
    pub cells: Vec<Option<Cell>>,
    /// The columns that differ from the row before.
    pub differing: Vec<String>,
}

/// What a row of a difference is.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Is {
    /// Expected; the row after it came instead.
    Expected,
    /// Came instead of the row before it.
    Got,
    /// Expected, and nothing like it came.
    Missing,
    /// Came, and nothing like it was expected.
    Extra,
}

/// Compares; `None` if all is as it should be.
pub fn compare(expected: &[Row], got: &RecordBatch, rules: Rules<'_>) -> Option<Difference> {
    let table = Table {
        got: rows_of(got),
        expected: expected
            .iter()
            .map(|row| written(row, got.num_columns()))
            .collect(),
        numeric: numeric(&got.schema()),
        tolerance: rules.tolerance,
    };
    let pairs = if rules.ordered {
        (0..expected.len())
            .map(|row| (row < got.num_rows()).then_some(row))
            .collect()
    } else {
        table.matched()
    };
    let key: Vec<usize> = rules
        .key
        .iter()
        .filter_map(|name| got.schema().index_of(name).ok())
        .collect();
    let lines = table.lines(pairs, &key, rules.ordered);
    (!lines.is_empty()).then(|| table.show(&lines, &key, &got.schema()))
}

/// All rows as printed values.
pub fn rows_of(batch: &RecordBatch) -> Vec<Vec<Cell>> {
    let rows = 0..batch.num_rows();
    rows.map(|row| {
        batch
            .columns()
            .iter()
            .map(|column| printed(column, row))
            .collect()
    })
    .collect()
}

fn printed(column: &ArrayRef, row: usize) -> Cell {
    if column.is_null(row) {
        return None;
    }
    Some(array_value_to_string(column, row).unwrap_or_else(|error| error.to_string()))
}

fn written(row: &Row, columns: usize) -> Vec<Option<Cell>> {
    let mut cells = vec![None; columns];
    for (column, value) in &row.cells {
        cells[*column] = Some(printed(value, 0));
    }
    cells
}

fn numeric(schema: &Schema) -> Vec<bool> {
    schema
        .fields()
        .iter()
        .map(|field| field.data_type().is_numeric())
        .collect()
}

struct Table {
    expected: Vec<Vec<Option<Cell>>>,
    got: Vec<Vec<Cell>>,
    numeric: Vec<bool>,
    tolerance: f64,
}

impl Table {
    fn cell_differs(&self, expected: usize, got: usize, column: usize) -> bool {
        let Some(wanted) = &self.expected[expected][column] else {
            return false;
        };
        let came = &self.got[got][column];
        if wanted == came {
            return false;
        }
        let (Some(wanted), Some(came)) = (wanted, came) else {
            return true;
        };
        let near = || {
            let (wanted, came): (f64, f64) = (wanted.parse().ok()?, came.parse().ok()?);
            // 1.01 is a little more than 0.01 above 1.00, since neither is exact in binary.
            let slack = 4.0 * f64::EPSILON * wanted.abs().max(came.abs());
            Some((wanted - came).abs() <= self.tolerance + slack)
        };
        !(self.tolerance > 0.0 && self.numeric[column] && near().unwrap_or(false))
    }

    fn differing(&self, expected: usize, got: usize) -> Vec<usize> {
        let columns = 0..self.numeric.len();
        columns
            .filter(|column| self.cell_differs(expected, got, *column))
            .collect()
    }

    /// For each expected row one that came and is as it says, as many as possible. Rows that say little
    /// fit several: they give way where another has no choice.
    fn matched(&self) -> Vec<Option<usize>> {
        let fits: Vec<Vec<usize>> = (0..self.expected.len())
            .map(|row| {
                let came = 0..self.got.len();
                came.filter(|got| self.differing(row, *got).is_empty())
                    .collect()
            })
            .collect();
        let mut taken = vec![None; self.got.len()];
        for row in 0..fits.len() {
            give(row, &fits, &mut taken, &mut vec![false; self.got.len()]);
        }
        let mut pairs = vec![None; fits.len()];
        for (got, row) in taken.into_iter().enumerate() {
            if let Some(row) = row {
                pairs[row] = Some(got);
            }
        }
        pairs
    }

    /// What differs, with rows of one key, or almost alike, side by side.
    fn lines(
        &self,
        mut pairs: Vec<Option<usize>>,
        key: &[usize],
        ordered: bool,
    ) -> Vec<(Option<usize>, Option<usize>)> {
        let mut left: Vec<usize> = (0..self.got.len())
            .filter(|got| !pairs.contains(&Some(*got)))
            .collect();
        let right: Vec<bool> = pairs.iter().map(Option::is_some).collect();
        for (row, pair) in pairs.iter_mut().enumerate() {
            if pair.is_none()
                && !ordered
                && let Some(near) = self.nearest(row, &left, key)
            {
                left.retain(|got| *got != near);
                *pair = Some(near);
            }
        }
        let rows = pairs.into_iter().enumerate();
        let rows = rows.filter(|(row, pair)| match pair {
            Some(got) => !right[*row] || !self.differing(*row, *got).is_empty(),
            None => true,
        });
        let rows = rows.map(|(row, pair)| (Some(row), pair));
        rows.chain(left.into_iter().map(|got| (None, Some(got))))
            .collect()
    }

    fn nearest(&self, row: usize, left: &[usize], key: &[usize]) -> Option<usize> {
        let names_key = !key.is_empty()
            && key
                .iter()
                .all(|column| self.expected[row][*column].is_some());
        if names_key {
            let same = |got: &&usize| {
                key.iter()
                    .all(|column| !self.cell_differs(row, **got, *column))
            };
            return left.iter().find(same).copied();
        }
        let named = self.expected[row].iter().flatten().count();
        let near = left
            .iter()
            .map(|got| (self.differing(row, *got).len(), *got))
            .min();
        near.filter(|(differing, _)| *differing < named)
            .map(|(_, got)| got)
    }

    fn show(
        &self,
        pairs: &[(Option<usize>, Option<usize>)],
        key: &[usize],
        schema: &Schema,
    ) -> Difference {
        let is_named = |column: &usize| self.expected.iter().any(|row| row[*column].is_some());
        let all = 0..self.numeric.len();
        let none_named = !all.clone().any(|column| is_named(&column));
        let others = all.filter(|column| none_named || is_named(column));
        let others = others.filter(|column| !key.contains(column));
        let columns: Vec<usize> = key.iter().copied().chain(others).collect();
        let name = |column: &usize| schema.field(*column).name().clone();
        let said = |row: usize| {
            columns
                .iter()
                .map(|column| self.expected[row][*column].clone())
                .collect()
        };
        let came = |row: usize| {
            columns
                .iter()
                .map(|column| Some(self.got[row][*column].clone()))
                .collect()
        };
        let line = |is, cells, differing: &[usize]| Line {
            is,
            cells,
            differing: differing.iter().map(name).collect(),
        };
        let mut rows = vec![];
        for pair in pairs {
            match *pair {
                (Some(row), Some(got)) => {
                    rows.push(line(Is::Expected, said(row), &[]));
                    rows.push(line(Is::Got, came(got), &self.differing(row, got)));
                }
                (Some(row), None) => rows.push(line(Is::Missing, said(row), &[])),
                (None, Some(got)) => rows.push(line(Is::Extra, came(got), &[])),
                (None, None) => {}
            }
        }
        Difference {
            columns: columns.iter().map(name).collect(),
            rows,
        }
    }
}

/// Gives `row` one of the rows that fit it, asking others to take another one.
fn give(row: usize, fits: &[Vec<usize>], taken: &mut [Option<usize>], asked: &mut [bool]) -> bool {
    for got in &fits[row] {
        if std::mem::replace(&mut asked[*got], true) {
            continue;
        }
        if taken[*got].is_none_or(|other| give(other, fits, taken, asked)) {
            taken[*got] = Some(row);
            return true;
        }
    }
    false
}
