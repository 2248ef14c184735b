//! A person at the shell: typing, completing, stopping a question, and what is remembered.

use crate::support::{conversation::converse, project::Project};

const PROMPT: &str = "orders 2026-11-15=> ";

fn with_a_run() -> Project {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project
}

#[test]
fn a_statement_is_typed_over_several_lines_and_completed() {
    let project = with_a_run();
    let shown = converse(
        &project,
        &["shell"],
        &[
            (PROMPT, "select count(*) as n\rfrom tot\t"),
            ("from totals", "\rwhere cust\t"),
            ("where customer", " = 'ada';\r"),
            ("| 1 |", ""),
            (PROMPT, "\\li\t"),
            ("\\lineage ", "\x03"),
            ("^C", ""),
            (PROMPT, "\x04"),
        ],
    );
    let Some(shown) = shown else { return };
    assert!(shown.contains("-> "), "{shown}");
}

#[test]
fn ctrl_c_stops_a_question_and_not_the_shell() {
    let project = with_a_run();
    let endless = "select count(*) from generate_series(1, 1000000) a \
                   cross join generate_series(1, 1000000) b;\r";
    let shown = converse(
        &project,
        &["shell"],
        &[
            (PROMPT, endless),
            ("\x1b[?2004l", "\x03"),
            ("stopped", ""),
            (PROMPT, "select 6 * 7 as answer;\r"),
            (" 42 |", ""),
            (PROMPT, "\\q\r"),
        ],
    );
    assert!(shown.is_none_or(|shown| !shown.contains("error")));
}

#[test]
fn what_was_typed_is_remembered_the_next_time_without_addresses() {
    let project = with_a_run();
    let first = [
        (PROMPT, "select 'first'\r|| 'second' as t;\r"),
        ("firstsecond", ""),
        (PROMPT, "select 'to ann@example.com' is null as u;\r"),
        ("| false |", ""),
        (PROMPT, "\x04"),
    ];
    if converse(&project, &["shell"], &first).is_none() {
        return;
    }
    // Once for the prompt, and then what is found by going up is answered as it was typed.
    let again = [
        (PROMPT, "\x1b[A\x1b[A"),
        ("|| 'second'", "\x1b[F\r"),
        ("firstsecond", ""),
        (PROMPT, "\\q\r"),
    ];
    converse(&project, &["shell"], &again);
    let state = project
        .surroundings()
        .join(".local/state/dfpipe/history.sql");
    let kept = fs_err::read_to_string(&state).expect("history is kept");
    let lines: Vec<_> = kept.lines().collect();
    assert_eq!(lines[0], "select 'first'\\n|| 'second' as t;");
    assert_eq!(lines[3], "\\\\q");
    assert!(!kept.contains("ann@"), "{kept}");
}

#[test]
fn a_command_in_the_middle_of_a_statement_is_done_at_once_and_the_statement_goes_on() {
    let project = with_a_run();
    let turns = [
        (PROMPT, "select 6 *\r"),
        ("-> ", "\\timing\r"),
        ("timing is on", ""),
        ("select 6 *", ""),
        ("-> ", "7 as answer;\r"),
        (" 42 |", ""),
        ("1 row, ", ""),
        (PROMPT, "select 'never\r"),
        ("-> ", "ended\x03"),
        (PROMPT, "select\r"),
        ("-> ", "\\q\r"),
    ];
    converse(&project, &["shell"], &turns);
}

#[test]
fn an_answer_says_how_many_rows_it_has_and_a_search_in_vain_says_so() {
    let project = with_a_run();
    let turns = [
        (PROMPT, "select * from totals where customer = $run_id;\r"),
        ("0 rows", ""),
        (PROMPT, "select customer from totals;\r"),
        ("2 rows", ""),
        (PROMPT, "\x12customer fr"),
        ("(search `customer fr`) select customer from totals;", "zz"),
        ("(nothing has `customer frzz`)", "\x07"),
        (PROMPT, "select * from model('tot\t"),
        ("model('totals", "', run => 'la\t"),
        ("'last", "') limit 0;\r"),
        ("0 rows", ""),
        (PROMPT, "\\q\r"),
    ];
    converse(&project, &["shell"], &turns);
}

#[test]
fn what_an_editor_makes_of_a_statement_is_shown_run_and_remembered() {
    let project = with_a_run().with_variable("EDITOR", "sed -i s/first/second/");
    let turns = [
        (PROMPT, "select 'first'\r"),
        ("-> ", "\\e\r"),
        ("select 'second'", ""),
        ("| second ", ""),
        (PROMPT, "\x1b[A"),
        ("select 'second'", "\x15\\q\r"),
    ];
    converse(&project, &["shell"], &turns);
}
