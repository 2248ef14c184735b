//! `model('NAME', run => '2026-11-15')`: a table of any run, beside those of the run that is looked
//! at. The call is replaced by the table's name before the statement is planned.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::{
    ast::{
        Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, TableAlias, TableFactor, Value,
        VisitorMut,
    },
    tokenizer::Span,
};

use super::Desk;
use crate::{
    engine::Question,
    error::{Error, Result},
    model::{File, sql::place},
    run::history,
};

const NAME: &str = "model";

/// A call of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    table: String,
    run: Option<String>,
    span: Span,
}

impl Call {
    /// What the table is called while the statement is planned.
    fn name(&self) -> String {
        let run = self.run.as_deref().unwrap_or_default();
        let plain = |one: char| {
            if one.is_ascii_alphanumeric() {
                one
            } else {
                '_'
            }
        };
        let name: String = format!("{}_{run}", self.table).chars().map(plain).collect();
        format!("__model_{}", name.to_lowercase())
    }
}

impl Desk {
    /// Opens the tables that calls of `model` name, and puts their names into the statement.
    pub(super) async fn open_past_models(&self, question: &mut Question) -> Result<Vec<String>> {
        let mut calls = Calls {
            file: question.file.clone(),
            found: vec![],
            problems: vec![],
        };
        question.change(&mut calls);
        if let Some(error) = Error::all(calls.problems) {
            return Err(error);
        }
        let mut opened = vec![];
        for call in calls.found {
            let name = call.name();
            if opened.contains(&name) {
                continue;
            }
            let made = self.open_past_model(&call).await;
            made.map_err(|error| error.at(place(&question.file, call.span)))?;
            opened.push(name);
        }
        Ok(opened)
    }

    async fn open_past_model(&self, call: &Call) -> Result<()> {
        let past = match &call.run {
            Some(run) => history::find(&self.config, Some(run)).await?,
            None => self.past()?.clone(),
        };
        history::open_table(&self.engine, &past, &call.table, &call.name()).await
    }
}

struct Calls {
    file: File,
    found: Vec<Call>,
    problems: Vec<Error>,
}

impl VisitorMut for Calls {
    type Break = ();

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table {
            name, alias, args, ..
        } = factor
        else {
            return ControlFlow::Continue(());
        };
        let Some(called) = name.0.first().and_then(|part| part.as_ident()) else {
            return ControlFlow::Continue(());
        };
        let is_call = name.0.len() == 1 && called.value.eq_ignore_ascii_case(NAME);
        let Some(arguments) = args.as_ref().filter(|_| is_call) else {
            return ControlFlow::Continue(());
        };
        let span = called.span;
        match read(&arguments.args, span) {
            Some(call) => {
                if alias.is_none() {
                    *alias = Some(TableAlias {
                        explicit: true,
                        name: Ident::with_quote('"', &call.table),
                        columns: vec![],
                        at: None,
                    });
                }
                let mut ident = Ident::with_quote('"', call.name());
                ident.span = span;
                *name = ObjectName::from(vec![ident]);
                *args = None;
                self.found.push(call);
            }
            None => {
                let error = Error::usage("`model` takes the name of a table, and a run");
                let error = error.at(place(&self.file, span));
                self.problems
                    .push(error.with_hint("write it so: model('NAME', run => 'last')"));
            }
        }
        ControlFlow::Continue(())
    }
}

fn read(arguments: &[FunctionArg], span: Span) -> Option<Call> {
    let (first, rest) = arguments.split_first()?;
    let FunctionArg::Unnamed(first) = first else {
        return None;
    };
    let run = match rest {
        [] => None,
        [FunctionArg::Unnamed(run)] => Some(text(run)?),
        [FunctionArg::Named { name, arg, .. }] if name.value.eq_ignore_ascii_case("run") => {
            Some(text(arg)?)
        }
        [
            FunctionArg::ExprNamed {
                name: Expr::Identifier(name),
                arg,
                ..
            },
        ] if name.value.eq_ignore_ascii_case("run") => Some(text(arg)?),
        _ => return None,
    };
    Some(Call {
        table: text(first)?,
        run,
        span,
    })
}

fn text(argument: &FunctionArgExpr) -> Option<String> {
    let FunctionArgExpr::Expr(Expr::Value(value)) = argument else {
        return None;
    };
    match &value.value {
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => Some(text.clone()),
        _ => None,
    }
}
