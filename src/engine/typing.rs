//! Plans are typed to their end without data, beside whatever goes on: most of the work of a check.
//!
//! Apart because many are typed by one state: a session copies all its functions for each that asks it.

use std::sync::Arc;

use datafusion::{
    error::DataFusionError,
    execution::{SessionState, SessionStateBuilder},
    logical_expr::LogicalPlan,
};
use tokio::task::JoinHandle;

use super::Engine;

/// Types plans.
#[derive(Clone, Debug)]
pub struct Typer {
    state: Arc<SessionState>,
}

impl Typer {
    /// Types plans over what `engine` knows.
    ///
    /// Until they are operators: how these are arranged depends on the data, and a mistake in it is not the SQL's.
    /// Optimized once: a plan that is rewritten again and again gets faster, not righter.
    pub fn new(engine: &Engine) -> Self {
        let mut state = SessionStateBuilder::new_from_existing(engine.context.state())
            .with_physical_optimizer_rules(vec![])
            .build();
        state.config_mut().options_mut().optimizer.max_passes = 1;
        Self {
            state: Arc::new(state),
        }
    }

    /// Begins to type a plan.
    pub fn begin(&self, plan: LogicalPlan) -> Typing {
        let state = Arc::clone(&self.state);
        Typing(tokio::spawn(async move {
            state.create_physical_plan(&plan).await.map(|_| ())
        }))
    }
}

/// A plan that is being typed.
#[derive(Debug)]
pub struct Typing(JoinHandle<datafusion::error::Result<()>>);

impl Typing {
    /// What came of it.
    pub async fn verdict(self) -> datafusion::error::Result<()> {
        match self.0.await {
            Ok(verdict) => verdict,
            Err(stopped) => Err(DataFusionError::External(Box::new(stopped))),
        }
    }
}
