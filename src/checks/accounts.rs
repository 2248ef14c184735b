//! The proof that nobody vanished: every key that a source named is in exactly one place.

use super::{
    builtin::{free, literal, names, quoted},
    tables::Property,
};
use crate::model::builtin::{AccountsFor, KeyedTable};

/// A bad row for each key that is in no place, in several, or in one but in no source.
pub fn accounts_for(accounts: &AccountsFor) -> Property {
    let places = places(accounts);
    let keys = names(&accounts.keys);
    let place = free("place", &accounts.keys);
    let in_sources = free("in_sources", &accounts.keys);
    let found_in = free("found_in", &accounts.keys);
    let from = accounts.from.iter().map(|table| (0, table));
    let to = accounts.exactly_one_of.iter().map(|table| {
        let index = places.iter().position(|name| *name == table.table);
        (index.map_or(0, |index| index + 1), table)
    });
    let sightings = from.chain(to);
    let sightings = sightings.map(|(number, table)| sighting(accounts, table, number, &place));
    let sightings = sightings.collect::<Vec<_>>().join(" union all ");
    let keys = keys.join(", ");
    let flag = |number: usize| format!("\"in {number}\"");
    let numbers = 1..=places.len();
    let flags = numbers.clone();
    let flags = flags.map(|one| format!(", bool_or({place} = {one}) as {}", flag(one)));
    let counted = numbers.map(|number| format!("cast({} as int)", flag(number)));
    let counted = counted.collect::<Vec<_>>().join(" + ");
    let found = places.iter().enumerate().map(|(index, name)| {
        let name = literal(name);
        format!(", case when {} then {name} end", flag(index + 1))
    });
    Property {
        name: format!("accounts_for({})", accounts.keys.join(", ")),
        description: description(accounts, &places),
        query: format!(
            "with sightings as ({sightings}), \
             placed as (select {keys}, bool_or({place} = 0) as {in_sources}{} \
             from sightings group by {keys}) \
             select {keys}, {in_sources}, concat_ws(', '{}) as {found_in} \
             from placed where not {in_sources} or {counted} <> 1",
            flags.collect::<String>(),
            found.collect::<String>(),
        ),
        order: Some(accounts.keys.clone()),
    }
}

/// The places: tables, each once.
fn places(accounts: &AccountsFor) -> Vec<&str> {
    let mut places: Vec<&str> = vec![];
    for table in &accounts.exactly_one_of {
        if !places.contains(&table.table.as_str()) {
            places.push(&table.table);
        }
    }
    places
}

/// The keys of one table.
fn sighting(accounts: &AccountsFor, table: &KeyedTable, number: usize, place: &str) -> String {
    let columns = table.columns.as_ref().unwrap_or(&accounts.keys);
    let pairs = columns.iter().zip(&accounts.keys);
    let selected = pairs.map(|(column, key)| format!("{} as {}", quoted(column), quoted(key)));
    let given = columns
        .iter()
        .map(|column| format!("{} is not null", quoted(column)));
    // On a line of its own, a comment at the end of a condition ends there.
    let condition = table
        .condition
        .iter()
        .map(|condition| format!("({condition}\n)"));
    format!(
        "select {}, {number} as {place} from {} where {}",
        selected.collect::<Vec<_>>().join(", "),
        quoted(&table.table),
        given.chain(condition).collect::<Vec<_>>().join(" and "),
    )
}

fn description(accounts: &AccountsFor, places: &[&str]) -> String {
    let mut from: Vec<&str> = vec![];
    for table in &accounts.from {
        if !from.contains(&table.table.as_str()) {
            from.push(&table.table);
        }
    }
    let keys = accounts.keys.join(", ");
    let (from, places) = (said(&from), said(places));
    format!("Every `{keys}` of {from} is in exactly one of {places}, and no other is.")
}

fn said(tables: &[&str]) -> String {
    let tables: Vec<_> = tables.iter().map(|name| format!("`{name}`")).collect();
    match tables.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        tables => tables.concat(),
    }
}
