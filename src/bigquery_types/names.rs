//! Which names a column may have in BigQuery.
//!
//! Its flexible names (other alphabets, blanks) are not used: they must be quoted by every reader, and
//! loading Parquet files replaces some of their characters.

/// Beginnings of names that BigQuery keeps for itself, in small letters.
const KEPT_NAMES: [&str; 9] = [
    "_table_",
    "_file_",
    "_partition",
    "_row_timestamp",
    "__root__",
    "_colidentifier",
    "_change_sequence_number",
    "_change_type",
    "_change_timestamp",
];

/// The longest name of a column.
const LONGEST_NAME: usize = 300;

/// The most columns of a table, those within records included.
pub const MOST_COLUMNS: usize = 10_000;

/// Why `name` cannot be a column's, and what to do.
pub fn name_problem(name: &str) -> Option<(String, &'static str)> {
    let is_start = |one: char| one.is_ascii_alphabetic() || one == '_';
    let is_plain = name.starts_with(is_start)
        && name
            .chars()
            .all(|one| is_start(one) || one.is_ascii_digit());
    if !is_plain || name.len() > LONGEST_NAME {
        let hint = if name.len() > LONGEST_NAME {
            "at most 300 characters: rename it with `as`"
        } else {
            "letters, digits and `_`, no digit first: rename it with `as`"
        };
        let message = format!("`{name}` cannot be the name of a column in BigQuery");
        return Some((message, hint));
    }
    let lower = name.to_lowercase();
    let kept = KEPT_NAMES.iter().find(|kept| lower.starts_with(**kept))?;
    let message = format!("BigQuery keeps names for itself that begin with `{kept}`: `{name}`");
    Some((message, "rename it with `as`"))
}

#[cfg(test)]
mod tests {
    use super::name_problem;

    #[test]
    fn names_that_bigquery_does_not_take_are_told() {
        let longest = "a".repeat(300);
        let too_long = "a".repeat(301);
        for (column, is_taken) in [
            ("customer_id", true),
            ("_x1", true),
            ("Score", true),
            (longest.as_str(), true),
            (too_long.as_str(), false),
            ("1st", false),
            ("a.b", false),
            ("count(*)", false),
            ("größe", false),
            ("", false),
            ("_PARTITIONTIME", false),
            ("_table_suffix", false),
            ("_FILE_NAME", false),
        ] {
            assert_eq!(name_problem(column).is_none(), is_taken, "{column}");
        }
    }
}
