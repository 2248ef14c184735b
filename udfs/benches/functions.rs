//! What each function costs per row: `make bench-functions`.
//!
//! An expression is planned as SQL plans it and evaluated on batches as a session evaluates them, so that what is
//! measured is the function and not what is around it. The score's formula is measured as built-in expressions too.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "made-up numbers are small"
)]

use std::{hint::black_box, sync::Arc};

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray},
    util::pretty::pretty_format_batches,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datafusion::{
    common::DFSchema, datasource::MemTable, physical_plan::PhysicalExpr, prelude::SessionContext,
};
use dfpipe_udfs::{UdfSettings, register_all};
use tokio::runtime::Runtime;

/// Rows of a batch: as many as a session has.
const ROWS: usize = 8192;

/// Batches of the table that window functions see whole.
const BATCHES: usize = 16;

/// A name for the report, and the expression.
const SCALARS: [(&str, &str); 9] = [
    (
        "engagement_score",
        "engagement_score(purchases, features, views, 0.5, 0.3, 0.2, 2.0, 4.0, 30.0)",
    ),
    (
        "engagement_score, built-in",
        "100 * (0.5 * greatest(purchases, 0) / (greatest(purchases, 0) + 2.0) \
             + 0.3 * greatest(features, 0) / (greatest(features, 0) + 4.0) \
             + 0.2 * greatest(views, 0) / (greatest(views, 0) + 30.0))",
    ),
    ("activity_status", "activity_status(days)"),
    ("canonical_event", "canonical_event(event_type)"),
    (
        "event_kind",
        "event_kind(event_type, 'basket_paid=purchase_completed')",
    ),
    ("canonical_id", "canonical_id(customer_id)"),
    ("normalize_email", "normalize_email(email)"),
    ("email_hash", "email_hash(email)"),
    ("sha256, built-in", "sha256(email)"),
];

const WINDOWS: [(&str, &str); 4] = [
    ("min_max_scale over ()", "min_max_scale(views) over ()"),
    ("z_score over ()", "z_score(views) over ()"),
    ("robust_scale over ()", "robust_scale(views) over ()"),
    ("winsorize over ()", "winsorize(views, 0.99) over ()"),
];

fn functions(criterion: &mut Criterion) {
    let session = session();
    let batch = batch();
    let mut group = criterion.benchmark_group("functions");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, sql) in SCALARS {
        let expression = planned(&session, &batch, sql);
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(expression.evaluate(&batch).expect("the expression fits")));
        });
    }
    group.finish();
}

fn windows(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("threads can be started");
    let session = session();
    let batches = vec![batch(); BATCHES];
    let table = MemTable::try_new(batches[0].schema(), vec![batches]).expect("batches of a kind");
    session
        .register_table("made", Arc::new(table))
        .expect("the name is free");
    let mut group = criterion.benchmark_group("windows");
    group.throughput(Throughput::Elements((ROWS * BATCHES) as u64));
    for (name, sql) in WINDOWS {
        let sql = format!("select {sql} from made");
        let answer = || async { session.sql(&sql).await?.collect().await };
        // An error would be fast.
        let first = runtime.block_on(answer()).expect("the query is answered");
        assert!(pretty_format_batches(&first).is_ok());
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(runtime.block_on(answer())));
        });
    }
    group.finish();
}

fn session() -> SessionContext {
    let mut session = SessionContext::new();
    register_all(&mut session, &UdfSettings::new("a key of this bench")).expect("they register");
    session
}

fn planned(session: &SessionContext, batch: &RecordBatch, sql: &str) -> Arc<dyn PhysicalExpr> {
    let schema = DFSchema::try_from(batch.schema()).expect("the columns have names of their own");
    let expression = session.parse_sql_expr(sql, &schema).expect("it is SQL");
    let expression = session.create_physical_expr(expression, &schema);
    expression.expect("its types fit")
}

/// Made-up rows: the same on every machine.
fn batch() -> RecordBatch {
    let number = |row: usize, step: usize, below: usize| (row * step) % below;
    let counts = |step, below| {
        let each = (0..ROWS).map(|row| number(row, step, below) as f64);
        Arc::new(each.collect::<Float64Array>()) as ArrayRef
    };
    let texts = |text: &dyn Fn(usize) -> String| {
        Arc::new(
            (0..ROWS)
                .map(|row| Some(text(row)))
                .collect::<StringArray>(),
        ) as ArrayRef
    };
    let names = [
        "page_view",
        "feature_used",
        "PageView",
        "purchase.completed",
        "page_view",
        "newsletter_opened",
    ];
    let days = (0..ROWS).map(|row| number(row, 7, 90) as i64);
    RecordBatch::try_from_iter([
        ("purchases", counts(3, 11)),
        ("features", counts(5, 17)),
        ("views", counts(37, 997)),
        ("days", Arc::new(days.collect::<Int64Array>())),
        (
            "event_type",
            texts(&|row| names[row % names.len()].to_owned()),
        ),
        ("customer_id", texts(&|row| format!("cus-{row:08}"))),
        ("email", texts(&|row| format!("  Anna.{row}@Example.com"))),
    ])
    .expect("columns of one length")
}

criterion_group!(benches, functions, windows);
criterion_main!(benches);
