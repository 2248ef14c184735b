//! How far a cluster is with a model, in words.

use indicatif::HumanCount;

use super::words::of;
use crate::run::record::Job;

/// Stages, tasks and who does them.
pub fn computing(job: &Job) -> String {
    // A stage is told by its number while it goes on.
    let stage = (job.stages_done + 1).min(job.stages);
    format!(
        "stage {stage} of {}, {} of {} on {}",
        job.stages,
        HumanCount(job.tasks_done as u64),
        of(job.tasks as u64, "task"),
        of(job.executors.len() as u64, "executor"),
    )
}

#[cfg(test)]
mod tests {
    use super::computing;
    use crate::run::record::Job;

    #[test]
    fn a_query_on_a_cluster_is_told_by_its_stages_tasks_and_executors() {
        let job = Job {
            stages: 3,
            stages_done: 1,
            tasks: 12,
            tasks_done: 7,
            executors: vec!["10.0.0.1:50051".into()],
        };
        assert_eq!(computing(&job), "stage 2 of 3, 7 of 12 tasks on 1 executor");
    }
}
