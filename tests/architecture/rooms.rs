//! The table of rooms in `ARCHITECTURE.md`, read as a rule: which room may import which.
//!
//! A row names rooms in its first cell (`` `config/` `` or `` `error.rs`, `clock.rs` ``) and says in its
//! third what they may import: `nothing`, `all`, `all but a, b`, or `a, b`. Every room may import itself,
//! `error` and `clock`, and `properties`, which only tests have. `udfs` is the crate beside us; it counts as a room without a row.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, end_of_braces, is_word, words};

const HEADER: [&str; 3] = ["room", "what it is", "may import"];
/// The last is there for tests only: how properties are tried.
const FREE_FOR_ALL: [&str; 3] = ["error", "clock", "properties"];

/// What each room may import.
pub(crate) type Rooms = BTreeMap<String, BTreeSet<String>>;

/// Reads the table; what cannot be understood is a sentence for each row.
pub(crate) fn read(document: &str) -> Result<Rooms, Vec<String>> {
    let rows = rows(document);
    if rows.is_empty() {
        return Err(vec!["ARCHITECTURE.md has no table of rooms".to_owned()]);
    }
    let mut names: BTreeSet<String> = rows.iter().flat_map(|row| room_names(&row.first)).collect();
    names.insert("udfs".to_owned());

    let mut rooms = Rooms::new();
    let mut mistakes = Vec::new();
    for row in rows {
        match may_import(&row.third, &names) {
            Ok(allowed) => {
                rooms.extend(room_names(&row.first).map(|name| (name, allowed.clone())));
            }
            Err(mistake) => mistakes.push(format!("ARCHITECTURE.md:{}: {mistake}", row.line)),
        }
    }
    if mistakes.is_empty() {
        Ok(rooms)
    } else {
        Err(mistakes)
    }
}

struct Row {
    line: usize,
    first: String,
    third: String,
}

fn rows(document: &str) -> Vec<Row> {
    document
        .lines()
        .enumerate()
        .skip_while(|(_, line)| cells(line) != HEADER)
        .skip(2)
        .take_while(|(_, line)| line.starts_with('|'))
        .map(|(index, line)| {
            let cells = cells(line);
            let cell = |number: usize| cells.get(number).copied().unwrap_or_default().to_owned();
            Row {
                line: index + 1,
                first: cell(0),
                third: cell(2),
            }
        })
        .collect()
}

fn cells(line: &str) -> Vec<&str> {
    line.trim()
        .trim_matches('|')
        .split('|')
        .map(str::trim)
        .collect()
}

/// The names in backticks, without `/` or `.rs`.
fn room_names(cell: &str) -> impl Iterator<Item = String> {
    let in_backticks = cell.split('`').skip(1).step_by(2);
    in_backticks.map(|name| {
        name.trim_end_matches('/')
            .trim_end_matches(".rs")
            .to_owned()
    })
}

fn may_import(cell: &str, rooms: &BTreeSet<String>) -> Result<BTreeSet<String>, String> {
    let cell = cell.replace('`', "");
    match (cell.as_str(), cell.strip_prefix("all but ")) {
        ("nothing", _) => Ok(BTreeSet::new()),
        ("all", _) => Ok(rooms.clone()),
        (_, Some(exceptions)) => Ok(rooms - &listed(exceptions, rooms)?),
        (list, None) => listed(list, rooms),
    }
}

fn listed(list: &str, rooms: &BTreeSet<String>) -> Result<BTreeSet<String>, String> {
    let known = |name: &str| match rooms.get(name) {
        Some(name) => Ok(name.clone()),
        None => Err(format!(
            "`{name}` is not a room; write `nothing`, `all`, `all but a, b` or `a, b`"
        )),
    };
    list.split(',').map(|name| known(name.trim())).collect()
}

/// Every import that the table does not allow, and every room that it does not know.
pub(crate) fn forbidden_imports(rooms: &Rooms, sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let room = room_of(&source.path);
        let Some(allowed) = rooms.get(room) else {
            complaints.push(format!(
                "{}: room `{room}` is not in the table",
                source.path
            ));
            continue;
        };
        for (offset, import) in imports(source) {
            let is_free = import == room || FREE_FOR_ALL.contains(&import.as_str());
            if !is_free && !allowed.contains(&import) {
                let place = source.place(offset);
                let may = said(allowed);
                complaints.push(format!(
                    "{place}: `{room}` imports `{import}`, but may import {may}"
                ));
            }
        }
    }
    complaints
}

fn said(allowed: &BTreeSet<String>) -> String {
    if allowed.is_empty() {
        return "nothing".to_owned();
    }
    allowed
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// `src/config/yaml.rs` and `src/config.rs` are in the room `config`.
fn room_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let first = inside.split('/').next().unwrap_or(inside);
    first.trim_end_matches(".rs")
}

/// The rooms that a file names, where it names them.
fn imports(source: &Source) -> Vec<(usize, String)> {
    let mut imports = Vec::new();
    for root in ["crate", "dfpipe"] {
        imports.extend(names_after(&source.code, root));
    }
    // The same room by another way: as many `super::` as it takes to stand in the crate's root.
    let way_up = vec!["super"; depth_of(&source.path)].join("::");
    if !way_up.is_empty() {
        imports.extend(names_after(&source.production, &way_up));
    }
    imports.extend(
        words(&source.code, "dfpipe_udfs")
            .into_iter()
            .map(|at| (at, "udfs".to_owned())),
    );
    imports.sort();
    imports
}

/// How many modules deep a file is: 1 for `src/config/mod.rs`, 2 for `src/config/yaml.rs`.
fn depth_of(path: &str) -> usize {
    match path {
        "src/lib.rs" | "src/main.rs" => 0,
        _ => path.trim_end_matches("/mod.rs").matches('/').count(),
    }
}

/// The first names after `root::`: one, or several in braces.
fn names_after(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    for offset in words(code, root) {
        let is_part_of_a_path = code[..offset].ends_with("::");
        let Some(path) = code[offset + root.len()..].strip_prefix("::") else {
            continue;
        };
        if !is_part_of_a_path {
            names.extend(first_names(path).into_iter().map(|name| (offset, name)));
        }
    }
    names
}

fn first_names(path: &str) -> Vec<String> {
    if !path.starts_with('{') {
        return vec![first_word(path)];
    }
    let group = &path[1..end_of_braces(path)];
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (offset, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(first_word(&group[start..offset]));
                start = offset + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn first_word(path: &str) -> String {
    path.trim_start()
        .chars()
        .take_while(|&character| is_word(character))
        .collect()
}

const DOCUMENT: &str = "
# Rooms

| room | what it is | may import |
|---|---|---|
| `main.rs` | entry | cli |
| `error.rs`, `clock.rs` | what all know | nothing |
| `config/` | what is meant | nothing |
| `model/` | pure | `config`, udfs |
| `run/` | steps | all but cli |
| `cli/` | talks | all |

| `late/` | another table | nothing |
";

#[test]
fn the_table_of_rooms_is_read_as_a_rule() {
    let rooms = read(DOCUMENT).expect("the table is right");
    let said: Vec<_> = rooms
        .iter()
        .map(|(room, allowed)| format!("{room}: {}", said(allowed)))
        .collect();
    assert_eq!(
        said,
        [
            "cli: cli, clock, config, error, main, model, run, udfs",
            "clock: nothing",
            "config: nothing",
            "error: nothing",
            "main: cli",
            "model: config, udfs",
            "run: clock, config, error, main, model, run, udfs",
        ]
    );
}

#[test]
fn a_table_that_cannot_be_understood_is_refused() {
    let document = DOCUMENT.replace("`config`, udfs", "config (and a little http)");
    assert_eq!(
        read(&document),
        Err(vec![
            "ARCHITECTURE.md:9: `config (and a little http)` is not a room; \
             write `nothing`, `all`, `all but a, b` or `a, b`"
                .to_owned()
        ])
    );
    assert!(read("no table").is_err());
}

#[test]
fn a_forbidden_import_is_found_however_it_is_written() {
    let rooms = read(DOCUMENT).expect("the table is right");
    let complaints = |path: &str, text: &str| forbidden_imports(&rooms, &[Source::new(path, text)]);
    let run_in_model = ["src/model/dag.rs:1: `model` imports `run`, but may import config, udfs"];

    assert_eq!(
        complaints("src/model/dag.rs", "use crate::run::Step;"),
        run_in_model
    );
    assert_eq!(
        complaints("src/model/dag.rs", "use crate::{config::A, run::{B, C}};"),
        run_in_model
    );
    assert_eq!(
        complaints("src/model/dag.rs", "fn a() { crate::run::b(); }"),
        run_in_model
    );
    assert_eq!(
        complaints("src/model/dag.rs", "use super::super::run;"),
        run_in_model
    );
    assert_eq!(
        complaints("src/config/a.rs", "use dfpipe_udfs::b;").len(),
        1
    );
    assert_eq!(complaints("src/main.rs", "use dfpipe::run::a;").len(), 1);
    assert_eq!(
        complaints("src/shed/mod.rs", ""),
        ["src/shed/mod.rs: room `shed` is not in the table"]
    );
}

#[test]
fn an_import_that_the_table_allows_is_let_through() {
    let rooms = read(DOCUMENT).expect("the table is right");
    let sources = [
        Source::new(
            "src/model/dag.rs",
            "use crate::config::A; use crate::error::B; use super::run;",
        ),
        Source::new(
            "src/model/mod.rs",
            "use crate::{\n    clock::Clock,\n    model::dag,\n};",
        ),
        Source::new(
            "src/model/lock.rs",
            "// use crate::run;\nconst A: &str = \"crate::run\";",
        ),
        Source::new(
            "src/run/mod.rs",
            "use crate::model::a; pub(crate) fn b() {} use dfpipe_udfs::c;",
        ),
    ];
    assert_eq!(forbidden_imports(&rooms, &sources), Vec::<String>::new());
}
