//! The columns of a model's result: each has a name of its own and a type that a file can hold.

use std::{collections::BTreeSet, sync::Arc};

use datafusion::{
    arrow::{
        array::{RecordBatch, new_null_array},
        datatypes::{Field, Schema},
    },
    parquet::{arrow::ArrowWriter, errors::ParquetError},
    sql::sqlparser::{
        ast::{Expr, SelectItem, SetExpr, Spanned, Statement as SqlStatement},
        tokenizer::Span,
    },
};

use crate::{
    error::{Error, Place},
    model::Sql,
};

/// What is wrong with the columns of `schema`, which `sql` gives.
pub fn problems(sql: &Sql, schema: &Schema) -> Vec<Error> {
    let mut seen = BTreeSet::new();
    let twins = schema
        .fields()
        .iter()
        .filter(|field| !seen.insert(field.name()));
    let twins = twins.map(|field| {
        let name = field.name();
        Error::usage(format!("the select gives two columns `{name}`"))
            .at(place(sql, name))
            .with_hint("rename one of them with `as`, or leave it out")
    });
    let unstorable = schema.fields().iter().filter_map(|field| {
        let cause = unstorable(field)?;
        let (name, kind) = (field.name(), field.data_type());
        let message = format!("column `{name}` cannot be stored: its type is {kind}");
        let problem = Error::usage(message).because(cause);
        Some(
            problem
                .at(place(sql, name))
                .with_hint("cast it to another type, or leave it out"),
        )
    });
    twins.chain(unstorable).collect()
}

/// Why Parquet does not hold the type of `field`: it is tried, since no list of types is kept anywhere.
fn unstorable(field: &Field) -> Option<String> {
    let kind = field.data_type();
    if kind.is_primitive() && !matches!(kind, datafusion::arrow::datatypes::DataType::Interval(_)) {
        return None;
    }
    let schema = Arc::new(Schema::new(vec![Field::new("column", kind.clone(), true)]));
    let tried = || -> Result<(), ParquetError> {
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![new_null_array(kind, 1)])?;
        let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), None)?;
        writer.write(&batch)?;
        writer.close().map(|_| ())
    };
    tried().err().map(|error| error.to_string())
}

/// Where the last select gives the column `name`; where it begins if it is named nowhere.
pub fn place(sql: &Sql, name: &str) -> Place {
    let span = match &sql.statement {
        SqlStatement::Query(query) => in_body(&query.body, name),
        _ => None,
    };
    span.map_or_else(|| sql.begin(), |span| sql.place(span))
}

/// Of several columns of one name the last is one too many.
fn in_body(body: &SetExpr, name: &str) -> Option<Span> {
    match body {
        SetExpr::Select(select) => {
            let named = |item: &&SelectItem| is_named(item, name);
            select.projection.iter().rfind(named).map(Spanned::span)
        }
        SetExpr::Query(query) => in_body(&query.body, name),
        SetExpr::SetOperation { left, .. } => in_body(left, name),
        _ => None,
    }
}

fn is_named(item: &SelectItem, name: &str) -> bool {
    let ident = match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias),
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(ident),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last(),
        _ => None,
    };
    ident.is_some_and(|ident| match ident.quote_style {
        Some(_) => ident.value == name,
        None => ident.value.eq_ignore_ascii_case(name),
    })
}
