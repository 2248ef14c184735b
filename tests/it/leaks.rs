//! Nothing leaks: no address of the fixtures is anywhere in what a run leaves, shows or spills.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::arrow::{array::RecordBatch, ipc::reader::StreamReader};
use dfpipe::{
    config,
    engine::Engine,
    model::{File, Parameters, Sql},
    sources::{Privacy, RefusedLog, SourceTable, Window},
};
use tempfile::TempDir;

use crate::support::{
    addresses::{self, found_in, found_in_batch, found_in_file},
    artefacts,
    project::{Outcome, Project},
    shared,
};

/// Or else the tests below would find nothing in anything.
#[test]
fn addresses_are_found_in_every_disguise() {
    assert!(addresses::of_fixtures().len() > 600);
    for text in [
        "UMA.UEDA3@EXAMPLE.COM",
        "to=uma.ueda3%40example.com&step=2",
        r#"{"email":"uma.ueda3\u0040example.com"}"#,
        "uma.ueda3＠example.com",
        "uma.ueda3",
        "someone.new@example.org",
    ] {
        assert_eq!(found_in(text).len(), 1, "{text}");
    }
    assert!(found_in("[email:e907845552858f18]").is_empty());
}

#[test]
fn no_file_of_a_finished_run_holds_an_address() {
    let first = shared::first_run();
    assert_eq!(leaks_below(&first.project.path(".dfpipe")), BTreeMap::new());
    assert_eq!(leaks_of(&first.outcome), BTreeSet::new());
}

#[test]
fn no_answer_shows_an_address() {
    let project = &shared::first_run().project;
    for table in [
        "rejects",
        "dead_letters",
        "extract_rejects",
        "customer_events",
        "crm_customers",
    ] {
        let question = format!("select * from {table}");
        let answer = project.succeed(["query", &question, "-o", "csv"]);
        assert!(!answer.stdout.is_empty());
        assert_eq!(leaks_of(&answer), BTreeSet::new(), "{table}");
    }
    let payloads = "select encode(payload, 'base64'), cast(payload as text) from dead_letters \
                    where cast(payload as text) is not null and part <> 6";
    assert_eq!(
        leaks_of(&project.succeed(["query", payloads])),
        BTreeSet::new()
    );
}

/// What is kept for a look has been through the same decoder, and so has the row that is quoted.
#[test]
fn a_run_that_fails_midway_keeps_and_shows_no_address() {
    let project = Project::customers();
    project.write(
        "sql/checks/no_mail_in_records.sql",
        "/* dfpipe\ndescription: No record mentions an address.\n*/\n\
         select * from rejects where record like '%email%' or record like '%@%'\n",
    );

    let outcome = project.run(["run", "-s", "+rejects"]);

    assert_eq!(outcome.code, Some(1), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("found, for example: {"),
        "{}",
        outcome.screen()
    );
    assert_eq!(leaks_of(&outcome), BTreeSet::new());
    assert_eq!(project.unfinished().len(), 1);
    assert_eq!(leaks_below(&project.path(".dfpipe")), BTreeMap::new());
}

/// A refusal quotes what it stumbled over.
#[test]
fn a_refused_value_is_quoted_without_its_address() {
    let project = Project::customers();
    let page = "page:        {type: text, path: properties.page}";
    project.edit("dfpipe.yml", page, &page.replace("text", "integer"));

    let outcome = project.succeed(["run", "-s", "+rejects"]);

    let rejects = project.rows("rejects.parquet");
    assert!(rejects.len() > 1000, "{} rejects", rejects.len());
    assert_eq!(leaks_of(&outcome), BTreeSet::new());
    assert_eq!(leaks_below(&project.path(".dfpipe")), BTreeMap::new());
}

/// The sort reads the live source: what it spills is all that it ever had.
#[tokio::test(flavor = "multi_thread")]
async fn no_spill_file_holds_an_address() {
    let project = Project::customers();
    let engine_settings = "engine: {partitions: 1, memory_limit: 4MB}\n\nparameters:";
    project.edit("dfpipe.yml", "parameters:", engine_settings);
    let spills = tempfile::tempdir().expect("a folder can be made");
    let engine = over_live_events(&project, &spills);
    let question = sql("select * from customer_events order by page, event_id, occurred_at");

    let mut rows = engine
        .query(&question, &Parameters::default())
        .await
        .expect("the query is good");
    let first = rows
        .next()
        .await
        .expect("there are rows")
        .expect("they can be sorted");

    // While the sort is being merged, its files are there.
    let files = artefacts::files(spills.path());
    assert!(
        !files.is_empty() && rows.spill().files > 0,
        "nothing was spilled"
    );
    let spilled: Vec<_> = files.iter().flat_map(|file| spilled_rows(file)).collect();
    let count: usize = spilled.iter().map(RecordBatch::num_rows).sum();
    assert!(count > 10_000, "{count} rows were spilled");
    for batch in spilled.iter().chain([&first]) {
        assert_eq!(found_in_batch(batch), BTreeSet::new());
    }
}

/// A session in which `customer_events` is the source itself.
fn over_live_events(project: &Project, spills: &TempDir) -> Engine {
    let config = config::load(&project.folder(), None, &|_| None).expect("the project is good");
    let engine = Engine::new(&config, spills.path()).expect("a session can be made");
    let source = config.sources["customer_events"].clone();
    let window = Window::before(config.as_of.expect("it is fixed"), config.window_days);
    let table = SourceTable::new(
        Arc::new(source),
        window,
        Privacy::new(&config.email_hash_key),
        Arc::new(RefusedLog::counting("customer_events")),
        1,
    );
    engine
        .register("customer_events", Arc::new(table))
        .expect("the name is free");
    engine
}

fn sql(text: &str) -> Sql {
    let file = File {
        path: "test.sql".into(),
        name: "test.sql".into(),
        text: text.into(),
    };
    Sql::parse(file).expect("it is SQL")
}

/// The rows of a spill file as far as it is written.
fn spilled_rows(file: &Path) -> Vec<RecordBatch> {
    let file = fs_err::File::open(file).expect("a spill file is there");
    match StreamReader::try_new(file, None) {
        Ok(reader) => reader.map_while(Result::ok).collect(),
        Err(_) => vec![],
    }
}

/// Which file below a folder holds which addresses.
fn leaks_below(folder: &Path) -> BTreeMap<PathBuf, BTreeSet<String>> {
    let files = artefacts::files(folder);
    assert!(!files.is_empty(), "{} is empty", folder.display());
    let leaks = files
        .into_iter()
        .map(|file| (file.clone(), found_in_file(&file)));
    leaks.filter(|(_, found)| !found.is_empty()).collect()
}

fn leaks_of(outcome: &Outcome) -> BTreeSet<String> {
    found_in(&format!("{}\n{}", outcome.stdout, outcome.stderr))
}
