//! What the README shows of a REST API works as it stands there.

use serde_json::{Value, json};

use super::{landed, the_run};
use crate::support::{
    api::{Api, ids, people},
    pages::{Pages, Reply, parameter},
    project::Project,
};

/// As many as fill three pages of a hundred, the last one to its half.
const PEOPLE: usize = 250;

/// What stands behind `from:` in each of the README's examples.
fn examples() -> Vec<String> {
    let readme = include_str!("../../../README.md");
    let (_, behind) = readme.split_once("### A REST API").expect("a section");
    let (section, _) = behind.split_once("\n### ").expect("a further section");
    let mut blocks = section.split("```yaml\n").skip(1);
    let first = blocks.next().expect("an example");
    let (settings, _) = first.split_once("```").expect("it ends");
    let settings = settings.strip_prefix("from:\n").expect("a source");
    // The others say what differs, and not again where the API is.
    let place: Vec<_> = settings.lines().take(3).collect();
    let others = blocks.map(|block| {
        let (settings, _) = block.split_once("```").expect("it ends");
        format!("{}\n{settings}", place.join("\n"))
    });
    std::iter::once(settings.to_owned()).chain(others).collect()
}

/// Reads an API by this example; gives the records, and the requests for pages.
fn read(from: &str, answer: fn(&str) -> Reply) -> (Vec<Value>, Vec<String>) {
    let api = Pages::serve(answer);
    let project = Project::empty();
    project.write("sql/everyone.sql", include_str!("people.sql"));
    let indented = from.replace('\n', "\n    ");
    let from = format!("\n    {}", indented.trim_end());
    let from = from.replace("https://login.example", "${CRM_API_URL}");
    let configuration = include_str!("people.yml").replace(" FROM", &from);
    project.write("dfpipe.yml", configuration);
    let project = project
        .with_variable("CRM_API_URL", api.url())
        .with_variable("CRM_API_KEY", Api::KEY)
        .with_variable("CRM_CLIENT", "dfpipe")
        .with_variable("CRM_SECRET", Api::KEY);
    project.succeed(["run", "-q"]);
    let mut asked = api.take_requests();
    asked.retain(|wanted| wanted.starts_with(Api::PATH));
    (landed(&the_run(&project)), asked)
}

/// The records from one on, `size` at most, and whether there are more.
fn page(from: usize, size: usize) -> (Vec<Value>, bool) {
    let all = people(PEOPLE);
    let page = all.iter().skip(from).take(size).cloned().collect();
    (page, from + size < PEOPLE)
}

fn number(wanted: &str, name: &str) -> usize {
    let number = parameter(wanted, name).and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("{wanted} has no {name}"))
}

fn numbered(wanted: &str) -> Reply {
    let (page, size) = (number(wanted, "page"), number(wanted, "per_page"));
    let (records, _) = self::page((page - 1) * size, size);
    let body = json!({"data": records, "meta": {"total": PEOPLE}});
    (200, body.to_string()).into()
}

fn by_cursor(wanted: &str) -> Reply {
    if wanted == "/token" {
        return (200, json!({"access_token": "t"}).to_string()).into();
    }
    let after = parameter(wanted, "after").map_or(0, |after| after.parse().expect("a cursor"));
    let size = number(wanted, "limit");
    let (records, is_more) = page(after, size);
    let next = is_more.then(|| (after + size).to_string());
    let body = json!({"result": {"items": records, "paging": {"next": next}}});
    (200, body.to_string()).into()
}

fn by_link(wanted: &str) -> Reply {
    let page = parameter(wanted, "page").map_or(1, |page| page.parse().expect("a number"));
    let size = number(wanted, "per_page");
    let (records, is_more) = self::page((page - 1) * size, size);
    let link = format!(
        "link: <{}?per_page={size}&page={}>; rel=\"next\"\r\n",
        Api::PATH,
        page + 1
    );
    let link = if is_more { link } else { String::new() };
    Reply {
        status: 200,
        headers: format!("{link}x-total-count: {PEOPLE}\r\n"),
        body: Value::from(records).to_string(),
    }
}

#[test]
fn each_example_of_an_api_reads_the_api_that_it_is_about() {
    let answers = [numbered, by_cursor, by_link];
    let examples = examples();
    assert_eq!(examples.len(), answers.len());
    for ((from, answer), pages) in examples.iter().zip(answers).zip([3, 2, 3]) {
        let (rows, asked) = read(from, answer);
        assert_eq!(ids(&rows), ids(&people(PEOPLE)), "{from}");
        assert_eq!(asked.len(), pages, "{asked:#?}");
    }
}

#[test]
fn the_window_of_the_run_is_in_the_query_of_the_first_example() {
    let (_, asked) = read(&examples()[0], numbered);
    for wanted in asked {
        let asked = |name| parameter(&wanted, name);
        assert_eq!(
            asked("updated_since").as_deref(),
            Some("2026-11-08T00:00:00Z")
        );
        assert_eq!(
            asked("updated_before").as_deref(),
            Some("2026-11-15T00:00:00Z")
        );
        assert_eq!(asked("sort").as_deref(), Some("updated_at"));
    }
}
