//! The order of models: each after all that it reads.

use std::collections::{BTreeMap, BTreeSet};

use super::Model;
use crate::error::{Error, did_you_mean};

/// Names that a hint lists at most.
const LISTED: usize = 12;

/// Orders `models` so that each stands after all that it reads; among equals, by name.
///
/// `tables` are the names that are not models. Unknown names and cycles are errors.
pub fn order(models: Vec<Model>, tables: &BTreeSet<String>) -> Result<Vec<Model>, Vec<Error>> {
    let mut waiting: BTreeMap<String, Model> = models
        .into_iter()
        .map(|model| (model.name.clone(), model))
        .collect();
    let problems = unknown_reads(&waiting, tables);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = waiting.iter().find(|(_, model)| {
            model
                .sql
                .reads
                .iter()
                .all(|read| !waiting.contains_key(&read.table))
        });
        let Some(name) = ready.map(|(name, _)| name.clone()) else {
            return Err(vec![cycle(&waiting)]);
        };
        ordered.extend(waiting.remove(&name));
    }
    Ok(ordered)
}

fn unknown_reads(models: &BTreeMap<String, Model>, tables: &BTreeSet<String>) -> Vec<Error> {
    let reads = models.values().flat_map(|model| model.sql.reads.iter());
    reads
        .filter(|read| !models.contains_key(&read.table) && !tables.contains(&read.table))
        .map(|read| {
            let names = models.keys().chain(tables).map(String::as_str);
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
        match order(models, &tables) {
            Ok(models) => Ok(models.into_iter().map(|model| model.name).collect()),
            Err(problems) => Err(format!("{} {:?}", problems[0], problems[0].hint())),
        }
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
