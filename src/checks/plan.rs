//! Whether the checks of front matters can be answered: their queries are planned, without data.
//!
//! Those of `sql/checks/` are files as models are: the engine looks at them together.

use super::{
    Check,
    builtin::{self, LastRows, Predicate, Subject},
};
use crate::{
    engine::Engine,
    error::{Error, Place, Result},
    model::{Parameters, Project, Sql, header},
};

/// What is wrong with the front matters' checks of the models that are `well`: the shapes of these
/// are known to `engine`.
pub async fn check(
    project: &Project,
    is_well: &(dyn Fn(&str) -> bool + Sync),
    parameters: &Parameters,
    engine: &Engine,
) -> Vec<Error> {
    let mut problems = vec![];
    for model in project.models.iter().filter(|model| is_well(&model.name)) {
        // What is wrong with another model is said there.
        let can_be_asked = |check: &Check| {
            let mut reads = check.sql.reads.iter().map(|read| read.table.as_str());
            reads.all(|table| project.model(table).is_none() || is_well(table))
        };
        let at = |index| header::place(&model.sql.file, "checks", Some(index));
        let planner = Planner {
            subject: model.into(),
            at: &at,
            can_be_asked: &can_be_asked,
            parameters,
            engine,
        };
        // One plan for all; one by one only to find the culprit.
        if planner.all().await.is_err() {
            problems.extend(planner.one_by_one().await);
        }
    }
    problems
}

/// What is wrong with the checks of the sources, given where the entries of each stand.
pub async fn check_sources(
    sources: &[(Subject, Vec<Place>)],
    parameters: &Parameters,
    engine: &Engine,
) -> Vec<Error> {
    let mut problems = vec![];
    for (subject, places) in sources {
        let at = |index: usize| places[index].clone();
        let planner = Planner {
            subject: subject.clone(),
            at: &at,
            can_be_asked: &|_| true,
            parameters,
            engine,
        };
        if planner.all().await.is_err() {
            problems.extend(planner.one_by_one().await);
        }
    }
    problems
}

struct Planner<'a> {
    subject: Subject,
    /// Where its entries stand.
    at: &'a (dyn Fn(usize) -> Place + Sync),
    can_be_asked: &'a (dyn Fn(&Check) -> bool + Sync),
    parameters: &'a Parameters,
    engine: &'a Engine,
}

impl Planner<'_> {
    async fn all(&self) -> Result<()> {
        let (predicates, others) = builtin::of_subject(&self.subject, &LastRows::new())?;
        self.count(&predicates).await?;
        for check in others.iter().filter(|check| (self.can_be_asked)(check)) {
            self.plan(&check.sql).await?;
        }
        Ok(())
    }

    async fn one_by_one(&self) -> Vec<Error> {
        let mut problems = vec![];
        for (index, entry) in self.subject.checks.iter().enumerate() {
            let planned = match builtin::of_entry(&self.subject, entry, &LastRows::new()) {
                Ok((predicates, others)) => self.entry(&predicates, &others).await,
                Err(error) => Err(error),
            };
            // Its own place lies in a query that nobody wrote.
            problems.extend(planned.err().map(|error| {
                Error::new(error.kind(), "this check cannot be answered")
                    .because(error)
                    .at((self.at)(index))
            }));
        }
        problems
    }

    async fn entry(&self, predicates: &[Predicate], others: &[Check]) -> Result<()> {
        let checks = predicates.iter().map(|predicate| &predicate.check);
        let others = others.iter().filter(|check| (self.can_be_asked)(check));
        for check in checks.chain(others) {
            self.plan(&check.sql).await?;
        }
        self.count(predicates).await
    }

    async fn count(&self, predicates: &[Predicate]) -> Result<()> {
        if predicates.is_empty() {
            return Ok(());
        }
        self.plan(&builtin::count(&self.subject, predicates)?).await
    }

    async fn plan(&self, sql: &Sql) -> Result<()> {
        let plan = self.engine.plan(sql, self.parameters).await?;
        self.engine.verify(&plan, sql).await
    }
}
