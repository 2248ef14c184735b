//! What `-s` selects, once it is sure that it can be built.

use std::collections::BTreeSet;

use crate::{
    error::{Error, Result},
    model::{Project, select::select},
};

/// The names of the selected models. Each must find what it reads among them: there is no earlier
/// run to take it from.
pub fn resolve(project: &Project, selectors: &[String]) -> Result<BTreeSet<String>> {
    let selected = select(&project.models, selectors)?;
    if selected.is_empty() {
        return Err(Error::usage("the selection is empty")
            .with_hint("name a model: `-s +unified_customers` builds it and all that it reads"));
    }
    let is_missing = |table: &str| project.model(table).is_some() && !selected.contains(table);
    let models = project
        .models
        .iter()
        .filter(|model| selected.contains(&model.name));
    let problems = models.filter_map(|model| {
        let read = model
            .sql
            .reads
            .iter()
            .find(|read| is_missing(&read.table))?;
        let message = format!(
            "`{}` reads `{}`, which is not selected",
            model.name, read.table
        );
        let hint = format!("select all that it reads: `-s +{}`", model.name);
        Some(Error::usage(message).at(read.place.clone()).with_hint(hint))
    });
    match Error::all(problems) {
        Some(error) => Err(error),
        None => Ok(selected),
    }
}
