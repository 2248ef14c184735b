//! Who asked for it is told how a run ended, and nothing breaks if nobody hears.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{
    project::{Outcome, Project},
    webhook::Webhook,
};

/// The orders, whose ends are told to `address`.
fn telling(address: String) -> Project {
    let project = Project::orders().with_variable("WEBHOOK", address);
    project.edit(
        "dfpipe.yml",
        "pipeline: orders",
        "pipeline: orders\nnotify:\n  webhook: ${WEBHOOK:-}",
    );
    project
}

/// The only message, and its text without what differs from run to run.
fn only(webhook: &Webhook, project: &Project) -> (Value, String) {
    let [message] = webhook.messages().try_into().expect("one message");
    let message: Value = message;
    let text = message["text"].as_str().expect("a text");
    let text = text.replace(&project.folder().display().to_string(), "[project]");
    let filters = [
        (r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{6}Z", "[run]"),
        (r"completed in \d+\.\d s", "completed in [time]"),
    ];
    let text = filters.iter().fold(text, |text, (pattern, blank)| {
        let pattern = regex::Regex::new(pattern).expect("a filter is a regex");
        pattern.replace_all(&text, *blank).into_owned()
    });
    (message, text)
}

/// The address is as good as a key: it stands nowhere.
fn assert_secret(project: &Project, outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains(Webhook::SECRET), "{text}");
    }
    for folder in project.archived().into_iter().chain(project.unfinished()) {
        for name in ["run.json", "report.md", "report.html", "journal.ndjson"] {
            let text = fs_err::read_to_string(folder.join(name)).expect("it was written");
            assert!(!text.contains(Webhook::SECRET), "{name}");
        }
    }
}

#[test]
fn a_run_that_went_well_is_told_with_its_figures() {
    let webhook = Webhook::refusing_first(&[]);
    let project = telling(webhook.url());
    project.write(
        "sql/figures.sql",
        "/* dfpipe\nversion: 1\nkey: [position]\n*/\n\
         select 1 as position, 'spent' as metric, 'Spent <by all>' as label,\n\
         sum(amount) as value, 'money' as unit from totals\n",
    );
    project.edit(
        "dfpipe.yml",
        "notify:",
        "report:\n  summary: figures\nnotify:",
    );

    let outcome = project.succeed(["run"]);

    let (message, text) = only(&webhook, &project);
    assert_snapshot!(text, @"
    ✓ *orders 2026-11-15 completed in [time]*
    The load is complete: 2 rows in [project]/.dfpipe/warehouse/shop/totals, as load 1 of 2026-11-15.
    *Figures*
    • Spent &lt;by all&gt; *20.00*
    *Records per step*
    • extract orders (files) *3*
    • transform totals *2*
    • load *2*
    ");
    let run = &message["run"];
    assert_eq!(run["status"], "succeeded");
    assert_eq!(run["figures"][0]["value"], 20.0);
    assert_eq!(run["load"]["rows"], 2);
    assert_secret(&project, &outcome);

    project.succeed(["run", "--until", "extract", "-q"]);
    project.succeed(["run", "--dry-run", "-q"]);
    assert_eq!(webhook.messages().len(), 1, "somebody looks at these");
}

#[test]
fn a_run_that_failed_is_told_with_the_way_on() {
    let webhook = Webhook::refusing_first(&[]);
    let project = telling(webhook.url());
    project.write(
        "sql/checks/nobody_is_rich.sql",
        "/* dfpipe\ndescription: Nobody spends more than ten.\n*/\n\
         select customer, amount from totals where amount > 10\n",
    );

    let outcome = project.run(["run", "-q"]);

    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    let (message, text) = only(&webhook, &project);
    assert_snapshot!(text, @r#"
    ✗ *orders 2026-11-15 failed in transform*
    Nothing was loaded: the destination is as it was before.
    the check `nobody_is_rich` found 1 bad row
    expected: Nobody spends more than ten.
    see them: dfpipe query --run [run] "select * from check_nobody_is_rich"
    Go on with: `dfpipe run --resume [run]`
    *Records per step*
    • extract orders (files) *3*
    • transform totals *2*
    *Needs a human*
    • error: nobody_is_rich (1 row against it): Nobody spends more than ten.
    "#);
    assert_eq!(message["run"]["failure"]["exit_code"], 1);
    assert!(!message.to_string().contains("ada"), "no row is sent away");
    assert_secret(&project, &outcome);
}

#[test]
fn a_run_that_did_not_begin_is_told_as_well() {
    let webhook = Webhook::refusing_first(&[]);
    let project = telling(webhook.url());
    project.edit("dfpipe.yml", "on_repeat: add", "on_repeat: refuse");
    project.edit(
        "dfpipe.yml",
        "webhook: ${WEBHOOK:-}",
        "webhook: ${WEBHOOK:-}\n  on: [failure]",
    );
    project.succeed(["run", "-q"]);
    assert_eq!(webhook.messages().len(), 0, "only failures are told");

    let outcome = project.run(["run", "-q"]);

    assert_eq!(outcome.code, Some(7), "{}", outcome.stderr);
    let (message, text) = only(&webhook, &project);
    assert_snapshot!(text, @"
    ✗ *orders did not begin*
    2026-11-15 is loaded already: run `[run]`, 2 rows
    `[project]/.dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet` holds it as load 1; its receipt is `[project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]/step4_load_receipt.json`
    `dfpipe run --new-load` appends a further load of that date
    ");
    assert_eq!(message["run"]["status"], "refused");
    assert_eq!(message["run"]["failure"]["exit_code"], 7);
}

#[test]
fn a_webhook_that_stumbles_is_asked_again() {
    let webhook = Webhook::refusing_first(&[500, 503]);
    let project = telling(webhook.url());
    let outcome = project.succeed(["run"]);
    assert_eq!(webhook.messages().len(), 3);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
}

#[test]
fn a_webhook_that_cannot_be_had_is_a_warning_and_no_failure() {
    let refusing = Webhook::refusing_first(&[404; 9]);
    for (address, words) in [
        (
            refusing.url(),
            "warning: nobody could be notified: the address answers 404 Not Found",
        ),
        (
            Webhook::down(),
            "warning: nobody could be notified: the address cannot be reached",
        ),
    ] {
        let project = telling(address);
        let outcome = project.run(["run"]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
        assert!(outcome.stdout.contains("orders 2026-11-15 completed in"));
        assert_secret(&project, &outcome);
    }
    assert_eq!(refusing.messages().len(), 1, "a refusal for good is one");
}

#[test]
fn without_an_address_nobody_is_told() {
    let project = telling(String::new());
    let outcome = project.succeed(["run"]);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
}
