//! The BigQuery sink against an emulator that others wrote: a second opinion, and real SQL.

use axum::http::Method;

use crate::support::{bigquery::loading::in_dataset, emulator::Emulator, gate::Gate};

#[test]
fn the_emulator_holds_a_first_load_and_its_view() {
    let Some(emulator) = Emulator::get() else {
        return;
    };
    let project = in_dataset(emulator.url(), "first");
    project.succeed(["run", "-q"]);
    assert_eq!(emulator.totals("first.totals"), ["ada 13 1", "bob 7 1"]);
    assert_eq!(
        emulator.totals("first.totals_latest"),
        ["ada 13 1", "bob 7 1"]
    );
    let table = emulator.call(Method::GET, "/datasets/first/tables/totals", None);
    assert_eq!(table["timePartitioning"]["field"], "run_date");
    let receipt = project.json("step4_load_receipt.json");
    assert_eq!(
        (&receipt["rows"], &receipt["adopted"]),
        (&2.into(), &false.into())
    );
}

#[test]
fn the_emulator_gets_no_second_load_of_a_date_by_mistake() {
    let Some(emulator) = Emulator::get() else {
        return;
    };
    let project = in_dataset(emulator.url(), "second");
    project.succeed(["run", "-q"]);
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(7), "{}", outcome.screen());
    project.remove(".dfpipe");
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(7), "{}", outcome.screen());
    assert_eq!(emulator.totals("second.totals").len(), 2);
}

#[test]
fn the_emulator_gets_a_new_load_with_a_column_more_if_that_is_asked_for() {
    let Some(emulator) = Emulator::get() else {
        return;
    };
    let project = in_dataset(emulator.url(), "renewed");
    project.succeed(["run", "-q"]);
    let (from, to) = (
        "sum(amount) as amount",
        "sum(amount) as amount, count(*) as orders",
    );
    project.edit("sql/totals.sql", from, to);
    project.succeed(["run", "-q", "--new-load"]);
    let loads = ["ada 13 1", "bob 7 1", "ada 13 2", "bob 7 2"];
    assert_eq!(emulator.totals("renewed.totals"), loads);
    assert_eq!(emulator.totals("renewed.totals_latest"), loads[2..]);
    let statement = "select orders from `test-project.renewed.totals_latest` order by customer";
    assert_eq!(emulator.query(statement), [["2"], ["1"]]);
    let outcome = project.run(["run", "-q"]);
    assert_eq!(outcome.code, Some(7), "{}", outcome.screen());
}

/// The gate before the emulator refuses some pieces: the upload goes on, with the same job.
#[test]
fn the_emulator_gets_an_upload_that_was_disturbed_exactly_once() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    let Some(emulator) = Emulator::get() else {
        return;
    };
    let gate = Gate::before(emulator.url());
    let project = in_dataset(&gate.endpoint(), "disturbed");
    let seen = AtomicUsize::new(0);
    gate.fail_with(503, move |method, path| {
        let is_piece = method == Method::PUT && path.starts_with("/upload/");
        is_piece && seen.fetch_add(1, Ordering::Relaxed) < 2
    });
    project.succeed(["run", "-q"]);
    assert_eq!(emulator.totals("disturbed.totals"), ["ada 13 1", "bob 7 1"]);
}

#[test]
fn the_emulator_holds_each_row_once_after_a_kill_at_any_line_of_the_load() {
    let Some(emulator) = Emulator::get() else {
        return;
    };
    let undisturbed = in_dataset(emulator.url(), "undisturbed");
    undisturbed.succeed(["run", "-q"]);
    let journal = undisturbed.last_run().join("journal.ndjson");
    let journal = fs_err::read_to_string(journal).expect("a run has a journal");
    let begun = journal
        .lines()
        .position(|line| line.contains("\"load_begun\""));
    for lines in begun.expect("it loaded") + 1.. {
        let dataset = format!("killed_{lines}");
        let project = in_dataset(emulator.url(), &dataset);
        if !project.is_killed(["run", "-q"], lines) {
            break;
        }
        project.succeed(["run", "-q", "--resume"]);
        assert_eq!(
            emulator.totals(&format!("{dataset}.totals")),
            ["ada 13 1", "bob 7 1"],
            "{lines}"
        );
    }
}
