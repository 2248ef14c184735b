//! Statements of a person: what they are, what they may do, and their answer.
//!
//! Apart from the queries of models, because anything can be typed: here it is decided what is answered, and
//! whatever could change something outside of the session is refused.

use std::sync::Arc;

use datafusion::{
    common::TableReference,
    execution::context::SQLOptions,
    logical_expr::{DdlStatement, DropTable, DropView, LogicalPlan, TableType, dml::CopyTo},
    sql::{
        parser::{DFParser, Statement},
        sqlparser::ast::{Statement as SqlStatement, VisitorMut},
    },
};

use super::{Engine, Rows, diagnostics::explain_text, named_files::no_table_file};
use crate::{
    error::{Error, Result},
    model::{
        File, Parameters, Reference, Sql,
        graph::unknown_table,
        sql::{change, reads, syntax_error},
    },
};

/// One statement of a person.
#[derive(Clone, Debug)]
pub struct Question {
    /// The text that it stands in.
    pub file: File,
    /// The tables that it reads.
    pub reads: Vec<Reference>,
    statement: Statement,
}

/// What a statement is, before it is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A question.
    Rows,
    /// Something else.
    Other,
}

/// Whether a file may be written at a path.
pub type MayWrite<'a> = dyn Fn(&str) -> Result<()> + Sync + 'a;

/// What statements may do beside asking.
pub struct Rights<'a> {
    /// Whether views may be made and dropped in this session.
    pub define: bool,
    /// Says whether `copy to` may write to a place; `None` where nothing may be written.
    pub write: Option<&'a MayWrite<'a>>,
}

/// What came of a statement.
pub enum Answer {
    /// Rows.
    Rows(Box<Rows>),
    /// What was done, in words.
    Done(String),
}

impl Rights<'_> {
    /// Questions and nothing else.
    pub const READ: Rights<'static> = Rights {
        define: false,
        write: None,
    };
}

impl Question {
    /// Parses the one statement of `file`.
    pub fn parse(file: File) -> Result<Self> {
        let mut statements =
            DFParser::parse_sql(&file.text).map_err(|error| syntax_error(&file, &error))?;
        let Some(statement) = statements.pop_front().filter(|_| statements.is_empty()) else {
            return Err(Error::usage("give exactly one statement"));
        };
        let reads = if is_answered(&statement) {
            reads(&statement, &file)?
        } else {
            // What it names need not be there: it is refused.
            vec![]
        };
        Ok(Self {
            file,
            reads,
            statement,
        })
    }

    /// What it is.
    pub fn asked(&self) -> Asked {
        match &self.statement {
            Statement::Statement(statement) if matches!(**statement, SqlStatement::Query(_)) => {
                Asked::Rows
            }
            _ => Asked::Other,
        }
    }

    /// Lets `visitor` change the SQL in it.
    pub fn change<V: VisitorMut>(&mut self, visitor: &mut V) {
        change(&mut self.statement, visitor);
    }

    /// The query that it is, if it is one.
    fn query(&self) -> Option<Sql> {
        match &self.statement {
            Statement::Statement(statement) if matches!(**statement, SqlStatement::Query(_)) => {
                Some(Sql {
                    file: self.file.clone(),
                    statement: (**statement).clone(),
                    reads: self.reads.clone(),
                })
            }
            _ => None,
        }
    }
}

impl Engine {
    /// Answers one statement of a person: a query, `show`, `describe` or `explain`.
    pub async fn ask(&self, statement: &str, parameters: &Parameters) -> Result<Rows> {
        let file = File {
            path: "query".into(),
            name: "query".into(),
            text: statement.into(),
        };
        let question = Question::parse(file)?;
        match self.answer(question, parameters, &Rights::READ).await? {
            Answer::Rows(rows) => Ok(*rows),
            Answer::Done(done) => Err(Error::bug(done)),
        }
    }

    /// Answers a statement, or does what it asks for where that is its right.
    pub async fn answer(
        &self,
        mut question: Question,
        parameters: &Parameters,
        rights: &Rights<'_>,
    ) -> Result<Answer> {
        if !is_answered(&question.statement) {
            return Err(refusal(&question.statement, rights));
        }
        self.know_tables(&question.reads)?;
        if let Some(sql) = question.query() {
            let plan = self.plan(&sql, parameters).await?;
            read_only(&plan, rights)?;
            let rows = self.execute(&plan, &sql).await?;
            return Ok(Answer::Rows(Box::new(rows)));
        }
        let file = question.file.clone();
        if let Err(problems) = parameters.fill_in(&mut question.statement, &file) {
            return Err(Error::all(problems).unwrap_or_else(|| Error::bug("no problem at all")));
        }
        let plan = self
            .context
            .state()
            .statement_to_plan(question.statement)
            .await;
        let plan = plan.map_err(|error| explain_text(&error, &file, None))?;
        match &plan {
            LogicalPlan::Ddl(what) => {
                let done = defined(what)
                    .filter(|_| rights.define)
                    .ok_or_else(|| refused(rights))?;
                if let DdlStatement::DropTable(DropTable { name, .. })
                | DdlStatement::DropView(DropView { name, .. }) = what
                {
                    self.may_forget(name).await?;
                }
                let executed = self.context.execute_logical_plan(plan).await;
                executed.map_err(|error| explain_text(&error, &file, None))?;
                return Ok(Answer::Done(done));
            }
            LogicalPlan::Copy(copy) => Self::may_copy(copy, rights)?,
            _ => read_only(&plan, rights)?,
        }
        let rows = self.execute_text(&plan, &file, None).await?;
        Ok(Answer::Rows(Box::new(rows)))
    }

    /// Only what was made in this session is forgotten: a view, where bare names are looked up.
    async fn may_forget(&self, name: &TableReference) -> Result<()> {
        let provider = self.context.table_provider(name.clone()).await;
        let is_view = provider.is_ok_and(|it| it.table_type() == TableType::View);
        let is_ours = name
            .schema()
            .is_none_or(|schema| schema == self.default_schema());
        if is_view && is_ours {
            return Ok(());
        }
        let message = format!("`{name}` was not made in this session");
        Err(Error::usage(message).with_hint("`drop view` forgets a view that was made here"))
    }

    fn may_copy(copy: &CopyTo, rights: &Rights<'_>) -> Result<()> {
        let may_write = rights.write.ok_or_else(|| refused(rights))?;
        read_only(&copy.input, rights)?;
        may_write(&copy.output_url)
    }

    /// An error with the nearest name for a table that there is not.
    fn know_tables(&self, reads: &[Reference]) -> Result<()> {
        let unknown = reads.iter().find(|read| !self.knows(&read.table));
        let Some(read) = unknown else { return Ok(()) };
        if let Some(error) = no_table_file(&read.table) {
            return Err(error.at(read.place.clone()));
        }
        let schema = match read.table.split_once('.') {
            Some((schema, _)) if self.schemas().iter().any(|known| known == schema) => {
                schema.to_owned()
            }
            _ => self.default_schema(),
        };
        let names = self.tables(&schema);
        let name = read.table.rsplit('.').next().unwrap_or(&read.table);
        let names: Vec<String> = if read.table.contains('.') {
            names
                .iter()
                .map(|name| format!("{schema}.{name}"))
                .collect()
        } else {
            names
        };
        let asked = if read.table.contains('.') {
            read.table.as_str()
        } else {
            name
        };
        let names = names.iter().map(String::as_str);
        Err(unknown_table(asked, names).at(read.place.clone()))
    }

    /// Whether there is a table of that name.
    pub fn knows(&self, table: &str) -> bool {
        let exists = |name: TableReference| self.context.table_exist(name).unwrap_or(false);
        exists(TableReference::parse_str(table)) || exists(TableReference::bare(table))
    }
}

/// What a definition does, in words; `None` for those that are not for a session.
fn defined(what: &DdlStatement) -> Option<String> {
    Some(match what {
        DdlStatement::CreateView(view) => {
            format!("view `{}` made, for this session and this run", view.name)
        }
        DdlStatement::DropView(view) => format!("`{}` forgotten, for this session", view.name),
        DdlStatement::DropTable(table) => format!("`{}` forgotten, for this session", table.name),
        _ => return None,
    })
}

/// Whether a statement is one that may be answered, here or elsewhere. All others would change something.
fn is_answered(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(explain) => is_answered(&explain.statement),
        Statement::CopyTo(_) => true,
        Statement::Statement(statement) => matches!(
            **statement,
            SqlStatement::Query(_)
                | SqlStatement::Explain { .. }
                | SqlStatement::ExplainTable { .. }
                | SqlStatement::ShowTables { .. }
                | SqlStatement::ShowColumns { .. }
                | SqlStatement::ShowFunctions { .. }
                | SqlStatement::ShowVariable { .. }
                | SqlStatement::ShowCreate { .. }
                | SqlStatement::CreateView(_)
                | SqlStatement::Drop { .. }
        ),
        _ => false,
    }
}

fn read_only(plan: &LogicalPlan, rights: &Rights<'_>) -> Result<()> {
    let options = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    options.verify_plan(plan).map_err(|_| refused(rights))
}

/// Why a statement is not answered.
fn refusal(statement: &Statement, rights: &Rights<'_>) -> Error {
    if !matches!(statement, Statement::CreateExternalTable(_)) {
        return refused(rights);
    }
    Error::usage("a file needs no table of its own")
        .with_hint("name it where a table stands: select * from 'data/file.csv'")
}

fn refused(rights: &Rights<'_>) -> Error {
    let error = Error::usage("only questions are answered here: nothing can be changed");
    error.with_hint(if rights.define {
        "ask with select, show, describe or explain; `create view NAME as select …` keeps a question, \
         `copy (select …) to 'FILE'` its rows"
    } else {
        "the statement can be a select, show, describe or explain"
    })
}

/// The same table under another name, for those who hold it.
pub type Provider = Arc<dyn datafusion::catalog::TableProvider>;
