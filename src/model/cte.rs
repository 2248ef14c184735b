//! One CTE of a statement as a statement of its own: for looking at a single thought of a model.

use datafusion::sql::{
    parser::Statement as AnyStatement,
    sqlparser::{
        ast::{Cte, Ident, Query, Statement},
        dialect::GenericDialect,
        parser::Parser,
    },
};

use super::{Sql, sql::reads};

impl Sql {
    /// The names of its CTEs, in their order.
    pub fn ctes(&self) -> Vec<&str> {
        let with = self.query().and_then(|query| query.with.as_ref());
        let ctes = with.map(|with| with.cte_tables.as_slice());
        let names = ctes.unwrap_or_default().iter().map(name);
        names.map(|name| name.value.as_str()).collect()
    }

    /// The statement whose rows are those of the CTE `wanted`; `None` if there is none of that name.
    pub fn cte(&self, wanted: &str) -> Option<Self> {
        let mut with = self.query()?.with.clone()?;
        let position = with.cte_tables.iter().position(|cte| is(cte, wanted))?;
        // What comes after it may read tables that it does not read.
        with.cte_tables.truncate(position + 1);
        let mut last = select_all(name(with.cte_tables.last()?))?;
        last.with = Some(with);
        let statement = Statement::Query(Box::new(last));
        let wrapped = AnyStatement::Statement(Box::new(statement.clone()));
        let reads = reads(&wrapped, &self.file).ok()?;
        Some(Self {
            file: self.file.clone(),
            statement,
            reads,
        })
    }

    fn query(&self) -> Option<&Query> {
        match &self.statement {
            Statement::Query(query) => Some(query),
            _ => None,
        }
    }
}

fn name(cte: &Cte) -> &Ident {
    &cte.alias.name
}

fn is(cte: &Cte, wanted: &str) -> bool {
    let ident = name(cte);
    match ident.quote_style {
        Some(_) => ident.value == wanted,
        None => ident.value.eq_ignore_ascii_case(wanted),
    }
}

fn select_all(from: &Ident) -> Option<Query> {
    let text = format!("select * from {from}");
    let parser = Parser::new(&GenericDialect {}).try_with_sql(&text);
    parser.ok()?.parse_query().ok().map(|query| *query)
}

#[cfg(test)]
mod tests {
    use crate::model::{File, Sql};

    #[test]
    fn a_cte_reads_only_what_stands_up_to_it() {
        let text = "with a as (select * from r), B as (select * from a join s using (x)), c as \
                    (select * from t) select * from c";
        let file = File {
            path: "m.sql".into(),
            name: "sql/m.sql".into(),
            text: text.into(),
        };
        let sql = Sql::parse(file).unwrap();
        assert_eq!(sql.ctes(), ["a", "B", "c"]);
        let cte = sql.cte("b").unwrap();
        let reads: Vec<_> = cte.reads.iter().map(|read| read.table.as_str()).collect();
        assert_eq!(reads, ["r", "s"]);
        assert!(cte.statement.to_string().ends_with("SELECT * FROM B"));
        assert!(sql.cte("d").is_none());
    }
}
