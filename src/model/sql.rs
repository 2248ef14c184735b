//! A parsed statement and the names that it reads.
//!
//! Apart because places matter: DataFusion's own list of references has none.

use std::{collections::BTreeMap, ops::ControlFlow, sync::LazyLock};

use datafusion::sql::{
    parser::{CopyToSource, DFParser, Statement},
    resolve::resolve_table_references,
    sqlparser::{
        ast::{
            Spanned, Statement as SqlStatement, TableFactor, Visit, VisitMut, Visitor, VisitorMut,
        },
        tokenizer::Span,
    },
};
use regex::Regex;

use super::File;
use crate::error::{Error, Place, Result};

/// One select and where it came from.
#[derive(Clone, Debug)]
pub struct Sql {
    /// The file that it stands in.
    pub file: File,
    /// The statement.
    pub statement: SqlStatement,
    /// The tables that it reads, in order of name.
    pub reads: Vec<Reference>,
}

/// A table that a statement reads.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Its name, lower case unless quoted; with its schema, if one is named.
    pub table: String,
    /// Where it is named first.
    pub place: Place,
}

impl Sql {
    /// Parses the one query of `file`.
    pub fn parse(file: File) -> Result<Self> {
        let mut statements =
            DFParser::parse_sql(&file.text).map_err(|error| syntax_error(&file, &error))?;
        let statement = statements.pop_front();
        if let Some(second) = statements.front() {
            return Err(one_too_many(&file, second));
        }
        let Some(Statement::Statement(statement)) = statement else {
            return Err(not_a_query(&file));
        };
        if !matches!(*statement, SqlStatement::Query(_)) {
            return Err(not_a_query(&file));
        }
        let statement = Statement::Statement(statement);
        let reads = reads(&statement, &file)?;
        let Statement::Statement(statement) = statement else {
            return Err(not_a_query(&file));
        };
        Ok(Self {
            file,
            statement: *statement,
            reads,
        })
    }

    /// Where the statement begins.
    pub fn begin(&self) -> Place {
        self.place(self.statement.span())
    }

    /// The place of `span` in the file.
    pub fn place(&self, span: Span) -> Place {
        place(&self.file, span)
    }
}

fn one_too_many(file: &File, second: &Statement) -> Error {
    let problem = Error::usage(format!("`{}` holds more than one statement", file.name))
        .with_hint("a model is one select");
    match second {
        Statement::Statement(statement) => problem.at(place(file, statement.span())),
        _ => problem,
    }
}

fn not_a_query(file: &File) -> Error {
    Error::usage(format!("`{}` holds no select", file.name)).with_hint("a model is one select")
}

/// The place of `span` in `file`; its first character if the span is empty.
pub fn place(file: &File, span: Span) -> Place {
    let to_usize = |number: u64| usize::try_from(number).unwrap_or(1);
    let (line, column) = (
        to_usize(span.start.line).max(1),
        to_usize(span.start.column).max(1),
    );
    let one_line = span.end.line == span.start.line && span.end.column > span.start.column;
    let length = if one_line {
        to_usize(span.end.column - span.start.column)
    } else {
        1
    };
    Place::new(&file.name, &file.text, line, column, length)
}

/// An error of the parser, at the place that its text names.
pub fn syntax_error(file: &File, error: &dyn std::fmt::Display) -> Error {
    static POSITION: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?: at)? Line: (\d+), Column: (\d+)").expect("the pattern is valid")
    });
    let message = error.to_string();
    let number = |text: Option<regex::Match<'_>>| text?.as_str().parse::<usize>().ok();
    let found = POSITION.captures(&message);
    let position = found.and_then(|found| Some((number(found.get(1))?, number(found.get(2))?)));
    let (line, column) = position.unwrap_or_else(|| end_of(&file.text));
    let plain = POSITION.replace_all(&message, "");
    let plain = [
        "SQL error: ",
        "ParserError(\"",
        "TokenizerError(\"",
        "sql parser error: ",
    ]
    .iter()
    .fold(plain.as_ref(), |text, prefix| {
        text.strip_prefix(prefix).unwrap_or(text)
    })
    .trim_end_matches("\")");
    Error::usage(format!("`{}` is not valid SQL: {plain}", file.name))
        .at(Place::new(&file.name, &file.text, line, column, 1))
}

/// Where a text ends: the place of an error about something that is missing.
fn end_of(text: &str) -> (usize, usize) {
    let text = text.trim_end();
    let last = text.lines().next_back().unwrap_or_default();
    (text.lines().count().max(1), last.chars().count() + 1)
}

/// The tables that `statement` reads.
pub fn reads(statement: &Statement, file: &File) -> Result<Vec<Reference>> {
    let (tables, _) = resolve_table_references(statement, true)
        .map_err(|error| Error::usage(format!("`{}` cannot be read", file.name)).because(error))?;
    let mut names = Names::default();
    look(statement, &mut names);
    Ok(tables
        .into_iter()
        .map(|table| table.to_string())
        .filter(|table| !names.only_function(table))
        .map(|table| {
            let span = names.tables.get(&table).copied();
            let place = match span.filter(|span| *span != Span::empty()) {
                Some(span) => place(file, span),
                None => quoted_place(file, &table),
            };
            Reference { table, place }
        })
        .collect())
}

/// Where a text names a file in quotes: the parser does not say.
fn quoted_place(file: &File, name: &str) -> Place {
    let quoted = format!("'{name}'");
    let Some(at) = file.text.find(&quoted) else {
        return place(file, Span::empty());
    };
    let before = &file.text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|one| *one != '\n').count() + 1;
    Place::new(&file.name, &file.text, line, column, quoted.chars().count())
}

/// Shows `visitor` the SQL in `statement`, whatever stands around it.
fn look<V: Visitor>(statement: &Statement, visitor: &mut V) {
    let _ = match statement {
        Statement::Statement(statement) => statement.visit(visitor),
        Statement::Explain(explain) => {
            look(&explain.statement, visitor);
            return;
        }
        Statement::CopyTo(copy) => match &copy.source {
            CopyToSource::Query(query) => query.visit(visitor),
            CopyToSource::Relation(_) => return,
        },
        _ => return,
    };
}

/// Lets `visitor` change the SQL in `statement`, whatever stands around it.
pub fn change<V: VisitorMut>(statement: &mut Statement, visitor: &mut V) {
    let _ = match statement {
        Statement::Statement(statement) => statement.visit(visitor),
        Statement::Explain(explain) => {
            change(&mut explain.statement, visitor);
            return;
        }
        Statement::CopyTo(copy) => match &mut copy.source {
            CopyToSource::Query(query) => query.visit(visitor),
            CopyToSource::Relation(_) => return,
        },
        _ => return,
    };
}

/// Where tables are named; table functions, which look alike, are told apart by their arguments.
#[derive(Default)]
struct Names {
    tables: BTreeMap<String, Span>,
    functions: Vec<String>,
}

impl Names {
    fn only_function(&self, name: &str) -> bool {
        self.functions.iter().any(|function| function == name) && !self.tables.contains_key(name)
    }
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args, .. } = factor {
            let parts: Vec<_> = name.0.iter().filter_map(|part| part.as_ident()).collect();
            let normalized = parts.iter().map(|ident| match ident.quote_style {
                Some(_) => ident.value.clone(),
                None => ident.value.to_lowercase(),
            });
            let normalized = normalized.collect::<Vec<_>>().join(".");
            if args.is_some() {
                self.functions.push(normalized);
            } else if let (Some(first), Some(last)) = (parts.first(), parts.last()) {
                let span = Span::new(first.span.start, last.span.end);
                self.tables.entry(normalized).or_insert(span);
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::{File, Sql};

    fn parse(text: &str) -> crate::error::Result<Sql> {
        Sql::parse(File {
            path: "m.sql".into(),
            name: "sql/m.sql".into(),
            text: text.into(),
        })
    }

    #[test]
    fn reads_are_found_below_ctes_subqueries_and_quotes() {
        for (text, expected) in [
            ("select * from a", &["a"][..]),
            ("with a as (select * from b) select * from a", &["b"]),
            ("with a as (select * from a) select * from a", &["a"]),
            ("select * from A join \"B\" using (x)", &["B", "a"]),
            (
                "select (select max(x) from c) from d where exists (select 1 from e)",
                &["c", "d", "e"],
            ),
            ("select * from generate_series(1, 3)", &[]),
            ("select * from s.t", &["s.t"]),
            ("select 1", &[]),
        ] {
            let sql = parse(text).unwrap();
            let tables: Vec<_> = sql.reads.iter().map(|read| read.table.as_str()).collect();
            assert_eq!(tables, expected, "{text}");
        }
    }

    #[test]
    fn a_read_knows_its_place() {
        let sql = parse("select *\nfrom a\n  join bcd using (x)").unwrap();
        let place = &sql.reads[1].place;
        assert_eq!((place.line, place.column, place.length), (3, 8, 3));
    }

    #[test]
    fn broken_sql_points_at_the_character() {
        for (text, line, column) in [
            ("select a\nfrom t where )", 2, 14),
            ("select 'a", 1, 8),
            ("select a,\nfrom", 2, 5),
            ("select (1", 1, 10),
        ] {
            let error = parse(text).unwrap_err();
            let place = error.place().unwrap();
            assert_eq!(
                (place.line, place.column),
                (line, column),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn only_one_select_is_a_model() {
        for text in [
            "",
            "select 1; select 2",
            "drop table a",
            "insert into a values (1)",
        ] {
            assert_eq!(parse(text).unwrap_err().kind().exit_code(), 2, "{text}");
        }
    }
}
