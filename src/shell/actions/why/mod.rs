//! `\why KEY`: the way of one key through all tables of a run, or what stopped it.
//!
//! Nothing is known of what the keys mean: the key of the loaded model is followed through the lineage, up to
//! the sources and down again, and every table is asked for the rows that have it.

use std::collections::BTreeSet;

use datafusion::arrow::array::RecordBatch;

use crate::{
    engine::{Answer, EXTRACT_REJECTS, Engine, How, Lineage, Table, TableColumn, lineage},
    error::{Error, Result},
    model::File,
    run::quoted,
    shell::{desk::Desk, interpreter::Interpreter, stage::Stage},
    testing::compare::rows_of,
};

mod told;

use told::Story;

/// Rows of a table that are looked at.
const LOOKED_AT: usize = 20;

/// Other names of the key that are followed.
const ALIASES: usize = 8;

/// What a table says of the key.
struct Found<'a> {
    table: &'a Table,
    rows: usize,
    /// The first row: columns and values.
    first: Vec<(String, String)>,
    /// Its values in columns that hold keys.
    keys: Vec<String>,
}

/// Shows the way of a key.
pub async fn why(shell: &mut Interpreter, key: &str, stage: &mut dyn Stage) -> Result<()> {
    let key = key.trim_matches(['\'', '"']);
    if key.is_empty() {
        let loaded = &shell.desk.config.destination.model;
        let hint = format!("a value of the key of `{loaded}`");
        return Err(Error::usage("`\\why` needs a key").with_hint(hint));
    }
    shell.desk.past()?;
    let pipeline = shell.desk.pipeline()?;
    let engine = Engine::new(&pipeline.config, &shell.desk.scratch().join("spill"))?;
    let parameters = pipeline.parameters("lineage");
    let lineage = lineage(&pipeline.config, &pipeline.project, &parameters, &engine).await?;
    let loaded = pipeline.config.destination.model.clone();
    let keys = pipeline.project.model(&loaded);
    let keys = keys
        .map(|model| model.header.key.clone())
        .unwrap_or_default();
    let columns = key_columns(&lineage, &loaded, &keys);
    let mut names = BTreeSet::from([key.to_owned()]);
    let mut found = look(&mut shell.desk, &lineage, &columns, &names).await?;
    let aliases: Vec<String> = found.iter().flat_map(|one| one.keys.clone()).collect();
    names.extend(aliases.into_iter().take(ALIASES));
    if names.len() > 1 {
        found = look(&mut shell.desk, &lineage, &columns, &names).await?;
    }
    let story = Story {
        key,
        names: &names,
        found: &found,
        lineage: &lineage,
        loaded: &loaded,
    };
    shell.show(&story.text(), stage)
}

/// All columns that hold the key of the loaded model: what it is made of, and what is made of that.
fn key_columns(lineage: &Lineage, loaded: &str, key: &[String]) -> BTreeSet<TableColumn> {
    let is_passed =
        |ways: &BTreeSet<How>| ways.contains(&How::Identity) || ways.contains(&How::Transformation);
    let mut seen = BTreeSet::new();
    let mut rest: Vec<TableColumn> = key
        .iter()
        .map(|one| TableColumn::new(loaded, one))
        .collect();
    while let Some(column) = rest.pop() {
        if !seen.insert(column.clone()) {
            continue;
        }
        let above = lineage.sources(&column).into_iter();
        rest.extend(
            above
                .filter(|(_, ways)| is_passed(ways))
                .map(|(above, _)| above),
        );
        let below = lineage.uses(&column).into_iter();
        rest.extend(
            below
                .filter(|(_, ways)| ways.contains(&How::Identity))
                .map(|(below, _)| below),
        );
    }
    // The decoders put a record's key there.
    seen.insert(TableColumn::new(EXTRACT_REJECTS, "record_key"));
    seen.retain(|column| {
        let kind = lineage.column(column).map(|column| column.kind.as_str());
        kind.is_some_and(|kind| kind.starts_with("Utf8") || kind.starts_with("Int"))
    });
    seen
}

async fn look<'a>(
    desk: &mut Desk,
    lineage: &'a Lineage,
    columns: &BTreeSet<TableColumn>,
    names: &BTreeSet<String>,
) -> Result<Vec<Found<'a>>> {
    let values = names
        .iter()
        .map(|name| format!("'{}'", name.replace('\'', "''")));
    let wanted = values.collect::<Vec<_>>().join(", ");
    let mut all = vec![];
    for table in &lineage.tables {
        let own: Vec<&str> = columns
            .iter()
            .filter(|column| column.table == table.name)
            .map(|column| column.column.as_str())
            .collect();
        if own.is_empty() || !desk.engine().knows(&table.name) {
            continue;
        }
        let conditions = own
            .iter()
            .map(|column| format!("cast({} as varchar) in ({wanted})", quoted(column)));
        let conditions = conditions.collect::<Vec<_>>().join(" or ");
        let statement = format!(
            "select * from {} where {conditions} limit {LOOKED_AT}",
            quoted(&table.name)
        );
        let file = File {
            path: "why".into(),
            name: "why".into(),
            text: statement,
        };
        // A model that was edited since may have other columns than the run's table.
        let Ok(Answer::Rows(rows)) = desk.ask(file, false).await else {
            continue;
        };
        all.push(found(table, &own, &rows.collect().await?));
    }
    Ok(all)
}

fn found<'a>(table: &'a Table, own: &[&str], batches: &[RecordBatch]) -> Found<'a> {
    let mut found = Found {
        table,
        rows: 0,
        first: vec![],
        keys: vec![],
    };
    for batch in batches {
        let schema = batch.schema();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|one| one.name().as_str())
            .collect();
        for row in rows_of(batch) {
            found.rows += 1;
            let cells = names.iter().zip(&row);
            let cells = cells.filter_map(|(name, cell)| Some(((*name).to_owned(), cell.clone()?)));
            let cells: Vec<_> = cells.filter(|(_, cell)| !cell.is_empty()).collect();
            let keys = cells
                .iter()
                .filter(|(name, _)| own.contains(&name.as_str()));
            found.keys.extend(keys.map(|(_, cell)| cell.clone()));
            if found.first.is_empty() {
                found.first = cells;
            }
        }
    }
    found
}
