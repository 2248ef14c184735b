//! Each rule about chance as SQL: what fires, and where.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};

use super::{chance, floats};
use crate::{
    config::{self, Secret},
    engine::Engine,
    model::{File, Model, Parameters, Sql, combined, header},
};

/// The lines and columns at which `query` depends on chance, under a front matter that allows `allow`.
fn places(query: &str, allow: &str) -> Vec<(usize, usize)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(found(query, allow))
}

async fn found(query: &str, allow: &str) -> Vec<(usize, usize)> {
    let spill = tempfile::tempdir().unwrap();
    let settings = config::Engine {
        memory_limit: 64 * 1024 * 1024,
        partitions: 1,
        spill_dir: None,
        ballista: None,
    };
    let engine = Engine::with(&settings, &Secret::new("key"), spill.path()).unwrap();
    let fields = [
        ("i", DataType::Int64),
        ("d", DataType::Float64),
        ("m", DataType::Decimal128(18, 2)),
        ("s", DataType::Utf8),
    ];
    let fields = fields.map(|(name, kind)| Field::new(name, kind, true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    engine.register_shape("t", schema).unwrap();
    let file = File {
        path: "m.sql".into(),
        name: "sql/m.sql".into(),
        text: format!("/* dfpipe\nversion: 1\n{allow}\n*/\n{query}"),
    };
    let model = Model {
        name: "m".to_owned(),
        header: header::read(&file).unwrap(),
        sql: Sql::parse(file).unwrap(),
        fingerprint: combined([]),
    };
    let plan = engine.plan(&model.sql, &Parameters::default()).await;
    let plan = plan.unwrap_or_else(|error| panic!("{query}: {error}"));
    let state = engine.context.state();
    let problems = chance::problems(&model, &state).into_iter();
    let problems = problems.chain(floats::problems(&model, &plan, &state));
    let places = problems.map(|problem| {
        assert!(problem.hint().is_some(), "{query}: {problem}");
        let place = problem.place().unwrap();
        (place.line - 4, place.column)
    });
    places.collect()
}

#[test]
fn what_depends_on_chance_is_found_at_its_character() {
    for (query, column) in [
        ("select now() as x from t", 8),
        ("select i, current_timestamp as x from t", 11),
        ("select i, current_date as x from t", 11),
        ("select today() as x from t", 8),
        ("select random() as x from t", 8),
        ("select i from t where random() < 0.5", 23),
        ("select uuid() as x from t", 8),
        ("select approx_distinct(s) as x from t", 8),
        ("select approx_median(i) as x from t", 8),
        (
            "select approx_percentile_cont(0.5) within group (order by d) as x from t",
            8,
        ),
        ("select first_value(s) as x from t", 8),
        ("select last_value(s) over (partition by i) as x from t", 8),
        ("select nth_value(s, 2) over () as x from t", 8),
        ("select array_agg(s) as x from t", 8),
        ("select string_agg(s, ',') as x from t", 8),
        ("select any_value(s) as x from t", 8),
        ("select row_number() over () as x from t", 8),
        ("select row_number() over (partition by s) as x from t", 8),
        (
            "select lag(i) over w as x from t window w as (partition by s)",
            8,
        ),
        ("select i from t limit 3", 23),
        ("select i from t offset 3", 24),
        (
            "with a as (select i from t limit 1) select i from a order by i limit 1",
            34,
        ),
        ("select distinct on (i) i, s from t", 21),
        ("select sum(d) as x from t", 8),
        ("select sum(m), sum(i), sum(d) as x from t", 24),
        ("select sum(i), sum(i + d) as x from t", 16),
        ("select avg(d) as x from t", 8),
        ("select mean(d) as x from t", 8),
        ("select stddev(i) as x from t", 8),
        ("select var_samp(d) as x from t", 8),
        ("select corr(i, i) as x from t", 8),
        ("select sum(d) over (order by i) as x from t", 8),
        ("select i from t where d > (select avg(d) from t)", 35),
        ("select round(sum(cast(m as double)), 2) as x from t", 14),
    ] {
        assert_eq!(places(query, ""), [(1, column)], "{query}");
    }
}

#[test]
fn what_depends_on_nothing_but_the_rows_is_left_alone() {
    for query in [
        "select count(*), count(distinct s), min(d), max(d), sum(m), avg(m), sum(i), avg(i) from t",
        "select median(d), percentile_cont(0.5) within group (order by d) from t",
        "select first_value(s order by i, s) as x from t",
        "select array_agg(s order by s) as x, string_agg(s, ',' order by s) as y from t",
        "select last_value(s) over (order by i, s) as x from t",
        "select row_number() over (partition by s order by i) as x from t",
        "select rank() over w as x from t window w as (order by i)",
        "select rank() over (w order by i) as x from t window w as (partition by s)",
        "select i from t order by i limit 3",
        "select distinct on (i) i, s from t order by i, s",
        "select sum(cast(d as decimal(38, 9))) as x from t",
        "select md5(s) as x, email_hash(s) as y, date_trunc('day', to_timestamp(i)) as z from t",
    ] {
        assert_eq!(places(query, ""), [], "{query}");
    }
}

#[test]
fn what_a_front_matter_allows_with_a_reason_is_left_alone() {
    for (query, key) in [
        ("select approx_distinct(s) as x from t", "approximations"),
        ("select array_agg(s) as x from t limit 3", "any_order"),
        ("select row_number() over () as x from t", "any_order"),
        (
            "select stddev(d) as x, sum(d) as y from t",
            "float_aggregates",
        ),
    ] {
        let allow = format!("allow: {{{key}: it is rounded}}");
        assert_eq!(places(query, &allow), [], "{query}");
        let other = "allow: {unused: for people}";
        assert!(!places(query, other).is_empty(), "{query}");
    }
    let clock =
        "allow: {approximations: a, any_order: b, float_aggregates: c, no_key: d, unused: e}";
    assert_eq!(
        places("select now() as x, uuid() as y from t", clock).len(),
        2
    );
}
