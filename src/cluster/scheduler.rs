//! The scheduler: takes plans, cuts them into stages, gives their tasks to executors.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use ballista_core::{
    config::TaskSchedulingPolicy,
    serde::protobuf::{
        CancelJobParams,
        scheduler_grpc_server::{SchedulerGrpc, SchedulerGrpcServer},
        task_status::Status,
    },
};
use ballista_scheduler::{
    cluster::{BallistaCluster, JobState},
    config::SchedulerConfig,
    scheduler_process::create_scheduler,
    scheduler_server::SchedulerServer,
    state::{
        execution_graph::{ExecutionGraph, ExecutionGraphBox},
        execution_stage::ExecutionStage,
    },
};
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tokio::net::TcpListener;
use tonic::{Request, service::RoutesBuilder};

use super::hello::{Crew, Hello, JOBS, PATH};
use crate::{
    config::Secret,
    engine::{LONGEST_MESSAGE, planning_state},
    error::{Error, Result},
    run::{
        build,
        record::{Build, Job},
    },
};

type Server = SchedulerServer<LogicalPlanNode, PhysicalPlanNode>;

/// How a scheduler is set up.
#[derive(Clone, Debug)]
pub struct SchedulerSettings {
    /// Where it listens.
    pub bind: SocketAddr,
    /// The name or number that executors reach it under.
    pub host: String,
    /// The key that e-mail addresses are hashed under.
    pub email_key: Secret,
    /// How long an executor may be silent before its tasks are given to others.
    pub executor_timeout: Duration,
}

/// Runs a scheduler until the process is ended; `listening` hears where.
pub async fn run(settings: &SchedulerSettings, listening: impl FnOnce(SocketAddr)) -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::outside(format!("a scheduler cannot listen at `{}`", settings.bind)).because(error)
    };
    let listener = TcpListener::bind(settings.bind).await;
    let listener = listener.map_err(|error| failed(&error))?;
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    let config = Arc::new(config(settings, address.port()));
    let cluster = BallistaCluster::new_from_config(&config).await;
    let cluster = cluster.map_err(|error| failed(&error))?;
    let jobs = cluster.job_state();
    let server: Server = create_scheduler(cluster, config)
        .await
        .map_err(|error| failed(&error))?;
    let routes = routes(Known {
        build: build(&settings.email_key),
        server,
        jobs,
    });
    listening(address);
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .await
        .map_err(|error| failed(&error))
}

fn config(settings: &SchedulerSettings, port: u16) -> SchedulerConfig {
    let email_key = settings.email_key.clone();
    let silence = settings.executor_timeout.as_secs().max(1);
    SchedulerConfig {
        bind_host: settings.bind.ip().to_string(),
        bind_port: port,
        external_host: settings.host.clone(),
        // Executors are told of tasks; asking for them costs a tenth of a second per stage.
        scheduling_policy: TaskSchedulingPolicy::PushStaged,
        executor_timeout_seconds: silence,
        expire_dead_executor_interval_seconds: (silence / 4).max(1),
        no_executors_grace_period_seconds: silence,
        grpc_server_max_decoding_message_size: LONGEST_MESSAGE,
        grpc_server_max_encoding_message_size: LONGEST_MESSAGE,
        grpc_client_max_message_size: LONGEST_MESSAGE,
        override_session_builder: Some(Arc::new(move |config| planning_state(config, &email_key))),
        ..SchedulerConfig::default()
    }
}

/// What a scheduler is asked about.
struct Known {
    /// The program that it is.
    build: Build,
    /// Ballista's own scheduler: it knows executors, and queries that go on.
    server: Server,
    /// It knows queries that are over.
    jobs: Arc<dyn JobState>,
}

/// Ballista's own service, and what a scheduler says of itself.
fn routes(known: Known) -> Router {
    let ballista = SchedulerGrpcServer::new(known.server.clone())
        .max_encoding_message_size(LONGEST_MESSAGE as usize)
        .max_decoding_message_size(LONGEST_MESSAGE as usize);
    let mut services = RoutesBuilder::default();
    services.add_service(ballista);
    let own = Router::new()
        .route(PATH, get(hello))
        .route(&format!("{JOBS}/{{*name}}"), get(job).delete(cancel))
        .with_state(Arc::new(known));
    services.routes().into_axum_router().merge(own)
}

/// How far the query of this name is: the one that goes on, or else the last one that is over.
async fn job(State(known): State<Arc<Known>>, Path(name): Path<String>) -> Json<Option<Job>> {
    let crew = crew(&known).await;
    let going_on = known.server.state.task_manager.get_running_job_cache();
    for job in going_on.values() {
        let graph = job.execution_graph.read().await;
        if graph.job_name() == name {
            return Json(Some(report(&**graph, &crew)));
        }
    }
    let over = over(&*known.jobs, &name).await;
    Json(over.map(|graph| report(&*graph, &crew)))
}

/// Ends the queries that go on whose names begin so: whoever asked them is gone.
async fn cancel(State(known): State<Arc<Known>>, Path(name): Path<String>) {
    let going_on = known.server.state.task_manager.get_running_job_cache();
    for (id, job) in going_on.iter() {
        if !job
            .execution_graph
            .read()
            .await
            .job_name()
            .starts_with(&name)
        {
            continue;
        }
        let asked = CancelJobParams {
            job_id: id.to_string(),
        };
        // One that ended just now needs no ending.
        let _ = SchedulerGrpc::cancel_job(&known.server, Request::new(asked)).await;
    }
}

/// The last query of this name that is over.
async fn over(jobs: &dyn JobState, name: &str) -> Option<ExecutionGraphBox> {
    let mut last: Option<ExecutionGraphBox> = None;
    for id in jobs.get_all_jobs().await.ok()? {
        let status = jobs.get_job_status(&id).await.ok().flatten();
        if status.is_none_or(|status| status.job_name != name) {
            continue;
        }
        let graph = jobs.get_execution_graph(&id).await.ok().flatten();
        let later = |graph: &ExecutionGraphBox| {
            let last = last.as_ref();
            last.is_none_or(|last| last.start_time() <= graph.start_time())
        };
        if let Some(graph) = graph.filter(later) {
            last = Some(graph);
        }
    }
    last
}

fn report(graph: &dyn ExecutionGraph, crew: &[Crew]) -> Job {
    let stages = graph.stages();
    let mut executors = BTreeSet::new();
    let mut job = Job {
        stages: stages.len(),
        stages_done: graph.completed_stages(),
        ..Job::default()
    };
    for stage in stages.values() {
        let tasks = match stage {
            ExecutionStage::Running(stage) => &stage.task_infos,
            ExecutionStage::Successful(stage) => &stage.task_infos,
            _ => continue,
        };
        for task in tasks {
            let executor = match &task.task_status {
                Status::Running(task) => &task.executor_id,
                Status::Successful(task) => {
                    job.tasks_done += 1;
                    &task.executor_id
                }
                // It is done again as another task.
                Status::Failed(_) => continue,
            };
            job.tasks += 1;
            let known = crew.iter().find(|one| one.id == *executor);
            executors.insert(known.map_or(executor, |one| &one.address));
        }
    }
    job.executors = executors.into_iter().cloned().collect();
    job
}

async fn hello(State(known): State<Arc<Known>>) -> Json<Hello> {
    Json(Hello {
        build: known.build.clone(),
        executors: crew(&known).await,
        jobs: known
            .server
            .state
            .task_manager
            .get_running_job_cache()
            .len(),
    })
}

async fn crew(known: &Known) -> Vec<Crew> {
    let executors = &known.server.state.executor_manager;
    // A scheduler that does not know its executors has none.
    let executors = executors.get_executors_state().await.unwrap_or_default();
    let crew = executors.into_iter().map(|(executor, ..)| Crew {
        address: format!("{}:{}", executor.host, executor.port),
        cores: executor.specification.vcores,
        id: executor.id,
    });
    crew.collect()
}
