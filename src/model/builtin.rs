//! Checks that are written as properties of a model's columns, in its front matter.
//!
//! Apart from the header, since what may be asked of data grows, and what a model is does not.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Severity;

/// A check that is written as a property of columns. Exactly one property is given.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuiltinCheck {
    /// Columns that hold no nulls.
    pub not_null: Option<Vec<String>>,
    /// Columns that together name a row.
    pub unique: Option<Vec<String>>,
    /// A column whose values lie in a range, both ends included.
    pub between: Option<Between>,
    /// A column that holds only certain values.
    pub one_of: Option<OneOf>,
    /// Whether rows stop the load. Default: `error`.
    #[serde(default)]
    pub severity: Severity,
}

/// A column whose values lie in a range, both ends included.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OneOf {
    /// The column.
    pub column: String,
    /// The values.
    pub values: Vec<String>,
}
