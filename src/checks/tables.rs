//! Properties of a whole model, each as a query of its own: a row of the answer says what is wrong.

use super::builtin::{free, names, quoted};
use crate::model::builtin::{Distribution, Freshness, NullShare, RefersTo, RowCount};

/// A property of a whole model.
pub struct Property {
    /// Its name, with what it is said of.
    pub name: String,
    /// What should hold.
    pub description: String,
    /// The query for bad rows.
    pub query: String,
    /// The columns by which they are ordered first; none for the model's key.
    pub order: Option<Vec<String>>,
}

/// Rows that share their values in `columns`: one bad row for each such value.
pub fn unique(table: &str, columns: &[String]) -> Property {
    let list = list(columns);
    let count = free("rows", columns);
    Property {
        name: format!("unique({})", columns.join(", ")),
        description: format!("No two rows have the same `{}`.", columns.join(", ")),
        query: format!(
            "select {list}, count(*) as {count} from {table} group by {list} having count(*) > 1"
        ),
        order: Some(columns.to_vec()),
    }
}

/// Rows whose values are not found in the other table.
pub fn refers_to(table: &str, refers: &RefersTo) -> Property {
    let pairs: Vec<_> = refers.columns.iter().zip(refers.target()).collect();
    let equal = pairs.iter().map(|(column, target)| {
        let (column, target) = (quoted(column), quoted(target));
        format!("known.{target} = referring.{column}")
    });
    let given = refers.columns.iter().map(|column| {
        let column = quoted(column);
        format!("referring.{column} is not null")
    });
    let equal = equal.collect::<Vec<_>>().join(" and ");
    let given = given.collect::<Vec<_>>().join(" and ");
    let (columns, model) = (refers.columns.join(", "), &refers.model);
    Property {
        name: format!("refers_to({columns}, {model})"),
        description: format!(
            "Every `{columns}` is a `{}` of `{model}`.",
            refers.target().join(", ")
        ),
        query: format!(
            "select referring.* from {table} as referring \
             left anti join {} as known on {equal} where {given}",
            quoted(model)
        ),
        order: None,
    }
}

/// One bad row if there are too few rows or too many. `last` is what the last run had.
pub fn row_count(table: &str, count: &RowCount, last: Option<u64>) -> Property {
    let mut said = vec![];
    let mut meant = vec![];
    let mut conditions = vec![];
    let mut bound = |key: &str, words: &str, value: Option<String>, condition: Option<String>| {
        let Some(value) = value else { return };
        said.push(format!("{key} {value}"));
        meant.push(format!("{words} {value}"));
        conditions.extend(condition);
    };
    let text = |number: Option<u64>| number.map(|number| number.to_string());
    let below = |min: u64| format!("\"rows\" < {min}");
    let above = |max: u64| format!("\"rows\" > {max}");
    bound("min", "at least", text(count.min), count.min.map(below));
    bound("max", "at most", text(count.max), count.max.map(above));
    let share = |number: Option<f64>| number.map(|number| number.to_string());
    // A share of the last rows is compared as rows: of no rows there is no share.
    let relative = |sign: &'static str, share: Option<f64>| {
        let (share, last) = (share?, last?);
        Some(format!(
            "cast(\"rows\" as double) {sign} cast({share} as double) * {last}"
        ))
    };
    let (least, most) = (count.min_share_of_last, count.max_share_of_last);
    let fewer = relative("<", least);
    let more = relative(">", most);
    bound(
        "min_share_of_last",
        "at least, as a share of the last run's rows,",
        share(least),
        fewer,
    );
    bound(
        "max_share_of_last",
        "at most, as a share of the last run's rows,",
        share(most),
        more,
    );
    let shown = match last {
        Some(last) if count.is_relative() => format!("\"rows\", {last} as last_rows"),
        _ => "\"rows\"".to_owned(),
    };
    let condition = match conditions.as_slice() {
        [] => "false".to_owned(),
        conditions => conditions.join(" or "),
    };
    Property {
        name: format!("row_count({})", said.join(", ")),
        description: format!("The number of rows is {}.", meant.join(" and ")),
        query: format!(
            "select {shown} from (select count(*) as \"rows\" from {table}) where {condition}"
        ),
        order: Some(vec![]),
    }
}

/// One bad row if the newest value is too old, or if there is none.
pub fn freshness(table: &str, freshness: &Freshness) -> Property {
    let (column, days) = (&freshness.column, freshness.max_age_days);
    let name = quoted(column);
    let unit = if days == 1 { "day" } else { "days" };
    Property {
        name: format!("freshness({column}, {days})"),
        description: format!("The newest `{column}` is at most {days} {unit} old."),
        query: format!(
            "select newest from (select max({name}) as newest from {table} where {name} <= $as_of) \
             where newest is null or newest < $as_of - interval '{days} days'"
        ),
        order: Some(vec![]),
    }
}

/// One bad row if too many are null.
pub fn null_share(table: &str, null_share: &NullShare) -> Property {
    let (column, max) = (&null_share.column, null_share.max);
    let name = quoted(column);
    // A quotient is rounded as a literal is, a product is not.
    Property {
        name: format!("null_share({column}, {max})"),
        description: format!("`{column}` is null in a share of at most {max} of the rows."),
        query: format!(
            "select null_rows, \"rows\", cast(null_rows as double) / \"rows\" as share \
             from (select count(*) filter (where {name} is null) as null_rows, \
             count(*) as \"rows\" from {table}) \
             where \"rows\" > 0 and cast(null_rows as double) / \"rows\" > {max}"
        ),
        order: Some(vec![]),
    }
}

/// A bad row for each value that holds too many rows, or too few.
pub fn distribution(table: &str, distribution: &Distribution) -> Property {
    let column = &distribution.column;
    let name = quoted(column);
    let taken = std::slice::from_ref(column);
    let (rows, share) = (free("rows", taken), free("share", taken));
    let max = distribution.max_share;
    let min = distribution.min_share;
    let said = [
        max.map(|max| format!("max_share {max}")),
        min.map(|min| format!("min_share {min}")),
    ];
    let meant = [
        max.map(|max| format!("more than a share of {max} of the rows")),
        min.map(|min| format!("less than a share of {min} of them")),
    ];
    let conditions = [
        max.map(|max| format!("{share} > {max}")),
        min.map(|min| format!("{share} < {min}")),
    ];
    let joined = |parts: [Option<String>; 2], between: &str| {
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        parts.join(between)
    };
    Property {
        name: format!("distribution({column}, {})", joined(said, ", ")),
        description: format!("No value of `{column}` holds {}.", joined(meant, ", or ")),
        query: format!(
            "with counted as (select {name}, count(*) as {rows} from {table} \
             where {name} is not null group by {name}), \
             total as (select sum({rows}) as {rows} from counted), \
             shared as (select counted.{name}, counted.{rows}, \
             cast(counted.{rows} as double) / total.{rows} as {share} from counted cross join total) \
             select {name}, {rows}, {share} from shared where {}",
            joined(conditions, " or ")
        ),
        order: Some(vec![column.clone()]),
    }
}

fn list(columns: &[String]) -> String {
    names(columns).join(", ")
}
