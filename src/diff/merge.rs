//! Two tables side by side, both in the order of the key: rows are added, removed, or changed. Neither is held
//! in memory.

use std::{cmp::Ordering, sync::Arc};

use datafusion::arrow::{
    array::{ArrayRef, RecordBatch},
    compute::SortOptions,
    datatypes::SchemaRef,
    row::{RowConverter, Rows as Encoded, SortField},
    util::display::array_value_to_string,
};
use serde::Serialize;

use crate::{
    engine::{Engine, Rows},
    error::{Error, Result},
    model::{File, Parameters, Sql},
};

/// The name of the one table.
pub const BEFORE: &str = "before";

/// The name of the other.
pub const AFTER: &str = "after";

/// Rows of each kind that are shown.
const SAMPLES: usize = 5;

/// What differs in a table.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TableDiff {
    /// The table.
    pub table: String,
    /// The columns that name a row; all of them, if it has no key.
    pub key: Vec<String>,
    /// Rows before.
    pub rows_before: u64,
    /// Rows after.
    pub rows_after: u64,
    /// Rows that are only there after.
    pub added: u64,
    /// Rows that were only there before.
    pub removed: u64,
    /// Rows of one key whose values differ.
    pub changed: u64,
    /// Columns that are only there after.
    pub columns_added: Vec<String>,
    /// Columns that were only there before.
    pub columns_removed: Vec<String>,
    /// Columns of another type: name, before, after.
    pub columns_retyped: Vec<(String, String, String)>,
    /// How many rows changed in a column; those with none are left out.
    pub columns_changed: Vec<(String, u64)>,
    /// The first rows that were changed.
    pub changed_samples: Vec<Changed>,
    /// The first rows that were added, by their keys.
    pub added_samples: Vec<Vec<String>>,
    /// The first rows that were removed, by their keys.
    pub removed_samples: Vec<Vec<String>>,
}

/// A row that was changed.
#[derive(Clone, Debug, Serialize)]
pub struct Changed {
    /// Its key.
    pub key: Vec<String>,
    /// Each column that differs: name, before, after. Null is `null`.
    pub values: Vec<(String, Option<String>, Option<String>)>,
}

impl TableDiff {
    /// Whether anything differs.
    pub fn differs(&self) -> bool {
        self.added + self.removed + self.changed > 0
            || !self.columns_added.is_empty()
            || !self.columns_removed.is_empty()
            || !self.columns_retyped.is_empty()
    }
}

/// Compares the tables `before` and `after` of a session.
pub async fn compare(engine: &Engine, table: &str, key: &[String]) -> Result<TableDiff> {
    let (before, after) = (
        engine.columns_of(BEFORE).await?,
        engine.columns_of(AFTER).await?,
    );
    let mut diff = columns(table, &before, &after);
    diff.key = key.to_vec();
    let common: Vec<String> = after
        .fields()
        .iter()
        .filter(|field| before.field_with_name(field.name()).is_ok())
        .map(|field| field.name().clone())
        .collect();
    let same = |name: &String| {
        let kind = |schema: &SchemaRef| {
            schema
                .field_with_name(name)
                .map(|one| one.data_type().clone())
        };
        kind(&before).ok() == kind(&after).ok()
    };
    if diff.key.is_empty() {
        diff.key = common.iter().filter(|name| same(name)).cloned().collect();
    }
    if let Some(name) = diff
        .key
        .iter()
        .find(|name| !common.contains(name) || !same(name))
    {
        let message = format!("`{table}` cannot be compared: its key `{name}` is of another type");
        return Err(Error::usage(message).with_hint("compare the tables by a query of your own"));
    }
    let values: Vec<String> = common
        .iter()
        .filter(|name| !diff.key.contains(name))
        .cloned()
        .collect();
    let fields = diff
        .key
        .iter()
        .filter_map(|name| after.field_with_name(name).ok());
    let order = SortOptions {
        descending: false,
        nulls_first: false,
    };
    let fields = fields.map(|field| SortField::new_with_options(field.data_type().clone(), order));
    let converter = RowConverter::new(fields.collect()).map_err(odd)?;
    let mut merge = Merge {
        converter,
        key: diff.key.clone(),
        values: values.into_iter().map(|name| (name, 0)).collect(),
        diff,
    };
    let one = Cursor::open(engine, BEFORE, key).await?;
    let other = Cursor::open(engine, AFTER, key).await?;
    merge.run(one, other).await?;
    let counted = merge.values.into_iter().filter(|(_, count)| *count > 0);
    merge.diff.columns_changed = counted.collect();
    Ok(merge.diff)
}

fn columns(table: &str, before: &SchemaRef, after: &SchemaRef) -> TableDiff {
    let only = |one: &SchemaRef, other: &SchemaRef| {
        let names = one.fields().iter().map(|field| field.name().clone());
        names
            .filter(|name| other.field_with_name(name).is_err())
            .collect()
    };
    let retyped = after.fields().iter().filter_map(|field| {
        let then = before.field_with_name(field.name()).ok()?.data_type();
        let (then, now) = (then.to_string(), field.data_type().to_string());
        (then != now).then(|| (field.name().clone(), then, now))
    });
    TableDiff {
        table: table.to_owned(),
        columns_added: only(after, before),
        columns_removed: only(before, after),
        columns_retyped: retyped.collect(),
        ..TableDiff::default()
    }
}

/// Rows in order, and the place in them.
struct Cursor {
    rows: Rows,
    batch: RecordBatch,
    keys: Option<Encoded>,
    at: usize,
}

impl Cursor {
    async fn open(engine: &Engine, table: &str, key: &[String]) -> Result<Self> {
        let file = File {
            path: table.into(),
            name: table.to_owned(),
            text: format!("select * from {table}"),
        };
        let rows = engine
            .rows(&Sql::parse(file)?, key, &Parameters::default())
            .await?;
        Ok(Self {
            batch: RecordBatch::new_empty(Arc::clone(&rows.schema)),
            rows,
            keys: None,
            at: 0,
        })
    }

    /// Goes to the next row; whether there is one.
    async fn settle(&mut self, converter: &RowConverter, key: &[String]) -> Result<bool> {
        while self.at >= self.batch.num_rows() {
            let Some(batch) = self.rows.next().await else {
                return Ok(false);
            };
            self.batch = batch?;
            self.at = 0;
            let columns: Option<Vec<ArrayRef>> = key
                .iter()
                .map(|name| self.batch.column_by_name(name).map(Arc::clone))
                .collect();
            let columns = columns.ok_or_else(|| Error::bug("a key has no column"))?;
            self.keys = Some(converter.convert_columns(&columns).map_err(odd)?);
        }
        Ok(true)
    }

    fn value(&self, name: &str) -> Option<String> {
        let column = self.batch.column_by_name(name)?;
        if column.is_null(self.at) {
            return None;
        }
        array_value_to_string(column, self.at).ok()
    }

    fn key(&self, key: &[String]) -> Vec<String> {
        let values = key.iter().map(|name| self.value(name));
        values
            .map(|value| value.unwrap_or_else(|| "null".to_owned()))
            .collect()
    }
}

struct Merge {
    converter: RowConverter,
    key: Vec<String>,
    /// The columns that are compared, each with how many rows differ in it.
    values: Vec<(String, u64)>,
    diff: TableDiff,
}

impl Merge {
    async fn run(&mut self, mut one: Cursor, mut other: Cursor) -> Result<()> {
        loop {
            let has_one = one.settle(&self.converter, &self.key).await?;
            let has_other = other.settle(&self.converter, &self.key).await?;
            let order = match (has_one, has_other) {
                (false, false) => return Ok(()),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (true, true) => match (&one.keys, &other.keys) {
                    (Some(left), Some(right)) => left.row(one.at).cmp(&right.row(other.at)),
                    _ => Ordering::Equal,
                },
            };
            match order {
                Ordering::Less => {
                    self.diff.removed += 1;
                    sample(&mut self.diff.removed_samples, || one.key(&self.key));
                }
                Ordering::Greater => {
                    self.diff.added += 1;
                    sample(&mut self.diff.added_samples, || other.key(&self.key));
                }
                Ordering::Equal => self.pair(&one, &other),
            }
            if order != Ordering::Greater {
                self.diff.rows_before += 1;
                one.at += 1;
            }
            if order != Ordering::Less {
                self.diff.rows_after += 1;
                other.at += 1;
            }
        }
    }

    /// Two rows of one key.
    fn pair(&mut self, one: &Cursor, other: &Cursor) {
        let mut values = vec![];
        for (name, count) in &mut self.values {
            let (then, now) = (one.value(name), other.value(name));
            if then != now {
                *count += 1;
                values.push((name.clone(), then, now));
            }
        }
        if !values.is_empty() {
            self.diff.changed += 1;
            let key = || Changed {
                key: one.key(&self.key),
                values,
            };
            sample(&mut self.diff.changed_samples, key);
        }
    }
}

fn sample<T>(samples: &mut Vec<T>, row: impl FnOnce() -> T) {
    if samples.len() < SAMPLES {
        samples.push(row());
    }
}

fn odd(error: impl std::fmt::Display) -> Error {
    Error::usage("the key cannot be compared").because(error)
}
