//! An API that breaks off: what came is kept, everything says that it is not all, and going on asks for the rest only.

use crate::support::{
    artefacts,
    orders_api::{ONE_BY_ONE, numbered, page, project},
    pages::Pages,
    project::Project,
    webhook::Webhook,
};

/// Five pages of two orders each.
const TOTAL: usize = 10;

/// An API whose pages from `broken` on cannot be had.
fn breaking_at(broken: usize) -> Pages {
    Pages::serve(move |wanted| {
        if page(wanted) >= broken {
            (503, String::new())
        } else {
            numbered(wanted, TOTAL)
        }
    })
}

fn whole(wanted: &str) -> (u16, String) {
    numbered(wanted, TOTAL)
}

/// The tables of a run whose API never broke.
fn undisturbed() -> [String; 2] {
    let api = Pages::serve(whole);
    let project = project(&api, ONE_BY_ONE);
    project.succeed(["run", "-q"]);
    tables(&project)
}

fn tables(project: &Project) -> [String; 2] {
    ["extract/orders/part-00000.parquet", "models/totals.parquet"].map(|file| project.sha256(file))
}

#[test]
fn retries_that_are_used_up_midway_are_a_partial_extract_that_says_what_is_missing() {
    let api = breaking_at(3);
    let project = project(&api, ONE_BY_ONE);
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.screen());
    for said in [
        "the extract of `orders` is partial: the API gave 4 of 10 records in 2 pages",
        "answers 503",
        "6 records are missing, about 3 pages",
    ] {
        assert!(
            outcome.stderr.contains(said),
            "{said}\n{}",
            outcome.screen()
        );
    }
    assert!(
        outcome.stderr.contains("--allow-partial"),
        "{}",
        outcome.screen()
    );
    let record = project.unfinished_json("run.json");
    let partial = &record["sources"][0]["partial"];
    assert_eq!(partial["records"], 4);
    assert_eq!(partial["total"], 10);
    assert_eq!(partial["missing_pages"], 3);
    assert_eq!(record["failure"]["exit_code"], 4);
}

#[test]
fn a_failure_on_the_first_page_is_no_partial_extract() {
    let api = breaking_at(1);
    let project = project(&api, ONE_BY_ONE);
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
}

#[test]
fn going_on_asks_for_what_is_missing_and_gives_the_same_bytes() {
    let api = breaking_at(3);
    let project = project(&api, ONE_BY_ONE);
    assert_eq!(project.run(["run", "-q"]).code, Some(4));
    api.take_requests();
    api.change(whole);
    project.succeed(["run", "-q", "--resume"]);
    let asked: Vec<_> = api.take_requests().iter().map(|one| page(one)).collect();
    assert_eq!(asked, [3, 4, 5]);
    assert_eq!(tables(&project), undisturbed());
    let record = project.json("run.json");
    assert!(record["sources"][0]["partial"].is_null());
    assert_eq!(record["sources"][0]["rejected"], 1);
    assert_eq!(record["sources"][0]["missing"]["amount"], 2);
    assert!(!project.last_run().join("landing").exists());
}

#[test]
fn going_on_with_an_api_that_breaks_off_again_is_partial_again_and_keeps_what_came() {
    let api = breaking_at(2);
    let project = project(&api, ONE_BY_ONE);
    assert_eq!(project.run(["run", "-q"]).code, Some(4));
    api.change(|wanted| match page(wanted) {
        4.. => (503, String::new()),
        _ => whole(wanted),
    });
    assert_eq!(project.run(["run", "-q", "--resume"]).code, Some(4));
    api.take_requests();
    api.change(whole);
    project.succeed(["run", "-q", "--resume"]);
    let asked: Vec<_> = api.take_requests().iter().map(|one| page(one)).collect();
    assert_eq!(asked, [4, 5]);
    assert_eq!(tables(&project), undisturbed());
}

/// Every place where a person or a machine learns of a run.
#[test]
fn a_partial_run_that_is_allowed_says_so_everywhere() {
    let api = breaking_at(3);
    let webhook = Webhook::refusing_first(&[]);
    let project = project(&api, ONE_BY_ONE);
    let text = project.read("dfpipe.yml");
    project.write(
        "dfpipe.yml",
        format!("{text}notify: {{webhook: \"{}\"}}\n", webhook.url()),
    );
    let outcome = project.succeed(["run", "-q", "--allow-partial"]);
    let message = "the extract of `orders` is partial";
    assert!(
        outcome.stdout.contains("with a partial extract"),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stdout.contains(message), "{}", outcome.stdout);
    let run = project.last_run();
    for file in [
        "report.md",
        "report.html",
        "run.json",
        "step4_load_receipt.json",
    ] {
        let text = fs_err::read_to_string(run.join(file)).expect("a run writes it");
        assert!(text.contains("is partial"), "{file}: {text}");
    }
    let told = webhook.messages();
    let text = told[0]["text"].as_str().expect("a message has a text");
    assert!(
        text.contains("with a partial extract") && text.contains(message),
        "{text}"
    );
    assert_eq!(told[0]["run"]["sources"][0]["partial"]["records"], 4);
    let shown = project.succeed(["runs", "show", "last"]).stdout;
    assert!(
        shown.contains("succeeded, partial") && shown.contains(message),
        "{shown}"
    );
    assert!(
        project
            .succeed(["runs"])
            .stdout
            .contains("succeeded, partial")
    );
}

#[test]
fn a_partial_extract_can_be_allowed_afterwards_and_then_nothing_is_asked_for() {
    let api = breaking_at(3);
    let project = project(&api, ONE_BY_ONE);
    assert_eq!(project.run(["run", "-q"]).code, Some(4));
    api.take_requests();
    let outcome = project.succeed(["run", "--resume", "--allow-partial"]);
    assert!(api.take_requests().is_empty());
    assert!(outcome.stderr.contains("partial"), "{}", outcome.stderr);
    assert!(project.json("run.json")["sources"][0]["partial"].is_object());
}

#[test]
fn fewer_records_than_the_apis_own_total_are_partial_and_only_the_end_is_asked_for_again() {
    let api = Pages::serve(|wanted| {
        let (status, body) = numbered(wanted, 5);
        (status, body.replace("\"total\":5", "\"total\":7"))
    });
    let project = project(&api, ONE_BY_ONE);
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("the API gave 5 of 7 records"),
        "{}",
        outcome.screen()
    );
    api.take_requests();
    api.change(|wanted| numbered(wanted, 7));
    project.succeed(["run", "-q", "--resume"]);
    let asked: Vec<_> = api.take_requests().iter().map(|one| page(one)).collect();
    assert_eq!(
        asked,
        [3, 4],
        "the page that was not full, and the one behind it"
    );
    assert_eq!(project.json("run.json")["sources"][0]["records"], 7);
}

#[test]
fn a_dry_run_of_an_api_that_breaks_off_is_partial_as_well() {
    let api = breaking_at(3);
    let project = project(&api, ONE_BY_ONE);
    assert_eq!(project.run(["run", "-q", "--dry-run"]).code, Some(4));
    project.succeed(["run", "-q", "--dry-run", "--allow-partial"]);
    assert!(project.unfinished().is_empty());
}

#[test]
fn a_key_that_expires_midway_stops_at_once_and_what_came_is_not_asked_for_again() {
    let api = Pages::serve(|wanted| match page(wanted) {
        3.. => (401, String::new()),
        _ => whole(wanted),
    });
    let project = project(&api, ONE_BY_ONE);
    let outcome = project.run(["run", "-q", "--allow-partial"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    api.take_requests();
    api.change(whole);
    project.succeed(["run", "-q", "--resume"]);
    let asked: Vec<_> = api.take_requests().iter().map(|one| page(one)).collect();
    assert_eq!(asked, [3, 4, 5]);
    let rows = artefacts::rows(&project.last_run().join("models/totals.parquet"));
    assert_eq!(rows.len(), 3);
}
