//! A REST API as a source: one partition that follows the pages, one part per page.
//!
//! ```text
//! config ─▶ pagination ─▶ request ─▶ page ─▶ records ─▶ decoder ─▶ batches
//!               ▲                      │
//!               └──── what it says ◀───┘ (what came before is left out; a page that comes again is an error)
//! ```

use std::sync::Arc;

use datafusion::physical_plan::streaming::PartitionStream;

use super::Scan;
use crate::{config::Crm, error::Result, http::Client};

mod ahead;
mod collection;
mod fetch;
mod pagination;
mod scan;
mod secrecy;
mod survey;
mod task;

pub use survey::{Examined, examine, survey};

/// One partition: a page is known only when the one before it is.
pub fn plan(crm: Crm, scan: Scan) -> Result<Vec<Arc<dyn PartitionStream>>> {
    let client = Client::new(&crm)?;
    let schema = scan.schema()?;
    let task = task::Task::new(crm, client, scan);
    Ok(vec![Arc::new(scan::Pages::new(schema, task))])
}
