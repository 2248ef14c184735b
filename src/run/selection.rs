//! What `-s` selects, once it is sure that it can be built.

use std::collections::BTreeSet;

use super::{Pipeline, history, record::RunRecord};
use crate::{
    error::{Error, Result},
    model::{
        Project,
        select::{Selection, asks_for_state, select},
    },
};

/// The names of the selected models. Each must find what it reads among them: there is no earlier
/// run to take it from.
pub async fn resolve(pipeline: &Pipeline, selectors: &[String]) -> Result<BTreeSet<String>> {
    let project = &pipeline.project;
    let modified = if asks_for_state(selectors) {
        let last = history::last_successful(&pipeline.config).await;
        last.map(|last| modified(project, &last))
    } else {
        None
    };
    let selection = Selection {
        modified: modified.as_ref(),
    };
    let selected = select(&project.models, selectors, selection)?;
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

/// The models whose statement is not that of `last`, or that it did not have.
fn modified(project: &Project, last: &RunRecord) -> BTreeSet<String> {
    let models = project.models.iter().filter(|model| {
        let mut built = last.models.iter();
        built.all(|then| then.name != model.name || then.fingerprint != model.fingerprint)
    });
    models.map(|model| model.name.clone()).collect()
}
