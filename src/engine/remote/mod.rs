//! A session whose queries a cluster executes.
//!
//! It has the same functions and the same rules as one that executes here; only who makes a plan into operators is
//! another. Its tables are Parquet files that the machines of the cluster can read, never rows of this process.

use std::sync::Arc;

use ballista_core::{
    extension::SessionConfigExt, optimizer::with_ballista_optimizer_rules,
    planner::BallistaQueryPlanner,
};
use datafusion::{
    execution::{SessionStateBuilder, runtime_env::RuntimeEnvBuilder},
    optimizer::Optimizer,
    prelude::SessionContext,
};
use datafusion_proto::protobuf::LogicalPlanNode;

use super::{
    Engine,
    session::{registered, session_config, with_rules},
};
use crate::{
    config::{self, Secret},
    error::{Error, Result},
};

mod registry;
mod single_rows;
mod stores;

pub use registry::{functions, planning_state};
pub use stores::Stores;

/// Bytes of a message between the machines of a cluster: plans with many files are long.
pub const LONGEST_MESSAGE: u32 = 256 * 1024 * 1024;

impl Engine {
    /// The same session, whose queries the scheduler knows by this name.
    #[must_use]
    pub fn as_job(&self, name: &str) -> Self {
        let mut state = self.context.state();
        let config = state.config().clone().with_ballista_job_name(name);
        *state.config_mut() = config;
        Self {
            context: SessionContext::new_with_state(state),
            ..self.clone()
        }
    }

    /// A session under the limits of `settings` whose queries go to the scheduler at `url`.
    pub fn on_cluster(settings: &config::Engine, email_key: &Secret, url: &str) -> Result<Self> {
        let failed = |error: datafusion::error::DataFusionError| {
            Error::outside("a session with the cluster cannot start").because(error)
        };
        let local = Self::with(settings, email_key, &std::env::temp_dir())?;
        let config = session_config(settings)
            .upgrade_for_ballista()
            // The adaptive planner has each task of a `union all` do every branch that ends in one partition.
            .with_ballista_adaptive_query_planner(false)
            .with_ballista_grpc_client_max_message_size(LONGEST_MESSAGE as usize);
        let planner =
            BallistaQueryPlanner::<LogicalPlanNode>::new(url.to_owned(), config.ballista_config());
        let rules = with_ballista_optimizer_rules(&Optimizer::default().rules);
        let runtime = RuntimeEnvBuilder::new();
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Stores::runtime(runtime).map_err(failed)?)
            .with_default_features()
            .with_optimizer_rules(rules);
        let state = with_rules(state)
            .with_query_planner(Arc::new(planner))
            .build();
        let context = registered(SessionContext::new_with_state(state), email_key)?;
        Ok(Self {
            context,
            is_remote: true,
            ..local
        })
    }
}
