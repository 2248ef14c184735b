//! Files as a source: local or in an object store, one part per file.
//!
//! ```text
//! path with * ─▶ list (sorted: the number of a file is its part) ─▶ one reader per group of files
//!                                                  │ json · ndjson · csv · parquet (.gz too)
//!                                                  └▶ decoder ─▶ batches
//! ```

use std::sync::Arc;

use datafusion::physical_plan::streaming::PartitionStream;

use super::{Scan, partition::BlockingPartition};
use crate::{config::Files, error::Result};

mod csv_text;
mod input;
mod list;
mod object;
mod scan;
mod survey;

pub use list::locations;
pub use survey::{Examined, examine, survey};

/// Divides the files among at most as many partitions as can run.
pub async fn plan(files: Files, scan: Scan) -> Result<Vec<Arc<dyn PartitionStream>>> {
    let found = list::list(&files.path, &scan.source.name).await?;
    let groups = found.len().min(scan.max_partitions).max(1);
    let schema = scan.schema()?;
    let partitions = (0..groups).map(|group| {
        let mine = found.iter().skip(group).step_by(groups).cloned().collect();
        let reader = scan::Reader {
            files: mine,
            settings: files.clone(),
            scan: scan.clone(),
        };
        Arc::new(BlockingPartition::new(Arc::clone(&schema), reader)) as Arc<dyn PartitionStream>
    });
    Ok(partitions.collect())
}
