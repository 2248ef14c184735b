//! The checks in a model's front matter. What can be asked there can be asked of a source as well, so what a check is
//! stands in the configuration.

pub use crate::config::check::{
    AccountsFor, Between, BuiltinCheck, Distribution, Freshness, KeyedTable, Matches, NullShare,
    OneOf, RefersTo, RowCount,
};

pub mod rules;
