//! The run that a plan is compared with.

use crate::{
    config::Config,
    run::{
        history,
        record::{RunRecord, Status},
    },
};

/// How many runs are looked through for one that has built all models.
const LOOKED_THROUGH: usize = 20;

/// Sorts after every run there is.
const LATEST: &str = "~";

/// The last successful run of the pipeline and the profile, if there is one that can be read. One that
/// has built all models tells more than one of a selection.
pub async fn run(config: &Config) -> Option<RunRecord> {
    // Whatever run was the last of all: those of this pipeline and profile are before its end.
    let any = history::find(config, None).await.ok()?;
    let probe = RunRecord {
        run_id: LATEST.to_owned(),
        pipeline: config.pipeline.clone(),
        profile: config.profile.clone(),
        status: Status::Succeeded,
        ..any.record
    };
    let past = history::previous(&probe, config, LOOKED_THROUGH).await;
    let mut records = vec![];
    for past in &past {
        let Ok(found) = history::find(config, Some(&past.run_id)).await else {
            continue;
        };
        if found.record.select.is_empty() {
            return Some(found.record);
        }
        records.push(found.record);
    }
    records.into_iter().next()
}
