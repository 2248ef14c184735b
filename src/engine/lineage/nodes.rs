//! Nodes of a plan that put rows together: groups, joins, unions, lists, recursion.

use datafusion::{
    common::DFSchemaRef,
    logical_expr::{
        Aggregate, Distinct, Join, JoinType, RecursiveQuery, Union, Unnest,
        utils::grouping_set_to_exprlist,
    },
};

use super::{
    expression::Input,
    origin::{How, Sources},
    plan::{Relation, Walk},
};

impl Walk<'_> {
    pub(super) fn aggregate(&mut self, node: &Aggregate) -> Relation {
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

    pub(super) fn distinct(&mut self, node: &Distinct) -> Relation {
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

    pub(super) fn join(&mut self, node: &Join) -> Relation {
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
    pub(super) fn union(&mut self, node: &Union) -> Relation {
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

    pub(super) fn unnest(&mut self, node: &Unnest) -> Relation {
        let input = self.plan(&node.input);
        let is_opened = |index: usize| {
            let mut lists = node.list_type_columns.iter();
            lists.any(|(list, _)| *list == index) || node.struct_type_columns.contains(&index)
        };
        let columns = node.dependency_indices.iter().map(|index| {
            let mut column = Sources::default();
            let how = if is_opened(*index) {
                How::Transformation
            } else {
                How::Identity
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
    pub(super) fn recursive(&mut self, node: &RecursiveQuery) -> Relation {
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
}

fn merge(relation: &mut Relation, other: &Relation) {
    for (column, other) in relation.columns.iter_mut().zip(&other.columns) {
        column.add(other, How::Identity);
    }
    relation.rows.add(&other.rows, How::Identity);
}

/// A value over several rows. One that no values flow into is a count: it is made of what decides which
/// rows there are.
pub(super) fn counted(mut value: Sources, rows: &Sources) -> Sources {
    if value.direct().next().is_none() {
        value.add(rows, How::Identity);
    }
    value
}
