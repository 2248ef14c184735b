//! The order of models: each after all that it reads.

use std::collections::{BTreeMap, BTreeSet};

use super::Model;
use crate::error::{Error, did_you_mean};

/// Names that a hint lists at most.
const LISTED: usize = 12;

/// Models in their order, and what is wrong with those that have no place in it.
#[derive(Debug, Default)]
pub struct Order {
    /// Each after all that it reads.
    pub models: Vec<Model>,
    /// The names of those that read what there is not, or each other in a circle, and of all that read these.
    pub left_out: BTreeSet<String>,
    /// Why.
    pub problems: Vec<Error>,
}

/// Orders `models` so that each stands after all that it reads; among equals, by name.
///
/// `tables` are the names that are not models. Unknown names and cycles are errors; `broken` are models that are
/// there and cannot be read.
pub fn order(models: Vec<Model>, tables: &BTreeSet<String>, broken: &BTreeSet<String>) -> Order {
    let mut waiting: BTreeMap<String, Model> = models
        .into_iter()
        .map(|model| (model.name.clone(), model))
        .collect();
    let mut order = Order {
        problems: unknown_reads(&waiting, tables, broken),
        ..Order::default()
    };
    let mut known: BTreeSet<String> = tables.clone();
    loop {
        let is_ready = |model: &Model| {
            let mut reads = model.sql.reads.iter();
            reads.all(|read| known.contains(&read.table))
        };
        let Some(name) = first(&waiting, is_ready) else {
            break;
        };
        order.models.extend(waiting.remove(&name));
        known.insert(name);
    }
    // What waits for something that never comes, and what waits for that, is no circle.
    let mut never: BTreeSet<String> = broken.clone();
    loop {
        let is_hopeless = |model: &Model| {
            let mut reads = model.sql.reads.iter().map(|read| &read.table);
            reads.any(|table| {
                let is_there = known.contains(table) || waiting.contains_key(table);
                never.contains(table) || !is_there
            })
        };
        let Some(name) = first(&waiting, is_hopeless) else {
            break;
        };
        waiting.remove(&name);
        never.insert(name);
    }
    if !waiting.is_empty() {
        order.problems.push(cycle(&waiting));
        never.extend(waiting.into_keys());
    }
    order.left_out = never;
    order
}

fn first(waiting: &BTreeMap<String, Model>, is_it: impl Fn(&Model) -> bool) -> Option<String> {
    let mut waiting = waiting.iter();
    let found = waiting.find(|(_, model)| is_it(model));
    found.map(|(name, _)| name.clone())
}

fn unknown_reads(
    models: &BTreeMap<String, Model>,
    tables: &BTreeSet<String>,
    broken: &BTreeSet<String>,
) -> Vec<Error> {
    let reads = models.values().flat_map(|model| model.sql.reads.iter());
    let names = || models.keys().chain(tables).chain(broken);
    reads
        .filter(|read| names().all(|name| *name != read.table))
        .map(|read| {
            let names = names().map(String::as_str);
            unknown_table(&read.table, names).at(read.place.clone())
        })
        .collect()
}

/// The error for a table that is none of `names`.
pub fn unknown_table<'a>(table: &str, names: impl Iterator<Item = &'a str> + Clone) -> Error {
    let hint = match did_you_mean(table, names.clone()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the tables are: {}", listed(names)),
    };
    Error::usage(format!("there is no source or model `{table}`")).with_hint(hint)
}

/// The first of many names, and how many more there are.
fn listed<'a>(names: impl Iterator<Item = &'a str> + Clone) -> String {
    let first: Vec<_> = names.clone().take(LISTED).collect();
    match names.count() - first.len() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Follows reads from any waiting model until one comes again.
fn cycle(waiting: &BTreeMap<String, Model>) -> Error {
    let mut path: Vec<&Model> = waiting.values().take(1).collect();
    while let Some(model) = path.last() {
        let next = model
            .sql
            .reads
            .iter()
            .find_map(|read| waiting.get(&read.table));
        let Some(next) = next else { break };
        if let Some(start) = path.iter().position(|seen| seen.name == next.name) {
            let names = path[start..]
                .iter()
                .chain([&next])
                .map(|model| model.name.as_str());
            let names = names.collect::<Vec<_>>().join("` → `");
            let back = model.sql.reads.iter().find(|read| read.table == next.name);
            let error = Error::usage(format!("models read each other in a circle: `{names}`"));
            let error =
                error.with_hint("put what both need into a model of its own, which reads neither");
            return match back {
                Some(read) => error.at(read.place.clone()),
                None => error,
            };
        }
        path.push(next);
    }
    Error::bug("models wait for each other without a circle")
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::order;
    use crate::model::{File, Model, Sql, fingerprint, header};

    /// A model of one line, for tests.
    pub fn model(name: &str, query: &str) -> Model {
        let text = format!("/* dfpipe\nversion: 1\n*/\n{query}");
        let file = File {
            path: name.into(),
            name: format!("sql/{name}.sql"),
            text,
        };
        let header = header::read(&file).unwrap();
        let sql = Sql::parse(file).unwrap();
        let fingerprint = fingerprint::of(&sql.statement);
        Model {
            name: name.to_owned(),
            header,
            sql,
            fingerprint,
        }
    }

    fn names(models: Vec<Model>) -> Result<Vec<String>, String> {
        let tables = BTreeSet::from(["raw".to_owned()]);
        let order = order(models, &tables, &BTreeSet::new());
        match order.problems.first() {
            None => Ok(order.models.into_iter().map(|model| model.name).collect()),
            Some(problem) => Err(format!("{problem} {:?}", problem.hint())),
        }
    }

    #[test]
    fn what_reads_nothing_broken_has_its_place_all_the_same() {
        let models = vec![
            model("circle", "select * from other"),
            model("other", "select * from circle"),
            model("good", "select * from raw"),
            model("above_good", "select * from good"),
            model("mistyped", "select * from rwa"),
            model(
                "above_mistyped",
                "select * from mistyped join good using (x)",
            ),
            model("above_broken", "select * from broken"),
        ];
        let tables = BTreeSet::from(["raw".to_owned()]);
        let order = order(models, &tables, &BTreeSet::from(["broken".to_owned()]));
        let placed: Vec<_> = order
            .models
            .iter()
            .map(|model| model.name.as_str())
            .collect();
        assert_eq!(placed, ["good", "above_good"]);
        let left_out: Vec<_> = order.left_out.iter().map(String::as_str).collect();
        assert_eq!(
            left_out,
            [
                "above_broken",
                "above_mistyped",
                "broken",
                "circle",
                "mistyped",
                "other"
            ]
        );
        let problems: Vec<_> = order.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "there is no source or model `rwa`",
                "models read each other in a circle: `circle` → `other` → `circle`"
            ]
        );
    }

    #[test]
    fn a_model_stands_after_all_that_it_reads() {
        let models = vec![
            model("a", "select * from c"),
            model("b", "select * from raw"),
            model("c", "select * from b join raw using (x)"),
        ];
        assert_eq!(names(models).unwrap(), ["b", "c", "a"]);
    }

    #[test]
    fn a_circle_is_named_by_its_members() {
        let models = vec![
            model("a", "select * from b"),
            model("b", "select * from c"),
            model("c", "select * from b"),
        ];
        assert!(names(models).unwrap_err().contains("`b` → `c` → `b`"));
    }

    #[test]
    fn an_unknown_table_is_an_error_with_a_suggestion() {
        let error = names(vec![model("a", "select * from rwa")]).unwrap_err();
        assert!(
            error.contains("`rwa`") && error.contains("did you mean `raw`?"),
            "{error}"
        );
    }
}
