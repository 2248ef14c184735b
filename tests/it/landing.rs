//! Pages that are on disk are not asked for again, whenever a run dies, and nobody can tell from what it leaves.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{
    artefacts,
    orders_api::{ONE_BY_ONE, numbered, order, page, project},
    pages::{Pages, parameter},
    project::Project,
};

/// Seven pages of two orders each; the eleventh has no amount, the seventh and fourteenth are refused.
const TOTAL: usize = 14;

/// What a run leaves that must be the same however often it died.
const FILES: [&str; 4] = [
    "extract/orders/part-00000.parquet",
    "extract/rejects/orders.parquet",
    "extract/extract_log.parquet",
    "models/totals.parquet",
];

fn whole(wanted: &str) -> (u16, String) {
    numbered(wanted, TOTAL)
}

fn hashes(project: &Project) -> Vec<String> {
    let hashes = FILES.iter().map(|file| project.sha256(file));
    hashes.collect()
}

/// What the record says of the source, but for its time.
fn told(project: &Project) -> serde_json::Value {
    let mut source = project.json("run.json")["sources"][0].clone();
    source["seconds"] = json!(0);
    source["origin"] = json!("");
    source["identity"] = json!("");
    source
}

fn undisturbed() -> (Vec<String>, serde_json::Value) {
    let api = Pages::serve(whole);
    let project = project(&api, ONE_BY_ONE);
    project.succeed(["run", "-q"]);
    (hashes(&project), told(&project))
}

/// The lines of the journal: begun, step begun, then one for each page, then the extract.
#[test]
fn a_run_that_is_killed_behind_any_page_asks_only_for_the_pages_behind_it() {
    let expected = undisturbed();
    for landed in 0..=6 {
        let api = Pages::serve(whole);
        let project = project(&api, ONE_BY_ONE);
        assert!(project.is_killed(["run", "-q"], 2 + landed), "{landed}");
        api.take_requests();
        project.succeed(["run", "-q", "--resume"]);
        let asked: Vec<_> = api.take_requests().iter().map(|one| page(one)).collect();
        let missing: Vec<_> = (landed + 1..=7).collect();
        assert_eq!(asked, missing, "killed behind {landed} pages");
        assert_eq!((hashes(&project), told(&project)), expected, "{landed}");
        assert!(!project.last_run().join("landing").exists());
    }
}

/// It dies behind each page, over and over: each page lands once, whatever was under way.
#[test]
fn a_run_that_is_killed_behind_every_page_gets_to_its_end_with_the_same_bytes() {
    let expected = undisturbed();
    let api = Pages::serve(whole);
    let project = project(&api, ONE_BY_ONE);
    assert!(project.is_killed(["run", "-q"], 3));
    // Resumed, and the step begun; then a page.
    for _ in 1..6 {
        assert!(project.is_killed(["run", "-q", "--resume"], 3));
    }
    project.succeed(["run", "-q", "--resume"]);
    let mut asked: BTreeMap<usize, usize> = BTreeMap::new();
    for request in api.take_requests() {
        *asked.entry(page(&request)).or_default() += 1;
    }
    assert!(asked.values().all(|times| *times <= 2), "{asked:?}");
    assert_eq!((hashes(&project), told(&project)), expected);
}

#[test]
fn pages_that_were_damaged_on_disk_are_asked_for_again_and_that_is_told() {
    let expected = undisturbed();
    let api = Pages::serve(whole);
    let project = project(&api, ONE_BY_ONE);
    assert!(project.is_killed(["run", "-q"], 2 + 4));
    let run = project.unfinished().pop().expect("a run was killed");
    let part = run.join("landing/orders/group-00002.parquet");
    let mut bytes = fs_err::read(&part).expect("a page has landed");
    bytes[10] ^= 1;
    fs_err::write(&part, bytes).expect("a page can be damaged");
    api.take_requests();
    let outcome = project.succeed(["run", "--resume"]);
    assert!(
        outcome.stderr.contains("2 of 4 pages"),
        "{}",
        outcome.stderr
    );
    let asked: Vec<_> = api.take_requests().iter().map(|one| page(one)).collect();
    assert_eq!(asked, [3, 4, 5, 6, 7]);
    assert_eq!((hashes(&project), told(&project)), expected);
}

#[test]
fn a_source_that_is_declared_otherwise_by_now_is_read_from_its_beginning() {
    let api = Pages::serve(whole);
    let project = project(&api, ONE_BY_ONE);
    assert!(project.is_killed(["run", "-q"], 2 + 4));
    project.edit(
        "dfpipe.yml",
        "customer: {type: text}",
        "customer: {type: text, required: true}",
    );
    api.take_requests();
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(api.take_requests().len(), 7);
}

/// An API whose cursors hold the address of the last customer and the key, plainly and in base64.
fn by_cursor(wanted: &str) -> (u16, String) {
    let cursors = [
        "",
        "ada@example.com",
        "ada@example.com/secret-key-1",
        "YWRhQGV4YW1wbGUuY29tIHNlY3JldC1rZXktMQ==",
    ];
    let cursor = parameter(wanted, "cursor").unwrap_or_default();
    let Some(at) = cursors.iter().position(|known| *known == cursor) else {
        return (410, String::new());
    };
    let next = cursors.get(at + 1);
    let data = [order(at * 2 + 1), order(at * 2 + 2)];
    (200, json!({"data": data, "next_cursor": next}).to_string())
}

const CURSOR: &str = "pagination: {kind: cursor, size: 2}, auth: {bearer: secret-key-1}";

#[test]
fn a_cursor_that_holds_keys_and_addresses_is_gone_on_with_and_never_written_down() {
    for landed in 1..=3 {
        let api = Pages::serve(by_cursor);
        let project = project(&api, CURSOR);
        assert!(project.is_killed(["run", "-q"], 2 + landed));
        let run = project.unfinished().pop().expect("a run was killed");
        for file in artefacts::files(&run) {
            let bytes = fs_err::read(&file).expect("a file can be read");
            let text = String::from_utf8_lossy(&bytes);
            for secret in ["ada@example", "secret-key", "YWRhQGV4YW1", "c2VjcmV0"] {
                assert!(!text.contains(secret), "{secret} in {}", file.display());
            }
        }
        api.take_requests();
        project.succeed(["run", "-q", "--resume"]);
        assert_eq!(
            api.take_requests().len(),
            4 - landed,
            "killed behind {landed} pages"
        );
        assert_eq!(project.json("run.json")["sources"][0]["records"], 8);
    }
}

#[test]
fn a_cursor_that_the_api_does_not_take_any_more_restarts_the_extract_and_that_is_told() {
    for status in [400, 404, 410] {
        let api = Pages::serve(by_cursor);
        let project = project(&api, CURSOR);
        assert!(project.is_killed(["run", "-q"], 2 + 2));
        api.take_requests();
        api.change(move |wanted| {
            let is_old = parameter(wanted, "cursor").is_some_and(|cursor| cursor.contains('@'));
            if is_old {
                return (status, String::new());
            }
            let cursor = parameter(wanted, "cursor").unwrap_or_default();
            let at: usize = cursor.trim_start_matches("new").parse().unwrap_or(0);
            let next = (at < 3).then(|| format!("new{}", at + 1));
            let data = [order(at * 2 + 1), order(at * 2 + 2)];
            (200, json!({"data": data, "next_cursor": next}).to_string())
        });
        let outcome = project.succeed(["run", "--resume"]);
        assert!(
            outcome.stderr.contains("is read from its beginning"),
            "{}",
            outcome.stderr
        );
        assert!(!outcome.stderr.contains("ada@"), "{}", outcome.stderr);
        assert_eq!(
            api.take_requests().len(),
            5,
            "the old page, and four new ones"
        );
        assert_eq!(project.json("run.json")["sources"][0]["records"], 8);
    }
}

/// Page 2 is answered only when page 5 has been asked for: one after the other, that would never be.
#[test]
fn numbered_pages_are_asked_for_several_at_a_time_and_give_the_same_bytes() {
    use std::sync::{Arc, Condvar, Mutex};
    let expected = undisturbed();
    let seen = Arc::new((Mutex::new(0), Condvar::new()));
    let api = Pages::serve(move |wanted| {
        let (furthest, news) = &*seen;
        let number = page(wanted);
        let mut furthest = furthest.lock().expect("nobody has panicked");
        *furthest = number.max(*furthest);
        news.notify_all();
        if number == 2 {
            let patience = std::time::Duration::from_mins(1);
            let waited = news.wait_timeout_while(furthest, patience, |furthest| *furthest < 5);
            let (furthest, _) = waited.expect("nobody has panicked");
            assert!(*furthest >= 5, "the pages are asked for one by one");
        }
        numbered(wanted, TOTAL)
    });
    let project = project(
        &api,
        "pagination: {kind: page_number, size: 2, total: total}, concurrency: 4",
    );
    project.succeed(["run", "-q"]);
    assert_eq!(api.take_requests().len(), 7, "none is asked for in vain");
    assert_eq!((hashes(&project), told(&project)), expected);
}

#[test]
fn a_run_that_is_killed_while_pages_are_under_way_ends_with_the_same_bytes() {
    let expected = undisturbed();
    for landed in [1, 3, 6] {
        let api = Pages::serve(whole);
        let project = project(
            &api,
            "pagination: {kind: page_number, size: 2, total: total}, concurrency: 3",
        );
        assert!(project.is_killed(["run", "-q"], 2 + landed), "{landed}");
        api.take_requests();
        project.succeed(["run", "-q", "--resume"]);
        let asked = api.take_requests().len();
        assert_eq!(asked, 7 - landed, "killed behind {landed} pages");
        assert_eq!((hashes(&project), told(&project)), expected, "{landed}");
    }
}
