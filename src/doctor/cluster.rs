//! Can the cluster of the profile be worked with? Nobody is asked if it has none.

use super::Finding;
use crate::{config::Config, error::Result, run::Cluster, storage::Location};

const NAME: &str = "cluster";

/// What its scheduler says, and whether its store can be listed.
pub async fn judge(config: &Config) -> Vec<Finding> {
    let mut findings = match Cluster::reach(config).await {
        Ok(None) => return vec![],
        Ok(Some(cluster)) => {
            let record = cluster.record();
            let (count, scheduler) = (record.executors, &record.scheduler);
            let plural = if count == 1 { "" } else { "s" };
            vec![Finding::ok(
                NAME,
                format!("`{scheduler}` has {count} executor{plural}, of this program"),
            )]
        }
        Err(error) => vec![Finding::problem(
            NAME,
            &error,
            "look at `engine.ballista` in dfpipe.yml",
        )],
    };
    let store = config.engine.ballista.as_ref();
    if let Some(store) = store.and_then(|ballista| ballista.store.as_deref()) {
        findings.push(match listed(store).await {
            Ok(()) => Finding::ok(NAME, format!("`{store}` can be listed")),
            Err(error) => Finding::problem(
                NAME,
                &error,
                "look at `engine.ballista.store` in dfpipe.yml",
            ),
        });
    }
    findings
}

async fn listed(store: &str) -> Result<()> {
    let store = Location::parse(store)?;
    let folders = store.folders().await;
    folders
        .map(drop)
        .map_err(|error| store.refused(format!("`{}` cannot be listed", store.display()), &*error))
}
