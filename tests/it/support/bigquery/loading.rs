//! A project that loads what three orders come to into a service, and what the table holds afterwards.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{BigQuery, Settings};
use crate::support::project::{Outcome, Project};

/// The table, as statements name it.
pub(crate) const TABLE: &str = "`test-project.shop.totals`";

/// A project beside its destination.
pub(crate) struct Loading {
    pub(crate) project: Project,
    pub(crate) service: BigQuery,
}

impl Loading {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    /// Into a service that behaves like this.
    pub(crate) fn with(settings: Settings) -> Self {
        let service = BigQuery::with(settings);
        let project = into(&service.url());
        Self { project, service }
    }

    /// The same with more said about the destination.
    pub(crate) fn saying(self, more: &str) -> Self {
        let said = "  on_repeat: refuse\n";
        self.project
            .edit("dfpipe.yml", said, &format!("{said}  {more}\n"));
        self
    }

    /// Calls `dfpipe run`.
    pub(crate) fn run(&self) -> Outcome {
        self.project.run(["run", "-q"])
    }

    /// Calls `dfpipe run`, which must end with this exit code.
    pub(crate) fn run_ends_with(&self, code: i32) -> Outcome {
        let outcome = self.run();
        assert_eq!(outcome.code, Some(code), "{}", outcome.screen());
        outcome
    }

    /// Calls `dfpipe run --resume`, which must succeed.
    pub(crate) fn resume(&self) {
        self.project.succeed(["run", "-q", "--resume"]);
    }

    /// What a statement finds.
    pub(crate) fn query(&self, statement: &str) -> Vec<BTreeMap<String, Value>> {
        self.service.query(statement)
    }

    /// The loaded rows: customer, amount, number of the load. None where there is no table.
    pub(crate) fn rows(&self) -> Vec<String> {
        if self
            .service
            .table("test-project", "shop", "totals")
            .is_none()
        {
            return vec![];
        }
        let statement =
            format!("select customer, amount, load_number from {TABLE} order by 3, 1, 2");
        let text = |row: &BTreeMap<String, Value>, name: &str| {
            row[name].as_str().unwrap_or("null").to_owned()
        };
        let rows = self.query(&statement);
        rows.iter()
            .map(|row| {
                format!(
                    "{} {} {}",
                    text(row, "customer"),
                    text(row, "amount"),
                    text(row, "load_number")
                )
            })
            .collect()
    }

    /// Each row is there exactly once, and of one load.
    #[track_caller]
    pub(crate) fn holds_each_row_once(&self) {
        assert_eq!(self.rows(), ["ada 13 1", "bob 7 1"]);
    }

    /// The names of the jobs that loaded or were to load, without what is random in them.
    pub(crate) fn attempts(&self) -> Vec<String> {
        let jobs = self.service.load_jobs();
        let id = |job: &Value| {
            job["jobReference"]["jobId"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        jobs.iter()
            .map(|job| {
                id(job)
                    .rsplit_once('_')
                    .map_or_else(|| id(job), |(_, attempt)| attempt.to_owned())
            })
            .collect()
    }

    /// The receipt of the last finished run.
    pub(crate) fn receipt(&self) -> Value {
        self.project.json("step4_load_receipt.json")
    }
}

/// The pipeline of orders, with its destination at `url`. It does not really wait where it would wait.
pub(crate) fn into(url: &str) -> Project {
    let project = Project::orders().with_variable("DFPIPE_HASTE", "1");
    let destination = format!(
        "  kind: bigquery\n  model: totals\n  project: test-project\n  dataset: shop\n  table: totals\n  \
         endpoint: {url}\n  auth: none\n  on_repeat: refuse\n"
    );
    let said =
        "  kind: parquet\n  model: totals\n  dataset: shop\n  table: totals\n  on_repeat: add\n";
    project.edit("dfpipe.yml", said, &destination);
    project
}

/// The same with a dataset of its own, for a service that tests share.
pub(crate) fn in_dataset(url: &str, dataset: &str) -> Project {
    let project = into(url);
    let own = format!("  dataset: {dataset}\n");
    project.edit("dfpipe.yml", "  dataset: shop\n", &own);
    project
}
