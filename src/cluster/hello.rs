//! Who is who: before anything is done, a driver and an executor ask the scheduler what program it is.
//!
//! A plan names functions and operators, and means what the program means by them. Two programs that mean something
//! else would compute something else, or fail in the middle of a task with words that nobody understands. So they
//! are told apart at once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    http::{plain, with_causes},
    run::record::{Build, Job},
};

/// Where a scheduler says what it is.
pub const PATH: &str = "/dfpipe";

/// Where it says how far a query is, the name of which follows.
pub const JOBS: &str = "/dfpipe/jobs";

/// How long a scheduler may take to say it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a scheduler says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The program.
    pub build: Build,
    /// Those that work for it.
    pub executors: Vec<Crew>,
    /// Queries that go on.
    pub jobs: usize,
}

/// An executor.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Crew {
    /// What the scheduler calls it.
    pub id: String,
    /// Where it gives rows out.
    pub address: String,
    /// Tasks that it does at a time.
    pub cores: u32,
}

/// A scheduler, from outside.
#[derive(Clone, Debug)]
pub struct Scheduler {
    address: String,
}

impl Scheduler {
    /// The one at `address`, a host and a port.
    pub fn at(address: &str) -> Self {
        Self {
            address: address.to_owned(),
        }
    }

    /// How people write its address.
    pub fn display(&self) -> String {
        format!("df://{}", self.address)
    }

    /// How it is spoken to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it says of itself; an error if it is another program than `ours`, which is the `who` of a cluster.
    pub async fn greet(&self, who: &str, ours: &Build) -> Result<Hello> {
        let hello = self.hello().await?;
        match difference(ours, &hello.build) {
            None => Ok(hello),
            Some([here, there]) => {
                let message = format!(
                    "this {who} and the scheduler `{}` are not the same program",
                    self.display()
                );
                let cause = format!("this {who} has {here}, the scheduler {there}");
                let hint = "start the scheduler, the executors and the driver from one image of dfpipe, with one key for e-mail addresses";
                Err(Error::usage(message).because(cause).with_hint(hint))
            }
        }
    }

    /// How far the query of this name is; none if the scheduler does not know it, or does not answer.
    pub async fn job(&self, name: &str) -> Option<Job> {
        let client = plain(PATIENCE).ok()?;
        let url = format!("{}{JOBS}/{name}", self.url());
        let answer = client.get(url).send().await.ok()?;
        serde_json::from_str(&answer.text().await.ok()?).ok()?
    }

    /// Has it end the queries whose names begin so. One that does not answer has ended them.
    pub async fn cancel(&self, name: &str) {
        if let Ok(client) = plain(PATIENCE) {
            let url = format!("{}{JOBS}/{name}", self.url());
            let _ = client.delete(url).send().await;
        }
    }

    async fn hello(&self) -> Result<Hello> {
        let unreachable = |cause: &dyn std::fmt::Display| {
            let message = format!("the scheduler `{}` does not answer", self.display());
            let hint =
                "is `dfpipe cluster scheduler` running there, and may this machine reach it?";
            Error::outside(message).because(cause).with_hint(hint)
        };
        let client = plain(PATIENCE)?;
        let answer = client.get(self.url() + PATH).send().await;
        let answer = answer.map_err(|error| unreachable(&with_causes(error)))?;
        if !answer.status().is_success() {
            return Err(unreachable(&format!(
                "something else listens there: it answers {}",
                answer.status()
            )));
        }
        let text = answer.text().await;
        let text = text.map_err(|error| unreachable(&with_causes(error)))?;
        serde_json::from_str(&text).map_err(|error| unreachable(&error))
    }
}

/// The first thing that two programs do not share, in words for both.
fn difference(ours: &Build, theirs: &Build) -> Option<[String; 2]> {
    let differing = [
        ("version", &ours.version, &theirs.version),
        ("DataFusion", &ours.datafusion, &theirs.datafusion),
        ("functions", &ours.udfs, &theirs.udfs),
        (
            "a key for e-mail addresses that is checked as",
            &ours.email_key,
            &theirs.email_key,
        ),
    ];
    let (what, ours, theirs) = differing
        .into_iter()
        .find(|(_, ours, theirs)| ours != theirs)?;
    Some([ours, theirs].map(|one| format!("{what} `{one}`")))
}

#[cfg(test)]
mod tests {
    use super::difference;
    use crate::run::record::Build;

    fn build() -> Build {
        Build {
            version: "0.1.0".into(),
            source: "source".into(),
            udfs: "functions".into(),
            datafusion: "55.2.0".into(),
            email_key: "key".into(),
        }
    }

    #[test]
    fn programs_are_told_apart_by_what_makes_plans_mean_something_else() {
        assert_eq!(difference(&build(), &build()), None);
        let elsewhere = Build {
            source: "another".into(),
            ..build()
        };
        assert_eq!(difference(&build(), &elsewhere), None);
        for (other, said) in [
            (
                Build {
                    version: "0.2.0".into(),
                    ..build()
                },
                ["version `0.1.0`", "version `0.2.0`"],
            ),
            (
                Build {
                    udfs: "others".into(),
                    ..build()
                },
                ["functions `functions`", "functions `others`"],
            ),
            (
                Build {
                    datafusion: "56.0.0".into(),
                    ..build()
                },
                ["DataFusion `55.2.0`", "DataFusion `56.0.0`"],
            ),
        ] {
            assert_eq!(difference(&build(), &other).unwrap(), said);
        }
    }
}
