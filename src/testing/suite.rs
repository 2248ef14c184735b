//! All tests of a project: finding, choosing and running them, several at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::SchemaRef;
use futures::StreamExt;

use super::{FOLDER, Test, expect::Failure, file, session};
use crate::{
    clock::Clock,
    config::Config,
    engine::{Engine, check, engine_tables, shapes},
    error::{Error, Result, did_you_mean},
    model::{File, Project, select},
    run::Pipeline,
    sources::source_schema,
};

/// The moment of tests that name none, where the configuration fixes none.
const AS_OF: &str = "2026-01-01T00:00:00Z";

/// The models, the shapes of all tables, and the tests.
#[derive(Debug)]
pub struct Suite {
    /// Configuration and models.
    pub pipeline: Pipeline,
    /// The columns of every table: sources, what the engine notes, models.
    pub schemas: BTreeMap<String, SchemaRef>,
    /// The tests, in order of file and line.
    pub tests: Vec<Arc<Test>>,
    /// What is wrong with test files that cannot be read.
    pub problems: Vec<Error>,
}

/// A test that ran.
#[derive(Clone, Debug)]
pub struct Done {
    /// The test.
    pub test: Arc<Test>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub time: Duration,
}

/// How a test ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Otherwise.
    Failed(Failure),
    /// It could not be asked: the test or the SQL is wrong.
    Wrong(Error),
}

impl Suite {
    /// Reads models and tests, and types the models: all of them, or as many as the tests need that are
    /// `wanted`. Wrong SQL is an error.
    pub async fn load(config: Config, wanted: &[String], scratch: &Path) -> Result<Self> {
        let default = DateTime::parse_from_rfc3339(AS_OF);
        let default = default.map_or(DateTime::UNIX_EPOCH, |time| time.with_timezone(&Utc));
        let pipeline = Pipeline::load(config, None, &Clock::fixed(default))?;
        let mut suite = Self {
            pipeline,
            schemas: BTreeMap::new(),
            tests: vec![],
            problems: vec![],
        };
        for file in files(&suite.pipeline.config.project)? {
            match file::read(file) {
                Ok(tests) => suite.tests.extend(tests.into_iter().map(Arc::new)),
                Err(problems) => suite.problems.extend(problems),
            }
        }
        suite.schemas = if wanted.is_empty() {
            all_shapes(&suite.pipeline, scratch).await?
        } else {
            // What is wrong with the wish is told by whoever selects.
            let tests = suite.select(wanted).unwrap_or_default();
            some_shapes(&suite.pipeline, &tests, scratch).await?
        };
        Ok(suite)
    }

    /// The tests that a file with this `text` would hold.
    pub fn read(file: File) -> Result<Vec<Arc<Test>>> {
        match file::read(file) {
            Ok(tests) => Ok(tests.into_iter().map(Arc::new).collect()),
            Err(problems) => {
                Err(Error::all(problems).unwrap_or_else(|| Error::bug("no problem at all")))
            }
        }
    }

    /// The tests that any of `wanted` means: models (with `+` as in `run -s`), files, words of `it`.
    pub fn select(&self, wanted: &[String]) -> Result<Vec<Arc<Test>>> {
        if wanted.is_empty() {
            return Ok(self.tests.clone());
        }
        let mut chosen = BTreeSet::new();
        for wanted in wanted {
            let found = self.meant_by(wanted);
            if found.is_empty() && self.problems.is_empty() {
                return Err(self.nothing(wanted));
            }
            chosen.extend(found);
        }
        Ok(chosen
            .into_iter()
            .map(|number| Arc::clone(&self.tests[number]))
            .collect())
    }

    fn meant_by(&self, wanted: &str) -> Vec<usize> {
        let models = select::select(
            &self.pipeline.project.models,
            &[wanted.to_owned()],
            select::Selection::default(),
        );
        let models = models.unwrap_or_default();
        let file = wanted.trim_start_matches("./");
        let words = wanted.to_lowercase();
        let is_meant = |test: &Test| {
            if !models.is_empty() {
                return models.contains(&test.model.0);
            }
            let path = test.file.name.as_str();
            let is_file = path == file
                || path.rsplit('/').next() == Some(file)
                || test.file.path == Path::new(wanted);
            is_file || test.it.to_lowercase().contains(&words)
        };
        let tests = self.tests.iter().enumerate();
        tests
            .filter(|(_, test)| is_meant(test))
            .map(|(number, _)| number)
            .collect()
    }

    fn nothing(&self, wanted: &str) -> Error {
        let models = self.pipeline.project.models.iter();
        let names = models.map(|model| model.name.as_str());
        let plain = wanted.trim_matches('+');
        let (message, hint) = match did_you_mean(plain, names.clone()) {
            Some(meant) if meant == plain => (
                format!("`{plain}` has no tests"),
                format!("write some in `{FOLDER}/{plain}.yml`"),
            ),
            Some(meant) => (
                format!("no test is meant by `{wanted}`"),
                format!("did you mean `{meant}`?"),
            ),
            None => (
                format!("no test is meant by `{wanted}`"),
                "name a model, a file below `sql/tests/`, or words of a test's sentence".to_owned(),
            ),
        };
        Error::usage(message).with_hint(hint)
    }

    /// Runs `tests`, as many at a time as there are processors; the results are in their order.
    pub async fn run(self: &Arc<Self>, tests: Vec<Arc<Test>>, scratch: &Path) -> Vec<Done> {
        let width = std::thread::available_parallelism().map_or(2, usize::from);
        let tasks = tests.into_iter().map(|test| {
            let suite = Arc::clone(self);
            let scratch = scratch.to_owned();
            async move {
                let asked = Arc::clone(&test);
                let task = tokio::spawn(async move { suite.run_one(asked, &scratch).await });
                task.await.unwrap_or_else(|stopped| Done {
                    test,
                    outcome: Outcome::Wrong(Error::bug("a test stopped").because(stopped)),
                    time: Duration::ZERO,
                })
            }
        });
        futures::stream::iter(tasks).buffered(width).collect().await
    }

    /// Runs one test.
    pub async fn run_one(&self, test: Arc<Test>, scratch: &Path) -> Done {
        let begin = std::time::Instant::now();
        let outcome = match session::run(self, &test, scratch).await {
            Ok(None) => Outcome::Passed,
            Ok(Some(failure)) => Outcome::Failed(failure),
            Err(error) => Outcome::Wrong(error),
        };
        Done {
            test,
            outcome,
            time: begin.elapsed(),
        }
    }
}

/// The columns of what `tests` need, and of nothing else: the answer comes in a moment.
async fn some_shapes(
    pipeline: &Pipeline,
    tests: &[Arc<Test>],
    scratch: &Path,
) -> Result<BTreeMap<String, SchemaRef>> {
    let models = &pipeline.project.models;
    let needed = tests.iter();
    let needed = needed.flat_map(|test| select::with_ancestors(models, &test.model.0));
    let needed: BTreeSet<String> = needed.collect();
    let needed = models.iter().filter(|model| needed.contains(&model.name));
    let engine = Engine::new(&pipeline.config, scratch)?;
    let parameters = pipeline.parameters("test");
    let schemas = shapes(&pipeline.config, needed, &parameters, &engine).await?;
    Ok(with_declared(schemas, &pipeline.config))
}

async fn all_shapes(pipeline: &Pipeline, scratch: &Path) -> Result<BTreeMap<String, SchemaRef>> {
    let config = &pipeline.config;
    let engine = Engine::new(config, scratch)?;
    // Checks ask real data; no test concerns them.
    let project = Project {
        checks: vec![],
        ..pipeline.project.clone()
    };
    let parameters = pipeline.parameters("test");
    let checked = check(config, &project, &parameters, &engine).await?;
    if let Some(error) = Error::all(checked.problems.into_iter().flat_map(Error::each)) {
        return Err(error);
    }
    Ok(with_declared(checked.schemas, config))
}

/// With the columns of sources and of what the engine notes.
fn with_declared(
    mut schemas: BTreeMap<String, SchemaRef>,
    config: &Config,
) -> BTreeMap<String, SchemaRef> {
    for source in config.sources.values() {
        schemas.insert(source.name.clone(), source_schema(source).into());
    }
    schemas.extend(engine_tables().map(|(name, schema)| (name.to_owned(), schema)));
    schemas
}

/// The files of tests, in order of name; none if there is no folder.
fn files(project: &Path) -> Result<Vec<File>> {
    let folder = project.join(FOLDER);
    let mut paths = vec![];
    if folder.is_dir() {
        collect(&folder, &mut paths)
            .map_err(|error| Error::usage("the tests cannot be read").because(error))?;
    }
    paths.sort();
    let read = paths.into_iter().map(|path| {
        let text = fs_err::read_to_string(&path)
            .map_err(|error| Error::usage("a test file cannot be read").because(error))?;
        let name = path
            .strip_prefix(project)
            .unwrap_or(&path)
            .display()
            .to_string();
        let name = name.replace('\\', "/");
        Ok(File { path, name, text })
    });
    read.collect()
}

/// Test files below `folder`, without what editors keep for themselves.
pub fn collect(folder: &Path, paths: &mut Vec<std::path::PathBuf>) -> std::io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path
            .extension()
            .is_some_and(|it| it == "yml" || it == "yaml")
        {
            paths.push(path);
        }
    }
    Ok(())
}
