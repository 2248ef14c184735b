//! What is well typed and still a bad habit: rows that nothing names, models that nothing reads.
//!
//! Apart from [`super::rules`], without which there is no project: these need all of it, and some are
//! only warnings.

use std::collections::BTreeSet;

use super::{Model, Project, header};
use crate::{config::Config, error::Error};

/// What is wrong with the models of `project` that are well otherwise, and what is only to be said of
/// them: who still looks for an error in a model has no ear for its habits.
pub fn habits(
    project: &Project,
    config: &Config,
    is_well: impl Fn(&str) -> bool,
) -> (Vec<Error>, Vec<Error>) {
    let loaded = config.destination.model.as_str();
    let mut problems = vec![];
    let mut notes = vec![];
    let well = project.models.iter().filter(|model| is_well(&model.name));
    for model in well.filter(|model| has_no_key(model)) {
        if model.name == loaded {
            problems.push(keyless(model));
        } else {
            notes.push(keyless(model));
        }
    }
    let unused = unused(project, config).filter(|model| is_well(&model.name));
    notes.extend(unused.map(|model| {
        let message = format!("nothing uses the model `{}`", model.name);
        let hint = "remove it, read it, or say why it stays: `allow: {unused: …}`";
        Error::usage(message).at(model.sql.begin()).with_hint(hint)
    }));
    (problems, notes)
}

fn has_no_key(model: &Model) -> bool {
    model.header.key.is_empty() && model.header.allow.no_key.is_none()
}

fn keyless(model: &Model) -> Error {
    let hint = "name the columns that tell its rows apart: `key: [customer_id]`";
    Error::usage(format!("the model `{}` has no key", model.name))
        .at(header::place(&model.sql.file, "version", None))
        .with_hint(hint)
}

/// Models that are neither read, nor checked by a file, nor loaded, nor shown, nor saved.
fn unused<'a>(project: &'a Project, config: &'a Config) -> impl Iterator<Item = &'a Model> {
    let models = project.models.iter().flat_map(|model| &model.sql.reads);
    let checks = project.checks.iter().flat_map(|check| &check.sql.reads);
    let read = models.chain(checks).map(|read| read.table.as_str());
    let report = &config.report;
    let shown = [&report.summary, &report.charts, &report.flow];
    let shown = shown.into_iter().flatten().map(String::as_str);
    let loaded = [config.destination.model.as_str()];
    let used: BTreeSet<&str> = read.chain(shown).chain(loaded).collect();
    project.models.iter().filter(move |model| {
        let header = &model.header;
        !used.contains(model.name.as_str())
            && header.save_as.is_none()
            && header.allow.unused.is_none()
    })
}
