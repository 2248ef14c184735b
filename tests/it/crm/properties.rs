//! Whatever the sizes, the pagination and the faults: what is delivered is what is served, and nothing twice.
//!
//! Cases are read side by side, so that the waits between retries are waited once.

use std::collections::BTreeMap;

use futures::future::join_all;
use proptest::{
    collection::{btree_map, vec},
    prelude::{
        Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
    },
    sample::select,
    test_runner::TestCaseError,
};
use serde_json::{Value, json};

use super::{
    landed, pipeline_from,
    reading::{Reading, read},
    the_run, with,
};
use crate::support::{
    api::{Api, Encoding, Fault, Paging, RecordsAt, Setup, Signing, ids, people, person},
    project::Project,
    properties::properties,
};

/// An API, and what goes wrong with which request.
#[derive(Clone, Debug)]
struct Case {
    count: usize,
    setup: Setup,
    concurrency: usize,
    faults: BTreeMap<usize, Fault>,
}

impl Case {
    fn api(&self) -> Api {
        let api = Api::of(people(self.count), self.setup.clone());
        for (number, fault) in &self.faults {
            api.fail_at(*number, fault.clone());
        }
        api
    }

    fn project(&self, api: &Api) -> Project {
        let settings = [
            ("retries", json!(8)),
            ("concurrency", json!(self.concurrency)),
            ("timeout_seconds", json!(20)),
        ];
        pipeline_from(api, &with(api, settings))
    }
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => select(vec![429, 500, 502, 503, 504]).prop_map(|code| Fault::Status(code, Some("0"))),
        1 => Just(Fault::Reset),
        1 => Just(Fault::Truncated),
        1 => Just(Fault::HalfSent),
        1 => Just(Fault::NotJson),
        1 => Just(Fault::NoRecords("not now")),
    ]
}

fn setup() -> impl Strategy<Value = Setup> {
    let kind = (
        select(Paging::ALL.to_vec()),
        1..40_usize,
        select(Signing::ALL.to_vec()),
    );
    let limits = (
        any::<bool>(),
        any::<bool>(),
        prop_oneof![Just(usize::MAX), 1..20_usize],
    );
    let encoding = select(vec![None, Some(Encoding::Gzip), Some(Encoding::Zstd)]);
    let body = (
        any::<bool>(),
        select(vec![RecordsAt::Data, RecordsAt::Deep]),
        encoding,
    );
    (kind, limits, body).prop_map(|((paging, size, signing), limits, body)| {
        let (has_total, ends_with_an_empty_page, most) = limits;
        let (has_absolute_links, records_at, encoding) = body;
        Setup {
            signing,
            records_at,
            has_total,
            most,
            ends_with_an_empty_page,
            has_absolute_links,
            encoding,
            ..Setup::paged(paging, size)
        }
    })
}

/// At most four faults, so that eight retries are enough even if all of them meet one page.
fn case() -> impl Strategy<Value = Case> {
    let faults = btree_map(1..15_usize, fault(), 0..5);
    (0..120_usize, setup(), 1..5_usize, faults).prop_map(|(count, setup, concurrency, faults)| {
        Case {
            count,
            setup,
            concurrency,
            faults,
        }
    })
}

/// Reads all cases side by side in this process.
fn read_all<'a>(cases: impl IntoIterator<Item = (&'a Project, &'a Api)>) -> Vec<Reading> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let readings = cases
        .into_iter()
        .map(|(project, api)| read(project, api, "select customer_id, updated_at from people"));
    runtime
        .expect("a runtime can be made")
        .block_on(join_all(readings))
}

fn told(case: &Case, api: &Api) -> String {
    format!("{case:#?}\n{:#?}", api.requests())
}

fn few(cases: u32) -> ProptestConfig {
    ProptestConfig {
        // A case takes seconds, if it has to wait.
        max_shrink_iters: 40,
        ..properties(cases)
    }
}

proptest! {
    #![proptest_config(few(6))]

    #[test]
    fn records_delivered_are_records_served_and_none_twice(cases in vec(case(), 1..24)) {
        let served: Vec<_> = cases.iter().map(Case::api).collect();
        let projects: Vec<_> = cases.iter().zip(&served).map(|(case, api)| case.project(api)).collect();
        let readings = read_all(projects.iter().zip(&served));
        for ((case, api), reading) in cases.iter().zip(&served).zip(readings) {
            prop_assert!(reading.ended.is_ok(), "{:?}\n{}", reading.ended, told(case, api));
            prop_assert_eq!(ids(&reading.rows), ids(&people(case.count)), "{}", told(case, api));
            prop_assert_eq!(reading.log.counts().rejected, 0);
        }
    }

    /// However far it comes: an error, and before it nothing twice and nothing that was not served.
    #[test]
    fn what_arrives_before_an_end_that_is_not_the_end_arrives_once(
        cases in vec((case(), 0..120_usize), 1..16),
    ) {
        let served: Vec<_> = cases.iter().map(|(case, behind)| {
            let api = Api::of(people(case.count), case.setup.clone());
            api.fail_behind(*behind, Fault::Status(503, Some("0")));
            api
        }).collect();
        let both = cases.iter().zip(&served);
        let projects: Vec<_> = both.map(|((case, _), api)| case.project(api)).collect();
        let readings = read_all(projects.iter().zip(&served));
        for (((case, behind), api), reading) in cases.iter().zip(&served).zip(readings) {
            let is_cut = case.count > *behind;
            let is_short = reading.ended.is_err() || reading.log.partial().is_some();
            prop_assert_eq!(is_short, is_cut, "behind {}\n{}", behind, told(case, api));
            let found = ids(&reading.rows);
            let mut once = found.clone();
            once.dedup();
            prop_assert_eq!(&found, &once, "{}", told(case, api));
            let all = ids(&people(case.count));
            prop_assert!(found.iter().all(|id| all.contains(id)), "{}", told(case, api));
        }
    }

    /// Records come and go at any moment, anywhere. Whoever was there all the time is read once, or else it
    /// is said that there may be a gap; chained pages never have one.
    #[test]
    fn records_that_come_and_go_leave_no_gap_that_nobody_speaks_of(
        cases in vec((seen_to_move(), changes()), 1..16),
    ) {
        let served: Vec<_> = cases.iter().map(|(case, changes)| changing(case, changes)).collect();
        let both = cases.iter().zip(&served);
        let projects: Vec<_> = both.map(|((case, _), api)| case.project(api)).collect();
        let readings = read_all(projects.iter().zip(&served));
        for (((case, changes), api), reading) in cases.iter().zip(&served).zip(readings) {
            let told = format!("{changes:?}\n{}", told(case, api));
            nothing_vanished(case, api, &reading, &told)?;
        }
    }
}

/// A shift of pages by number is only seen if the total changes with it: they are tried in `shifts.rs`.
fn seen_to_move() -> impl Strategy<Value = Case> {
    case().prop_map(|mut case| {
        if case.setup.paging == Paging::PageNumber {
            case.setup.paging = Paging::Offset;
        }
        case
    })
}

/// What happens before which request: a record comes to a place, or goes from one.
fn changes() -> impl Strategy<Value = Vec<(usize, usize, bool)>> {
    vec((2..12_usize, 0..120_usize, any::<bool>()), 0..4)
}

fn changing(case: &Case, changes: &[(usize, usize, bool)]) -> Api {
    let api = Api::of(people(case.count), case.setup.clone());
    for (index, (request, place, comes)) in changes.iter().copied().enumerate() {
        api.change_at(request, move |records| {
            let length = records.len();
            if comes {
                records.insert(place % (length + 1), person(1000 + index));
            } else if length > 0 {
                drop(records.remove(place % length));
            }
        });
    }
    api
}

fn nothing_vanished(
    case: &Case,
    api: &Api,
    reading: &Reading,
    told: &str,
) -> Result<(), TestCaseError> {
    let found = ids(&reading.rows);
    let mut once = found.clone();
    once.dedup();
    prop_assert_eq!(&found, &once, "read twice: {}", told);
    let there = ids(&api.records());
    let there_all_the_time = ids(&people(case.count))
        .into_iter()
        .filter(|id| there.contains(id));
    let missing: Vec<_> = there_all_the_time
        .filter(|id| !found.contains(id))
        .collect();
    let is_said = reading.ended.is_err() || !reading.log.warnings().is_empty();
    let may_be_missing = Paging::COUNTED.contains(&case.setup.paging) && is_said;
    prop_assert!(
        missing.is_empty() || may_be_missing,
        "{:?} vanished: {}",
        missing,
        told
    );
    Ok(())
}

/// Where a run dies: after so many lines of its journal.
fn deaths() -> impl Strategy<Value = Vec<usize>> {
    vec(1..12_usize, 1..4)
}

proptest! {
    #![proptest_config(few(12))]

    /// The real binary, killed and resumed, over an API that fails as well.
    #[test]
    fn a_run_that_is_killed_and_resumed_delivers_each_record_once(case in case(), deaths in deaths()) {
        let api = case.api();
        let project = case.project(&api);
        let mut has_run = false;
        for lines in deaths {
            let died = if has_run {
                project.is_killed(["run", "-q", "--resume", "--until", "extract"], lines)
            } else {
                project.is_killed(["run", "-q", "--until", "extract"], lines)
            };
            has_run = true;
            if !died {
                break;
            }
        }
        let outcome = project.run(["run", "-q", "--resume"]);
        let told = || format!("{}\n{}", outcome.screen(), told(&case, &api));
        // Who has nothing to load says so.
        prop_assert_eq!(outcome.code, Some(i32::from(case.count == 0)), "{}", told());
        let rows: Vec<Value> = landed(&the_run(&project));
        prop_assert_eq!(ids(&rows), ids(&people(case.count)), "{}", told());
        if case.count > 0 {
            prop_assert_eq!(project.rows("everyone.parquet").len(), case.count, "{}", told());
        }
    }
}
