//! A file of `sql/tests/`: one or more YAML documents, each a list of tests or a single test.
//!
//! Rows keep their places in the file, since they can be typed only once the shapes of tables are known.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    clock::parse_time,
    config::{
        conform::conform,
        yaml::{self, Data, Key, Mark, Node},
    },
    error::{Error, Place},
    model::File,
};

/// One test.
#[derive(Clone, Debug)]
pub struct Test {
    /// The file that it stands in.
    pub file: Arc<File>,
    /// What the model does, as a sentence.
    pub it: String,
    /// Where that stands.
    pub place: Place,
    /// The model under test, and where it is named.
    pub model: (String, Place),
    /// The CTE of it whose rows are looked at.
    pub cte: Option<(String, Place)>,
    /// The moment of the run.
    pub as_of: Option<DateTime<Utc>>,
    /// Values of parameters.
    pub parameters: Vec<(Key, Node)>,
    /// Rows per table.
    pub given: Vec<(Key, Node)>,
    /// What should come out.
    pub expect: Node,
    /// Whether the order of rows counts.
    pub ordered: bool,
    /// How far numbers may be from what is expected.
    pub tolerance: f64,
}

impl Test {
    /// The place of a node or key of its file.
    pub fn at(&self, mark: Mark) -> Place {
        text(&self.file).place(mark)
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawDocument {
    model: Option<String>,
    as_of: Option<String>,
    tests: Vec<RawTest>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawTest {
    it: String,
    model: Option<String>,
    cte: Option<String>,
    as_of: Option<String>,
    #[serde(default)]
    ordered: bool,
    #[schemars(range(min = 0.0))]
    tolerance: Option<f64>,
    // The three below are taken out before; they stand here so that a slip in their names is guessed.
    #[expect(dead_code, reason = "taken out before")]
    parameters: Option<Value>,
    #[expect(dead_code, reason = "taken out before")]
    given: Option<Value>,
    #[expect(dead_code, reason = "taken out before")]
    expect: Option<Value>,
}

/// What is taken out of a test before its keys are held against the schema.
struct Taken {
    node: Node,
    parameters: Option<Node>,
    given: Option<Node>,
    expect: Option<Node>,
}

/// The tests of `file`, or all that is wrong with it.
pub fn read(file: File) -> Result<Vec<Test>, Vec<Error>> {
    let file = Arc::new(file);
    let text = text(&file);
    let documents = yaml::documents(&text).map_err(|error| vec![error])?;
    let mut tests = vec![];
    let mut problems = vec![];
    let mut model = None;
    for document in documents.into_iter().filter(|one| !one.is_null()) {
        match read_document(document, &file, &mut model) {
            Ok(more) => tests.extend(more),
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() {
        Ok(tests)
    } else {
        Err(problems)
    }
}

fn text(file: &File) -> yaml::Text<'_> {
    yaml::Text {
        file: &file.name,
        source: &file.text,
        lines_before: 0,
    }
}

/// The model that the file named before holds for its later documents as well.
fn read_document(
    document: Node,
    file: &Arc<File>,
    model: &mut Option<(String, Place)>,
) -> Result<Vec<Test>, Vec<Error>> {
    let mut document = as_list(document);
    let taken = take_rows(&mut document);
    let text = text(file);
    let value = conform(&document, schema_for!(RawDocument).as_value(), &text)?;
    let raw: RawDocument = serde_json::from_value(value).map_err(|error| {
        vec![Error::bug("a test file conforms but cannot be read").because(error)]
    })?;
    if let Some(name) = raw.model {
        *model = Some((name, place(&text, &document, "model")));
    }
    let as_of = raw
        .as_of
        .map(|written| (written, place(&text, &document, "as_of")));
    let mut tests = vec![];
    let mut problems = vec![];
    for (raw, taken) in raw.tests.into_iter().zip(taken) {
        match read_test(raw, taken, file, (model.as_ref(), as_of.as_ref())) {
            Ok(test) => tests.push(test),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(tests)
    } else {
        Err(problems)
    }
}

/// A document that is a single test, as a list of one.
fn as_list(document: Node) -> Node {
    if document.get("it").is_none() || document.get("tests").is_some() {
        return document;
    }
    let mark = document.mark;
    let name = "tests".to_owned();
    let data = Data::List(vec![document]);
    Node {
        mark,
        data: Data::Map(vec![(Key { name, mark }, Node { mark, data })]),
    }
}

type Said = (String, Place);

/// One test, with the model and the moment that its document names.
fn read_test(
    raw: RawTest,
    taken: Taken,
    file: &Arc<File>,
    (model, as_of): (Option<&Said>, Option<&Said>),
) -> Result<Test, Error> {
    let text = text(file);
    let node = &taken.node;
    let begin = place(&text, node, "it");
    let own = |said: Option<String>, key: &str| said.map(|said| (said, place(&text, node, key)));
    let model = own(raw.model, "model").or_else(|| model.cloned());
    let as_of = own(raw.as_of, "as_of").or_else(|| as_of.cloned());
    let lacking = |what: &str, hint: &str| {
        let problem = Error::usage(format!("{what}: “{}”", raw.it.trim()));
        problem.at(begin.clone()).with_hint(hint)
    };
    let name_it = "name it: `model: NAME`, at the top of the file or in the test";
    let write_it = "write `expect:` and the rows; `expect: []` means none";
    Ok(Test {
        file: Arc::clone(file),
        it: raw.it.trim().to_owned(),
        model: model.ok_or_else(|| lacking("no model is under test", name_it))?,
        cte: own(raw.cte, "cte"),
        as_of: as_of.map(moment).transpose()?,
        parameters: entries(
            taken.parameters.as_ref(),
            "parameters",
            "name: value",
            &text,
        )?,
        given: entries(taken.given.as_ref(), "given", "table: [rows]", &text)?,
        expect: taken
            .expect
            .filter(|node| !node.is_null())
            .ok_or_else(|| lacking("nothing is expected", write_it))?,
        ordered: raw.ordered,
        tolerance: raw.tolerance.unwrap_or(0.0),
        place: begin,
    })
}

/// The place of the value of `key`, or of the whole mapping.
fn place(text: &yaml::Text<'_>, node: &Node, key: &str) -> Place {
    text.place(node.get(key).unwrap_or(node).mark)
}

fn take_rows(document: &mut Node) -> Vec<Taken> {
    let Data::Map(entries) = &mut document.data else {
        return vec![];
    };
    let tests = entries.iter_mut().find(|(key, _)| key.name == "tests");
    let Some((
        _,
        Node {
            data: Data::List(tests),
            ..
        },
    )) = tests
    else {
        return vec![];
    };
    let tests = tests.iter_mut().map(|test| {
        let (parameters, given, expect) = (
            test.take("parameters"),
            test.take("given"),
            test.take("expect"),
        );
        Taken {
            node: test.clone(),
            parameters,
            given,
            expect,
        }
    });
    tests.collect()
}

fn entries(
    node: Option<&Node>,
    key: &str,
    form: &str,
    text: &yaml::Text<'_>,
) -> Result<Vec<(Key, Node)>, Error> {
    match node {
        None => Ok(vec![]),
        Some(node) if node.is_null() => Ok(vec![]),
        Some(Node {
            data: Data::Map(entries),
            ..
        }) => Ok(entries.clone()),
        Some(node) => Err(Error::usage(format!("`{key}` must be a mapping"))
            .at(text.place(node.mark))
            .with_hint(format!("write `{form}` below it"))),
    }
}

fn moment((written, place): Said) -> Result<DateTime<Utc>, Error> {
    parse_time(&written).ok_or_else(|| {
        Error::usage(format!("`as_of` is no time: `{written}`"))
            .at(place)
            .with_hint("write 2026-11-22 or 2026-11-22T08:00:00Z")
    })
}
