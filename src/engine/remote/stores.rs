//! The object stores that the plans of a cluster name, opened when they are first asked for.
//!
//! An executor learns of a store by the address of a table in a plan, and not before.

use std::sync::Arc;

use datafusion::{
    error::{DataFusionError, Result},
    execution::{
        object_store::{DefaultObjectStoreRegistry, ObjectStoreRegistry},
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
};
use object_store::ObjectStore;
use url::Url;

use crate::storage::Location;

/// The stores that were opened.
#[derive(Debug, Default)]
pub struct Stores(DefaultObjectStoreRegistry);

impl Stores {
    /// A runtime that opens stores by itself; what `builder` says besides.
    pub fn runtime(builder: RuntimeEnvBuilder) -> Result<Arc<RuntimeEnv>> {
        builder
            .with_object_store_registry(Arc::new(Self::default()))
            .build_arc()
    }
}

impl ObjectStoreRegistry for Stores {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        self.0.register_store(url, store)
    }

    fn deregister_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        self.0.deregister_store(url)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if let Ok(store) = self.0.get_store(url) {
            return Ok(store);
        }
        let location = Location::parse(url.as_str())
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        self.0.register_store(url, Arc::clone(&location.store));
        Ok(location.store)
    }
}
