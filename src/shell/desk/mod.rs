//! A session with a project's tables: what a statement may name, and its answer.
//!
//! ```text
//! run         models, raw extracts, rejects, dead letters, check failures of the run that is looked at
//! warehouse   the destination's table, and its latest loads
//! source      the sources themselves, live
//! history     all runs, as tables
//! ```

use std::{path::PathBuf, sync::Arc};

use tempfile::TempDir;

use crate::{
    clock::Clock,
    config::{self, Config, To},
    engine::{Answer, Asked, Engine, Question, Rights},
    error::{Error, Result},
    model::{File, Parameters, Reference},
    run::{
        Cluster, Pipeline,
        history::{self, Live, Past},
    },
    sources::Window,
};

mod cost;
mod far;
mod model_call;
mod past;
mod places;

pub use far::Where;
pub use places::Places;

/// The schema of a run's tables.
pub const RUN: &str = "run";

/// The schema of the destination's tables.
pub const WAREHOUSE: &str = "warehouse";

/// The schema of live sources.
pub const SOURCE: &str = history::LIVE;

/// The schema of all runs.
pub const HISTORY: &str = "history";

/// The schema of what there is.
const CATALOGUE: &str = "information_schema";

/// What is looked at.
#[derive(Clone, Debug)]
pub enum Look {
    /// A run: the last finished one, if none is named.
    Run(Option<String>),
    /// No run: the sources as they are.
    Live,
}

/// A session.
pub struct Desk {
    /// The configuration.
    pub config: Arc<Config>,
    /// The run that is looked at.
    pub run: Option<Past>,
    /// Where files may be written.
    pub places: Places,
    /// What `$name` stands for.
    pub parameters: Parameters,
    engine: Engine,
    /// What answers questions about the run, if not the engine.
    cluster: Option<Cluster>,
    window: Window,
    /// The sources, with what was noted when they were read.
    live: Vec<Live>,
    scratch: TempDir,
    /// Whether tables of the run wait to be opened.
    is_closed: bool,
}

impl Desk {
    /// A session of the project of `config`.
    pub async fn open(config: Config, look: &Look, clock: &Clock) -> Result<Self> {
        let config = Arc::new(config);
        let scratch = tempfile::tempdir()
            .map_err(|error| Error::outside("questions have no folder").because(error))?;
        let engine = Engine::new(&config, &scratch.path().join("spill"))?.for_a_person();
        let as_of = config.as_of.unwrap_or_else(|| clock.now());
        let window = Window::before(as_of, config.window_days);
        let live = history::open_sources(&engine, &config, window)?;
        let mut desk = Self {
            places: Places::of(&config)?,
            run: None,
            parameters: Parameters::default(),
            config,
            engine,
            cluster: None,
            window,
            live,
            scratch,
            is_closed: false,
        };
        match look {
            Look::Run(name) => desk.find(name.as_deref()).await?,
            Look::Live => desk.look_live()?,
        }
        Ok(desk)
    }

    /// Looks at another run.
    pub async fn look_at(&mut self, run: Option<&str>) -> Result<()> {
        self.find(run).await?;
        self.open_run().await
    }

    /// Finds the run that is looked at. Its tables are opened as they are asked for.
    async fn find(&mut self, run: Option<&str>) -> Result<()> {
        let past = history::find(&self.config, run).await?;
        self.engine.create_schema(RUN)?;
        self.engine.look_in(RUN);
        self.parameters = Parameters::of_run(&past.record.parameters);
        self.run = Some(past);
        self.is_closed = true;
        if self.cluster.is_some() {
            // It knows the tables of the other run.
            self.answer_at(Where::Ballista).await?;
        }
        Ok(())
    }

    /// Opens all tables of the run that is looked at.
    pub async fn open_run(&mut self) -> Result<()> {
        if let Some(past) = self.run.as_ref().filter(|_| self.is_closed) {
            history::open_some(&self.engine, past, |_| true).await?;
        }
        self.is_closed = false;
        Ok(())
    }

    /// Opens those that a question reads; all, if it is about what there is, or reads what there is not.
    async fn open_read(&mut self, question: &Question) -> Result<()> {
        let Some(past) = self.run.as_ref().filter(|_| self.is_closed) else {
            return Ok(());
        };
        let names = question.reads.iter().map(|read| read.table.as_str());
        let prefix = format!("{RUN}.");
        let names: Vec<&str> = names
            .map(|name| name.strip_prefix(&prefix).unwrap_or(name))
            .collect();
        history::open_some(&self.engine, past, |name| names.contains(&name)).await?;
        let is_there = |name: &&str| self.engine.knows(name) && !name.starts_with(CATALOGUE);
        if question.asked() == Asked::Rows && names.iter().all(is_there) {
            return Ok(());
        }
        self.open_run().await
    }

    fn look_live(&mut self) -> Result<()> {
        self.engine.look_in(SOURCE);
        self.parameters = self.pipeline()?.parameters("shell");
        Ok(())
    }

    /// The session.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A folder for what is built by the way.
    pub fn scratch(&self) -> PathBuf {
        self.scratch.path().to_owned()
    }

    /// The models as they stand in the project now.
    pub fn pipeline(&self) -> Result<Pipeline> {
        Ok(Pipeline {
            project: Pipeline::project(&self.config, &self.config.project, &[])?,
            config: Arc::clone(&self.config),
            window: self.window,
        })
    }

    /// The run that is looked at, for those who cannot do without.
    pub fn past(&self) -> Result<&Past> {
        self.run.as_ref().ok_or_else(|| {
            Error::usage("no run is looked at").with_hint("choose one: `\\use last`")
        })
    }

    /// Sets a parameter, as it was typed.
    pub fn set(&mut self, name: &str, value: &str) {
        self.parameters.set(name, &parameter(value));
    }

    /// What `file` asks, which is one statement. `may_write`: in a shell, and not in a script's question.
    pub async fn ask(&mut self, file: File, may_write: bool) -> Result<Answer> {
        self.live.iter().for_each(Live::forget);
        let mut question = Question::parse(file)?;
        self.may_ask_warehouse(&question.reads)?;
        self.open_named_schemas(&question.file.text).await?;
        let mut lent = self.open_past_models(&mut question).await?;
        let answer = match self.engine.open_named_files(&question.reads).await {
            Ok(names) => {
                lent.extend(names);
                self.answer(question, may_write).await
            }
            Err(error) => Err(error),
        };
        self.engine.close_named_files(&lent);
        answer
    }

    async fn answer(&mut self, question: Question, may_write: bool) -> Result<Answer> {
        let question = match self.far_answer(question).await? {
            Ok(answer) => return Ok(answer),
            Err(question) => question,
        };
        self.open_read(&question).await?;
        let places = &self.places;
        let write = |target: &str| places.check(target).map(|_| ());
        let rights = Rights {
            define: may_write,
            write: may_write.then_some(&write),
        };
        self.engine
            .answer(question, &self.parameters, &rights)
            .await
    }

    /// Opens what takes a moment to open, where the statement speaks of it: no other should wait for it.
    async fn open_named_schemas(&self, statement: &str) -> Result<()> {
        let statement = statement.to_lowercase();
        let lists_all = ["show", CATALOGUE];
        let names = |schema: &str| statement.contains(schema);
        let all = lists_all.iter().any(|word| names(word));
        if all || names(WAREHOUSE) {
            self.open_warehouse().await?;
        }
        if names(HISTORY) {
            self.open_history().await?;
        }
        Ok(())
    }

    /// Opens the destination's tables.
    pub async fn open_warehouse(&self) -> Result<()> {
        history::open_warehouse(&self.engine, &self.config).await
    }

    /// Opens the tables of all runs.
    pub async fn open_history(&self) -> Result<()> {
        past::open(&self.engine, &self.config).await
    }

    /// The tables of a schema; what takes a moment to open is named without.
    pub fn tables(&self, schema: &str) -> Vec<String> {
        match schema {
            HISTORY => past::names().map(str::to_owned).collect(),
            WAREHOUSE if !self.has_files() => vec![],
            WAREHOUSE => {
                let table = &self.config.destination.table;
                vec![table.clone(), format!("{table}_latest")]
            }
            schema => self.engine.tables(schema),
        }
    }

    /// What a reader of the last answer should know of the live sources that it read. An error if one of them did
    /// not come to its end.
    pub fn notes(&self) -> Result<Vec<String>> {
        let notes: Result<Vec<_>> = self.live.iter().map(Live::notes).collect();
        Ok(notes?.into_iter().flatten().collect())
    }

    /// An error where the destination is asked for and holds no files.
    fn may_ask_warehouse(&self, reads: &[Reference]) -> Result<()> {
        let prefix = format!("{WAREHOUSE}.");
        let read = reads.iter().find(|read| read.table.starts_with(&prefix));
        match read {
            Some(read) if !self.has_files() => {
                let message = format!("`{}` cannot be asked from here", read.table);
                Err(Error::usage(message)
                    .because("the warehouse is BigQuery, and only folders of Parquet files are read")
                    .with_hint("ask it in the console of BigQuery, or ask a run: its models are tables here")
                    .at(read.place.clone()))
            }
            _ => Ok(()),
        }
    }

    fn has_files(&self) -> bool {
        matches!(self.config.destination.to, To::Parquet(_))
    }
}

/// A value as it was typed: a number, a truth, or text.
fn parameter(value: &str) -> config::Parameter {
    if let Ok(number) = value.parse() {
        return config::Parameter::Integer(number);
    }
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => config::Parameter::Number(number),
        _ => match value {
            "true" => config::Parameter::Boolean(true),
            "false" => config::Parameter::Boolean(false),
            text => config::Parameter::Text(text.to_owned()),
        },
    }
}
