//! Sorts hold plain text, whatever text they are given.
//!
//! A view of text keeps the whole buffer alive that it points into, and a sort that holds batches of views counts that
//! buffer once for each of them: gigabytes where megabytes are meant. Everywhere else views are faster, since text
//! is not copied. So what goes into a sort becomes plain text, and what comes out of it views again.

use std::{fmt::Formatter, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema},
    common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
    config::ConfigOptions,
    error::Result,
    execution::TaskContext,
    physical_expr::{
        PhysicalExpr,
        expressions::{Column, cast},
    },
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
        projection::ProjectionExec, sorts::sort::SortExec,
    },
};

/// The rule.
#[derive(Debug)]
pub struct PlainSorts;

impl PhysicalOptimizerRule for PlainSorts {
    fn name(&self) -> &'static str {
        "plain_sorts"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match node.downcast_ref::<SortExec>() {
            Some(sort) if has_views(&sort.schema()) && is_by_columns(sort) => {
                plain(sort).map(Transformed::yes)
            }
            _ => Ok(Transformed::no(node)),
        })
        .data()
    }
}

fn has_views(schema: &Schema) -> bool {
    let mut fields = schema.fields().iter();
    fields.any(|field| *field.data_type() == DataType::Utf8View)
}

/// Functions in an order are typed for the text that they were given.
fn is_by_columns(sort: &SortExec) -> bool {
    let mut order = sort.expr().iter();
    order.all(|one| one.expr.downcast_ref::<Column>().is_some())
}

fn plain(sort: &SortExec) -> Result<Arc<dyn ExecutionPlan>> {
    let given = sort.schema();
    let wanted = Schema::new(
        given
            .fields()
            .iter()
            .map(|field| kept_as(field))
            .collect::<Vec<_>>(),
    );
    let input = with_types(Arc::clone(sort.input()), &wanted)?;
    // Columns go by their places, so the order can be told in the same words.
    let sorted = SortExec::new(sort.expr().clone(), input)
        .with_fetch(sort.fetch())
        .with_preserve_partitioning(sort.preserve_partitioning());
    Ok(Arc::new(AsSorted {
        rows: with_types(Arc::new(sorted), &given)?,
        properties: Arc::clone(sort.properties()),
    }))
}

fn kept_as(field: &Field) -> Field {
    match field.data_type() {
        DataType::Utf8View => field.clone().with_data_type(DataType::Utf8),
        _ => field.clone(),
    }
}

/// The same columns with the types of `wanted`.
fn with_types(plan: Arc<dyn ExecutionPlan>, wanted: &Schema) -> Result<Arc<dyn ExecutionPlan>> {
    let given = plan.schema();
    let columns = given.fields().iter().zip(wanted.fields()).enumerate();
    let columns = columns.map(|(index, (field, wanted))| {
        let column = Arc::new(Column::new(field.name(), index)) as Arc<dyn PhysicalExpr>;
        let column = cast(column, &given, wanted.data_type().clone())?;
        Ok((column, field.name().clone()))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
}

/// Rows that went through a sort in other types: as far as any operator is concerned, the sort itself.
#[derive(Debug)]
struct AsSorted {
    rows: Arc<dyn ExecutionPlan>,
    /// Those of the sort that was asked for; through a cast, the order would not be known.
    properties: Arc<PlanProperties>,
}

impl DisplayAs for AsSorted {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

impl ExecutionPlan for AsSorted {
    fn name(&self) -> &'static str {
        "PlainSort"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.rows]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self {
            rows: children.swap_remove(0),
            properties: Arc::clone(&self.properties),
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.rows.execute(partition, context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::{
        arrow::{
            array::{ArrayRef, Int64Array, RecordBatch, StringViewArray},
            datatypes::DataType,
            util::pretty::pretty_format_batches,
        },
        datasource::MemTable,
        execution::SessionStateBuilder,
        physical_plan::{ExecutionPlan, displayable},
        prelude::{SessionConfig, SessionContext},
    };

    use super::PlainSorts;

    fn session(with_rule: bool) -> SessionContext {
        let state = SessionStateBuilder::new()
            .with_config(SessionConfig::new().with_target_partitions(3))
            .with_default_features();
        let state = if with_rule {
            state.with_physical_optimizer_rule(Arc::new(PlainSorts))
        } else {
            state
        };
        let session = SessionContext::new_with_state(state.build());
        let part = |part: i64| {
            let numbers: Vec<i64> = (0..100).map(|number| number * 7 % 100 * 3 + part).collect();
            let names = numbers
                .iter()
                .map(|number| (number % 5 != 0).then(|| format!("n{}", number % 11)));
            let names: ArrayRef = Arc::new(names.collect::<StringViewArray>());
            let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
            vec![
                RecordBatch::try_from_iter_with_nullable([
                    ("name", names, true),
                    ("n", numbers, false),
                ])
                .unwrap(),
            ]
        };
        let parts: Vec<_> = (0..3).map(part).collect();
        let table = MemTable::try_new(parts[0][0].schema(), parts).unwrap();
        session.register_table("t", Arc::new(table)).unwrap();
        session
    }

    /// The types of text that sorts hold.
    fn held(plan: &Arc<dyn ExecutionPlan>, found: &mut Vec<DataType>) {
        if plan.name().starts_with("SortExec") {
            let schema = plan.schema();
            found.extend(
                schema
                    .fields()
                    .iter()
                    .map(|field| field.data_type().clone()),
            );
        }
        for child in plan.children() {
            held(child, found);
        }
    }

    #[tokio::test]
    async fn an_order_by_a_function_is_left_as_it_is() {
        let sql = "select n, name from t order by lower(name), n limit 7";
        let mut answers = vec![];
        for with_rule in [false, true] {
            let rows = session(with_rule).sql(sql).await.unwrap().collect().await;
            answers.push(pretty_format_batches(&rows.unwrap()).unwrap().to_string());
        }
        assert_eq!(answers[0], answers[1]);
    }

    #[tokio::test]
    async fn rows_and_types_are_the_same_and_no_sort_holds_views() {
        for sql in [
            "select name, n from t order by name desc nulls last, n",
            "select n, name from t order by name, n limit 7",
            "select name, n, row_number() over (partition by name order by n) as place from t order by 1, 2",
        ] {
            let mut answers = vec![];
            for with_rule in [false, true] {
                let session = session(with_rule);
                let plan = session
                    .sql(sql)
                    .await
                    .unwrap()
                    .create_physical_plan()
                    .await
                    .unwrap();
                let mut types = vec![];
                held(&plan, &mut types);
                let shown = displayable(plan.as_ref()).indent(false).to_string();
                assert_ne!(types.contains(&DataType::Utf8View), with_rule, "{shown}");
                let rows = session.sql(sql).await.unwrap().collect().await.unwrap();
                let kinds = rows[0]
                    .schema()
                    .fields()
                    .iter()
                    .map(|field| field.data_type().clone())
                    .collect::<Vec<_>>();
                answers.push((pretty_format_batches(&rows).unwrap().to_string(), kinds));
            }
            assert_eq!(answers[0], answers[1], "{sql}");
        }
    }
}
