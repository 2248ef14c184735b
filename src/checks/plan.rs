//! Whether the checks of front matters can be answered: their queries are planned, without data.
//!
//! Those of `sql/checks/` are files as models are: the engine looks at them together.

use std::collections::BTreeSet;

use datafusion::logical_expr::LogicalPlan;

use super::{
    Check,
    builtin::{self, LastRows, Predicate, Subject},
};
use crate::{
    engine::{Engine, Typer},
    error::{Error, Place, Result},
    model::{File, Parameters, Project, Sql, header},
};

/// What is wrong with the front matters' checks of the models that are `well`: the shapes of these
/// are known to `engine`.
pub async fn check(
    project: &Project,
    is_well: &(dyn Fn(&str) -> bool + Sync),
    parameters: &Parameters,
    engine: &Engine,
) -> Vec<Error> {
    // What is wrong with another model is said there.
    let can_be_asked = |check: &Check| {
        let mut reads = check.sql.reads.iter().map(|read| read.table.as_str());
        reads.all(|table| is_well(table) || !project.has(table))
    };
    let well = project.models.iter().filter(|model| is_well(&model.name));
    let planners = well.map(|model| Planner {
        subject: model.into(),
        places: Places::Header(&model.sql.file),
        can_be_asked: &can_be_asked,
        parameters,
        engine,
    });
    problems(planners.collect(), engine).await
}

/// What is wrong with the checks of the sources, given where the entries of each stand.
pub async fn check_sources(
    sources: &[(Subject, Vec<Place>)],
    parameters: &Parameters,
    engine: &Engine,
) -> Vec<Error> {
    let planners = sources.iter().map(|(subject, places)| Planner {
        subject: subject.clone(),
        places: Places::Listed(places),
        can_be_asked: &|_| true,
        parameters,
        engine,
    });
    problems(planners.collect(), engine).await
}

/// All that is asked of a table goes into as few plans as a run makes of it, one by one only to find the culprit.
async fn problems(planners: Vec<Planner<'_>>, engine: &Engine) -> Vec<Error> {
    let typer = Typer::new(engine);
    let mut typed = vec![];
    let mut doubtful = BTreeSet::new();
    for (number, planner) in planners.iter().enumerate() {
        match planner.plans().await {
            Ok(more) => {
                let typing = more.into_iter().map(|plan| typer.begin(plan));
                typed.extend(typing.map(|typing| (number, typing)));
            }
            Err(_) => {
                doubtful.insert(number);
            }
        }
    }
    for (number, typing) in typed {
        if typing.verdict().await.is_err() {
            doubtful.insert(number);
        }
    }
    let mut problems = vec![];
    for number in doubtful {
        problems.extend(planners[number].one_by_one().await);
    }
    problems
}

struct Planner<'a> {
    subject: Subject,
    places: Places<'a>,
    can_be_asked: &'a (dyn Fn(&Check) -> bool + Sync),
    parameters: &'a Parameters,
    engine: &'a Engine,
}

/// Where the entries of a table's checks stand.
enum Places<'a> {
    /// In the header of this file.
    Header(&'a File),
    /// Here.
    Listed(&'a [Place]),
}

impl Places<'_> {
    fn of(&self, entry: usize) -> Place {
        match self {
            Self::Header(file) => header::place(file, "checks", Some(entry)),
            Self::Listed(places) => places[entry].clone(),
        }
    }
}

impl Planner<'_> {
    async fn plans(&self) -> Result<Vec<LogicalPlan>> {
        let (predicates, others) = builtin::of_subject(&self.subject, &LastRows::new())?;
        let mut plans = vec![];
        if !predicates.is_empty() {
            let count = builtin::count(&self.subject, &predicates)?;
            plans.push(self.engine.plan(&count, self.parameters).await?);
        }
        for check in others.iter().filter(|check| (self.can_be_asked)(check)) {
            plans.push(self.engine.plan(&check.sql, self.parameters).await?);
        }
        Ok(plans)
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
                    .at(self.places.of(index))
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
        if predicates.is_empty() {
            return Ok(());
        }
        self.plan(&builtin::count(&self.subject, predicates)?).await
    }

    async fn plan(&self, sql: &Sql) -> Result<()> {
        let plan = self.engine.plan(sql, self.parameters).await?;
        self.engine.verify(&plan, sql, self.parameters).await
    }
}
