//! Questions that a cluster answers: those about the run that is looked at, whose tables its machines can be given.

use super::{Desk, RUN};
use crate::{
    engine::{Answer, Asked, Question, Rights},
    error::{Error, Result},
    run::Cluster,
};

/// Where questions are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Where {
    /// Here.
    Local,
    /// By the cluster of the profile.
    Ballista,
}

impl Desk {
    /// Has questions about the run answered elsewhere from now on, or here again.
    pub async fn answer_at(&mut self, place: Where) -> Result<()> {
        self.close().await?;
        if place == Where::Local {
            return Ok(());
        }
        let cluster = Cluster::reach(&self.config).await?;
        let cluster = cluster.ok_or_else(|| {
            let message = format!("the profile `{}` has no cluster", self.config.profile);
            Error::usage(message).with_hint("`engine.ballista` names one in dfpipe.yml")
        })?;
        cluster.engine().create_schema(RUN)?;
        cluster.engine().look_in(RUN);
        self.cluster = Some(cluster);
        Ok(())
    }

    /// Where questions are answered, in words.
    pub fn answers_at(&self) -> String {
        match self.cluster.as_ref().map(Cluster::record) {
            None => "questions are answered here".to_owned(),
            Some(cluster) => {
                let (scheduler, executors) = (&cluster.scheduler, cluster.executors);
                let plural = if executors == 1 { "" } else { "s" };
                format!(
                    "questions about the run are answered by {executors} executor{plural} of {scheduler}"
                )
            }
        }
    }

    /// Takes back what a cluster was given.
    pub async fn close(&mut self) -> Result<()> {
        match self.cluster.take() {
            Some(cluster) => cluster.leave(&self.lent_as()).await,
            None => Ok(()),
        }
    }

    /// The answer of the cluster; none if there is none, or if the question reads what no cluster can be given.
    pub(super) async fn far_answer(&self, question: Question) -> Result<Result<Answer, Question>> {
        let (Some(cluster), Some(past)) = (&self.cluster, &self.run) else {
            return Ok(Err(question));
        };
        if question.asked() != Asked::Rows {
            return Ok(Err(question));
        }
        let prefix = format!("{RUN}.");
        let names: Vec<String> = question
            .reads
            .iter()
            .map(|read| read.table.trim_start_matches(&prefix).to_owned())
            .collect();
        let is_wanted = |name: &str| names.iter().any(|wanted| wanted == name);
        cluster.take_past(past, &self.lent_as(), is_wanted).await?;
        let engine = cluster.engine();
        if !names.iter().all(|name| engine.knows(name)) {
            return Ok(Err(question));
        }
        let answer = engine
            .answer(question, &self.parameters, &Rights::READ)
            .await?;
        Ok(Ok(answer))
    }

    /// What this session's tables are called in the store of a cluster: nobody else's.
    fn lent_as(&self) -> String {
        let name = self.scratch.path().file_name().unwrap_or_default();
        format!("shell-{}", name.to_string_lossy().trim_start_matches('.'))
    }
}
