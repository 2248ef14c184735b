//! What the rows of a plan are made of, node by node from the tables up.

use std::collections::BTreeSet;

use datafusion::{
    common::{Column, DFSchemaRef},
    logical_expr::{
        Aggregate, Distinct, Expr, Join, JoinType, LogicalPlan, RecursiveQuery, Subquery,
        TableScan, Union, Unnest, utils::grouping_set_to_exprlist,
    },
};

use super::{
    expression::{Input, look_up},
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
    outer: Vec<(DFSchemaRef, Relation)>,
    /// What recursive queries read of themselves.
    working: Vec<(String, Relation)>,
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
    fn with<T>(&mut self, plan: &LogicalPlan, work: impl FnOnce(&mut Self, Input<'_>) -> T) -> T {
        let relation = self.plan(plan);
        let schema = plan.schema();
        let relation = &relation;
        work(self, Input { schema, relation })
    }

    /// One column per expression.
    fn columns(&mut self, expressions: &[Expr], input: Input<'_>, rows: Sources) -> Relation {
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
            let columns = fields.map(|field| match is_known {
                true => Sources::of(TableColumn::new(&name, field.name()), How::Identity),
                false => Sources::unknown(format!("the rows of `{name}`")),
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

    fn aggregate(&mut self, node: &Aggregate) -> Relation {
        self.with(&node.input, |walk, input| {
            let Ok(groups) = grouping_set_to_exprlist(&node.group_expr) else {
                return Relation::default();
            };
            let mut rows = input.relation.rows.clone();
            let groups = groups.into_iter();
            let mut columns: Vec<_> = groups
                .map(|group| walk.expression(group, &[input]))
                .collect();
            for group in &columns {
                rows.add(group, How::GroupBy);
            }
            // Behind the groups of grouping sets stands the number of the set, which is made of nothing.
            let width = node.schema.fields().len();
            if columns.len() + node.aggr_expr.len() < width {
                columns.push(Sources::default());
            }
            for value in &node.aggr_expr {
                let value = walk.expression(value, &[input]);
                columns.push(counted(value, &rows));
            }
            Relation { columns, rows }
        })
    }

    fn distinct(&mut self, node: &Distinct) -> Relation {
        match node {
            Distinct::All(input) => {
                let mut relation = self.plan(input);
                for column in &relation.columns {
                    relation.rows.add(column, How::GroupBy);
                }
                relation
            }
            Distinct::On(node) => self.with(&node.input, |walk, input| {
                let mut rows = input.relation.rows.clone();
                let groups = walk.all(&node.on_expr, &[input], How::GroupBy);
                rows.add(&groups, How::GroupBy);
                let order = node.sort_expr.iter().flatten().map(|sort| &sort.expr);
                let order = walk.all(order, &[input], How::Sort);
                rows.add(&order, How::Sort);
                walk.columns(&node.select_expr, input, rows)
            }),
        }
    }

    fn join(&mut self, node: &Join) -> Relation {
        let left = self.plan(&node.left);
        // The right side may be lateral, and speak of the left one.
        self.outer
            .push((DFSchemaRef::clone(node.left.schema()), left.clone()));
        let right = self.plan(&node.right);
        self.outer.pop();
        let inputs = [(&node.left, &left), (&node.right, &right)].map(|(plan, relation)| Input {
            schema: plan.schema(),
            relation,
        });
        let sides = node.on.iter().flat_map(|(left, right)| [left, right]);
        let conditions = sides.chain(&node.filter);
        let joined = self.all(conditions, &inputs, How::Join);
        let mut rows = left.rows.clone();
        rows.add(&right.rows, How::Identity);
        let mark = joined.clone();
        rows.add(&joined, How::Join);
        let columns = match node.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                [left.columns, right.columns].concat()
            }
            JoinType::LeftSemi | JoinType::LeftAnti => left.columns,
            JoinType::RightSemi | JoinType::RightAnti => right.columns,
            JoinType::LeftMark => [left.columns, vec![mark]].concat(),
            JoinType::RightMark => [right.columns, vec![mark]].concat(),
        };
        Relation { columns, rows }
    }

    /// Columns of a union belong together by their position.
    fn union(&mut self, node: &Union) -> Relation {
        let mut inputs = node.inputs.iter();
        let Some(first) = inputs.next() else {
            return Relation::default();
        };
        let mut relation = self.plan(first);
        for input in inputs {
            let other = self.plan(input);
            merge(&mut relation, &other);
        }
        relation
    }

    fn unnest(&mut self, node: &Unnest) -> Relation {
        let input = self.plan(&node.input);
        let is_opened = |index: usize| {
            let mut lists = node.list_type_columns.iter();
            lists.any(|(list, _)| *list == index) || node.struct_type_columns.contains(&index)
        };
        let columns = node.dependency_indices.iter().map(|index| {
            let mut column = Sources::default();
            let how = match is_opened(*index) {
                true => How::Transformation,
                false => How::Identity,
            };
            if let Some(of) = input.columns.get(*index) {
                column.add(of, how);
            }
            column
        });
        Relation {
            columns: columns.collect(),
            rows: input.rows.clone(),
        }
    }

    /// Reads itself until nothing is added any more: there are so many columns and no more.
    fn recursive(&mut self, node: &RecursiveQuery) -> Relation {
        let mut relation = self.plan(&node.static_term);
        loop {
            self.working.push((node.name.clone(), relation.clone()));
            let step = self.plan(&node.recursive_term);
            self.working.pop();
            let before = relation.clone();
            merge(&mut relation, &step);
            if relation == before {
                return relation;
            }
        }
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

fn merge(relation: &mut Relation, other: &Relation) {
    for (column, other) in relation.columns.iter_mut().zip(&other.columns) {
        column.add(other, How::Identity);
    }
    relation.rows.add(&other.rows, How::Identity);
}

/// A value over several rows. One that no values flow into is a count: it is made of what decides which
/// rows there are.
fn counted(mut value: Sources, rows: &Sources) -> Sources {
    if value.direct().next().is_none() {
        value.add(rows, How::Identity);
    }
    value
}

/// What a node is called.
fn name(plan: &LogicalPlan) -> String {
    let shown = plan.display().to_string();
    let word = shown.split([':', ' ']).next().unwrap_or_default();
    format!("`{word}`")
}
