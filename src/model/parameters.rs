//! `$as_of` and its like: placeholders become typed literals in the parsed statement.
//!
//! Apart because it is done on the tree and not by DataFusion's own parameters, whose type is
//! unknown while the plan is made: an expression such as `$run_date - signup_date` would not type.

use std::{collections::BTreeMap, ops::ControlFlow};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use datafusion::sql::{
    parser::Statement,
    sqlparser::{
        ast::{Expr, ObjectNamePart, Value, ValueWithSpan, VisitMut, VisitorMut},
        dialect::GenericDialect,
        parser::Parser,
        tokenizer::Span,
    },
};

use super::{
    File, Sql,
    sql::{change, place},
};
use crate::{
    config::Parameter,
    error::{Error, did_you_mean},
};

/// The values of the parameters of one run, each as an expression of SQL.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    values: BTreeMap<String, String>,
}

impl Parameters {
    /// The values that [`Self::iter`] gave for an earlier run.
    pub fn of_run(values: &BTreeMap<String, String>) -> Self {
        Self {
            values: values.clone(),
        }
    }

    /// Sets a moment.
    pub fn set_time(&mut self, name: &str, time: DateTime<Utc>) {
        let text = time.to_rfc3339_opts(SecondsFormat::Micros, true);
        let literal = format!(r#"arrow_cast('{text}', 'Timestamp(Microsecond, Some("UTC"))')"#);
        self.values.insert(name.to_owned(), literal);
    }

    /// Sets a day.
    pub fn set_date(&mut self, name: &str, date: NaiveDate) {
        self.values
            .insert(name.to_owned(), format!("date '{date}'"));
    }

    /// Sets text.
    pub fn set_text(&mut self, name: &str, text: &str) {
        self.values
            .insert(name.to_owned(), format!("'{}'", text.replace('\'', "''")));
    }

    /// Sets a value of the configuration.
    pub fn set(&mut self, name: &str, value: &Parameter) {
        match value {
            Parameter::Text(text) => self.set_text(name, text),
            Parameter::Boolean(value) => _ = self.values.insert(name.to_owned(), value.to_string()),
            Parameter::Integer(value) => _ = self.values.insert(name.to_owned(), value.to_string()),
            Parameter::Number(value) => _ = self.values.insert(name.to_owned(), value.to_string()),
        }
    }

    /// The names and values, for the run's record.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Fills in the parameters of `sql`; one that is not set is an error at its place.
    pub fn fill(&self, sql: &mut Sql) -> Result<(), Vec<Error>> {
        let mut fill = Fill::with(self);
        let _: ControlFlow<()> = sql.statement.visit(&mut fill);
        fill.verdict(&sql.file)
    }

    /// The same for a statement that may be no query.
    pub fn fill_in(&self, statement: &mut Statement, file: &File) -> Result<(), Vec<Error>> {
        let mut fill = Fill::with(self);
        change(statement, &mut fill);
        fill.verdict(file)
    }
}

struct Fill<'a> {
    parameters: &'a Parameters,
    unknown: Vec<(String, Span)>,
}

impl<'a> Fill<'a> {
    fn with(parameters: &'a Parameters) -> Self {
        Self {
            parameters,
            unknown: vec![],
        }
    }

    fn verdict(self, file: &File) -> Result<(), Vec<Error>> {
        let names = || self.parameters.values.keys().map(String::as_str);
        let problems = self.unknown.into_iter().map(|(name, span)| {
            let hint = match did_you_mean(&name, names()) {
                Some(meant) => format!("did you mean `${meant}`?"),
                None => format!(
                    "the parameters are: ${}",
                    names().collect::<Vec<_>>().join(", $")
                ),
            };
            Error::usage(format!("there is no parameter `${name}`"))
                .at(place(file, span))
                .with_hint(hint)
        });
        let problems: Vec<_> = problems.collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }
}

impl VisitorMut for Fill<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        let Expr::Value(value) = expression else {
            return ControlFlow::Continue(());
        };
        let Value::Placeholder(placeholder) = &value.value else {
            return ControlFlow::Continue(());
        };
        let name = placeholder
            .trim_start_matches(['$', ':', '?'])
            .to_lowercase();
        match self
            .parameters
            .values
            .get(&name)
            .and_then(|literal| parse(literal))
        {
            Some(mut literal) => {
                let _: ControlFlow<()> = VisitMut::visit(&mut literal, &mut Move(value.span));
                *expression = literal;
            }
            None => self.unknown.push((name, value.span)),
        }
        ControlFlow::Continue(())
    }
}

/// Puts a literal where its parameter stands: errors are shown there.
struct Move(Span);

impl VisitorMut for Move {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(call) = expression {
            for part in &mut call.name.0 {
                if let ObjectNamePart::Identifier(name) = part {
                    name.span = self.0;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        value.span = self.0;
        ControlFlow::Continue(())
    }
}

fn parse(literal: &str) -> Option<Expr> {
    Parser::new(&GenericDialect {})
        .try_with_sql(literal)
        .ok()?
        .parse_expr()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::Parameters;
    use crate::{
        config::Parameter,
        model::{File, Sql},
    };

    fn sql(text: &str) -> Sql {
        let file = File {
            path: "m.sql".into(),
            name: "sql/m.sql".into(),
            text: text.into(),
        };
        Sql::parse(file).unwrap()
    }

    #[test]
    fn parameters_become_literals() {
        let mut parameters = Parameters::default();
        parameters.set_date("run_date", "2026-11-15".parse().unwrap());
        parameters.set("currency", &Parameter::Text("E'UR".into()));
        let mut sql = sql("select $run_date, $currency from t");
        parameters.fill(&mut sql).unwrap();
        assert_eq!(
            sql.statement.to_string(),
            "SELECT DATE '2026-11-15', 'E''UR' FROM t"
        );
    }

    #[test]
    fn an_unknown_parameter_is_an_error_with_place_and_hint() {
        let mut parameters = Parameters::default();
        parameters.set_text("run_id", "x");
        let mut sql = sql("select\n  $runid");
        let problems = parameters.fill(&mut sql).unwrap_err();
        let place = problems[0].place().unwrap();
        assert_eq!((place.line, place.column, place.length), (2, 3, 6));
        assert_eq!(problems[0].hint(), Some("did you mean `$run_id`?"));
    }
}
