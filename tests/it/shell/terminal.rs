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
            ("| 42 ", ""),
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
