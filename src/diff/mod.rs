//! What an edit of a model changes: the model and all that depends on it are built on the frozen extract of a run,
//! and compared row by row with what the run holds, or with what another version gives.
//!
//! ```text
//! run's tables ─┬─▶ before: as the run made them, or by a version ─┐
//!               └─▶ after: by the files, or by another version ────┴▶ merge by key ─▶ differences
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    config::Config,
    engine::Engine,
    error::{Error, Result},
    model::{Model, Parameters, Project, Use, graph::unknown_table, select::with_ancestors},
    run::{
        Pipeline,
        history::{self, Past},
    },
};

pub mod markdown;
mod merge;
pub mod text;

pub use merge::{Changed, TableDiff};

/// Where one side of a comparison comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the run made.
    Run,
    /// The model's file as it is now.
    File,
    /// A released version.
    Version(Use),
}

/// What is to be compared.
#[derive(Clone, Debug)]
pub struct Request {
    /// The model.
    pub model: String,
    /// The one side.
    pub before: Side,
    /// The other.
    pub after: Side,
}

/// What differs.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// The run whose extract it was built on.
    pub run_id: String,
    /// The model.
    pub model: String,
    /// The one side, in words.
    pub before: String,
    /// The other side, in words.
    pub after: String,
    /// The model, then all that depends on it, in the order of building.
    pub tables: Vec<TableDiff>,
}

impl Diff {
    /// Whether anything differs.
    pub fn differs(&self) -> bool {
        self.tables.iter().any(TableDiff::differs)
    }
}

impl Request {
    /// Reads `MODEL[@N] [MODEL[@N]]`. One model alone is compared with what the run holds, one version
    /// alone with the file.
    pub fn parse(first: &str, second: Option<&str>) -> Result<Self> {
        let (model, one) = side(first)?;
        let (before, after) = match second {
            None if one == Side::File => (Side::Run, one),
            None => (one, Side::File),
            Some(second) => {
                let (other_model, other) = side(second)?;
                if other_model != model {
                    let message = format!("`{model}` and `{other_model}` are two models");
                    return Err(Error::usage(message).with_hint("compare versions of one model"));
                }
                (one, other)
            }
        };
        if before == after {
            let message = format!("`{first}` is compared with itself");
            let hint = format!("`{model}@1 {model}` compares version 1 with the file");
            return Err(Error::usage(message).with_hint(hint));
        }
        Ok(Self {
            model,
            before,
            after,
        })
    }
}

fn side(text: &str) -> Result<(String, Side)> {
    if !text.contains('@') {
        return Ok((text.to_owned(), Side::File));
    }
    match Use::parse(text) {
        Some(version) => Ok((version.model.clone(), Side::Version(version))),
        None => {
            Err(Error::usage(format!("`{text}` names no version"))
                .with_hint("write it so: MODEL@1"))
        }
    }
}

impl Side {
    fn words(&self) -> String {
        match self {
            Self::Run => "the run".to_owned(),
            Self::File => "the file".to_owned(),
            Self::Version(version) => format!("version {}", version.version),
        }
    }
}

/// Compares; what has to be built is built in `scratch`.
pub async fn diff(config: &Config, past: &Past, request: &Request, scratch: &Path) -> Result<Diff> {
    let after = Built::of(
        config,
        past,
        request,
        &request.after,
        &scratch.join("after"),
    )
    .await?;
    let before = match &request.before {
        Side::Run => None,
        side => Some(Built::of(config, past, request, side, &scratch.join("before")).await?),
    };
    let engine = Engine::new(config, &scratch.join("spill"))?;
    let mut tables = vec![];
    for model in &after.models {
        let name = &model.name;
        match &before {
            None if past.record.models.iter().any(|then| then.name == *name) => {
                history::open_table(&engine, past, name, merge::BEFORE).await?;
            }
            // A model that is new has nothing to be compared with.
            None => continue,
            Some(before) => match before.files.get(name) {
                Some(file) => engine.register_parquet(merge::BEFORE, file).await?,
                None => continue,
            },
        }
        engine
            .register_parquet(merge::AFTER, &after.files[name])
            .await?;
        tables.push(merge::compare(&engine, name, &model.header.key).await?);
        engine.forget(merge::BEFORE)?;
        engine.forget(merge::AFTER)?;
    }
    if tables.is_empty() {
        let message = format!(
            "the run `{}` has not built `{}`",
            past.record.run_id, request.model
        );
        return Err(Error::usage(message).with_hint("choose another run: `--run RUN`"));
    }
    Ok(Diff {
        run_id: past.record.run_id.clone(),
        model: request.model.clone(),
        before: request.before.words(),
        after: request.after.words(),
        tables,
    })
}

/// One side that had to be built.
struct Built {
    /// The model and what depends on it, in the order of building.
    models: Vec<Model>,
    files: BTreeMap<String, PathBuf>,
}

impl Built {
    async fn of(
        config: &Config,
        past: &Past,
        request: &Request,
        side: &Side,
        folder: &Path,
    ) -> Result<Self> {
        let uses: Vec<Use> = match side {
            Side::Version(version) => vec![version.clone()],
            Side::Run | Side::File => vec![],
        };
        let project = Pipeline::project(config, &config.project, &uses)?;
        let compared = dependents(&project, &request.model)?;
        let needed: BTreeSet<String> = compared
            .iter()
            .flat_map(|name| with_ancestors(&project.models, name))
            .collect();
        fs_err::create_dir_all(folder)
            .map_err(|error| Error::outside("a comparison has no folder").because(error))?;
        let engine = Engine::new(config, &folder.join("spill"))?;
        history::open(&engine, past).await?;
        let parameters = Parameters::of_run(&past.record.parameters);
        let mut built = Self {
            models: vec![],
            files: BTreeMap::new(),
        };
        for model in project.models {
            let is_compared = compared.contains(&model.name);
            // What the run has is taken from it; a model that is newer than the run has to be built.
            if !is_compared && (!needed.contains(&model.name) || engine.knows(&model.name)) {
                continue;
            }
            let path = folder.join(format!("{}.parquet", model.name));
            engine.build(&model, &parameters, &path).await?;
            engine.forget(&model.name)?;
            engine.register_parquet(&model.name, &path).await?;
            if is_compared {
                built.files.insert(model.name.clone(), path);
                built.models.push(model);
            }
        }
        Ok(built)
    }
}

/// The model and all that is made of it.
fn dependents(project: &Project, name: &str) -> Result<BTreeSet<String>> {
    if project.model(name).is_none() {
        let names = project.models.iter().map(|model| model.name.as_str());
        return Err(unknown_table(name, names));
    }
    let mut found = BTreeSet::from([name.to_owned()]);
    // They stand in the order of building.
    for model in &project.models {
        if model
            .sql
            .reads
            .iter()
            .any(|read| found.contains(&read.table))
        {
            found.insert(model.name.clone());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Request, Side};

    fn sides(first: &str, second: Option<&str>) -> Option<(String, String)> {
        let request = Request::parse(first, second).ok()?;
        Some((request.before.words(), request.after.words()))
    }

    #[test]
    fn one_model_is_compared_with_the_run_and_a_version_with_the_file() {
        for (first, second, expected) in [
            ("m", None, Some(("the run", "the file"))),
            ("m@1", None, Some(("version 1", "the file"))),
            ("m@1", Some("m@2"), Some(("version 1", "version 2"))),
            ("m@1", Some("m"), Some(("version 1", "the file"))),
            ("m", Some("m@1"), Some(("the file", "version 1"))),
            ("m", Some("m"), None),
            ("m@1", Some("m@1"), None),
            ("m@1", Some("n@2"), None),
            ("m@x", None, None),
        ] {
            let found = sides(first, second);
            let expected = expected.map(|(one, other)| (one.to_owned(), other.to_owned()));
            assert_eq!(found, expected, "{first} {second:?}");
        }
        assert_eq!(Request::parse("m", None).unwrap().before, Side::Run);
    }
}
