//! With the rule and without it, a query gives the same bits; with it, no window is left.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
            StringArray,
        },
        compute::concat_batches,
    },
    datasource::MemTable,
    execution::SessionStateBuilder,
    prelude::{SessionConfig, SessionContext},
};
use dfpipe_udfs::{UdfSettings, register_all};

use super::Scaling;

const ROWS: i64 = 1_009;

/// Queries that need no window after the rule.
const SPLIT: [&str; 16] = [
    "select id, min_max_scale(x) over () from t",
    "select id, z_score(x) over () from t",
    "select id, robust_scale(x) over () from t",
    "select id, winsorize(x, 0.99) over (), winsorize(x, lower => 0.01, upper => 0.9) over () from t",
    "select id, winsorize(d, 1 - 0.25) over (partition by k) from t",
    "select id, z_score(n) over (), z_score(d) over (partition by k), x, k from t",
    "select id, min_max_scale(x) over (partition by k), robust_scale(x) over (partition by k) from t",
    "select id, z_score(x) over (partition by k || '!', n % 3), z_score(x) over (partition by n % 3) from t",
    "select id, z_score(x) over (partition by x / 0) from t",
    "select id, round(100 * min_max_scale(x) over (), 2) + coalesce(z_score(x) over (), 0) as score from t",
    "with s as (select id, k, z_score(x) over () as z from t) \
     select a.id, a.z, min_max_scale(b.z) over (partition by a.k) from s a join s b on a.id = b.id",
    "select id, min_max_scale(z) over () from (select id, z_score(x) over () as z from t)",
    "select n, min_max_scale(sum(n)) over () from t group by n",
    "select id from t where x > (select max(w) from (select winsorize(x, 0.5) over () as w from t))",
    "select id from t order by min_max_scale(n) over () desc, id",
    "select id, min_max_scale(x) over () as s from t union all select -id, z_score(x) over () from t where n = 1",
];

/// Queries in which another window stays, or whose rows may be others the second time.
const KEPT: [&str; 8] = [
    "select id, min_max_scale(x) over (), rank() over (order by x, id) from t",
    "select id, sum(n) over (partition by k), z_score(x) over (partition by k), z_score(x) over () from t",
    "select id, rank() over (partition by k order by id), robust_scale(x) over (partition by k), \
     lag(x) over (order by id), min_max_scale(d) over () from t",
    "select id, min_max_scale(x) over () from (select * from t order by id limit 100)",
    "select id, z_score(r) over () from (select id, row_number() over (order by id) as r from t)",
    "select id, min_max_scale(r) over () >= 0 from (select id, random() as r from t)",
    "select coalesce(min_max_scale(f) over (), 0) >= 0 from (select first_value(x) as f from t group by k)",
    "select id, z_score(r) over () >= -9 from (select id, row_number() over () as r from t)",
];

/// Those of them that the rule leaves alone.
const LEFT_ALONE: [&str; 4] = [KEPT[3], KEPT[5], KEPT[6], KEPT[7]];

#[tokio::test]
async fn with_the_rule_and_without_it_a_query_gives_the_same_bits() {
    let plain = context(1, &rows(false), false);
    for partitions in [1, 2, 7] {
        let ruled = context(partitions, &rows(partitions > 1), true);
        for query in SPLIT.iter().chain(&KEPT) {
            let expected = answer(&plain, query).await;
            assert!(expected.num_rows() > 0, "{query}");
            let found = answer(&ruled, query).await;
            assert_eq!(found, expected, "{query} in {partitions} partitions");
        }
    }
}

#[tokio::test]
async fn no_window_is_left_where_only_scaling_needs_one() {
    let context = context(2, &rows(false), true);
    for query in SPLIT {
        let plan = plan(&context, query).await;
        assert!(!plan.contains("WindowAgg"), "{query}\n{plan}");
    }
    for query in KEPT {
        let plan = plan(&context, query).await;
        assert!(plan.contains("WindowAgg"), "{query}\n{plan}");
        let is_left = !plan.contains("_scale_fit(") && !plan.contains("z_score_fit(");
        assert_eq!(is_left, LEFT_ALONE.contains(&query), "{query}\n{plan}");
    }
}

#[tokio::test]
async fn rows_are_neither_lost_nor_doubled_and_keep_their_columns() {
    let context = context(2, &rows(false), true);
    let query = "select t.*, z_score(x) over (partition by k) as z from t";
    let found = answer(&context, query).await;
    assert_eq!(
        found.num_rows(),
        usize::try_from(ROWS).expect("it is small")
    );
    let names: Vec<_> = found
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["id", "k", "x", "n", "d", "z"]);
}

#[tokio::test]
async fn what_has_no_meaning_is_refused() {
    let context = context(2, &rows(false), true);
    for (query, message) in [
        (
            "select z_score(x) over (order by id) from t",
            "`z_score` measures against all rows: its window takes no `order by`",
        ),
        (
            "select z_score(x) over (rows 3 preceding) from t",
            "its window takes no frame",
        ),
        (
            "select z_score(x) filter (where n = 1) over () from t",
            "FILTER clause can only be used with aggregate window functions",
        ),
        (
            "select winsorize(x, 99) over () from t",
            "`winsorize`: `upper` must be from 0 to 1, but it is 99",
        ),
        (
            "select winsorize(x, 0.1, 0.9) over () from t",
            "`lower` must not be above `upper`",
        ),
        ("select winsorize(x, x) over () from t", "must be constants"),
        (
            "select winsorize(x, null) over () from t",
            "must be constants",
        ),
        ("select winsorize(x) over () from t", "winsorize"),
        ("select min_max_scale(k) over () from t", "min_max_scale"),
    ] {
        let planned = match context.sql(query).await {
            Ok(frame) => frame.create_physical_plan().await.map(|_| ()),
            Err(error) => Err(error),
        };
        let error = planned.expect_err(query).to_string();
        assert!(error.contains(message), "{query}: {error}");
    }
}

async fn answer(context: &SessionContext, query: &str) -> RecordBatch {
    let all = format!("select * from ({query}) order by 1");
    let frame = context.sql(&all).await.expect(query);
    let batches = frame.collect().await.expect(query);
    concat_batches(&batches[0].schema(), &batches).expect("batches of one query")
}

async fn plan(context: &SessionContext, query: &str) -> String {
    let frame = context.sql(query).await.expect(query);
    let plan = frame.into_optimized_plan().expect(query);
    plan.display_indent().to_string()
}

fn context(partitions: usize, rows: &RecordBatch, with_rule: bool) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(64);
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_default_features();
    if with_rule {
        state = state.with_analyzer_rule(Arc::new(Scaling));
    }
    let mut context = SessionContext::new_with_state(state.build());
    register_all(&mut context, &UdfSettings::new("a key")).expect("functions can be registered");
    let length = rows.num_rows().div_ceil(partitions);
    let parts = (0..partitions).map(|part| {
        let start = part * length;
        vec![rows.slice(start, length.min(rows.num_rows() - start))]
    });
    let table = MemTable::try_new(rows.schema(), parts.collect()).expect("a table");
    context
        .register_table("t", Arc::new(table))
        .expect("a new name");
    context
}

/// The same rows in one order or another, with nulls, ties and numbers of every size.
fn rows(shuffled: bool) -> RecordBatch {
    let mut ids: Vec<i64> = (0..ROWS).collect();
    if shuffled {
        ids.sort_by_key(|id| id * 577 % ROWS);
    }
    let x = |id: &i64| {
        let id = i32::try_from(*id).expect("it is small");
        (id % 11 > 0).then(|| f64::from(id * 7919 % 613 - 300) * 0.1 * 10_f64.powi(id % 5 * 3))
    };
    let k = |id: &i64| (id % 7 > 0).then(|| format!("k{}", id % 13));
    let n = |id: &i64| i32::try_from(id % 5).expect("it is small");
    let d = |id: &i64| i128::from(id * 31 % 997);
    let d: Decimal128Array = ids.iter().map(|id| Some(d(id))).collect();
    let columns: [(&str, ArrayRef); 5] = [
        ("id", Arc::new(Int64Array::from(ids.clone()))),
        ("k", Arc::new(ids.iter().map(k).collect::<StringArray>())),
        ("x", Arc::new(ids.iter().map(x).collect::<Float64Array>())),
        ("n", Arc::new(ids.iter().map(n).collect::<Int32Array>())),
        (
            "d",
            Arc::new(d.with_precision_and_scale(18, 2).expect("money")),
        ),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}
