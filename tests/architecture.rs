//! The house rules, held by tests: what must not be in the code, and which room may import which.
//!
//! Each rule is a function from text to complaints, tried on a bad example beside the real files, so that
//! a rule that has gone blind is noticed. Only std is used: this file is built in a second.

#[path = "architecture/rooms.rs"]
mod rooms;
#[path = "architecture/source.rs"]
mod source;

use std::path::Path;

use source::{Source, files_below, is_word, repository, rust_files, words};

const NOTHING: [String; 0] = [];

/// Fails with all complaints about a rule at once.
#[track_caller]
fn hold(rule: &str, complaints: &[String]) {
    assert!(
        complaints.is_empty(),
        "{rule}\n\n  {}\n",
        complaints.join("\n  ")
    );
}

/// A complaint for each place where the search finds something.
fn complain(
    sources: &[Source],
    complaint: &str,
    search: impl Fn(&Source) -> Vec<usize>,
) -> Vec<String> {
    let places = |source| {
        search(source)
            .into_iter()
            .map(|at| Source::place(source, at))
    };
    sources
        .iter()
        .flat_map(places)
        .map(|place| format!("{place}: {complaint}"))
        .collect()
}

fn shipped() -> Vec<Source> {
    rust_files(&["src", "udfs/src"])
}

// --- every file says what it is ---------------------------------------------------------------------

fn without_introduction(sources: &[Source]) -> Vec<String> {
    let starts_at_once = |source: &Source| source.text.starts_with("//! ");
    complain(sources, "the first line is not `//! …`", |source| {
        if starts_at_once(source) {
            vec![]
        } else {
            vec![0]
        }
    })
}

#[test]
fn every_file_begins_with_what_it_is() {
    let rule = "a file begins with `//!`, one sentence that says what it is";
    hold(
        rule,
        &without_introduction(&rust_files(&["src", "udfs/src", "tests"])),
    );

    let bad = [
        Source::new("src/a.rs", "use std::fs;\n//! too late"),
        Source::new("src/b.rs", ""),
    ];
    assert_eq!(without_introduction(&bad).len(), 2);
    assert_eq!(
        without_introduction(&[Source::new("src/a.rs", "//! What it is.\n")]),
        NOTHING
    );
}

// --- rooms ------------------------------------------------------------------------------------------

#[test]
fn a_room_imports_only_what_the_table_in_architecture_md_allows() {
    let path = repository().join("ARCHITECTURE.md");
    #[expect(clippy::disallowed_methods, reason = "the rules use std only")]
    let document = std::fs::read_to_string(path).expect("ARCHITECTURE.md can be read");
    let complaints = match rooms::read(&document) {
        Ok(table) => rooms::forbidden_imports(&table, &rust_files(&["src"])),
        Err(mistakes) => mistakes,
    };
    hold(
        "the table of rooms in ARCHITECTURE.md is the rule (error and clock are free)",
        &complaints,
    );
}

/// Names that a folder must not know; any part of a path counts.
fn named_in(sources: &[Source], folder: &str, names: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| source.is_in(folder)) {
        for name in names {
            let complaint = format!("`{folder}` must not know `{name}`");
            let file = std::slice::from_ref(source);
            complaints.extend(complain(file, &complaint, |source| {
                parts_of_paths(&source.code, name)
            }));
        }
    }
    complaints
}

/// Where a name is a part of a path: after or before `::`, or within the braces of a `use`.
fn parts_of_paths(code: &str, name: &str) -> Vec<usize> {
    let mut places = words(code, name);
    places.retain(|&offset| {
        let is_in_use = uses(code)
            .iter()
            .any(|(start, path)| (*start..*start + path.len()).contains(&offset));
        is_in_use || code[..offset].ends_with("::") || code[offset + name.len()..].starts_with("::")
    });
    places
}

#[test]
fn sources_and_sinks_never_see_each_other() {
    let rule = "what a source and a sink have in common lives in neither";
    let check = |sources: &[Source]| {
        let mut complaints = named_in(sources, "src/sources", &["sinks"]);
        complaints.extend(named_in(sources, "src/sinks", &["sources"]));
        complaints
    };
    hold(rule, &check(&rust_files(&["src"])));

    let bad = [
        Source::new(
            "src/sources/crm/scan.rs",
            "fn a() { super::super::super::sinks::b() }",
        ),
        Source::new(
            "src/sinks/parquet.rs",
            "use crate::{error::Error, sources};",
        ),
    ];
    assert_eq!(
        check(&bad),
        [
            "src/sources/crm/scan.rs:1: `src/sources` must not know `sinks`",
            "src/sinks/parquet.rs:1: `src/sinks` must not know `sources`",
        ]
    );
    assert_eq!(
        check(&[Source::new(
            "src/sinks/a.rs",
            "let sources = 1; // sources::b"
        )]),
        NOTHING
    );
}

#[test]
fn models_know_no_network_and_no_session() {
    let rule = "`model` is pure: what it says can be known without data and without network";
    let names = [
        "reqwest",
        "rdkafka",
        "net",
        "SessionContext",
        "SessionState",
        "SessionConfig",
    ];
    let check = |sources: &[Source]| named_in(sources, "src/model", &names);
    hold(rule, &check(&rust_files(&["src"])));

    let bad = [
        Source::new(
            "src/model/a.rs",
            "use reqwest::Client;\nuse tokio::{fs, net::TcpStream};",
        ),
        Source::new("src/model/b.rs", "use datafusion::prelude::SessionContext;"),
    ];
    assert_eq!(check(&bad).len(), 3);
}

/// Sessions are made in one place, so that one place decides on memory, catalog and functions.
fn sessions_elsewhere(sources: &[Source]) -> Vec<String> {
    let complaint = "a session is made in src/engine only; ask it for one";
    complain(sources, complaint, |source| {
        if source.is_in("src/engine") {
            vec![]
        } else {
            words(&source.production, "SessionContext")
        }
    })
}

#[test]
fn only_the_engine_makes_sessions() {
    hold(
        "`SessionContext` is named in src/engine and in tests",
        &sessions_elsewhere(&shipped()),
    );

    let session = "fn a() { SessionContext::new() }";
    assert_eq!(
        sessions_elsewhere(&[Source::new("src/run/a.rs", session)]).len(),
        1
    );
    let test = format!("#[cfg(test)]\nmod tests {{ {session} }}");
    let good = [
        Source::new("src/engine/a.rs", session),
        Source::new("udfs/src/a.rs", &test),
    ];
    assert_eq!(sessions_elsewhere(&good), NOTHING);
}

// --- foreign clients --------------------------------------------------------------------------------

/// Which file alone may name which library.
const CLIENTS: [(&str, &str); 2] = [
    ("rdkafka", "src/sources/kafka/client.rs"),
    ("gcp_bigquery_client", "src/sinks/bigquery/client.rs"),
];

fn clients_elsewhere(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (client, home) in CLIENTS {
        let complaint = format!("`{client}` is named in {home} only");
        complaints.extend(complain(sources, &complaint, |source| {
            if source.path == home {
                vec![]
            } else {
                words(&source.production, client)
            }
        }));
    }
    complaints
}

#[test]
fn one_file_per_connector_names_the_foreign_client() {
    hold(
        "a foreign client can be replaced in one file",
        &clients_elsewhere(&shipped()),
    );

    let bad = [Source::new(
        "src/sources/kafka/scan.rs",
        "\nuse rdkafka::Message;",
    )];
    let complaint =
        "src/sources/kafka/scan.rs:2: `rdkafka` is named in src/sources/kafka/client.rs only";
    assert_eq!(clients_elsewhere(&bad), [complaint]);
    let good = [Source::new(
        "src/sources/kafka/client.rs",
        "use rdkafka::Message;",
    )];
    assert_eq!(clients_elsewhere(&good), NOTHING);
}

// --- manners ----------------------------------------------------------------------------------------

const PRINTERS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

fn prints(sources: &[Source]) -> Vec<String> {
    let may_print = |source: &Source| {
        source.is_in("src/cli") || source.is_in("src/shell") || source.path == "src/main.rs"
    };
    complain(sources, "only `cli` and `shell` print", |source| {
        let printers = if may_print(source) {
            &PRINTERS[4..]
        } else {
            &PRINTERS[..]
        };
        let calls = |printer: &&str| {
            let mut places = words(&source.code, printer);
            places.retain(|&offset| source.code[offset + printer.len()..].starts_with("!("));
            places
        };
        printers.iter().flat_map(calls).collect()
    })
}

#[test]
fn only_the_rooms_that_talk_to_people_print() {
    hold(
        "what is said goes through `cli` or `shell`, or is logged",
        &prints(&shipped()),
    );

    let bad = [Source::new(
        "src/run/a.rs",
        "fn a() {\n    println!(\"b\");\n    dbg!(c);\n}",
    )];
    assert_eq!(prints(&bad).len(), 2);
    let good = [
        Source::new("src/cli/a.rs", "println!(\"b\");"),
        Source::new(
            "src/run/a.rs",
            "//! Not `println!(\"b\")`.\nprint(\"println!(c)\");",
        ),
    ];
    assert_eq!(prints(&good), NOTHING);
}

fn ignored_without_reason(sources: &[Source]) -> Vec<String> {
    let start = "#[ignore";
    complain(sources, "write `#[ignore = \"the reason\"]`", |source| {
        let mut places: Vec<_> = source
            .code
            .match_indices(start)
            .map(|(offset, _)| offset)
            .collect();
        places.retain(|&offset| {
            let reason = source.text[offset + start.len()..].strip_prefix(" = \"");
            reason.is_none_or(|reason| reason.trim_start().starts_with('"'))
        });
        places
    })
}

#[test]
fn an_ignored_test_says_why() {
    let rule = "a test that is not run says why";
    hold(
        rule,
        &ignored_without_reason(&rust_files(&["src", "udfs/src", "tests"])),
    );

    let bad = Source::new(
        "tests/a.rs",
        "#[ignore]\nfn a() {}\n#[ignore = \"\"]\nfn b() {}",
    );
    assert_eq!(ignored_without_reason(&[bad]).len(), 2);
    let good = Source::new(
        "tests/a.rs",
        "#[ignore = \"needs a real account\"]\nfn a() {}",
    );
    assert_eq!(ignored_without_reason(&[good]), NOTHING);
}

/// The `use` items: where each begins, and its text up to the semicolon.
fn uses(code: &str) -> Vec<(usize, &str)> {
    let item = |offset: usize| {
        let path = code[offset..].strip_prefix("use ")?;
        Some((offset, &path[..path.find(';')?]))
    };
    words(code, "use").into_iter().filter_map(item).collect()
}

fn glob_imports(sources: &[Source]) -> Vec<String> {
    complain(
        sources,
        "name what is imported (`use super::*` is for tests)",
        |source| {
            let is_test = |offset: usize| source.production[offset..].starts_with("    ");
            uses(&source.code)
                .into_iter()
                .filter(|(offset, path)| {
                    path.contains('*') && !(path.trim() == "super::*" && is_test(*offset))
                })
                .map(|(offset, _)| offset)
                .collect()
        },
    )
}

#[test]
fn no_glob_hides_what_a_file_imports() {
    let rule = "the `use` block of a file is its honest list of dependencies";
    hold(
        rule,
        &glob_imports(&rust_files(&["src", "udfs/src", "tests"])),
    );

    let bad = [
        Source::new(
            "src/a.rs",
            "use std::io::*;\nuse crate::{\n    b::*,\n};\nuse super::*;",
        ),
        Source::new("src/b.rs", "#[cfg(test)]\nmod tests { use crate::c::*; }"),
    ];
    assert_eq!(glob_imports(&bad).len(), 4);
    let test = "fn a() -> usize { 2 * b }\n#[cfg(test)]\nmod tests {\n    use super::*;\n}";
    assert_eq!(glob_imports(&[Source::new("src/a.rs", test)]), NOTHING);
}

fn unwraps(sources: &[Source]) -> Vec<String> {
    complain(
        sources,
        "`?`, or `expect` with the sentence that proves it",
        |source| {
            source
                .production
                .match_indices(".unwrap()")
                .map(|(offset, _)| offset)
                .collect()
        },
    )
}

#[test]
fn no_unwrap_in_code_that_ships() {
    hold(
        "no panic can be reached from what a user types",
        &unwraps(&shipped()),
    );

    let bad = [Source::new("src/a.rs", "fn a() {\n    b().unwrap();\n}")];
    assert_eq!(
        unwraps(&bad),
        ["src/a.rs:2: `?`, or `expect` with the sentence that proves it"]
    );
    let test = "// .unwrap()\n#[cfg(test)]\nmod tests { fn a() { b().unwrap(); } }";
    assert_eq!(unwraps(&[Source::new("src/a.rs", test)]), NOTHING);
}

// --- all files --------------------------------------------------------------------------------------

/// Where a text names somebody's home folder. The patterns are put together, not to find themselves.
fn home_paths(text: &str) -> Vec<usize> {
    let is_start = |offset: usize| {
        !text[..offset].ends_with(|before| is_word(before) || "./-}".contains(before))
    };
    let root = text
        .match_indices(concat!("/root", "/"))
        .map(|(offset, _)| offset);
    let home = concat!("/home", "/");
    let homes = text
        .match_indices(home)
        .map(|(offset, _)| offset)
        .filter(|offset| {
            let name = &text[offset + home.len()..];
            let end = name.find(|character| !is_word(character) && character != '-');
            end.is_some_and(|end| end > 0 && name[end..].starts_with('/'))
        });
    root.chain(homes)
        .filter(|&offset| is_start(offset))
        .collect()
}

#[test]
fn no_file_knows_the_machine_that_it_was_written_on() {
    let mut complaints = Vec::new();
    for path in files_below(Path::new("")) {
        #[expect(clippy::disallowed_methods, reason = "the rules use std only")]
        let bytes =
            std::fs::read(repository().join(&path)).expect("a file of the repository can be read");
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        for offset in home_paths(&text) {
            let line = text[..offset].matches('\n').count() + 1;
            complaints.push(format!("{path}:{line}: a path of one machine"));
        }
    }
    hold(
        "paths are relative, or come from the configuration",
        &complaints,
    );

    let bad = [
        "see /root",
        "/work",
        ", \"/home",
        "/ada/x\" and `/home",
        "/ada-b/`",
    ]
    .concat();
    assert_eq!(home_paths(&bad).len(), 3);
    assert_eq!(
        home_paths("src/root/a, $HOME/root/, /home/ and /home/<name>/"),
        Vec::<usize>::new()
    );
}
