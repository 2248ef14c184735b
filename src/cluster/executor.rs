//! An executor: does the tasks of a scheduler, and keeps what they give until it is fetched.

use std::{path::PathBuf, sync::Arc, time::Duration};

use ballista_core::config::TaskSchedulingPolicy;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;

use super::Scheduler;
use crate::{
    config::Secret,
    engine::{LONGEST_MESSAGE, Stores, functions},
    error::{Error, Result},
    run::build,
};

/// How an executor is set up.
#[derive(Clone, Debug)]
pub struct ExecutorSettings {
    /// The scheduler that it works for: its host and its port.
    pub scheduler: String,
    /// The number of this machine that it listens at.
    pub bind: std::net::IpAddr,
    /// The name or number that others reach it under.
    pub host: Option<String>,
    /// The port where it gives rows out.
    pub port: u16,
    /// The port where it is told of tasks.
    pub task_port: u16,
    /// Tasks at a time.
    pub cores: usize,
    /// Bytes that its tasks may hold before they spill.
    pub memory_limit: usize,
    /// The folder for what tasks give to each other, and for spill files.
    pub folder: PathBuf,
    /// The key that e-mail addresses are hashed under.
    pub email_key: Secret,
    /// How often it says that it lives.
    pub heartbeat: Duration,
}

/// Runs an executor until the process is ended; refused at once by a scheduler that is another program.
pub async fn run(settings: &ExecutorSettings, greeted: impl FnOnce()) -> Result<()> {
    let scheduler = Scheduler::at(&settings.scheduler);
    scheduler
        .greet("executor", &build(&settings.email_key))
        .await?;
    greeted();
    let config = config(settings)?;
    let ended = start_executor_process(Arc::new(config)).await;
    ended.map_err(|error| {
        let message = format!("the executor of `{}` cannot go on", scheduler.display());
        Error::outside(message).because(error)
    })
}

fn config(settings: &ExecutorSettings) -> Result<ExecutorProcessConfig> {
    let odd =
        |error: &dyn std::fmt::Display| Error::outside("an executor cannot start").because(error);
    fs_err::create_dir_all(&settings.folder).map_err(|error| odd(&error))?;
    let folder = settings.folder.clone();
    let (host, port) = settings
        .scheduler
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse().ok()?)))
        .ok_or_else(|| Error::bug("a scheduler without a port"))?;
    Ok(ExecutorProcessConfig {
        bind_host: settings.bind.to_string(),
        external_host: settings.host.clone(),
        port: settings.port,
        grpc_port: settings.task_port,
        scheduler_host: host.to_owned(),
        scheduler_port: port,
        vcores: settings.cores,
        task_scheduling_policy: TaskSchedulingPolicy::PushStaged,
        work_dir: Some(settings.folder.display().to_string()),
        grpc_max_decoding_message_size: LONGEST_MESSAGE,
        grpc_max_encoding_message_size: LONGEST_MESSAGE,
        executor_heartbeat_interval_seconds: settings.heartbeat.as_secs().max(1),
        memory_pool_size: Some(settings.memory_limit as u64),
        override_function_registry: Some(Arc::new(
            functions(&settings.email_key).map_err(|error| odd(&error))?,
        )),
        override_runtime_producer: Some(Arc::new(move |_| {
            Stores::runtime(RuntimeEnvBuilder::new().with_temp_file_path(&folder))
        })),
        ..ExecutorProcessConfig::default()
    })
}
