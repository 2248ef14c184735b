//! What may come next: keywords, tables, columns, functions with their arguments, commands, files.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    run::history,
    shell::{
        actions::UNREADABLE,
        desk::{Desk, HISTORY, RUN, SOURCE, WAREHOUSE},
    },
};

mod choice;
mod files;
mod keywords;

pub use keywords::KEYWORDS;

/// Candidates that are shown at a time.
pub const SHOWN: usize = 60;

/// Something that may come next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// What is put in.
    pub text: String,
    /// What is shown.
    pub label: String,
}

/// All names there are.
#[derive(Debug, Default)]
pub struct Names {
    /// Tables by their schemas.
    schemas: BTreeMap<String, Vec<String>>,
    /// The schema of bare names.
    public: String,
    /// Columns by their tables.
    columns: BTreeMap<String, Vec<String>>,
    /// Functions, each with its syntax.
    functions: Vec<(String, String)>,
    /// Models.
    models: Vec<String>,
    /// Runs.
    runs: Vec<String>,
    /// Parameters, without their `$`.
    parameters: Vec<String>,
    /// Why records of the run were refused.
    reasons: Vec<String>,
}

impl Names {
    /// The names of a session.
    pub async fn of(desk: &Desk) -> Self {
        let mut names = Self {
            public: desk.engine().default_schema(),
            ..Self::default()
        };
        for schema in [RUN, SOURCE, WAREHOUSE, HISTORY] {
            names.schemas.insert(schema.to_owned(), desk.tables(schema));
        }
        for schema in [RUN, SOURCE] {
            for table in desk.tables(schema) {
                let name = format!("{schema}.{table}");
                let Ok(columns) = desk.engine().columns_of(&name).await else {
                    continue;
                };
                let columns = columns.fields().iter().map(|field| field.name().clone());
                names
                    .columns
                    .entry(table)
                    .or_insert_with(|| columns.collect());
            }
        }
        let functions = desk.engine().functions().into_iter();
        names.functions = functions
            .map(|one| (one.name, one.syntax.replace('\n', " ")))
            .collect();
        names.functions.push((
            "model".to_owned(),
            "model('TABLE', run => 'RUN')".to_owned(),
        ));
        if let Ok(pipeline) = desk.pipeline() {
            let models = pipeline.project.models.into_iter();
            names.models = models.map(|model| model.name).collect();
        }
        let runs = history::archived(&desk.config).await.unwrap_or_default().0;
        names.runs = runs.into_iter().map(|run| run.run_id).collect();
        names.runs.push("last".to_owned());
        let parameters = desk.parameters.iter();
        names.parameters = parameters.map(|(name, _)| name.to_owned()).collect();
        names.reasons = reasons(desk);
        names
    }
}

/// Why records of the run were refused, as its record tells.
fn reasons(desk: &Desk) -> Vec<String> {
    let Some(run) = &desk.run else {
        return vec![];
    };
    let told = run.record.rejects.iter().map(|one| one.reason.as_str());
    let is_unread = run.record.sources.iter().any(|one| one.dead_lettered > 0);
    let all: BTreeSet<&str> = told.chain(is_unread.then_some(UNREADABLE)).collect();
    all.into_iter().map(str::to_owned).collect()
}

/// What all candidates begin with.
pub fn common(candidates: &[Candidate]) -> String {
    let mut texts = candidates.iter().map(|one| one.text.as_str());
    let first = texts.next().unwrap_or_default();
    let length = texts.fold(first.len(), |length, text| {
        let same = first
            .char_indices()
            .zip(text.chars())
            .take_while(|((_, one), other)| one == other);
        let end = same.last().map_or(0, |((at, one), _)| at + one.len_utf8());
        length.min(end)
    });
    first[..length].to_owned()
}
