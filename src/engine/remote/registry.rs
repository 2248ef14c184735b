//! The session that a scheduler plans with, and the functions of dfpipe as an executor is given them.

use std::sync::Arc;

use ballista_core::{
    extension::SessionConfigExt, registry::BallistaFunctionRegistry, utils::default_session_builder,
};
use datafusion::{
    error::Result,
    execution::{
        FunctionRegistry, SessionState, SessionStateBuilder, context::SessionContext,
        runtime_env::RuntimeEnvBuilder,
    },
    prelude::SessionConfig,
};
use dfpipe_udfs::{UdfSettings, register_all};

use super::{Stores, single_rows::SingleRows};
use crate::config::Secret;

/// The state that a scheduler plans a driver's queries with.
pub fn planning_state(config: SessionConfig, email_key: &Secret) -> Result<SessionState> {
    let state = default_session_builder(config)?;
    let state = SessionStateBuilder::new_from_existing(state)
        .with_runtime_env(Stores::runtime(RuntimeEnvBuilder::new())?)
        .with_physical_optimizer_rule(Arc::new(SingleRows))
        .build();
    let mut context = SessionContext::new_with_state(state);
    register_all(&mut context, &UdfSettings::new(email_key.expose()))?;
    Ok(context.state())
}

/// The functions that an executor finds by their names in a plan.
pub fn functions(email_key: &Secret) -> Result<BallistaFunctionRegistry> {
    let state = planning_state(SessionConfig::new_with_ballista(), email_key)?;
    let mut registry = BallistaFunctionRegistry::default();
    for name in state.udfs() {
        let function = state.udf(&name)?;
        registry.scalar_functions.insert(name, function);
    }
    for name in state.udafs() {
        let function = state.udaf(&name)?;
        registry.aggregate_functions.insert(name, function);
    }
    for name in state.udwfs() {
        let function = state.udwf(&name)?;
        registry.window_functions.insert(name, function);
    }
    Ok(registry)
}
