//! `dfpipe cluster scheduler|executor`: the two roles of a cluster, by the same program as everything else.

use clap::Subcommand;

use super::Context;
use crate::error::Result;

/// Work for the runs of others: be the scheduler or an executor of a cluster
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    role: Role,
}

/// What a process is to the cluster.
#[derive(Debug, Subcommand)]
enum Role {
    /// Take the plans of runs, cut them into tasks, and give these to executors
    Scheduler(Scheduler),
    /// Do the tasks of a scheduler
    Executor(Executor),
}

/// How a scheduler is called.
#[derive(Debug, clap::Args)]
struct Scheduler {
    /// Where to listen
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:50050",
        env = "DFPIPE_BIND"
    )]
    bind: std::net::SocketAddr,
    /// The name or number that executors reach this machine under
    #[arg(
        long,
        value_name = "HOST",
        default_value = "localhost",
        env = "DFPIPE_HOST"
    )]
    host: String,
    /// Seconds that an executor may be silent before its tasks are given to others
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    executor_timeout: u64,
}

/// How an executor is called.
#[derive(Debug, clap::Args)]
struct Executor {
    /// The scheduler to work for [default: the profile's]
    #[arg(long, value_name = "df://HOST:PORT", env = "DFPIPE_SCHEDULER")]
    scheduler: Option<String>,
    /// The number of this machine to listen at
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1",
        env = "DFPIPE_BIND"
    )]
    bind: std::net::IpAddr,
    /// The name or number that others reach this machine under [default: what they see]
    #[arg(long, value_name = "HOST", env = "DFPIPE_HOST")]
    host: Option<String>,
    /// The port where rows are given out
    #[arg(long, value_name = "PORT", default_value_t = 50051)]
    port: u16,
    /// The port where tasks are told
    #[arg(long, value_name = "PORT", default_value_t = 50052)]
    task_port: u16,
    /// Tasks at a time [default: the profile's `engine.partitions`]
    #[arg(long, value_name = "COUNT")]
    cores: Option<usize>,
    /// Folder for what tasks give to each other [default: one of its own for temporary files]
    #[arg(long, value_name = "DIR")]
    folder: Option<std::path::PathBuf>,
    /// Seconds between signs of life
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    heartbeat: u64,
}

/// Does the work of a role until the process is ended.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    match arguments.role {
        Role::Scheduler(scheduler) => scheduler.execute(context).await,
        Role::Executor(executor) => executor.execute(context).await,
    }
}

#[cfg(feature = "cluster")]
mod roles {
    use std::time::Duration;

    use super::{Context, Executor, Result, Scheduler};
    use crate::{
        cluster::{ExecutorSettings, SchedulerSettings, run_executor, run_scheduler},
        error::Error,
    };

    impl Scheduler {
        pub(super) async fn execute(self, context: &Context) -> Result<()> {
            let settings = SchedulerSettings {
                bind: self.bind,
                host: self.host,
                email_key: context.config()?.email_hash_key,
                executor_timeout: Duration::from_secs(self.executor_timeout),
            };
            run_scheduler(&settings, |address| {
                context
                    .screen
                    .note(&format!("scheduler listening at df://{address}"));
            })
            .await
        }
    }

    impl Executor {
        pub(super) async fn execute(self, context: &Context) -> Result<()> {
            let config = context.config()?;
            let named = match self.scheduler.as_deref() {
                Some(address) => Some(address.strip_prefix("df://").unwrap_or(address).to_owned()),
                None => config
                    .engine
                    .ballista
                    .as_ref()
                    .map(|ballista| ballista.scheduler.clone()),
            };
            let scheduler = named.ok_or_else(|| {
                Error::usage("an executor needs a scheduler to work for")
                    .with_hint("name it: `--scheduler df://HOST:PORT`, or a profile that has one")
            })?;
            let own = tempfile::tempdir()
                .map_err(|error| Error::outside("an executor has no folder").because(error))?;
            let settings = ExecutorSettings {
                bind: self.bind,
                host: self.host,
                port: self.port,
                task_port: self.task_port,
                cores: self.cores.unwrap_or(config.engine.partitions),
                memory_limit: config.engine.memory_limit,
                folder: self.folder.unwrap_or_else(|| own.path().to_owned()),
                email_key: config.email_hash_key,
                heartbeat: Duration::from_secs(self.heartbeat),
                scheduler,
            };
            run_executor(&settings, || {
                context
                    .screen
                    .note(&format!("executor working for df://{}", settings.scheduler));
            })
            .await
        }
    }
}

#[cfg(not(feature = "cluster"))]
mod roles {
    use std::future::{Ready, ready};

    use super::{Context, Executor, Result, Scheduler};
    use crate::cluster::refused;

    impl Scheduler {
        #[expect(clippy::unused_self, reason = "another build starts the role")]
        pub(super) fn execute(self, _: &Context) -> Ready<Result<()>> {
            ready(Err(refused()))
        }
    }

    impl Executor {
        #[expect(clippy::unused_self, reason = "another build starts the role")]
        pub(super) fn execute(self, _: &Context) -> Ready<Result<()>> {
            ready(Err(refused()))
        }
    }
}
