//! bqemulator on loopback: what others understand BigQuery to be. One for each test process.
//!
//! However the test process ends, the system closes its end of the pipe: no server outlives its tests.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::services;

pub(crate) struct Emulator {
    url: String,
    /// Held for the pipe that keeps the server alive.
    _server: Child,
}

impl Emulator {
    /// The server, or `None` where it is not installed: the test has been reported as skipped.
    pub(crate) fn get() -> Option<&'static Self> {
        static EMULATOR: OnceLock<Emulator> = OnceLock::new();
        services::find("bigquery")?;
        Some(EMULATOR.get_or_init(Self::start))
    }

    fn start() -> Self {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut server = Command::new(home.join("target/services/bigquery/bin/python"))
            .arg(home.join("tests/services/bigquery/launcher.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A group of its own: Ctrl-C is for the tests alone.
            .process_group(0)
            .spawn()
            .expect("the emulator can be started");
        let mut port = String::new();
        let stdout = server.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut port)
            .expect("a line can be read");
        assert!(
            !port.is_empty(),
            "the BigQuery emulator did not start; its reason stands above"
        );
        Self {
            url: format!("http://127.0.0.1:{}", port.trim_end()),
            _server: server,
        }
    }

    /// What `endpoint` is set to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Calls a resource of the project `test-project`.
    pub(crate) fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/bigquery/v2/projects/test-project{path}", self.url);
        let client = Client::builder()
            .no_proxy()
            .build()
            .expect("a client can be made");
        let mut request = client.request(method, url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = async { request.send().await?.json().await };
        let runtime = Runtime::new().expect("a runtime can be made");
        let answer: reqwest::Result<Value> = runtime.block_on(answer);
        answer.expect("the emulator answers")
    }

    /// The loaded rows of a table of orders or its view: customer, amount, number of the load.
    pub(crate) fn totals(&self, table: &str) -> Vec<String> {
        let rows = self.query(&format!(
            "select customer, cast(cast(amount as int64) as string), cast(load_number as string) \
             from `test-project.{table}` order by 3, 1"
        ));
        rows.iter().map(|row| row.join(" ")).collect()
    }

    /// The rows that a statement finds, each a list of texts.
    pub(crate) fn query(&self, statement: &str) -> Vec<Vec<String>> {
        let body = json!({"query": statement, "useLegacySql": false, "location": "US"});
        let answer = self.call(Method::POST, "/queries", Some(body));
        assert!(answer["error"].is_null(), "{answer}");
        let cells = |row: &Value| {
            let cells = row["f"].as_array().into_iter().flatten();
            let text = |cell: &Value| cell["v"].as_str().unwrap_or("null").to_owned();
            cells.map(text).collect()
        };
        answer["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .map(cells)
            .collect()
    }
}
