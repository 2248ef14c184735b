//! How a run begins: all that can be refused is refused here, before anything is read or written.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use datafusion::arrow::datatypes::SchemaRef;

use super::{
    Around, Event, Execution, Pipeline, Request, RunFolder, State, archive, columns, history,
    identity,
    journal::{self, Begun, Entry, Journal},
    load,
    lock::Lock,
    plan::obstacles,
    record::{Build, EngineRecord, Resumption, RunRecord, Status},
    resume,
    scratch::Scratch,
    selection,
};
use crate::{
    engine::{Engine, Followed},
    error::{Error, Result},
    model::{Parameters, combined, versions},
    sinks::{self, Sink},
};

/// Begins a run, or goes on with one.
pub async fn begin<'a>(
    pipeline: &'a Pipeline,
    request: &Request,
    around: &'a Around<'a>,
) -> Result<Execution<'a>> {
    match &request.resume {
        Some(folder) => go_on(pipeline, folder, request, around).await,
        None if request.dry_run => dry_run(pipeline, request, around).await,
        None => anew(pipeline, request, around).await,
    }
}

/// What every beginning makes sure of.
async fn prepare(pipeline: &Pipeline, select: &[String]) -> Result<Prepared> {
    let selected = selection::resolve(pipeline, select).await?;
    let mut checked = pipeline.checked().await?;
    let columns = checked.schemas.remove(&pipeline.config.destination.model);
    Ok(Prepared {
        columns: columns.ok_or_else(|| Error::bug("the loaded model has no columns"))?,
        loads: load::loads_result(pipeline, &selected),
        personal: Arc::new(checked.personal),
        sink: sinks::open(&pipeline.config)?,
        selected,
    })
}

struct Prepared {
    selected: BTreeSet<String>,
    sink: Box<dyn Sink>,
    loads: bool,
    personal: Arc<Followed>,
    /// The columns of the model that is loaded.
    columns: SchemaRef,
}

async fn anew<'a>(
    pipeline: &'a Pipeline,
    request: &Request,
    around: &'a Around<'a>,
) -> Result<Execution<'a>> {
    let config = &pipeline.config;
    let prepared = prepare(pipeline, &request.select).await?;
    let lock = take_lock(pipeline, around)?;
    if prepared.loads {
        resume::refuse_unfinished(pipeline, request.fresh, around.clock)?;
    }
    let mut load_number = None;
    let mut notes = vec![];
    if prepared.loads {
        let sink = prepared.sink.as_ref();
        load_number = Some(load::next_load(pipeline, request.new_load, sink).await?);
        let allow_lost = request.allow_lost_columns;
        notes = columns::compared(pipeline, &prepared.columns, allow_lost, sink).await?;
    }
    archive::make_sure(config, pipeline.window.run_date()).await?;
    let folder = RunFolder::create(config, &pipeline.window, around.clock.now())?;
    lock.name(config, &folder.run_id)?;
    let build = identity::build(&config.email_hash_key);
    let mut record = record(pipeline, &folder, request, build.clone(), around);
    record.warnings.extend(notes);
    let mut journal = Journal::open(&folder, around.clock.clone(), around.journalled)?;
    journal.append(Entry::Begun(Begun {
        pipeline: config.pipeline.clone(),
        profile: config.profile.clone(),
        as_of: pipeline.window.end,
        select: request.select.clone(),
        uses: request.uses.clone(),
        new_load: request.new_load,
        allow_lost_columns: request.allow_lost_columns,
        allow_partial: request.allow_partial,
        started_at: record.started_at,
        build,
    }))?;
    let execution = Execution {
        load_number,
        allow_lost_columns: request.allow_lost_columns,
        allow_partial: request.allow_partial,
        journal: Some(Mutex::new(journal)),
        lock: Some(lock),
        ..execution(pipeline, around, prepared, folder, record)?
    };
    execution.started(false)
}

async fn dry_run<'a>(
    pipeline: &'a Pipeline,
    request: &Request,
    around: &'a Around<'a>,
) -> Result<Execution<'a>> {
    let prepared = prepare(pipeline, &request.select).await?;
    let sink = prepared.sink.as_ref();
    let loaded = prepared.loads.then_some(prepared.columns.as_ref());
    let found = obstacles::find(pipeline, request, loaded, sink, around.clock).await;
    let scratch = Scratch::create(
        &pipeline.config.work_dir,
        would_load(pipeline, &prepared, &found),
    )?;
    let folder = RunFolder::scratch(scratch.path(), around.clock.now())?;
    let build = identity::build(&pipeline.config.email_hash_key);
    let mut record = record(pipeline, &folder, request, build, around);
    let stopping = found.obstacles.iter();
    let stopping = stopping.map(|obstacle| format!("a real run would stop: {}", obstacle.message));
    record.warnings.extend(stopping.collect::<Vec<_>>());
    record.warnings.extend(found.notes);
    let execution = Execution {
        scratch: Some(scratch),
        allow_partial: request.allow_partial,
        ..execution(pipeline, around, prepared, folder, record)?
    };
    execution.started(false)
}

/// What a real run would load, in words.
fn would_load(pipeline: &Pipeline, prepared: &Prepared, found: &obstacles::Found) -> String {
    if !prepared.loads {
        return "a real run would not load either, since not all that it needs is selected"
            .to_owned();
    }
    if let Some(obstacle) = found.obstacles.first() {
        return format!("a real run would stop, since {}", obstacle.message);
    }
    let destination = prepared.sink.destination();
    let date = pipeline.window.run_date();
    match found.load_number {
        Some(number) => format!("a real run would append load {number} of {date} to {destination}"),
        None => format!("a real run would append a load of {date} to {destination}"),
    }
}

async fn go_on<'a>(
    pipeline: &'a Pipeline,
    folder: &RunFolder,
    asked: &Request,
    around: &'a Around<'a>,
) -> Result<Execution<'a>> {
    let config = &pipeline.config;
    let lock = take_lock(pipeline, around)?;
    let state = State::replay(journal::read(folder)?)?;
    resume::refuse_step_behind(&state, asked.until)?;
    let prepared = prepare(pipeline, &state.begun.select).await?;
    let sink = prepared.sink.as_ref();
    let load_number = match &state.load {
        Some(_) => Some(load::settled_number(pipeline, &folder.run_id, &state, sink).await?),
        None if prepared.loads => {
            Some(load::next_load(pipeline, state.begun.new_load, sink).await?)
        }
        None => None,
    };
    // Of a load that has begun, the columns are what they were then.
    let notes = match load_number {
        Some(_) if state.load.is_none() => {
            let allow_lost = state.begun.allow_lost_columns;
            columns::compared(pipeline, &prepared.columns, allow_lost, sink).await?
        }
        _ => vec![],
    };
    archive::make_sure(config, pipeline.window.run_date()).await?;
    lock.name(config, &folder.run_id)?;
    super::folder::remove_folder(&folder.spill())?;
    let folder = folder.clone().with_folders()?;
    let build = identity::build(&config.email_hash_key);
    let request = Request {
        select: state.begun.select.clone(),
        ..Request::default()
    };
    let mut record = record(pipeline, &folder, &request, build.clone(), around);
    record.warnings.extend(notes);
    record.started_at = state.begun.started_at;
    record.steps.clone_from(&state.steps);
    record.resumed.clone_from(&state.resumed);
    record.resumed.push(Resumption {
        at: record.finished_at,
        kept: state.sources.len() + state.models.len(),
        redone: vec![],
    });
    // What the destination may hold was built with these values, whatever they are by now.
    let parameters = match &state.load {
        Some(load) => load.parameters.clone(),
        None => record.parameters.clone(),
    };
    record.parameters.clone_from(&parameters);
    if state.may_have_loaded()
        && let Ok(then) = history::record(&folder)
    {
        record.configuration = then.configuration;
    }
    let mut journal = Journal::open(&folder, around.clock.clone(), around.journalled)?;
    journal.append(Entry::Resumed { build })?;
    let execution = Execution {
        parameters: Parameters::of_run(&parameters),
        load_number,
        allow_lost_columns: state.begun.allow_lost_columns,
        allow_partial: asked.allow_partial || state.begun.allow_partial,
        // What the destination may hold was made of it.
        takes_partial: asked.allow_partial || state.may_have_loaded(),
        journal: Some(Mutex::new(journal)),
        earlier: Some(state),
        lock: Some(lock),
        ..execution(pipeline, around, prepared, folder, record)?
    };
    execution.started(true)
}

fn take_lock(pipeline: &Pipeline, around: &Around<'_>) -> Result<Lock> {
    let (lock, stale) = Lock::take(&pipeline.config, around.clock)?;
    if let Some(owner) = stale {
        let run = owner.run_id.unwrap_or_else(|| "a run".to_owned());
        let message = format!(
            "`{run}` ended without a word (process {} on `{}`); its lock is taken over",
            owner.pid, owner.host
        );
        around.progress.report(&Event::Warning { message });
    }
    Ok(lock)
}

fn execution<'a>(
    pipeline: &'a Pipeline,
    around: &'a Around<'a>,
    prepared: Prepared,
    folder: RunFolder,
    record: RunRecord,
) -> Result<Execution<'a>> {
    Ok(Execution {
        engine: Arc::new(Engine::new(&pipeline.config, &folder.spill())?),
        cluster: None,
        parameters: pipeline.parameters(&folder.run_id),
        pipeline,
        around,
        folder,
        sink: prepared.sink,
        journal: None,
        record,
        earlier: None,
        selected: prepared.selected,
        personal: prepared.personal,
        load_number: None,
        allow_lost_columns: false,
        allow_partial: false,
        takes_partial: false,
        lock: None,
        scratch: None,
    })
}

impl<'a> Execution<'a> {
    /// Writes down what the run is made of, and says that it goes.
    fn started(self, resumed: bool) -> Result<Execution<'a>> {
        // Once the load has begun, what lies there is what the run goes on with: were it written anew,
        // dying in between would leave the run without.
        if !self.earlier.as_ref().is_some_and(State::may_have_loaded) {
            self.keep_sql()?;
        }
        self.save()?;
        let models = self.pipeline.project.models.iter();
        let models = models.filter(|model| self.selected.contains(&model.name));
        self.tell(&Event::RunStarted {
            record: Box::new(self.record.clone()),
            run_id: self.record.run_id.clone(),
            resumed,
            sources: self.pipeline.config.sources.keys().cloned().collect(),
            models: models.map(|model| model.name.clone()).collect(),
        });
        Ok(self)
    }

    /// Keeps the SQL beside the data: the run can be looked into, and replayed, anywhere.
    fn keep_sql(&self) -> Result<()> {
        super::folder::remove_folder(&self.folder.sql())?;
        let project = &self.pipeline.project;
        let models = project.models.iter().map(|model| &model.sql.file);
        for file in models.chain(project.checks.iter().map(|check| &check.sql.file)) {
            // A released version stands where its model's file would.
            let name = match file.name.strip_prefix(versions::FOLDER) {
                Some(text) => format!("sql/{}.sql", text.split('@').next().unwrap_or(text)),
                None => file.name.clone(),
            };
            let path = self.path().join(&name);
            super::folder::create_folder(path.parent().unwrap_or(&path))?;
            self.folder.write(&name, &file.text)?;
        }
        Ok(())
    }
}

/// The record of a run that begins.
fn record(
    pipeline: &Pipeline,
    folder: &RunFolder,
    request: &Request,
    build: Build,
    around: &Around<'_>,
) -> RunRecord {
    let config = &pipeline.config;
    let now = around.clock.now();
    let parameters = pipeline.parameters(&folder.run_id);
    let parameters = parameters
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    RunRecord {
        run_id: folder.run_id.clone(),
        pipeline: config.pipeline.clone(),
        profile: config.profile.clone(),
        status: Status::Running,
        failure: None,
        build,
        configuration: config.said.clone(),
        select: request.select.clone(),
        as_of: pipeline.window.end,
        is_as_of_fixed: config.as_of == Some(pipeline.window.end),
        window_start: pipeline.window.start,
        window_end: pipeline.window.end,
        run_date: pipeline.window.run_date(),
        started_at: now,
        finished_at: now,
        source_version: combined(&pipeline.project.models),
        parameters: parameters.collect(),
        engine: EngineRecord {
            memory_limit: config.engine.memory_limit,
            partitions: config.engine.partitions,
            cluster: None,
        },
        steps: vec![],
        resumed: vec![],
        sources: vec![],
        models: vec![],
        checks: vec![],
        summary: vec![],
        rejects: vec![],
        charts: vec![],
        flow: vec![],
        previous: vec![],
        load: None,
        warnings: pipeline.working_copies(),
        peak_memory: None,
        folder: folder.path().display().to_string(),
    }
}
