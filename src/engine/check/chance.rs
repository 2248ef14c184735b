//! What makes the bytes of a result depend on chance: the clock, dice, estimates, the order in which
//! rows come, and sums of floating-point numbers.
//!
//! Read from the statement, where places are; only for floating-point numbers the plan is asked, which
//! knows types. Said of the loaded model and all that it reads.

use std::{collections::BTreeMap, ops::ControlFlow};

use datafusion::{
    execution::SessionState,
    logical_expr::Volatility,
    sql::sqlparser::ast::{
        Distinct, Expr, Function, FunctionArgumentClause, FunctionArguments, NamedWindowExpr,
        Query, Select, SetExpr, Spanned, Visit, Visitor, WindowSpec, WindowType,
    },
    sql::sqlparser::tokenizer::Span,
};

use crate::{
    error::Error,
    model::{Allow, Model},
};

/// Functions whose value depends on the order of rows, and that take one.
const ORDERED: [&str; 6] = [
    "any_value",
    "array_agg",
    "first_value",
    "last_value",
    "nth_value",
    "string_agg",
];

/// Window functions that are nothing without an order.
const RANKING: [&str; 8] = [
    "cume_dist",
    "dense_rank",
    "lag",
    "lead",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// What in the statement of `model` depends on chance.
pub fn problems(model: &Model, state: &SessionState) -> Vec<Error> {
    let mut look = Look {
        allow: &model.header.allow,
        state,
        windows: BTreeMap::new(),
        found: vec![],
    };
    let _: ControlFlow<()> = model.sql.statement.visit(&mut look);
    let found = look.found.into_iter();
    found
        .map(|(span, message, hint)| {
            let place = model.sql.place(span);
            Error::usage(message).at(place).with_hint(hint)
        })
        .collect()
}

struct Look<'a> {
    allow: &'a Allow,
    state: &'a SessionState,
    /// Windows that the select gives names, and whether they have an order.
    windows: BTreeMap<String, bool>,
    found: Vec<(Span, String, String)>,
}

impl Look<'_> {
    fn find(&mut self, span: Span, message: String, hint: impl Into<String>) {
        self.found.push((span, message, hint.into()));
    }

    fn call(&mut self, function: &Function) {
        let Some(ident) = function.name.0.last().and_then(|part| part.as_ident()) else {
            return;
        };
        let name = ident.value.to_lowercase();
        self.volatile(&name, ident.span);
        let canonical = canonical(self.state, &name);
        if canonical.starts_with("approx_") && self.allow.approximations.is_none() {
            let message = format!("`{name}` only estimates: the same rows may give another value");
            let hint = "count or order exactly: `count(distinct …)`, `median`, `percentile_cont`; \
                        or say why it is right: `allow: {approximations: …}`";
            self.find(ident.span, message, hint);
        }
        if self.allow.any_order.is_some() {
            return;
        }
        let is_ordered = self.is_ordered(function);
        if ORDERED.contains(&canonical.as_str()) && !is_ordered {
            let message = format!("`{name}` takes the rows in the order in which they come");
            let hint = match function.over {
                Some(_) => {
                    "give its window an order that ties no rows: `over (order by …)`".to_owned()
                }
                None => format!("give it an order that ties no rows: `{name}(… order by …)`"),
            };
            self.find(ident.span, message, hint);
        } else if RANKING.contains(&canonical.as_str()) && function.over.is_some() && !is_ordered {
            let message = format!("`{name}` counts the rows in the order in which they come");
            let hint = "give its window an order that ties no rows: `over (order by …)`";
            self.find(ident.span, message, hint);
        }
    }

    /// The clock and dice. Nothing allows them: a run could never be repeated.
    fn volatile(&mut self, name: &str, span: Span) {
        let Some(function) = self.state.scalar_functions().get(name) else {
            return;
        };
        match function.signature().volatility {
            Volatility::Immutable => {}
            Volatility::Stable => {
                let message = format!("`{name}` reads the clock: no run could be repeated");
                let hint = "the moment of the run is `$as_of`, its date `$run_date`";
                self.find(span, message, hint);
            }
            Volatility::Volatile => {
                let message = format!("`{name}` gives other values every time");
                let hint = "compute it from the row, such as `md5(customer_id)`";
                self.find(span, message, hint);
            }
        }
    }

    fn is_ordered(&self, function: &Function) -> bool {
        let within = !function.within_group.is_empty();
        let inside = match &function.args {
            FunctionArguments::List(list) => list.clauses.iter().any(|clause| {
                matches!(clause, FunctionArgumentClause::OrderBy(order) if !order.is_empty())
            }),
            _ => false,
        };
        let over = match &function.over {
            Some(WindowType::WindowSpec(spec)) => self.is_ordered_window(spec),
            Some(WindowType::NamedWindow(name)) => self.is_ordered_name(&name.value),
            None => false,
        };
        within || inside || over
    }

    fn is_ordered_window(&self, spec: &WindowSpec) -> bool {
        let base = spec.window_name.as_ref();
        !spec.order_by.is_empty() || base.is_some_and(|name| self.is_ordered_name(&name.value))
    }

    fn is_ordered_name(&self, name: &str) -> bool {
        self.windows.get(&name.to_lowercase()) == Some(&true)
    }
}

impl Visitor for Look<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if query.order_by.is_some() || self.allow.any_order.is_some() {
            return ControlFlow::Continue(());
        }
        if let Some(span) = query.limit_clause.as_ref().map(Spanned::span) {
            let message = "`limit` keeps the rows that come first, and nothing orders them";
            let hint = "say which come first, by columns that tie no rows: `order by … limit …`";
            self.find(span, message.to_owned(), hint);
        }
        if let SetExpr::Select(select) = &*query.body
            && let Some(Distinct::On(columns)) = &select.distinct
        {
            let span = columns.first().map_or(Span::empty(), Spanned::span);
            let message = "`distinct on` keeps the row that comes first, and nothing orders them";
            let hint = "say which comes first, by columns that tie no rows: `order by …`";
            self.find(span, message.to_owned(), hint);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for window in &select.named_window {
            let is_ordered = match &window.1 {
                NamedWindowExpr::NamedWindow(name) => self.is_ordered_name(&name.value),
                NamedWindowExpr::WindowSpec(spec) => self.is_ordered_window(spec),
            };
            self.windows
                .insert(window.0.value.to_lowercase(), is_ordered);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expression {
            self.call(function);
        }
        ControlFlow::Continue(())
    }
}

/// The name under which a function of several names is known.
pub fn canonical(state: &SessionState, name: &str) -> String {
    let name = name.to_lowercase();
    let aggregate = state.aggregate_functions().get(&name);
    let window = state.window_functions().get(&name);
    aggregate
        .map(|function| function.name().to_owned())
        .or_else(|| window.map(|function| function.name().to_owned()))
        .unwrap_or(name)
}
