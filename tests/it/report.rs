//! What people read when a run is over: the screen, `report.md`, `report.html`.

use std::{collections::BTreeMap, sync::OnceLock};

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{
    addresses,
    chromium::{self, Colors, Seen},
    project::{Outcome, Project},
    shared,
};

/// What a run left for people.
struct Left {
    screen: Outcome,
    markdown: String,
    page: String,
    record: Value,
}

/// A good run, a failed one after it, and that one finished.
struct Story {
    failed: Left,
    finished: Left,
}

/// A check of the shipped project that finds something, made to stop the load.
const CHECK: &str = "sql/checks/unknown_event_kinds.sql";

fn story() -> &'static Story {
    static STORY: OnceLock<Story> = OnceLock::new();
    STORY.get_or_init(|| {
        let project = Project::customers();
        project.succeed(["run", "-q"]);
        project.edit(CHECK, "severity: warn", "severity: error");
        let screen = project.run(["run"]);
        let failed = left(&project.unfinished()[0], screen);
        project.edit(CHECK, "severity: error", "severity: warn");
        let screen = project.succeed(["run", "--resume", "-q"]);
        let finished = left(&project.last_run(), screen);
        Story { failed, finished }
    })
}

fn left(run: &std::path::Path, screen: Outcome) -> Left {
    let read = |name: &str| fs_err::read_to_string(run.join(name)).expect("a report was written");
    Left {
        screen,
        markdown: read("report.md"),
        page: read("report.html"),
        record: serde_json::from_str(&read("run.json")).expect("it is JSON"),
    }
}

/// Text without what differs from run to run.
fn blanked(text: &str) -> String {
    let filters = [
        (r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{6}Z", "[run]"),
        (r"/\S+/\.dfpipe", "[project]/.dfpipe"),
        (r"completed in \d+\.\d s", "completed in [time]"),
        // Which bad rows a check quotes, and in which order, is chance.
        (r"(?m)^    - `.*`\n", ""),
        (r"for example: \{.*\}", "for example: [row]"),
    ];
    filters
        .iter()
        .fold(text.to_owned(), |text, (pattern, blank)| {
            let pattern = regex::Regex::new(pattern).expect("a filter is a regex");
            pattern.replace_all(&text, *blank).into_owned()
        })
}

/// The lines of one part of `report.md`.
fn part<'a>(markdown: &'a str, title: &str) -> &'a str {
    let start = markdown
        .find(&format!("## {title}\n"))
        .expect("the part is there");
    let rest = &markdown[start..];
    rest[3..].find("\n## ").map_or(rest, |end| &rest[..end + 3])
}

#[test]
fn report_md_says_first_what_happened_and_what_needs_a_human() {
    let run = shared::first_run().project.last_run();
    let markdown = fs_err::read_to_string(run.join("report.md")).expect("a report was written");
    let end = markdown.find("## Figures").expect("there are figures");
    assert_snapshot!(blanked(&markdown[..end]), @r#"
    # customer_analytics 2026-11-15 completed in [time]

    The load is complete: 497 rows in [project]/.dfpipe/warehouse/customer_analytics/weekly_customer_profiles, as load 1 of 2026-11-15. 2 things need a human.

    ## Needs a human

    - warning: purchases_in_other_currencies (3 rows against it): Every purchase is in the currency of the pipeline.
      These purchases count, but their amounts are in no sum. Convert them in the source if they matter.
      The rows lie in the run's folder, in `checks/purchases_in_other_currencies.parquet`. See them: `dfpipe query --run [run] "select * from check_purchases_in_other_currencies"`
    - warning: unknown_event_kinds (2 rows against it): Every event is of a known kind.
      These events were left out. Is a name one of the four kinds? Then give it a line in sql/staging/event_names.sql.
      The rows lie in the run's folder, in `checks/unknown_event_kinds.parquet`. See them: `dfpipe query --run [run] "select * from check_unknown_event_kinds"`
    "#);
    for title in [
        "Figures",
        "Steps",
        "Records per step",
        "Records left out",
        "The way of the records",
        "Customers by engagement score, in steps of 10",
        "Checks",
        "Sources",
        "Models",
        "Receipt",
        "How it can be repeated",
    ] {
        assert!(!part(&markdown, title).is_empty(), "{title}");
    }
    assert_snapshot!(part(&markdown, "The way of the records"), @"
    ## The way of the records

    - **CRM records**: 634
      - → 618 CRM rows
      - ✕ 9 wrong type
      - ✕ 7 missing field

    - **Events**: 25,370
      - → 25,347 Event rows
      - ✕ 9 missing field
      - ✕ 7 unreadable
      - ✕ 7 wrong type

    - **CRM rows**: 618
      - → 553 CRM customers
      - ✕ 30 duplicate
      - ✕ 14 outside window
      - ✕ 10 negative lifetime value
      - ✕ 7 future date
      - ✕ 4 negative support tickets

    - **Event rows**: 25,347
      - → 24,821 Events aggregated
      - ✕ 202 outside window
      - ✕ 173 unknown kind
      - ✕ 142 duplicate
      - ✕ 9 negative amount

    - **CRM customers**: 553
      - → 497 Customers in the output
      - ✕ 55 no events in window
      - ✕ 1 no usable events

    - **Events aggregated**: 24,821
      - → 20,772 Events in the output
      - ✕ 2,698 of a customer: not in crm
      - ✕ 466 of a customer: malformed record
      - ✕ 422 of a customer: crm record outside window
      - ✕ 318 of a customer: future date
      - ✕ 117 of a customer: negative lifetime value
      - ✕ 28 of a customer: negative support tickets
    ");
    assert_snapshot!(part(&markdown, "Customers by category"), @"
    ## Customers by category

    |         |     |                                |
    | ------- | --: | ------------------------------ |
    | active  | 301 | ██████████████████████████████ |
    | at risk | 139 | ██████████████                 |
    | churned |  57 | ██████                         |
    ");
}

/// Counted once more from the record: no row of the picture is made up.
#[test]
fn the_flow_begins_with_what_was_read_and_ends_with_what_was_loaded() {
    let record = shared::first_run().project.json("run.json");
    let mut leaving: BTreeMap<&str, u64> = BTreeMap::new();
    let mut arriving: BTreeMap<&str, u64> = BTreeMap::new();
    for flow in record["flow"].as_array().expect("there is a flow") {
        let text = |field: &str| flow[field].as_str().expect("a name");
        let records = flow["records"].as_u64().expect("a count");
        *leaving.entry(text("origin")).or_default() += records;
        if flow["is_kept"] == true {
            *arriving.entry(text("target")).or_default() += records;
        }
    }
    let read = |index: usize| record["sources"][index]["records"].as_u64();
    assert_eq!(leaving.get("CRM records").copied(), read(0));
    assert_eq!(leaving.get("Events").copied(), read(1));
    for (place, records) in &arriving {
        match leaving.get(place) {
            Some(left) => assert_eq!(left, records, "{place}"),
            None => assert!(place.ends_with("in the output"), "{place}"),
        }
    }
    let loaded = record["load"]["receipt"]["rows"].as_u64();
    assert_eq!(arriving.get("Customers in the output").copied(), loaded);
}

/// A way of leaving out that the picture does not know makes no wrong picture without a word.
#[test]
fn a_flow_that_does_not_add_up_is_noticed() {
    let project = Project::customers();
    project.edit(
        "sql/accounting/run_flow.sql",
        "    from crm\n    group by 3, 5",
        "    from crm where status <> 'duplicate'\n    group by 3, 5",
    );
    let outcome = project.succeed(["run", "-q", "-s", "+run_flow"]);
    let expected = "warning: flow_adds_up (1 row against it)";
    assert!(outcome.stdout.contains(expected), "{}", outcome.stdout);
}

#[test]
fn a_second_run_is_compared_with_the_last_one() {
    let Left {
        screen,
        markdown,
        page,
        record,
    } = &story().finished;
    let previous = record["previous"].as_array().expect("a list");
    assert_eq!(previous.len(), 1);
    let figures = part(markdown, "Figures");
    assert!(figures.contains(" Last run |"), "{figures}");
    assert!(
        figures.contains(
            "| Customers processed                      |        657 |        657 |   same |"
        ),
        "{figures}"
    );
    assert!(page.contains("as in the last run"));
    assert!(page.contains(r#"id="trend-0-title""#));
    assert!(screen.stdout.contains("Resumed\n"), "{}", screen.stdout);
    assert!(screen.stdout.contains(" tables kept"), "{}", screen.stdout);
}

#[test]
fn a_failed_run_says_what_failed_what_is_safe_and_how_to_go_on() {
    let Left {
        screen,
        markdown,
        page,
        record,
    } = &story().failed;
    let run = record["run_id"].as_str().expect("a name");
    let command = format!("dfpipe run --resume {run}");
    let way_on = screen.screen();
    let way_on = way_on
        .find("customer_analytics 2026")
        .map(|start| &way_on[start..]);
    assert_snapshot!(blanked(way_on.expect("the way on is shown")), @r#"
    customer_analytics 2026-11-15 failed in transform
    Nothing was loaded: the destination is as it was before.
    What it has done is kept, with report.html, in [project]/.dfpipe/work/[run]
    Go on with: dfpipe run --resume [run]
    error: the check `unknown_event_kinds` found 2 bad rows
    cause: expected: Every event is of a known kind.
    found, for example: [row]

    hint: These events were left out. Is a name one of the four kinds? Then give it a line in sql/staging/event_names.sql.
    see them: dfpipe query --run [run] "select * from check_unknown_event_kinds"
    "#);
    let end = markdown.find("## Figures").expect("there are figures");
    assert_snapshot!(blanked(&markdown[..end]), @r#"
    # customer_analytics 2026-11-15 failed in transform

    Nothing was loaded: the destination is as it was before. 2 things need a human.

    ## What went wrong

    **In transform:** the check `unknown_event_kinds` found 2 bad rows

    Because: expected: Every event is of a known kind. found, for example: [row]

    What to do: These events were left out. Is a name one of the four kinds? Then give it a line in sql/staging/event_names.sql. see them: dfpipe query --run [run] "select \* from check_unknown_event_kinds"

    Exit code 1.

    ## How to go on

    What is done is not done again. Next is transform.

        dfpipe run --resume [run]

    ## Needs a human

    - error: unknown_event_kinds (2 rows against it): Every event is of a known kind.
      These events were left out. Is a name one of the four kinds? Then give it a line in sql/staging/event_names.sql.
      The rows lie in the run's folder, in `checks/unknown_event_kinds.parquet`. See them: `dfpipe query --run [run] "select * from check_unknown_event_kinds"`
    - warning: purchases_in_other_currencies (3 rows against it): Every purchase is in the currency of the pipeline.
      These purchases count, but their amounts are in no sum. Convert them in the source if they matter.
      The rows lie in the run's folder, in `checks/purchases_in_other_currencies.parquet`. See them: `dfpipe query --run [run] "select * from check_purchases_in_other_currencies"`
    "#);
    assert!(page.contains(&command));
    assert!(page.contains("What went wrong in transform"));
    assert!(page.contains("Nothing was loaded"));
}

#[test]
fn a_stopped_run_says_what_is_next_and_a_dry_one_that_nothing_is_kept() {
    let project = Project::orders();
    let stopped = project.succeed(["run", "--until", "extract", "-q"]);
    assert_snapshot!(stopped.screen(), @"
    exit code: 0
    ----- stdout -----
    orders 2026-11-15 stopped after extract, as asked
    run [run] · profile local · window 2026-11-08 00:00 to 2026-11-15 00:00 UTC

    Records per step
      extract orders (files)  3

    Result
      loaded into  nothing yet
      run folder   [project]/.dfpipe/work/[run]
      next step    transform
      go on with   dfpipe run --resume [run]

    Needs a human
      nothing
    ");
    assert!(project.unfinished()[0].join("report.html").is_file());
    let project = Project::orders();
    assert_snapshot!(project.succeed(["run", "--dry-run", "-q"]).screen(), @"
    exit code: 0
    ----- stdout -----
    orders 2026-11-15 dry run completed in [time]
    run [run]-dry-run · profile local · window 2026-11-08 00:00 to 2026-11-15 00:00 UTC

    Records per step
      extract orders (files)  3
      transform totals        2

    Result
      loaded into  nothing: it was a dry run
      run folder   none: nothing of a dry run is kept

    Needs a human
      nothing
    ");
    project.edit("sql/totals.sql", "sum(amount)", "sum(amount / 0)");
    let failed = project.run(["run", "--dry-run"]);
    assert_ne!(failed.code, Some(0), "{}", failed.stderr);
    assert!(!failed.stderr.contains("--resume"), "{}", failed.stderr);
}

/// Nobody may read "nothing was loaded" where that is not certain, or load again what is there.
#[test]
fn what_is_said_of_the_data_is_never_more_than_is_known() {
    let said = |change: &dyn Fn(&mut Value)| {
        let mut record = shared::first_run().project.json("run.json");
        record["status"] = "failed".into();
        change(&mut record);
        let record = serde_json::from_value(record).expect("it is a record");
        blanked(&dfpipe::report::how_to_go_on(&record))
    };
    let loading = |record: &mut Value| {
        record["load"] = Value::Null;
        record["steps"][2]["is_done"] = false.into();
        record["steps"].as_array_mut().expect("a list").pop();
    };
    assert_snapshot!(said(&loading), @"
    customer_analytics 2026-11-15 failed in load
    The load had begun, and it is not known whether its rows are there. Going on asks the destination, and loads them at most once.
    What it has done is kept, with report.html, in [project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]
    Go on with: dfpipe run --resume [run]
    ");
    let finishing = |record: &mut Value| {
        record["steps"][3]["is_done"] = false.into();
        record["profile"] = "prod".into();
    };
    assert_snapshot!(said(&finishing), @"
    customer_analytics 2026-11-15 failed in finalize
    The load is complete: 497 rows in [project]/.dfpipe/warehouse/customer_analytics/weekly_customer_profiles, as load 1 of 2026-11-15.
    What it has done is kept, with report.html, in [project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]
    Go on with: dfpipe run --resume [run] --profile prod
    ");
    let extracting = |record: &mut Value| {
        record["status"] = "interrupted".into();
        record["load"] = Value::Null;
        record["steps"].as_array_mut().expect("a list").truncate(1);
        record["steps"][0]["is_done"] = false.into();
    };
    assert_snapshot!(said(&extracting), @"
    customer_analytics 2026-11-15 was interrupted in extract
    Nothing was loaded: the destination is as it was before.
    What it has done is kept, with report.html, in [project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]
    Go on with: dfpipe run --resume [run]
    ");
}

/// Whatever a project or its data says: it is text.
#[test]
fn hostile_words_stay_words_in_every_report() {
    let project = Project::orders();
    let hostile = "</p></style><script>alert(1)</script> | *x* [y](http://z)";
    project.write(
        "sql/checks/nobody_is_rich.sql",
        format!(
            "/* dfpipe\ndescription: \"{hostile}\"\nseverity: warn\n*/\n\
             select customer, '<img src=x>' as note from totals where amount > 10\n"
        ),
    );
    project.succeed(["run", "-q"]);
    let read = |name: &str| fs_err::read_to_string(project.last_run().join(name));
    let page = read("report.html").expect("a report was written");
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert_well_formed(&page);
    let markdown = read("report.md").expect("a report was written");
    assert!(!markdown.contains(" <script>"), "{markdown}");
    assert!(
        markdown.contains(r"\<script>alert(1)\</script> \| \*x\* \[y\](http://z)"),
        "{markdown}"
    );
}

#[test]
fn report_html_is_one_well_formed_file_that_asks_nobody_for_anything() {
    for page in [&story().failed.page, &story().finished.page] {
        assert_well_formed(page);
        assert!(page.contains("default-src 'none'") || page.contains("default-src &#39;none&#39;"));
        for forbidden in [
            "<script",
            "@import",
            "url(",
            "<img",
            "<iframe",
            "javascript:",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        for attribute in [" src=\"", " href=\""] {
            for (_, rest) in page
                .match_indices(attribute)
                .map(|(at, _)| page.split_at(at))
            {
                let value = rest[attribute.len()..].split('"').next();
                assert_eq!(value, Some("data:,"), "{attribute}");
            }
        }
    }
}

#[test]
fn reports_hold_no_address_and_no_key() {
    for left in [&story().failed, &story().finished] {
        for text in [
            &left.page,
            &left.markdown,
            &left.screen.stdout,
            &left.screen.stderr,
        ] {
            assert!(addresses::found_in(text).is_empty());
            assert!(!text.contains("dfpipe-fixtures-key"));
        }
    }
}

#[test]
fn a_browser_shows_the_report_on_a_phone_and_on_a_desk_in_light_and_in_dark() {
    let Some(chromium) = chromium::find() else {
        return;
    };
    let first = shared::first_run().project.last_run().join("report.html");
    let first = fs_err::read_to_string(first).expect("a report was written");
    let pages = [
        ("/first", first.as_str()),
        ("/failed", story().failed.page.as_str()),
        ("/finished", story().finished.page.as_str()),
    ];
    let [light, dark] =
        [Colors::Light, Colors::Dark].map(|colors| chromium::open(&chromium, &pages, colors));
    let background = |seen: &Seen| seen.measured["pages"][0]["background"].clone();
    assert_ne!(background(&light), background(&dark));
    for seen in [light, dark] {
        assert_eq!(seen.console, Vec::<String>::new());
        assert_eq!(seen.measured["errors"], serde_json::json!([]));
        let known = |request: &String| {
            request == "/harness" || pages.iter().any(|(page, _)| page == request)
        };
        assert!(seen.requests.iter().all(known), "{:?}", seen.requests);
        let measured = seen.measured["pages"].as_array().expect("a list");
        assert_eq!(measured.len(), 6);
        for page in measured {
            assert_eq!(page["page_width"], page["width"], "{page:#}");
            assert_eq!(page["content_width"], page["width"], "{page:#}");
            for none in ["sticking_out", "pale", "resources"] {
                assert_eq!(page[none], serde_json::json!([]), "{none} of {page:#}");
            }
            for zero in ["flat_pictures", "unnamed_pictures"] {
                assert_eq!(page[zero], 0, "{page:#}");
            }
            assert_eq!(page["headings"], 1, "{page:#}");
            assert!(page["pictures"].as_u64() >= Some(5), "{page:#}");
            assert!(page["texts"].as_u64() > Some(300), "{page:#}");
        }
    }
}

/// What cannot fail proves nothing: a page with all that the test above looks for.
#[test]
fn the_browser_notices_what_a_reader_would_trip_over() {
    let Some(chromium) = chromium::find() else {
        return;
    };
    let page = r#"<!doctype html><html><head><link rel="icon" href="data:,"></head><body>
        <p style="width: 2000px; color: #ccc; background: #fff">pale and wide</p>
        <svg width="0" height="0" aria-labelledby="none"></svg>
        <img src="http://elsewhere.test/picture.png"><script>nothing()</script></body></html>"#;
    let seen = chromium::open(&chromium, &[("/bad", page)], Colors::Light);
    let measured = &seen.measured["pages"][0];
    assert!(
        measured["content_width"].as_u64() > Some(1_999),
        "{measured:#}"
    );
    for some in ["sticking_out", "pale", "resources"] {
        let found = measured[some].as_array().map_or(0, Vec::len);
        assert!(found > 0, "{some} of {measured:#}");
    }
    assert_eq!(measured["flat_pictures"], 1);
    assert_eq!(measured["unnamed_pictures"], 1);
    assert!(!seen.console.is_empty(), "{seen:?}");
}

/// Every element is closed, in order; every `&` begins a reference; no name is given twice.
fn assert_well_formed(page: &str) {
    let body = page.strip_prefix("<!doctype html>\n").expect("it is HTML");
    let (before, rest) = body.split_once("<style>").expect("it has a style");
    let (style, after) = rest.split_once("</style>").expect("its style ends");
    assert!(!style.contains('<'), "the style ends nowhere else");
    let text = format!("{before}{after}");
    let mut open: Vec<&str> = vec![];
    let mut names = std::collections::BTreeSet::new();
    for piece in text.trim().split('<').skip(1) {
        let (tag, words) = piece
            .split_once('>')
            .unwrap_or_else(|| panic!("an open tag: {piece}"));
        assert!(!words.contains('>'), "{piece}");
        for reference in piece.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
            assert!(
                known.iter().any(|known| reference.starts_with(known)),
                "{piece}"
            );
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{piece}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        if let Some((_, id)) = tag.split_once(" id=\"") {
            let id = id.split('"').next().unwrap_or_default();
            assert!(names.insert(id.to_owned()), "`{id}` is there twice");
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}
