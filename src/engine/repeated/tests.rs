//! The rule gives the rows that DataFusion gives without it, and is used where it may be.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, Int64Array, RecordBatch, StringArray},
        util::pretty::pretty_format_batches,
    },
    datasource::MemTable,
    execution::SessionStateBuilder,
    physical_plan::displayable,
    prelude::{SessionConfig, SessionContext},
};

use super::RepeatedKeys;

/// Rows of the table `t`, in three partitions: the names of three, seven and eleven come several times.
const ROWS: i64 = 1000;

fn session(with_rule: bool) -> SessionContext {
    let state = SessionStateBuilder::new()
        .with_config(SessionConfig::new().with_target_partitions(3))
        .with_default_features();
    let state = if with_rule {
        state.with_physical_optimizer_rule(Arc::new(RepeatedKeys { worth_it: 1 }))
    } else {
        state
    };
    let session = SessionContext::new_with_state(state.build());
    let part = |part: i64| {
        let numbers: Vec<_> = (0..ROWS).filter(|number| number % 3 == part).collect();
        let name = |number: &i64| match number {
            3 | 500 | 999 => Some("three".to_owned()),
            7 | 8 => None,
            number => Some(format!("name {number}")),
        };
        let names: ArrayRef = Arc::new(numbers.iter().map(name).collect::<StringArray>());
        let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
        RecordBatch::try_from_iter_with_nullable([("name", names, true), ("n", numbers, false)])
            .unwrap()
    };
    let parts: Vec<_> = (0..3).map(|number| vec![part(number)]).collect();
    let table = MemTable::try_new(parts[0][0].schema(), parts).unwrap();
    session.register_table("t", Arc::new(table)).unwrap();
    session
}

async fn answer(session: &SessionContext, sql: &str) -> String {
    let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

async fn is_used(sql: &str) -> bool {
    let session = session(true);
    let plan = session.sql(sql).await.unwrap();
    let plan = plan.create_physical_plan().await.unwrap();
    let shown = displayable(plan.as_ref()).indent(false).to_string();
    shown.contains("MaybeRepeatedExec")
}

#[tokio::test]
async fn repeated_keys_are_the_same_with_and_without_the_rule() {
    for sql in [
        "select name from t group by name having count(*) > 1 order by 1",
        "select name, count(*), min(n), sum(n) from t group by name having count(*) > 1 order by 1",
        "select name, n % 2 from t group by name, n % 2 having count(1) >= 2 order by 1, 2",
        "select n % 400 as k from t where n > 300 group by 1 having 1 < count(*) and max(n) > 800 order by 1",
        "select name from t group by name having count(*) > 2 order by 1",
    ] {
        assert!(is_used(sql).await, "{sql}");
        let expected = answer(&session(false), sql).await;
        assert_eq!(answer(&session(true), sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn nothing_is_left_out_where_keys_that_come_once_are_wanted_or_rows_cannot_be_read_twice() {
    for sql in [
        "select name from t group by name having count(*) > 0",
        "select name from t group by name having count(*) >= 1",
        "select name from t group by name having count(*) < 2",
        "select name from t group by name having count(*) > 1 or max(n) = 5",
        "select name from t group by name having count(n) > 1",
        "select name from t group by name having count(distinct n) > 1",
        "select name from t group by name having count(*) filter (where n > 5) > 1",
        "select name from (select * from t limit 100) group by name having count(*) > 1",
        "select name from t where random() > 0.5 group by name having count(*) > 1",
        "select a.name from t a join t b on a.n = b.n group by a.name having count(*) > 1",
        "select name, n from t group by grouping sets ((name), (n)) having count(*) > 1",
    ] {
        assert!(!is_used(sql).await, "{sql}");
    }
}

#[tokio::test]
async fn a_plan_can_be_executed_again() {
    let session = session(true);
    let sql = "select name from t group by name having count(*) > 1 order by 1";
    let frame = session.sql(sql).await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    for _ in 0..2 {
        let plan = datafusion::physical_plan::execution_plan::reset_plan_states(Arc::clone(&plan))
            .unwrap();
        let rows = datafusion::physical_plan::collect(plan, session.task_ctx()).await;
        let rows: usize = rows.unwrap().iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, 2);
    }
}
