//! Properties of single rows, as conditions of bad ones. They are counted together, in one pass over a model.
//!
//! A null fails none of them but `not_null`: a condition that is null is not true.

use super::builtin::{literal, quoted};
use crate::model::BuiltinCheck;

/// A property of single rows.
pub struct Property {
    /// Its name, with what it is said of.
    pub name: String,
    /// What should hold.
    pub description: String,
    /// What holds of bad rows.
    pub condition: String,
}

/// The properties of single rows that `check` names.
pub fn properties(check: &BuiltinCheck) -> Vec<Property> {
    let not_null = check.not_null.iter().flatten().map(|column| Property {
        name: format!("not_null({column})"),
        description: format!("`{column}` is never null."),
        condition: format!("{} is null", quoted(column)),
    });
    not_null
        .chain(between(check))
        .chain(one_of(check))
        .chain(matches(check))
        .chain(in_window(check))
        .collect()
}

fn between(check: &BuiltinCheck) -> Option<Property> {
    let between = check.between.as_ref()?;
    let (column, min, max) = (&between.column, between.min, between.max);
    let name = quoted(column);
    Some(Property {
        name: format!("between({column}, {min}, {max})"),
        description: format!("`{column}` lies between {min} and {max}."),
        condition: format!(
            "(cast({name} as double) < {min} or cast({name} as double) > {max} \
             or isnan(cast({name} as double)))"
        ),
    })
}

fn one_of(check: &BuiltinCheck) -> Option<Property> {
    let one_of = check.one_of.as_ref()?;
    let column = &one_of.column;
    let values: Vec<_> = one_of.values.iter().map(|value| literal(value)).collect();
    let values = values.join(", ");
    Some(Property {
        name: format!("one_of({column})"),
        description: format!("`{column}` is one of {values}."),
        condition: format!("{} not in ({values})", quoted(column)),
    })
}

fn matches(check: &BuiltinCheck) -> Option<Property> {
    let matches = check.matches.as_ref()?;
    let (column, pattern) = (&matches.column, &matches.pattern);
    Some(Property {
        name: format!("matches({column})"),
        description: format!("`{column}` matches `{pattern}`."),
        condition: format!("not regexp_like({}, {})", quoted(column), literal(pattern)),
    })
}

fn in_window(check: &BuiltinCheck) -> Option<Property> {
    let column = check.in_window.as_ref()?;
    let name = quoted(column);
    Some(Property {
        name: format!("in_window({column})"),
        description: format!("`{column}` lies in the run's window."),
        condition: format!("({name} < $window_start or {name} >= $window_end)"),
    })
}
