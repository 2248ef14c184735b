//! Arguments that a call leaves out in its middle: `engagement_score(…, page_view_half => 40)`.
//!
//! DataFusion lets a call leave out its last arguments only. What a function says it takes instead is written into
//! the call as named arguments, before a plan is made; the statement that people wrote, and its fingerprint, stay.

use std::ops::ControlFlow;

use datafusion::{
    execution::SessionState,
    sql::sqlparser::ast::{
        Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArguments,
        Ident, Statement, Value, VisitMut, VisitorMut,
    },
};

/// Completes the calls in `statement`.
pub fn complete(statement: &mut Statement, state: &SessionState) {
    let _: ControlFlow<()> = VisitMut::visit(statement, &mut Complete { state });
}

struct Complete<'a> {
    state: &'a SessionState,
}

impl VisitorMut for Complete<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(call) = expression {
            self.call(call);
        }
        ControlFlow::Continue(())
    }
}

impl Complete<'_> {
    fn call(&self, call: &mut Function) {
        let Some(name) = call.name.0.last().and_then(|part| part.as_ident()) else {
            return;
        };
        let name = name.value.to_lowercase();
        let defaults = dfpipe_udfs::defaults(&name);
        let names = self.parameters(&name);
        let FunctionArguments::List(list) = &mut call.args else {
            return;
        };
        let given: Vec<String> = list.args.iter().filter_map(argument).collect();
        // Without a name all stands at its place, and what is left out is the end.
        if defaults.is_empty() || given.is_empty() {
            return;
        }
        let positional = list.args.len() - given.len();
        let behind = names.iter().skip(positional);
        let missing = behind.filter(|name| !given.contains(name));
        let added = missing.filter_map(|name| {
            let (_, number) = defaults.iter().find(|(known, _)| known == name)?;
            Some(FunctionArg::Named {
                name: Ident::new(name),
                arg: FunctionArgExpr::Expr(Expr::value(Value::Number(number.to_string(), false))),
                operator: FunctionArgOperator::RightArrow,
            })
        });
        list.args.extend(added.collect::<Vec<_>>());
    }

    /// The names of the arguments of a function, in their order.
    fn parameters(&self, name: &str) -> Vec<String> {
        let function = self.state.scalar_functions().get(name);
        let names = function.and_then(|function| function.signature().parameter_names.clone());
        names.unwrap_or_default()
    }
}

/// The name that an argument is given by, as DataFusion compares it.
fn argument(argument: &FunctionArg) -> Option<String> {
    match argument {
        FunctionArg::Named { name, .. } => Some(match name.quote_style {
            Some(_) => name.value.clone(),
            None => name.value.to_lowercase(),
        }),
        FunctionArg::ExprNamed { .. } | FunctionArg::Unnamed(_) => None,
    }
}
