//! A statement becomes a plan, its parameters filled in and its errors told at their place.

use datafusion::{
    error::DataFusionError,
    logical_expr::LogicalPlan,
    sql::{parser::Statement, sqlparser::ast::Statement as SqlStatement},
};

use super::{
    Engine,
    defaults::complete,
    diagnostics::{explain, explain_at, needs_a_place, told},
    mentions::name,
    narrow::Culprit,
};
use crate::{
    error::{Error, Result},
    model::{Parameters, Sql},
};

impl Engine {
    /// The plan of `sql`. Errors may be several, one per unknown parameter.
    pub async fn plan(&self, sql: &Sql, parameters: &Parameters) -> Result<LogicalPlan> {
        let mut sql = sql.clone();
        if let Err(problems) = parameters.fill(&mut sql) {
            return Err(Error::all(problems)
                .unwrap_or_else(|| Error::bug("parameters failed without a problem")));
        }
        match self.plan_of(&sql.statement).await {
            Ok(plan) => Ok(plan),
            Err(error) => Err(self.explained(&error, &sql, false).await),
        }
    }

    pub(super) async fn plan_of(
        &self,
        statement: &SqlStatement,
    ) -> datafusion::error::Result<LogicalPlan> {
        let state = self.context.state();
        let mut statement = statement.clone();
        complete(&mut statement, &state);
        let statement = Statement::Statement(Box::new(statement));
        state.statement_to_plan(statement).await
    }

    /// The error at its place; where DataFusion names none, the part without which it is gone.
    async fn explained(&self, error: &DataFusionError, sql: &Sql, is_deep: bool) -> Error {
        if !needs_a_place(error) {
            return explain(error, sql);
        }
        let message = told(error);
        let culprit = Culprit {
            engine: self,
            statement: &sql.statement,
            text: &sql.file.text,
            message: &message,
            is_deep,
        };
        let span = match name(&message, &sql.statement) {
            Some(span) => Some(span),
            None => culprit.place().await,
        };
        explain_at(error, &sql.file, Some(&sql.statement), span)
    }

    /// Types the plan as deep as can be done without data: until it could be executed.
    pub async fn verify(
        &self,
        plan: &LogicalPlan,
        sql: &Sql,
        parameters: &Parameters,
    ) -> Result<()> {
        match self.typed(plan).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.refused(&error, sql, parameters).await),
        }
    }

    /// What is wrong with `sql`, whose plan could be made and not typed to its end.
    pub async fn refused(
        &self,
        error: &DataFusionError,
        sql: &Sql,
        parameters: &Parameters,
    ) -> Error {
        let mut sql = sql.clone();
        // They could be filled in when it was planned.
        let _ = parameters.fill(&mut sql);
        self.explained(error, &sql, true).await
    }

    pub(super) async fn typed(&self, plan: &LogicalPlan) -> datafusion::error::Result<()> {
        let planned = self.context.state().create_physical_plan(plan).await;
        planned.map(|_| ())
    }
}
