//! Whether a table that is there can take a load: its kind, its partitions, its order, its columns. Pure.
//!
//! All that is wrong is told at once, since each of it is mended by hand.

use super::{
    super::receipt::{ChangeKind, SchemaChange},
    Target,
    schema::{self, Change, What},
    table::TableState,
    wire::{Table, TableSchema},
};
use crate::{
    bigquery_types::{Column, Kind, Mode},
    config,
    error::{Error, Result},
    sinks::compare::aligned,
};

/// The column that tables are partitioned by, a day each.
pub const PARTITION: &str = "run_date";

const DAY: u64 = 24 * 60 * 60 * 1000;

/// What a load may do to the table, and what stands against it.
pub struct Judged {
    /// What the load says and changes.
    pub state: TableState,
    /// Why it cannot be.
    pub problems: Vec<Error>,
}

/// Judges the table `found` for a load of the columns `here`. Columns that it has and the load has not
/// are no problem here: the run asks its user before.
pub fn judge(found: &Table, target: &Target, to: &config::BigQuery, here: &[Column]) -> Judged {
    let there = found.schema.clone().unwrap_or_default();
    let changes = schema::changes(here, &schema::columns(&there));
    let mut problems = vec![];
    problems.extend(no_table(found, target));
    if problems.is_empty() {
        problems.extend(other_partitions(found, target));
        problems.extend(other_clustering(found, target, to));
        problems.extend(columns(&changes, target, to));
    }
    let state = TableState {
        schema: TableSchema {
            fields: schema::merged(here, &there.fields),
        },
        changes: changes.iter().filter_map(Change::in_receipt).collect(),
        notes: other_expiration(found, target, to).into_iter().collect(),
    };
    Judged { state, problems }
}

/// What a load job must be allowed to change.
pub fn update_options(changes: &[SchemaChange]) -> Vec<String> {
    let options = [
        (ChangeKind::Added, "ALLOW_FIELD_ADDITION"),
        (ChangeKind::Relaxed, "ALLOW_FIELD_RELAXATION"),
    ];
    let needed = options.into_iter().filter(|(kind, _)| {
        let mut changes = changes.iter();
        changes.any(|change| change.change == *kind)
    });
    needed.map(|(_, option)| option.to_owned()).collect()
}

fn no_table(found: &Table, target: &Target) -> Option<Error> {
    let kind = found.kind.as_deref().unwrap_or("TABLE");
    (kind != "TABLE").then(|| {
        let kind = kind.to_lowercase().replace('_', " ");
        let message = format!("`{}` is no table that can be loaded into", target.path());
        Error::usage(message)
            .because(format!("it is a {kind}"))
            .with_hint("choose another name: `destination.table` in dfpipe.yml")
    })
}

fn other_partitions(found: &Table, target: &Target) -> Option<Error> {
    let by = match (&found.time_partitioning, &found.range_partitioning) {
        (Some(time), _) => {
            let field = time.field.as_deref().unwrap_or("the time of loading");
            if time.kind == "DAY" && field.eq_ignore_ascii_case(PARTITION) {
                return None;
            }
            format!(
                "it is partitioned by the {} of `{field}`",
                time.kind.to_lowercase()
            )
        }
        (None, Some(_)) => "it is partitioned by ranges of numbers".to_owned(),
        (None, None) => "it has no partitions".to_owned(),
    };
    let path = target.path();
    let message = format!("`{path}` is not partitioned by the day of `{PARTITION}`");
    Some(Error::data(message).because(by).with_hint(format!(
        "a table keeps its partitions for life: load into a new one (`destination.table` in \
         dfpipe.yml), or make this one anew: `create table … partition by {PARTITION} as select * from \
         `{path}``"
    )))
}

fn other_clustering(found: &Table, target: &Target, to: &config::BigQuery) -> Option<Error> {
    let there = found.clustering.as_ref().map_or(&[][..], |it| &it.fields);
    let is_same = there.len() == to.cluster_by.len()
        && there
            .iter()
            .zip(&to.cluster_by)
            .all(|(there, here)| there.eq_ignore_ascii_case(here));
    // A configuration that says nothing has no opinion.
    if to.cluster_by.is_empty() || is_same {
        return None;
    }
    let message = format!(
        "`{}` is clustered otherwise than `cluster_by` says",
        target.path()
    );
    let (said, is) = (to.cluster_by.join(", "), there.join(", "));
    let is = if is.is_empty() {
        "not at all".to_owned()
    } else {
        format!("by {is}")
    };
    Some(
        Error::data(message)
            .because(format!("it is clustered {is}, not by {said}"))
            .with_hint(format!(
                "change `destination.cluster_by` in dfpipe.yml, or the table: `bq update \
                 --clustering_fields={} {}:{}.{}`",
                to.cluster_by.join(","),
                target.project,
                target.dataset,
                target.table
            )),
    )
}

/// Whether rows vanish sooner or later than the configuration says: no reason to stop.
fn other_expiration(found: &Table, target: &Target, to: &config::BigQuery) -> Option<String> {
    let said = to.partition_expiration_days.map(u64::from);
    let time = found.time_partitioning.as_ref()?;
    let there = time.expiration_ms.as_deref();
    let there = there
        .and_then(|text| text.parse::<u64>().ok())
        .map(|it| it / DAY);
    let words = |days: Option<u64>| match days {
        Some(days) => format!("are removed after {days} days"),
        None => "are kept".to_owned(),
    };
    (said != there).then(|| {
        format!(
            "rows of `{}` {}; by dfpipe.yml they {}: `alter table … set options \
             (partition_expiration_days = …)`",
            target.path(),
            words(there),
            words(said)
        )
    })
}

/// What of the columns no load can change, or may not.
fn columns(changes: &[Change], target: &Target, to: &config::BigQuery) -> Option<Error> {
    let stops = |change: &&Change| match change.what {
        What::Retyped => true,
        What::Added | What::Relaxed => !to.schema_changes,
        What::Lost => false,
    };
    let stopping: Vec<_> = changes.iter().filter(stops).collect();
    if stopping.is_empty() {
        return None;
    }
    let mut hints = vec![];
    if stopping.iter().any(|change| change.what == What::Retyped) {
        hints.push("cast it to what it is there, or give the new values another name");
    }
    if stopping.iter().any(|change| change.what != What::Retyped) {
        hints.push(
            "`schema_changes: true` in dfpipe.yml lets a load add columns and make them nullable; else \
             change the table by hand",
        );
    }
    let message = format!("`{}` cannot take the load's columns", target.path());
    Some(
        Error::data(message)
            .because(format!("they differ\n\n{}", table(changes, to)))
            .with_hint(hints.join("; ")),
    )
}

fn table(changes: &[Change], to: &config::BigQuery) -> String {
    let kind = |column: &Option<Column>| match column {
        Some(column) if column.mode == Mode::Required => format!("{} not null", column.type_name()),
        Some(column) => column.type_name(),
        None => "-".to_owned(),
    };
    let rows = changes.iter().map(|change| {
        let verdict = match change.what {
            What::Added if to.schema_changes => "safe: it is added",
            What::Relaxed if to.schema_changes => "safe: it may be null from now on",
            What::Added => "it is new, and `schema_changes` is off",
            What::Relaxed => "it may not be null, and `schema_changes` is off",
            What::Lost => "it is lost",
            What::Retyped => "not safe: of another type",
        };
        let (here, there) = (kind(&change.here), kind(&change.there));
        [change.path.clone(), here, there, verdict.to_owned()]
    });
    aligned(rows)
}

/// Columns to cluster a new table by must be there, and of a type that has an order.
pub fn clustering_of_a_new_table(to: &config::BigQuery, here: &[Column]) -> Result<()> {
    let problems = to.cluster_by.iter().filter_map(|name| {
        let found = here.iter().find(|column| column.is_called(name));
        let cause = match found {
            None => "the load has no such column".to_owned(),
            Some(column) if !has_order(column) => format!("it is {}", column.type_name()),
            Some(_) => return None,
        };
        let message = format!("the table cannot be clustered by `{name}`");
        let hint = "name columns of the loaded model in `destination.cluster_by`: text, numbers but \
                    doubles, dates, moments, booleans";
        Some(Error::usage(message).because(cause).with_hint(hint))
    });
    match Error::all(problems) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn has_order(column: &Column) -> bool {
    let is_one = column.mode != Mode::Repeated;
    let is_unfit = matches!(
        column.kind,
        Kind::Float64 | Kind::Bytes | Kind::Time | Kind::Record | Kind::Other(_)
    );
    is_one && !is_unfit
}

#[cfg(test)]
#[path = "judge/tests.rs"]
mod tests;
