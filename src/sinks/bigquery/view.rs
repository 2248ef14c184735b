//! `<table>_latest`: each date's latest complete load, which is what readers should use.
//!
//! The rows are joined with one line per date, and not numbered by a window over the whole table: a reader's
//! `where run_date = …` then reaches the scan of the rows, which reads that day's partition and the columns
//! that are asked for. The other side reads three narrow columns, and groups by `run_date` first, so that
//! the same restriction holds there too. A load whose rows are fewer or more than its `record_count` (it
//! is under way in parts, or somebody has changed its rows) is passed over for the one before.

use super::{
    Client, Target,
    table::reference,
    wire::{Table, View},
};
use crate::error::{Error, Result};

/// The name of the view of `target`.
pub fn view(target: &Target) -> Target {
    target.sibling(format!("{}_latest", target.table))
}

/// The query of the view.
pub fn query(target: &Target) -> String {
    let table = target.sql();
    format!(
        "\
select loaded.*
from {table} as loaded
inner join (
  select run_date, max(load_number) as load_number
  from (
    select run_date, load_number
    from {table}
    group by run_date, load_number
    having count(*) = max(record_count)
  ) as complete
  group by run_date
) as latest
  on loaded.run_date = latest.run_date
  and loaded.load_number = latest.load_number"
    )
}

/// Makes the view, or makes it again if it is another query, or if the table has new columns, which a
/// view does not list until it is written again.
pub async fn keep(client: &Client, target: &Target, has_new_columns: bool) -> Result<()> {
    let name = view(target);
    let wanted = View {
        query: query(target),
        use_legacy_sql: false,
    };
    match client.table(&name).await? {
        None => create(client, &name, wanted).await,
        Some(found) if found.view.is_none() => Err(taken(&name)),
        Some(found) if found.view.as_ref() == Some(&wanted) && !has_new_columns => Ok(()),
        Some(found) => {
            let changes = serde_json::json!({ "view": wanted });
            let etag = found.etag.as_deref();
            client.patch_table(&name, &changes, etag).await?;
            Ok(())
        }
    }
}

/// Whether the view's name is free or the view's.
pub async fn examine(client: &Client, target: &Target) -> Result<()> {
    let name = view(target);
    match client.table(&name).await? {
        Some(found) if found.view.is_none() => Err(taken(&name)),
        _ => Ok(()),
    }
}

async fn create(client: &Client, name: &Target, wanted: View) -> Result<()> {
    let table = Table {
        table_reference: reference(name),
        description: Some("Each date's latest complete load; kept by dfpipe.".to_owned()),
        view: Some(wanted),
        ..Table::default()
    };
    match client.create_table(name, &table).await {
        Ok(_) => Ok(()),
        // Another run of another date was faster.
        Err(error) => match client.table(name).await {
            Ok(Some(found)) if found.view.is_some() => Ok(()),
            _ => Err(error.into()),
        },
    }
}

fn taken(name: &Target) -> Error {
    let path = name.path();
    Error::usage(format!(
        "`{path}` is no view, so each date's latest load cannot be shown there"
    ))
    .with_hint("rename what stands there, or choose another `destination.table` in dfpipe.yml")
}
