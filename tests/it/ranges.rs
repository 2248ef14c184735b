//! What a source tells about itself: before it is read, while it is read, and in the run's record.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use dfpipe::{
    clock::Clock,
    config::{self, Config},
    error::{Error, Kind},
    run::{self, Around, Event, Pipeline, Progress, Request, record::Status},
    sources::{Privacy, Survey, Window, survey},
};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, sync::Notify};

use crate::support::{
    api::{Api, Fault},
    artefacts, fixtures,
    project::Project,
    shared,
};

/// A busy machine is slow; what does not come in this time does not come.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn a_run_records_which_rows_of_which_files_it_read() {
    let record = shared::first_run().project.json("run.json");
    let range = |file: &std::path::Path, rows: usize| {
        let name = file.file_name().and_then(|name| name.to_str());
        json!({"part": name, "first": 1, "end": rows + 1})
    };
    let pages = fixtures::files("crm").into_iter().map(|file| {
        let rows = artefacts::json(&file)["data"]
            .as_array()
            .map_or(0, Vec::len);
        range(&file, rows)
    });
    let events = fixtures::files("events").into_iter().map(|file| {
        let text = fs_err::read(&file).expect("a fixture can be read");
        let lines = text.split(|byte| *byte == b'\n').count() - 1;
        range(&file, lines)
    });
    let expected = [pages.collect::<Vec<_>>(), events.collect::<Vec<_>>()];
    for (source, expected) in expected.into_iter().enumerate() {
        assert_eq!(record["sources"][source]["ranges"], Value::from(expected));
    }
}

/// Positions are those of the column `_position`: lines of the file, after the header.
#[test]
fn a_file_without_records_has_no_range_and_others_name_their_folder() {
    let project = Project::orders();
    project.edit("dfpipe.yml", "data/*.csv", "data/**");
    project.edit("dfpipe.yml", "kind: files", "kind: files, format: csv");
    project.write("data/none/empty.csv", "order_id,customer,amount\n");
    project.succeed(["run", "-q"]);
    assert_eq!(
        project.json("run.json")["sources"][0]["ranges"],
        json!([
            {"part": "none/empty.csv", "first": null, "end": null},
            {"part": "orders.csv", "first": 2, "end": 5},
        ])
    );
}

#[test]
fn a_resumed_run_keeps_the_ranges_of_what_it_does_not_read_again() {
    let project = Project::orders();
    project.succeed(["run", "-q", "--until", "extract"]);
    project.succeed(["run", "-q", "--resume"]);
    assert_eq!(
        project.json("run.json")["sources"][0]["ranges"],
        json!([{"part": "orders.csv", "first": 2, "end": 5}])
    );
}

#[test]
fn files_are_surveyed_without_being_read() {
    let project = Project::customers();
    let config = configured(&project, "local", &[]);
    let found = surveyed(&config, "crm_customers").expect("the files can be listed");
    let files = fixtures::files("crm");
    let size = |file: &std::path::PathBuf| fs_err::metadata(file).expect("it is there").len();
    assert_eq!(found.parts.len(), files.len());
    assert_eq!(found.bytes, Some(files.iter().map(size).sum()));
    assert_eq!(
        (found.records, found.requests, found.minutes),
        (None, None, None)
    );
}

#[test]
fn an_api_is_surveyed_with_one_small_request() {
    let crm = Api::serve(fixtures::customers());
    let config = of_prod(&crm);
    let found = surveyed(&config, "crm_customers").expect("the CRM answers");
    assert_eq!((found.records, found.requests), (Some(624), Some(7)));
    assert_eq!(found.minutes, Some(0.0));
    let asked = crm.requests();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("per_page=1&page=1"), "{asked:?}");
}

#[test]
fn a_source_that_does_not_answer_is_an_error_and_no_survey() {
    let crm = Api::serve(fixtures::customers());
    crm.fail([Fault::Status(503, None)]);
    let error = surveyed(&of_prod(&crm), "crm_customers").expect_err("it says 503");
    assert_eq!(error.kind(), Kind::Outside);
    assert!(
        error.message().ends_with("503 Service Unavailable"),
        "{error}"
    );
    assert_eq!(crm.requests().len(), 1);
}

/// The second page comes only when it was told how far the first had led: so it is told in time.
#[test]
fn an_api_that_is_read_tells_how_far_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("a listener has an address");
    let (told, heard) = channel();
    let server = std::thread::spawn(move || two_pages(&listener, &heard));
    let project = Project::orders();
    let from = format!(
        "from: {{kind: crm, url: 'http://{address}', path: /orders, \
         pagination: {{kind: page_number, total: total}}}}"
    );
    project.edit("dfpipe.yml", "from: {kind: files, path: data/*.csv}", &from);

    let progress = Telling {
        told,
        events: Mutex::default(),
    };
    let status = run_with(&configured(&project, "local", &[]), &progress);

    server.join().expect("both pages were asked for");
    assert_eq!(status, Status::Succeeded);
    let events = progress.events.into_inner().expect("nobody panicked");
    assert!(events.contains(&(1, Some(2), Some(0.0))), "{events:?}");
}

/// `[first page]`, then the second one when a record was reported.
fn two_pages(listener: &TcpListener, heard: &Receiver<u64>) {
    for number in [1, 2] {
        let (mut stream, _) = listener.accept().expect("a connection comes");
        if number == 2 {
            while heard.recv_timeout(PATIENCE).expect("it is told") == 0 {}
        }
        answer(&mut stream, number);
    }
}

fn answer(stream: &mut TcpStream, number: u32) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).expect("a request comes");
    let record = json!({"order_id": number, "customer": "ada", "amount": 1.5});
    let page = json!({"total": 2, "data": [record]}).to_string();
    let length = page.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let answer = head + &page;
    stream
        .write_all(answer.as_bytes())
        .expect("an answer can be sent");
}

/// Records so far, records that there will be, seconds that are left.
type Told = (u64, Option<u64>, Option<f64>);

/// Passes on what is told while a source is read.
struct Telling {
    told: Sender<u64>,
    events: Mutex<Vec<Told>>,
}

impl Progress for Telling {
    fn report(&self, event: &Event) {
        if let Event::Extracting {
            records,
            expected,
            seconds_left,
            ..
        } = event
        {
            let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            events.push((*records, *expected, *seconds_left));
            // After the second page nobody listens any more.
            let _ = self.told.send(*records);
        }
    }
}

fn run_with(config: &Config, progress: &dyn Progress) -> Status {
    let clock = Clock::system();
    let pipeline = Pipeline::load(again(config), None, &clock).expect("the project is well");
    let around = Around {
        clock: &clock,
        progress,
        documents: &|_| vec![],
        interrupt: &Notify::new(),
        journalled: &|_| {},
    };
    let runtime = Runtime::new().expect("a runtime can be made");
    let ended = runtime.block_on(run::run(&pipeline, &Request::default(), &around));
    ended.expect("the run begins").record.status
}

/// A configuration is for one owner: read it again for another.
fn again(config: &Config) -> Config {
    config::load(&config.project, None, &|_| None).expect("it was read before")
}

fn configured(project: &Project, profile: &str, variables: &[(&str, String)]) -> Config {
    let value = |name: &str| {
        let mut all = variables.iter();
        all.find(|(key, _)| *key == name)
            .map(|(_, value)| value.clone())
    };
    let profile = (profile != config::DEFAULT_PROFILE).then_some(profile);
    config::load(&project.folder(), profile, &value).expect("the project is well")
}

fn of_prod(crm: &Api) -> Config {
    let variables = [
        ("CRM_API_URL", crm.url()),
        ("CRM_API_KEY", Api::KEY.to_owned()),
        ("KAFKA_BROKERS", "127.0.0.1:9".to_owned()),
        ("EMAIL_HASH_KEY", "a key of this test".to_owned()),
        ("GCP_PROJECT_ID", "a-project".to_owned()),
    ];
    configured(&Project::customers(), "prod", &variables)
}

fn surveyed(config: &Config, source: &str) -> Result<Survey, Error> {
    let as_of = dfpipe::clock::parse_time("2026-11-15").expect("it is a time");
    let window = Window::before(as_of, config.window_days);
    let privacy = Privacy::new(&config.email_hash_key);
    let runtime = Runtime::new().expect("a runtime can be made");
    runtime.block_on(survey(&config.sources[source], window, &privacy))
}
