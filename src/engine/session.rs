//! The session: memory, spilling, functions. Every table and query of a run goes through it.

use std::{path::Path, sync::Arc};

use datafusion::{
    catalog::{
        CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
        MemorySchemaProvider,
    },
    execution::{
        SessionStateBuilder,
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::MemoryPool,
        runtime_env::RuntimeEnvBuilder,
    },
    prelude::{SessionConfig, SessionContext},
};
use dfpipe_udfs::{UdfSettings, register_all};

use super::{
    apart::Apart, dates::UtcDates, distinct::DistinctCounts, memory::Memory,
    plain_sorts::PlainSorts, repeated::RepeatedKeys, scaling::Scaling,
};
use crate::{
    config::{self, Config, Secret},
    error::{Error, Result},
    sources::Privacy,
};

/// Memory that each sort keeps aside for merging what it spilled; no more than this share.
const LARGEST_RESERVATION: usize = 10 * 1024 * 1024;

/// Memory per partition for each row of a batch: operators hold several batches, and more than one at
/// a time. With batches that are too long for it, a sort fails before it can spill.
const MEMORY_PER_ROW: usize = 8 * 1024;

/// Rows of a batch; where memory is short, fewer.
const BATCH: std::ops::RangeInclusive<usize> = 256..=8192;

/// A session of the engine.
#[derive(Clone)]
pub struct Engine {
    pub(super) context: SessionContext,
    pub(super) memory: Arc<Memory>,
    /// Keeps addresses out of files that somebody names.
    pub(super) privacy: Privacy,
    /// Where plans are executed, if they may be given up.
    pub(super) apart: Option<Apart>,
    /// Whether plans are executed by other machines, whose operators this one does not see.
    pub(super) is_remote: bool,
}

impl Engine {
    /// A session under the limits of `config`, whose spill files go below `spill_dir`.
    pub fn new(config: &Config, spill_dir: &Path) -> Result<Self> {
        Self::with(&config.engine, &config.email_hash_key, spill_dir)
    }

    /// A session for those who have no configuration, or not this one.
    pub fn with(settings: &config::Engine, email_key: &Secret, spill_dir: &Path) -> Result<Self> {
        let odd = |error: datafusion::error::DataFusionError| {
            Error::outside("the engine cannot start").because(error)
        };
        let spill_dir = settings.spill_dir.as_deref().unwrap_or(spill_dir);
        fs_err::create_dir_all(spill_dir)
            .map_err(|error| Error::outside("spill files have no folder").because(error))?;
        let memory = Arc::new(Memory::new(settings.memory_limit));
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![spill_dir.to_owned()]));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::clone(&memory) as Arc<dyn MemoryPool>)
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(odd)?;
        let state = SessionStateBuilder::new()
            .with_config(session_config(settings))
            .with_runtime_env(runtime)
            .with_default_features();
        let state = with_rules(state)
            .with_physical_optimizer_rule(Arc::new(RepeatedKeys::new()))
            .with_physical_optimizer_rule(Arc::new(PlainSorts))
            .build();
        Ok(Self {
            context: registered(SessionContext::new_with_state(state), email_key)?,
            memory,
            privacy: Privacy::new(email_key),
            apart: None,
            is_remote: false,
        })
    }

    /// The same session, whose questions can be given up at once.
    #[must_use]
    pub fn for_a_person(self) -> Self {
        Self {
            apart: Some(Apart::default()),
            ..self
        }
    }

    /// The same session, whose joins sort both sides, and put on disk what they cannot hold. A join by hashes holds
    /// one side, whatever its size: it is the faster one, as long as there is memory for it.
    #[must_use]
    pub(super) fn merging(&self) -> Self {
        let mut state = self.context.state();
        let options = state.config_mut().options_mut();
        options.optimizer.prefer_hash_join = false;
        // Models are in the order of their keys, by which they are joined most: what is sorted is not sorted again.
        options.optimizer.prefer_existing_sort = true;
        Self {
            context: SessionContext::new_with_state(state),
            ..self.clone()
        }
    }

    /// A session with the same memory and functions, and without tables.
    pub fn without_tables(&self) -> Result<Self> {
        let state = self.context.state();
        let names = &state.config_options().catalog;
        let catalog = Arc::new(MemoryCatalogProvider::new());
        let schema = Arc::new(MemorySchemaProvider::new());
        catalog
            .register_schema(&names.default_schema, schema)
            .map_err(|error| Error::bug("a session takes no schema").because(error))?;
        let tables = Arc::new(MemoryCatalogProviderList::new());
        tables.register_catalog(names.default_catalog.clone(), catalog);
        let state = SessionStateBuilder::new_from_existing(state.clone());
        let state = state.with_catalog_list(tables).build();
        Ok(Self {
            context: SessionContext::new_with_state(state),
            ..self.clone()
        })
    }

    /// Gives up what goes on.
    pub fn give_up(&self) {
        if let Some(apart) = &self.apart {
            apart.give_up();
        }
    }
}

/// The rules about what a plan says, whoever executes it.
pub(super) fn with_rules(state: SessionStateBuilder) -> SessionStateBuilder {
    state
        .with_analyzer_rule(Arc::new(Scaling))
        .with_analyzer_rule(Arc::new(DistinctCounts::new()))
        .with_optimizer_rule(Arc::new(UtcDates::new()))
}

/// The session with the functions of dfpipe.
pub(super) fn registered(
    mut context: SessionContext,
    email_key: &Secret,
) -> Result<SessionContext> {
    let functions = UdfSettings::new(email_key.expose());
    let registered = register_all(&mut context, &functions);
    registered.map_err(|error| Error::outside("the engine cannot start").because(error))?;
    Ok(context)
}

pub(super) fn session_config(engine: &config::Engine) -> SessionConfig {
    let reservation = (engine.memory_limit / (engine.partitions * 8)).min(LARGEST_RESERVATION);
    let batch = engine.memory_limit / engine.partitions / MEMORY_PER_ROW;
    let mut config = SessionConfig::new()
        .with_batch_size(batch.clamp(*BATCH.start(), *BATCH.end()))
        .with_target_partitions(engine.partitions)
        .with_information_schema(true)
        .with_sort_spill_reservation_bytes(reservation)
        .set_str("datafusion.execution.time_zone", "UTC")
        .set_str("datafusion.execution.spill_compression", "lz4_frame");
    let options = config.options_mut();
    // Errors point at the character.
    options.sql_parser.collect_spans = true;
    // Plain strings: sorting views copies whole buffers, gigabytes where megabytes are meant.
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.parquet.schema_force_view_types = false;
    // With it, `order by` over a union that repeats a column fails its own sanity check.
    options.optimizer.repartition_sorts = false;
    config
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Engine")
    }
}
