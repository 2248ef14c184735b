//! Checks that are written as properties of a table's columns: in a model's front matter, and of a source.
//!
//! Apart from what a model or a source is, since what may be asked of data grows, and that does not.
//!
//! One rule for nulls: a null is no value. Only `not_null` and `null_share` speak of nulls; `unique` takes
//! two nulls for the same, as `group by` does; all others pass them over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod rules;

/// Whether a failed check stops the load.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It does.
    #[default]
    Error,
    /// It is reported.
    Warn,
}

/// A check that is written as a property of columns. Exactly one property is given.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuiltinCheck {
    /// Columns that hold no nulls.
    pub not_null: Option<Vec<String>>,
    /// Columns that together name a row. Two nulls are the same.
    pub unique: Option<Vec<String>>,
    /// A column whose values lie in a range, both ends included. A null is no value.
    pub between: Option<Between>,
    /// A column that holds only certain values. A null is no value.
    pub one_of: Option<OneOf>,
    /// A column whose texts have a form. A null is no text.
    pub matches: Option<Matches>,
    /// Columns whose values are found in another table. A row with a null in them refers to nothing.
    pub refers_to: Option<RefersTo>,
    /// How many rows there are.
    pub row_count: Option<RowCount>,
    /// A column whose newest value is not old.
    pub freshness: Option<Freshness>,
    /// Everything that was there is in exactly one place.
    pub accounts_for: Option<AccountsFor>,
    /// A column that is seldom null.
    pub null_share: Option<NullShare>,
    /// A column in which no value is nearly everything, or nearly nothing.
    pub distribution: Option<Distribution>,
    /// A column of dates or times that lie in the run's window. A null is no time.
    pub in_window: Option<String>,
    /// Whether rows stop the load. Default: `error`.
    #[serde(default)]
    pub severity: Severity,
    /// How many bad rows are still good; for `not_null`, `between`, `one_of`, `matches`,
    /// `refers_to`, `in_window`. Default: 0.
    pub max_bad_rows: Option<u64>,
    /// Which share of the model's rows may be bad, from 0 to 1; for the same. With both, the smaller counts.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_bad_share: Option<f64>,
    /// What a person should do when it fails.
    pub hint: Option<String>,
}

/// A column whose values lie in a range, both ends included.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// The column.
    pub column: String,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

/// A column that holds only certain values.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OneOf {
    /// The column.
    pub column: String,
    /// The values.
    pub values: Vec<String>,
}

/// A column whose texts have a form.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Matches {
    /// The column.
    pub column: String,
    /// A regular expression that is found somewhere in each text; with `^` and `$` it is the whole text.
    pub pattern: String,
}

/// Columns whose values are found in another table.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefersTo {
    /// The columns of this model.
    pub columns: Vec<String>,
    /// The model or source in which they are found.
    pub model: String,
    /// Its columns, in the same order. Default: those of the same names.
    pub to: Option<Vec<String>>,
}

impl RefersTo {
    /// The columns of the other table.
    pub fn target(&self) -> &[String] {
        self.to.as_ref().unwrap_or(&self.columns)
    }
}

/// How many rows there are. At least one bound is given.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowCount {
    /// No fewer than these.
    pub min: Option<u64>,
    /// No more than these.
    pub max: Option<u64>,
    /// No fewer than this share of the rows that the last successful run had; holds if there was none.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub min_share_of_last: Option<f64>,
    /// No more than this share of them.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub max_share_of_last: Option<f64>,
}

impl RowCount {
    /// Whether it compares with the last run.
    pub fn is_relative(&self) -> bool {
        self.min_share_of_last.is_some() || self.max_share_of_last.is_some()
    }
}

/// A column whose newest value is not old. What lies after `$as_of` proves nothing; no value at all is old.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// The column, of dates or times.
    pub column: String,
    /// How many days before `$as_of` its newest value may lie.
    pub max_age_days: u32,
}

/// Every key that was seen is in exactly one place, and nothing else is: nobody vanished, nobody was doubled
/// or invented. A key with a null in it is no key.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountsFor {
    /// The columns that name whatever is accounted for.
    pub keys: Vec<String>,
    /// Where the keys come from.
    pub from: Vec<KeyedTable>,
    /// Where each of them ends. Entries of one table are one place.
    pub exactly_one_of: Vec<KeyedTable>,
}

/// A table and the columns in it that hold keys.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyedTable {
    /// The model, the source or the table of the engine.
    pub table: String,
    /// Its columns, in the order of `keys`. Default: those of the same names.
    pub columns: Option<Vec<String>>,
    /// A condition in SQL: other rows do not count.
    #[serde(rename = "where")]
    pub condition: Option<String>,
}

/// A column that is seldom null. Of no rows no share can be too large.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NullShare {
    /// The column.
    pub column: String,
    /// The largest share of nulls, from 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max: f64,
}

/// How the values of a column share its rows; nulls are no values. At least one bound is given.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// The column.
    pub column: String,
    /// The largest share that a value may hold, from 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_share: Option<f64>,
    /// The smallest share that a value may hold, from 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_share: Option<f64>,
}

impl BuiltinCheck {
    /// The columns of its own model that it names.
    pub fn columns(&self) -> Vec<&String> {
        let lists = self.not_null.iter().chain(&self.unique).flatten();
        let refers = self.refers_to.iter().flat_map(|one| &one.columns);
        let single = [
            self.between.as_ref().map(|one| &one.column),
            self.one_of.as_ref().map(|one| &one.column),
            self.matches.as_ref().map(|one| &one.column),
            self.freshness.as_ref().map(|one| &one.column),
            self.null_share.as_ref().map(|one| &one.column),
            self.distribution.as_ref().map(|one| &one.column),
            self.in_window.as_ref(),
        ];
        let single = single.into_iter().flatten();
        lists.chain(refers).chain(single).collect()
    }

    /// The other tables that it names.
    pub fn tables(&self) -> Vec<&String> {
        let accounts = self.accounts_for.iter();
        let accounts = accounts.flat_map(|one| one.from.iter().chain(&one.exactly_one_of));
        let refers = self.refers_to.iter().map(|one| &one.model);
        refers.chain(accounts.map(|one| &one.table)).collect()
    }
}
