//! What the rows of a plan are made of, node by node from the tables up.

use std::collections::BTreeSet;

use datafusion::{
    common::{Column, DFSchemaRef},
    logical_expr::{Expr, LogicalPlan, Subquery, TableScan},
};

use super::{
    expression::{Input, look_up},
    nodes::counted,
    origin::{How, Sources, TableColumn},
};

/// What the rows of a plan are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Relation {
    /// Each column.
    pub(super) columns: Vec<Sources>,
    /// What decides which rows there are.
    pub(super) rows: Sources,
}

/// What the rows of `plan` are made of; `known` are the tables that there are.
pub(super) fn follow(plan: &LogicalPlan, known: &BTreeSet<String>) -> Relation {
    let mut walk = Walk {
        known,
        outer: vec![],
        working: vec![],
    };
    walk.plan(plan)
}

/// A walk through a plan, and what the names in it mean.
pub(super) struct Walk<'a> {
    known: &'a BTreeSet<String>,
    /// Rows of the queries around the one that is walked, the innermost last.
    pub(super) outer: Vec<(DFSchemaRef, Relation)>,
    /// What recursive queries read of themselves.
    pub(super) working: Vec<(String, Relation)>,
}

impl Walk<'_> {
    pub(super) fn plan(&mut self, plan: &LogicalPlan) -> Relation {
        let relation = self.node(plan);
        // Positions are all that ties columns to names: if they do not fit, nothing is known.
        let width = plan.schema().fields().len();
        if relation.columns.len() == width {
            return relation;
        }
        let what = format!("the columns of {}", name(plan));
        Relation {
            columns: vec![Sources::unknown(what); width],
            rows: relation.rows,
        }
    }

    fn node(&mut self, plan: &LogicalPlan) -> Relation {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Projection(node) => self.with(&node.input, |walk, input| {
                walk.columns(&node.expr, input, input.relation.rows.clone())
            }),
            LogicalPlan::Filter(node) => {
                self.decided(&node.input, [(&node.predicate, How::Filter)])
            }
            LogicalPlan::Sort(node) => {
                let order = node.expr.iter().map(|sort| (&sort.expr, How::Sort));
                self.decided(&node.input, order)
            }
            LogicalPlan::Limit(node) => {
                let counts = node.skip.iter().chain(&node.fetch);
                self.decided(&node.input, counts.map(|count| (&**count, How::Filter)))
            }
            LogicalPlan::Window(node) => self.with(&node.input, |walk, input| {
                let mut relation = input.relation.clone();
                for value in &node.window_expr {
                    let value = walk.expression(value, &[input]);
                    relation.columns.push(counted(value, &relation.rows));
                }
                relation
            }),
            LogicalPlan::Aggregate(node) => self.aggregate(node),
            LogicalPlan::Distinct(node) => self.distinct(node),
            LogicalPlan::Join(node) => self.join(node),
            LogicalPlan::Union(node) => self.union(node),
            LogicalPlan::Unnest(node) => self.unnest(node),
            LogicalPlan::RecursiveQuery(node) => self.recursive(node),
            LogicalPlan::SubqueryAlias(node) => self.plan(&node.input),
            LogicalPlan::Subquery(node) => self.plan(&node.subquery),
            LogicalPlan::Repartition(node) => self.plan(&node.input),
            LogicalPlan::Values(node) => {
                let mut columns = vec![Sources::default(); node.schema.fields().len()];
                for row in &node.values {
                    for (column, value) in columns.iter_mut().zip(row) {
                        column.add(&self.expression(value, &[]), How::Identity);
                    }
                }
                let rows = Sources::default();
                Relation { columns, rows }
            }
            LogicalPlan::EmptyRelation(node) => Relation {
                columns: vec![Sources::default(); node.schema.fields().len()],
                rows: Sources::default(),
            },
            // No query that is a model has these; whatever they are, they are not followed.
            LogicalPlan::Statement(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::Extension(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Copy(_)
            | LogicalPlan::DescribeTable(_) => {
                let what = format!("the columns of {}", name(plan));
                Relation {
                    columns: vec![Sources::unknown(&*what); plan.schema().fields().len()],
                    rows: Sources::unknown(what),
                }
            }
        }
    }

    /// The rows of `plan`, and something over them.
    pub(super) fn with<T>(
        &mut self,
        plan: &LogicalPlan,
        work: impl FnOnce(&mut Self, Input<'_>) -> T,
    ) -> T {
        let relation = self.plan(plan);
        let schema = plan.schema();
        let relation = &relation;
        work(self, Input { schema, relation })
    }

    /// One column per expression.
    pub(super) fn columns(
        &mut self,
        expressions: &[Expr],
        input: Input<'_>,
        rows: Sources,
    ) -> Relation {
        let expressions = expressions.iter();
        let columns = expressions.map(|expr| self.expression(expr, &[input]));
        Relation {
            columns: columns.collect(),
            rows,
        }
    }

    /// The rows of `plan`, as far as `conditions` let them pass.
    fn decided<'e>(
        &mut self,
        plan: &LogicalPlan,
        conditions: impl IntoIterator<Item = (&'e Expr, How)>,
    ) -> Relation {
        self.with(plan, |walk, input| {
            let mut relation = input.relation.clone();
            for (condition, how) in conditions {
                let deciding = walk.expression(condition, &[input]);
                relation.rows.add(&deciding, how);
            }
            relation
        })
    }

    fn scan(&mut self, scan: &TableScan) -> Relation {
        let name = match scan.table_name.schema() {
            None | Some("public") => scan.table_name.table().to_owned(),
            Some(schema) => format!("{schema}.{}", scan.table_name.table()),
        };
        let mut working = self.working.iter().rev();
        let own = working.find(|(query, _)| *query == name);
        let mut relation = if let Some((_, relation)) = own {
            relation.clone()
        } else {
            let is_known = self.known.contains(&name);
            let fields = scan.projected_schema.fields().iter();
            let columns = fields.map(|field| {
                if is_known {
                    Sources::of(TableColumn::new(&name, field.name()), How::Identity)
                } else {
                    Sources::unknown(format!("the rows of `{name}`"))
                }
            });
            Relation {
                columns: columns.collect(),
                rows: Sources::default(),
            }
        };
        let input = relation.clone();
        let input = Input {
            schema: &scan.projected_schema,
            relation: &input,
        };
        let filters = self.all(&scan.filters, &[input], How::Filter);
        relation.rows.add(&filters, How::Filter);
        relation
    }

    /// The rows of a query within an expression over `inputs`.
    pub(super) fn subquery(&mut self, subquery: &Subquery, inputs: &[Input<'_>]) -> Relation {
        let depth = self.outer.len();
        let around = inputs.iter().map(|input| {
            let schema = DFSchemaRef::new(input.schema.clone());
            (schema, input.relation.clone())
        });
        self.outer.extend(around);
        let relation = self.plan(&subquery.subquery);
        self.outer.truncate(depth);
        relation
    }

    /// A column of a query around this one.
    pub(super) fn outer(&self, column: &Column) -> Sources {
        let around = self.outer.iter().rev();
        let inputs: Vec<_> = around
            .map(|(schema, relation)| Input { schema, relation })
            .collect();
        look_up(column, &inputs)
    }
}

/// What a node is called.
fn name(plan: &LogicalPlan) -> String {
    let shown = plan.display().to_string();
    let word = shown.split([':', ' ']).next().unwrap_or_default();
    format!("`{word}`")
}
