//! Each kind of node of a plan, as the SQL that makes it and what it is made of.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use insta::assert_snapshot;

use super::{How, Sources, plan::follow};
use crate::{
    config::{self, Secret},
    engine::Engine,
    model::{File, Parameters, Sql},
};

/// What the columns of `query` are made of, one line each, and what decides its rows.
fn made_of(query: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(answer(query))
}

async fn answer(query: &str) -> String {
    let spill = tempfile::tempdir().unwrap();
    let settings = config::Engine {
        memory_limit: 64 * 1024 * 1024,
        partitions: 1,
        spill_dir: None,
        ballista: None,
    };
    let engine = Engine::with(&settings, &Secret::new("key"), spill.path()).unwrap();
    let number = |name: &str| Field::new(name, DataType::Int64, true);
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let list = Field::new_list("list", Field::new_list_field(DataType::Int64, true), true);
    let person = vec![text("name"), number("age")];
    let tables = [
        ("t", vec![number("a"), number("b"), text("s"), list]),
        ("u", vec![number("a"), number("c")]),
        ("v", vec![Field::new_struct("person", person, true)]),
    ];
    let known: BTreeSet<String> = tables.iter().map(|(name, _)| (*name).to_owned()).collect();
    for (name, fields) in tables {
        let schema = Arc::new(Schema::new(fields));
        engine.register_shape(name, schema).unwrap();
    }
    let sql = Sql::parse(File {
        path: "model.sql".into(),
        name: "model.sql".into(),
        text: query.to_owned(),
    });
    let plan = engine.plan(&sql.unwrap(), &Parameters::default()).await;
    let plan = plan.unwrap();
    let relation = follow(&plan, &known);
    let mut shown = String::new();
    for (field, sources) in plan.schema().fields().iter().zip(&relation.columns) {
        let line = format!("{}: {}", field.name(), words(sources));
        writeln!(shown, "{}", line.trim_end()).unwrap();
    }
    writeln!(shown, "rows: {}", words(&relation.rows)).unwrap();
    shown
}

fn words(sources: &Sources) -> String {
    let columns = sources.from.iter().map(|(column, ways)| {
        let ways: Vec<_> = ways.iter().map(|how| how.name()).collect();
        format!("{column} {}", ways.join("+"))
    });
    let unknown = sources.unknown.iter().map(|what| format!("? {what}"));
    columns.chain(unknown).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_projection_passes_values_on_or_computes_them() {
    assert_snapshot!(made_of("select a, a as x, a + b as y, cast(b as text) as z, 1 as one from t"), @r"
    a: t.a IDENTITY
    x: t.a IDENTITY
    y: t.a TRANSFORMATION, t.b TRANSFORMATION
    z: t.b TRANSFORMATION
    one:
    rows:
    ");
}

#[test]
fn a_filter_and_an_order_decide_rows_and_no_value() {
    assert_snapshot!(made_of("select a from t where b > 1 order by s limit 3"), @r"
    a: t.a IDENTITY
    rows: t.b FILTER, t.s SORT
    ");
}

#[test]
fn a_group_decides_rows_and_its_values_are_aggregates() {
    assert_snapshot!(made_of("select s, sum(a) as total, count(*) as n from t group by s having max(b) > 0"), @r"
    s: t.s IDENTITY
    total: t.a AGGREGATION
    n: t.s GROUP_BY
    rows: t.b FILTER, t.s GROUP_BY
    ");
}

#[test]
fn a_count_is_made_of_what_decides_which_rows_are_counted() {
    assert_snapshot!(made_of("select count(*) as n from t"), @r"
    n:
    rows:
    ");
    assert_snapshot!(made_of("with x as (select distinct a, s from t where b > 0) select s, count(*) as n, count(*) over () as all_n from x group by s"), @r"
    s: t.s IDENTITY
    n: t.a GROUP_BY, t.b FILTER, t.s GROUP_BY
    all_n: t.a GROUP_BY, t.b FILTER, t.s GROUP_BY
    rows: t.a GROUP_BY, t.b FILTER, t.s GROUP_BY
    ");
}

#[test]
fn a_filter_of_an_aggregate_decides_its_value_alone() {
    assert_snapshot!(made_of("select sum(a) filter (where s = 'x') as x, array_agg(a order by b) as list from t"), @r"
    x: t.a AGGREGATION, t.s CONDITIONAL
    list: t.a AGGREGATION, t.b SORT
    rows:
    ");
}

#[test]
fn grouping_sets_have_a_column_more_that_is_made_of_nothing() {
    assert_snapshot!(made_of("select a, s, grouping(s) as level, sum(b) as total from t group by rollup (a, s)"), @r"
    a: t.a IDENTITY
    s: t.s IDENTITY
    level: t.s AGGREGATION
    total: t.b AGGREGATION
    rows: t.a GROUP_BY, t.s GROUP_BY
    ");
}

#[test]
fn a_window_decides_what_its_function_sees() {
    assert_snapshot!(made_of("select row_number() over (partition by s order by b) as place, lag(a) over (order by b) as before, sum(a) over () as total from t"), @r"
    place: t.b WINDOW, t.s WINDOW
    before: t.a TRANSFORMATION, t.b WINDOW
    total: t.a AGGREGATION
    rows:
    ");
}

#[test]
fn branches_flow_and_their_conditions_decide() {
    assert_snapshot!(made_of("select case when s = 'x' then a else b end as x, case s when 'x' then 1 end as y from t"), @r"
    x: t.a TRANSFORMATION, t.b TRANSFORMATION, t.s CONDITIONAL
    y: t.s CONDITIONAL
    rows:
    ");
}

#[test]
fn a_join_takes_columns_of_both_sides_and_decides_rows() {
    assert_snapshot!(made_of("select t.b, u.c from t left join u on t.a = u.a and u.c > t.b"), @r"
    b: t.b IDENTITY
    c: u.c IDENTITY
    rows: t.a JOIN, t.b JOIN, u.a JOIN, u.c JOIN
    ");
    assert_snapshot!(made_of("select a, b, c from t full join u using (a)"), @r"
    a: t.a IDENTITY
    b: t.b IDENTITY
    c: u.c IDENTITY
    rows: t.a JOIN, u.a JOIN
    ");
    assert_snapshot!(made_of("select b, c from t cross join u"), @r"
    b: t.b IDENTITY
    c: u.c IDENTITY
    rows:
    ");
    assert_snapshot!(made_of("select b from t left semi join u on t.a = u.a"), @r"
    b: t.b IDENTITY
    rows: t.a JOIN, u.a JOIN
    ");
    assert_snapshot!(made_of("select c from t right anti join u on t.a = u.a"), @r"
    c: u.c IDENTITY
    rows: t.a JOIN, u.a JOIN
    ");
}

#[test]
fn columns_of_a_union_belong_together_by_position() {
    assert_snapshot!(made_of("select a, b from t where s = 'x' union all select c, a from u"), @r"
    a: t.a IDENTITY, u.c IDENTITY
    b: t.b IDENTITY, u.a IDENTITY
    rows: t.s FILTER
    ");
    assert_snapshot!(made_of("select a from t union select a from u"), @r"
    a: t.a IDENTITY, u.a IDENTITY
    rows: t.a GROUP_BY, u.a GROUP_BY
    ");
    assert_snapshot!(made_of("select a from t union all by name select c as b, a from u"), @r"
    a: t.a IDENTITY, u.a IDENTITY
    b: u.c IDENTITY
    rows:
    ");
}

#[test]
fn rows_that_are_in_the_other_table_are_joined() {
    assert_snapshot!(made_of("select a from t intersect select c from u"), @r"
    a: t.a IDENTITY
    rows: t.a JOIN+GROUP_BY, u.c JOIN
    ");
    assert_snapshot!(made_of("select a from t except select c from u"), @r"
    a: t.a IDENTITY
    rows: t.a JOIN+GROUP_BY, u.c JOIN
    ");
}

#[test]
fn distinct_groups_by_all_or_by_what_is_named() {
    assert_snapshot!(made_of("select distinct a, s from t"), @r"
    a: t.a IDENTITY
    s: t.s IDENTITY
    rows: t.a GROUP_BY, t.s GROUP_BY
    ");
    assert_snapshot!(made_of("select distinct on (s) a from t order by s, b"), @r"
    a: t.a IDENTITY
    rows: t.b SORT, t.s GROUP_BY+SORT
    ");
}

#[test]
fn a_name_of_a_query_is_seen_through() {
    assert_snapshot!(made_of("with x as (select a + 1 as y from t), z as (select y as w from x) select q.w from (select * from z) as q"), @r"
    w: t.a TRANSFORMATION
    rows:
    ");
}

#[test]
fn a_subquery_gives_a_value_or_decides() {
    assert_snapshot!(made_of("select a, (select max(c) from u where u.a = t.a) as highest from t"), @r"
    a: t.a IDENTITY
    highest: t.a FILTER, u.a FILTER, u.c AGGREGATION
    rows:
    ");
    assert_snapshot!(made_of("select a from t where exists (select 1 from u where u.c = t.b)"), @r"
    a: t.a IDENTITY
    rows: t.b FILTER, u.c FILTER
    ");
    assert_snapshot!(made_of("select a from t where b in (select c from u where a > 0)"), @r"
    a: t.a IDENTITY
    rows: t.b FILTER, u.a FILTER, u.c FILTER
    ");
    assert_snapshot!(made_of("select b in (select c from u) as found from t"), @r"
    found: t.b TRANSFORMATION, u.c TRANSFORMATION
    rows:
    ");
    assert_snapshot!(made_of("select a from t where b > any (select c from u)"), @r"
    a: t.a IDENTITY
    rows: t.b FILTER, u.c FILTER
    ");
}

#[test]
fn a_subquery_within_a_subquery_may_speak_of_the_outermost_table() {
    assert_snapshot!(made_of("select a from t where exists (select 1 from u where u.c in (select t.b from v))"), @r"
    a: t.a IDENTITY
    rows: t.b FILTER, u.c FILTER
    ");
}

#[test]
fn a_lateral_join_speaks_of_its_left_side() {
    assert_snapshot!(made_of("select t.a, x.d from t cross join lateral (select u.c + t.b as d from u where u.a = t.a) as x"), @r"
    a: t.a IDENTITY
    d: t.b TRANSFORMATION, u.c TRANSFORMATION
    rows: t.a FILTER, u.a FILTER
    ");
}

#[test]
fn elements_of_a_list_come_from_the_list() {
    assert_snapshot!(made_of("select a, unnest(list) as element from t"), @r"
    a: t.a IDENTITY
    element: t.list TRANSFORMATION
    rows:
    ");
    assert_snapshot!(made_of("select unnest(['a', 'b']) as name, unnest([a, b]) as value from t"), @r"
    name:
    value: t.a TRANSFORMATION, t.b TRANSFORMATION
    rows:
    ");
    assert_snapshot!(made_of("select unnest(person) from v"), @r"
    v.person.name: v.person TRANSFORMATION
    v.person.age: v.person TRANSFORMATION
    rows:
    ");
    assert_snapshot!(made_of("select person['name'] as name from v"), @r"
    name: v.person TRANSFORMATION
    rows:
    ");
    assert_snapshot!(made_of("select t.a, e.element from t cross join unnest(t.list) as e(element)"), @r"
    a: t.a IDENTITY
    element: t.list TRANSFORMATION
    rows:
    ");
}

#[test]
fn constants_come_from_nowhere() {
    assert_snapshot!(made_of("select * from (values (1, 'a'), (2, 'b')) as x(n, s)"), @r"
    n:
    s:
    rows:
    ");
    assert_snapshot!(made_of("select 1 as one, now() as moment"), @r"
    one:
    moment:
    rows:
    ");
}

#[test]
fn a_recursive_query_is_followed_until_nothing_is_added() {
    assert_snapshot!(made_of("with recursive up as (select a, b from t union all select u.c, up.a from up join u on u.a = up.b) select a, b from up"), @r"
    a: t.a IDENTITY, u.c IDENTITY
    b: t.a IDENTITY, t.b IDENTITY, u.c IDENTITY
    rows: t.a JOIN, t.b JOIN, u.a JOIN, u.c JOIN
    ");
}

#[test]
fn what_a_function_makes_rows_of_is_unknown() {
    assert_snapshot!(made_of("select value from generate_series(1, 3)"), @r"
    value: ? the rows of `generate_series()`
    rows:
    ");
}

#[test]
fn our_own_functions_are_like_all_others() {
    assert_snapshot!(made_of("select normalize_email(s) as address, canonical_id(s) as id from t"), @r"
    address: t.s TRANSFORMATION
    id: t.s TRANSFORMATION
    rows:
    ");
}

#[test]
fn a_condition_of_thousands_of_terms_is_followed() {
    let terms: Vec<_> = (0..5_000).map(|number| number.to_string()).collect();
    let query = format!("select a from t where b in ({})", terms.join(", "));
    assert_snapshot!(made_of(&query), @r"
    a: t.a IDENTITY
    rows: t.b FILTER
    ");
}

#[test]
fn a_condition_stays_one_and_the_last_use_says_which() {
    assert_eq!(How::Identity.then(How::Transformation), How::Transformation);
    assert_eq!(How::Aggregation.then(How::Identity), How::Aggregation);
    assert_eq!(How::Conditional.then(How::Aggregation), How::Conditional);
    assert_eq!(How::Conditional.then(How::Filter), How::Filter);
    assert_eq!(How::Aggregation.then(How::Join), How::Join);
}
