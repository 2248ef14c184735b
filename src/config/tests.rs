//! The configuration as a whole: what is meant, and that all problems come at once.

use super::{Config, From, OnRepeat, load};
use crate::error::{Error, Result};

const WELL: &str = "\
pipeline: p
email_hash_key: k
sources:
  s:
    columns:
      a: {type: text, required: true}
      b: {type: \"decimal(18,2)\", path: properties.b}
    from: {kind: files, path: 'data/*.ndjson'}
destination: {kind: parquet, model: m, dataset: d, table: t}
profiles:
  local: {as_of: 2026-11-15}
  other:
    sources:
      s:
        from: {kind: kafka, brokers: '${BROKERS}', topic: t, group: g}
";

fn read(text: &str, profile: Option<&str>) -> Result<Config> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("dfpipe.yml"), text).unwrap();
    load(folder.path(), profile, &|name| {
        (name == "BROKERS").then(|| "k:9092".to_owned())
    })
}

/// Line, message and hint of every problem.
fn problems(text: &str) -> Vec<String> {
    let error = read(text, None).unwrap_err();
    error.problems().map(describe).collect()
}

fn describe(problem: &Error) -> String {
    let line = problem.place().map_or(0, |place| place.line);
    let hint = problem
        .hint()
        .map(|hint| format!(" ({hint})"))
        .unwrap_or_default();
    format!("{line}: {}{hint}", problem.message())
}

#[test]
fn what_is_said_becomes_what_is_meant() {
    let config = read(WELL, None).unwrap();
    assert_eq!(config.profile, "local");
    assert_eq!(
        config.as_of.unwrap().to_rfc3339(),
        "2026-11-15T00:00:00+00:00"
    );
    assert_eq!(config.destination.on_repeat, OnRepeat::Refuse);
    let source = &config.sources["s"];
    assert_eq!(source.columns[1].path, ["properties", "b"]);
    let From::Files(files) = &source.from else {
        panic!("files were meant")
    };
    assert!(files.path.ends_with("/data/*.ndjson"), "{}", files.path);
}

#[test]
fn a_profile_replaces_a_source_of_another_kind() {
    let config = read(WELL, Some("other")).unwrap();
    let From::Kafka(kafka) = &config.sources["s"].from else {
        panic!("kafka was meant")
    };
    assert_eq!(kafka.brokers, "k:9092");
    assert!(config.as_of.is_none());
}

#[test]
fn all_problems_come_at_once_with_their_lines() {
    let text = WELL
        .replace("pipeline: p", "pipelin: p")
        .replace("email_hash_key: k", "email_hash_key: ${NO_KEY}")
        .replace("kind: files, path", "kind: file, path");
    assert_eq!(
        problems(&text),
        [
            "2: the environment variable `NO_KEY` is not set (set it (`export NO_KEY=…`) or give a \
             default: `${NO_KEY:-default}`)",
            "1: this file has no key `pipelin` (did you mean `pipeline`?)",
            "8: `sources.s.from` is not understood (`kind` must be one of: files, crm, kafka)",
            "1: this file lacks the key `pipeline`",
        ],
    );
}

#[test]
fn what_conforms_but_cannot_be_meant_is_refused_at_its_line() {
    let text = WELL
        .replace("decimal(18,2)", "decimal(2,3)")
        .replace("as_of: 2026-11-15", "as_of: tomorrow")
        .replace("table: t}", "table: My-Table}");
    assert_eq!(
        problems(&text),
        [
            "11: `as_of` is not a time: `tomorrow`",
            "7: column `b` cannot be `decimal(2,3)`: p is 1 to 38, s is 0 to p",
            "9: `My-Table` cannot be the name of a table",
        ],
    );
}

#[test]
fn an_unknown_profile_names_those_that_are_there() {
    let error = read(WELL, Some("prdo")).unwrap_err();
    assert_eq!(error.message(), "there is no profile `prdo`");
    assert_eq!(error.hint(), Some("the profiles are: local, other"));
}

#[test]
fn no_secret_is_shown_by_debug() {
    let text = WELL.replace("email_hash_key: k", "email_hash_key: hunter2");
    assert!(!format!("{:?}", read(&text, None).unwrap()).contains("hunter2"));
}

/// The problems of the file with one thing changed.
fn told(from: &str, to: &str) -> Vec<String> {
    assert!(WELL.contains(from), "{from}");
    problems(&WELL.replace(from, to))
}

const CRM: &str = "{kind: crm, url: 'http://c.test', path: /v1, pagination: {kind: cursor}, ";

#[test]
fn what_a_variable_holds_is_never_shown_by_a_problem() {
    for (more, message) in [
        (
            "auth: '${BROKERS}'",
            "8: `sources.s.from.auth` is not understood",
        ),
        (
            "auth: {header: '${BROKERS}'}",
            "8: `sources.s.from.auth.header` must be of type object, not `${BROKERS}`",
        ),
        (
            "query: '${BROKERS}'",
            "8: `sources.s.from.query` must be of type object, not `${BROKERS}`",
        ),
        (
            "retries: '${BROKERS}'",
            "8: `sources.s.from.retries` must be of type integer or null, not `${BROKERS}`",
        ),
    ] {
        let found = told(
            "{kind: files, path: 'data/*.ndjson'}",
            &format!("{CRM}{more}}}"),
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(message), "{found:?}");
        assert!(!found[0].contains("9092"), "{found:?}");
    }
    let found = told("table: t}", "table: '${BROKERS}'}");
    assert_eq!(found, ["9: `${BROKERS}` cannot be the name of a table"]);
}

#[test]
fn a_number_that_cannot_be_is_a_problem_and_no_bug() {
    for (setting, message) in [
        (
            "window_days: 99999999999",
            "1: `window_days` must lie between 0 and 4294967295, not `99999999999`",
        ),
        (
            "window_days: -1e999",
            "1: `window_days` must be of type integer or null, not `-1e999`",
        ),
        (
            "engine: {partitions: 99999999999}",
            "1: `engine.partitions` must lie between 0 and 4294967295, not `99999999999`",
        ),
        (
            "parameters: {x: 1e999}",
            "1: `parameters.x` must be a number of 64 bits, not `1e999`",
        ),
    ] {
        let found = told("pipeline: p", &format!("{setting}\npipeline: p"));
        assert_eq!(found, [message]);
    }
    for (setting, message) in [
        (
            "retries: 4294967295",
            "`retries` must lie between 0 and 100, not 4294967295",
        ),
        (
            "requests_per_minute: 100001",
            "`requests_per_minute` must lie between 1 and 100000, not 100001",
        ),
        (
            "timeout_seconds: 0",
            "`timeout_seconds` must lie between 1 and 86400, not 0",
        ),
    ] {
        let found = told(
            "{kind: files, path: 'data/*.ndjson'}",
            &format!("{CRM}{setting}}}"),
        );
        assert_eq!(found, [format!("8: {message}")]);
    }
}

#[test]
fn nothing_is_no_text() {
    for nothing in ["~", "", "null", "${NO_KEY:-}"] {
        let found = told("email_hash_key: k", &format!("email_hash_key: {nothing}"));
        assert_eq!(found, ["2: `email_hash_key` lacks a value"], "{nothing}");
    }
}

#[test]
fn run_parameters_are_filled_in_only_where_they_are_known() {
    let hint = "(of a run's parameters, `${as_of}`, `${window_start}`, `${window_end}`, \
                `${run_date}` are filled in, and only in the `query` of a CRM)";
    let files = "{kind: files, path: 'data/*.ndjson'}";
    let found = told(files, "{kind: files, path: 'data/${run_date}.csv'}");
    assert_eq!(
        found,
        [format!("8: `${{run_date}}` is not known here {hint}")]
    );
    let found = told(files, &format!("{CRM}query: {{run: '${{run_id}}'}}}}"));
    assert_eq!(
        found,
        [format!("8: `${{run_id}}` is not known here {hint}")]
    );

    let well = WELL.replace(files, &format!("{CRM}query: {{day: '${{run_date:-x}}'}}}}"));
    let From::Crm(crm) = &read(&well, None).unwrap().sources["s"].from else {
        panic!("a CRM was meant")
    };
    assert_eq!(crm.query, [("day".to_owned(), "${run_date}".to_owned())]);
}

#[test]
fn an_unknown_type_and_a_missing_key_are_told_at_once_and_each_only_once() {
    let text = WELL
        .replace("type: text,", "type: txt,")
        .replace("{kind: files, path: 'data/*.ndjson'}", "{kind: files}");
    assert_eq!(
        problems(&text),
        [
            "6: `sources.s.columns.a.type` cannot be `txt` (it can be: text, integer, double, \
             boolean, date, timestamp, decimal(p,s))",
            "8: `sources.s.from` lacks the key `path`",
        ],
    );
}

/// The problems of a CRM with these settings.
fn crm_problems(settings: &str) -> Vec<String> {
    told(
        "{kind: files, path: 'data/*.ndjson'}",
        &format!("{{kind: crm, url: 'http://c.test', path: /v1, {settings}}}"),
    )
}

/// What is meant by a CRM with these settings.
fn crm(settings: &str) -> super::Crm {
    let from = format!("{{kind: crm, url: 'http://c.test', path: /v1, {settings}}}");
    let text = WELL.replace("{kind: files, path: 'data/*.ndjson'}", &from);
    let config = read(&text, None).unwrap();
    let From::Crm(crm) = &config.sources["s"].from else {
        panic!("a CRM was meant")
    };
    crm.clone()
}

#[test]
fn each_pagination_is_meant_with_its_defaults() {
    use super::{PagingKind, Total};
    let path = |text: &str| super::path::parse(text).unwrap();
    let parameter = |name: &str| name.to_owned();
    for (said, kind, size) in [
        (
            "page_number, first: 0",
            PagingKind::PageNumber {
                parameter: parameter("page"),
                first: 0,
            },
            Some("per_page"),
        ),
        (
            "offset",
            PagingKind::Offset {
                parameter: parameter("offset"),
            },
            Some("limit"),
        ),
        (
            "cursor, next: '$.meta.next'",
            PagingKind::Cursor {
                parameter: parameter("cursor"),
                next: path("meta.next"),
            },
            Some("limit"),
        ),
        (
            "cursor_header",
            PagingKind::CursorHeader {
                parameter: parameter("cursor"),
                header: "X-Next-Cursor".into(),
            },
            Some("limit"),
        ),
        (
            "next_link, next: 'links[0].href'",
            PagingKind::NextLink {
                next: path("links[0].href"),
            },
            Some("limit"),
        ),
        ("link_header", PagingKind::LinkHeader, Some("per_page")),
        ("single_page", PagingKind::SinglePage, None),
    ] {
        let paging = crm(&format!(
            "pagination: {{kind: {said}, total: 'header:X-Total'}}"
        ))
        .pagination;
        assert_eq!(paging.kind, kind);
        let found = paging
            .size
            .as_ref()
            .map(|size| (&*size.parameter, size.records));
        assert_eq!(found, size.map(|name| (name, 100)), "{said}");
        assert_eq!(paging.total, Some(Total::Header("X-Total".into())));
    }
}

#[test]
fn a_key_is_known_by_its_setting_and_its_variable_and_never_shown() {
    let paging = "pagination: {kind: single_page}";
    for (auth, setting) in [
        ("bearer: '${BROKERS}'", "auth.bearer` (read from `BROKERS`)"),
        (
            "header: {name: X, value: '${BROKERS}'}",
            "auth.header.value` (read from `BROKERS`)",
        ),
        (
            "basic: {user: u, password: '${BROKERS}'}",
            "auth.basic` (read from `BROKERS`)",
        ),
        (
            "query: {name: k, value: '${BROKERS}'}",
            "auth.query.value` (read from `BROKERS`)",
        ),
        (
            "oauth2: {token_url: 'http://t.test', client_id: i, client_secret: '${BROKERS}'}",
            "auth.oauth2.client_secret` (read from `BROKERS`)",
        ),
        ("bearer: hunter2", "auth.bearer`"),
    ] {
        let crm = crm(&format!("{paging}, auth: {{{auth}}}"));
        let auth = crm.auth.as_ref().unwrap();
        assert_eq!(auth.setting, format!("`sources.s.from.{setting}"));
        let shown = format!("{crm:?}");
        assert!(
            !shown.contains("9092") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}

#[test]
fn all_that_a_rest_source_can_contradict_is_told_at_once() {
    let found = crm_problems(
        "query: {page: 1, k: x}, headers: {Authorization: x, 'a b': y}, \
         auth: {query: {name: k, value: v}}, records: 'a..b', \
         filter: {column: c}, concurrency: 0, \
         pagination: {kind: page_number, size: 0, total: 'header:a b'}",
    );
    let messages = [
        "`a..b` is not a path",
        "`a b` cannot be the name of a header",
        "the header `Authorization` is not set under `headers`: keys belong under `auth`",
        "`filter.column` names `c`, which is not a column of `s`",
        "`filter` needs `from` or `to`: the parameters of the API",
        "the parameter `page` is set by `query` and by `pagination.parameter`",
        "the parameter `k` is set by `query` and by `auth.query`",
        "`size` must lie between 1 and 100000, not 0",
        "`concurrency` must lie between 1 and 64, not 0",
    ];
    for message in messages {
        assert!(
            found.iter().any(|problem| problem.contains(message)),
            "{message}: {found:#?}"
        );
    }
    assert_eq!(found.len(), messages.len() + 1, "{found:#?}");
}

#[test]
fn a_filter_is_by_a_column_of_time() {
    let found = crm_problems("filter: {column: a, from: since}, pagination: {kind: single_page}");
    assert_eq!(
        found,
        ["8: `filter.column` must be a timestamp or a date, and `a` is not"]
    );
}

#[test]
fn two_ways_to_sign_are_one_too_many() {
    let found =
        crm_problems("auth: {bearer: a, basic: {user: u}}, pagination: {kind: single_page}");
    assert_eq!(
        found,
        ["8: `sources.s.from.auth` has no key `basic` (the keys are: bearer)"]
    );
}

/// A topic with these settings, and column `a` declared as `column`.
fn topic(column: &str, settings: &str) -> String {
    WELL.replace("{type: text, required: true}", column)
        .replace(
            "{kind: files, path: 'data/*.ndjson'}",
            &format!("{{kind: kafka, brokers: b, topic: t, group: g{settings}}}"),
        )
}

#[test]
fn a_column_of_a_topic_can_be_a_part_of_its_messages() {
    use super::MessagePart::{Header, Key, Offset, Partition, Timestamp};
    for (column, part) in [
        ("{type: text, from: key}", Key),
        ("{type: integer, from: key}", Key),
        ("{type: timestamp, from: timestamp}", Timestamp),
        ("{type: integer, from: partition}", Partition),
        ("{type: integer, from: offset}", Offset),
        ("{type: text, from: header:a-b:c}", Header("a-b:c".into())),
    ] {
        let config = read(&topic(column, ""), None).unwrap();
        let source = &config.sources["s"];
        assert_eq!(source.columns[0].from, Some(part.clone()));
        assert_eq!(source.message_time().is_some(), part == Timestamp);
    }
    // Files have no messages: there it is a field like any other.
    let files = WELL.replace("{type: text, required: true}", "{type: text, from: key}");
    let config = read(&files, None).unwrap();
    assert_eq!(config.sources["s"].columns[0].from, None);
    for (column, problem) in [
        (
            "{type: text, from: headers:x}",
            "6: `headers:x` is no part of a message (did you mean `header:`? It can be: key, timestamp, \
             partition, offset, header:NAME)",
        ),
        (
            "{type: text, from: value}",
            "6: `value` is no part of a message (it can be: key, timestamp, partition, offset, header:NAME)",
        ),
        (
            "{type: text, from: timestamp}",
            "6: the timestamp of a message is of type timestamp, not text",
        ),
    ] {
        assert_eq!(problems(&topic(column, "")), [problem]);
    }
    let api = "{kind: crm, url: 'http://c.test', path: /v1, pagination: {kind: single_page}}";
    let api = files.replace("{kind: files, path: 'data/*.ndjson'}", api);
    let problem = "6: `from: key` is a part of a message, and an API has no messages";
    assert_eq!(problems(&api), [problem]);
}

#[test]
fn what_a_format_lacks_is_told_at_its_line() {
    for (format, problem) in [
        (
            "avroo",
            "8: `sources.s.from.format` cannot be `avroo` (it can be: json; or a mapping with one of the keys: \
             json_schema, avro)",
        ),
        (
            "{avro: {}}",
            "8: `avro` needs either `registry` or `schema`: where the schemas of the messages are",
        ),
        (
            "{avro: {schema: absent.avsc}}",
            "8: the schema `absent.avsc` cannot be read",
        ),
        (
            "{json_schema: {registry: {url: 'ftp://x'}}}",
            "8: the address of `s` is not an http or https URL",
        ),
        (
            "{json_schema: {registry: {url: 'http://x', auth: {bearer: ''}}}}",
            "8: `sources.s.from.format.json_schema.registry.auth.bearer` is empty",
        ),
        (
            "{json_schema: {registry: {url: 'http://x', retries: 101}}}",
            "8: `retries` must lie between 0 and 100, not 101",
        ),
    ] {
        let settings = format!(", format: {format}");
        assert_eq!(problems(&topic("{type: text}", &settings)), [problem]);
    }
    let meant = read(&topic("{type: text}", ", format: json"), None);
    assert!(meant.is_ok());
}
