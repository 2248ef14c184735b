//! A real browser that opens pages of ours, in frames as wide as a phone and as a desk.
//!
//! ```text
//! test ─▶ server on loopback ◀── harness page ◀── chromium --dump-dom ─▶ what the harness measured
//!              └── a frame for each page and width
//! ```

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::Uri, response::Html};
use serde_json::Value;

use super::services;

/// A start takes two seconds; one that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// The colours that a reader asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colors {
    Dark,
    Light,
}

/// What the browser did and saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// What the harness measured.
    pub(crate) measured: Value,
    /// What the browser complained about.
    pub(crate) console: Vec<String>,
    /// What it asked the server for.
    pub(crate) requests: Vec<String>,
}

/// The browser, or `None` where it is not installed: the test has been reported as skipped.
pub(crate) fn find() -> Option<PathBuf> {
    Some(services::find("chromium")?.join("program"))
}

/// Opens the pages, each a path and its text.
pub(crate) fn open(chromium: &Path, pages: &[(&str, &str)], colors: Colors) -> Seen {
    let server = Server::start(pages);
    let profile = tempfile::tempdir().expect("a temporary folder can be made");
    let colors = match colors {
        Colors::Dark => 0,
        Colors::Light => 1,
    };
    let output = profile.path().join("output");
    let complaints = profile.path().join("complaints");
    let mut browser = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu"])
        .args(["--no-first-run", "--disable-background-networking"])
        .args([
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ])
        .args([
            "--dump-dom",
            "--enable-logging=stderr",
            "--virtual-time-budget=10000",
        ])
        // Nobody but our own server can be reached.
        .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        .arg(format!("--blink-settings=preferredColorScheme={colors}"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("{}/harness", server.url))
        .env("HOME", profile.path())
        .stdin(Stdio::null())
        .stdout(
            fs_err::File::create(&output)
                .expect("a file can be made")
                .into_file(),
        )
        .stderr(
            fs_err::File::create(&complaints)
                .expect("a file can be made")
                .into_file(),
        )
        .spawn()
        .expect("chromium can be started");
    let deadline = Instant::now() + PATIENCE;
    while browser.try_wait().expect("a child can be asked").is_none() {
        if Instant::now() > deadline {
            browser.kill().expect("a child can be ended");
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let complaints = fs_err::read_to_string(complaints).expect("it was written");
    let dom = fs_err::read_to_string(output).expect("it was written");
    Seen {
        measured: measured(&dom)
            .unwrap_or_else(|| panic!("nothing was measured:\n{complaints}\n{dom}")),
        console: console(&complaints),
        requests: server.requests(),
    }
}

/// What the harness wrote into its page.
fn measured(dom: &str) -> Option<Value> {
    let (_, text) = dom.split_once("<pre id=\"measured\">")?;
    let (text, _) = text.split_once("</pre>")?;
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    serde_json::from_str(&text).ok()
}

/// Lines that pages caused: errors of scripts, and what their policy forbids.
fn console(complaints: &str) -> Vec<String> {
    let lines = complaints.lines().filter(|line| line.contains("CONSOLE"));
    lines.map(str::to_owned).collect()
}

struct Server {
    url: String,
    served: Arc<Served>,
    /// Ends with the server.
    _runtime: tokio::runtime::Runtime,
}

struct Served {
    pages: Vec<(String, String)>,
    requests: Mutex<Vec<String>>,
}

impl Server {
    fn start(pages: &[(&str, &str)]) -> Self {
        let paths: Vec<_> = pages.iter().map(|(path, _)| *path).collect();
        let paths = serde_json::to_string(&paths).expect("paths are text");
        let harness = include_str!("harness.html").replace("PAGES", &paths);
        let pages = pages
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        let served = Arc::new(Served {
            pages: pages.chain([("/harness".to_owned(), harness)]).collect(),
            requests: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        listener.set_nonblocking(true).expect("a socket can be set");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let app = Router::new().fallback(page).with_state(Arc::clone(&served));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime is there");
            axum::serve(listener, app).await.expect("pages are served");
        });
        Self {
            url: format!("http://{address}"),
            served,
            _runtime: runtime,
        }
    }

    fn requests(&self) -> Vec<String> {
        let requests = self.served.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn page(State(served): State<Arc<Served>>, uri: Uri) -> Html<String> {
    let requests = served.requests.lock();
    requests
        .unwrap_or_else(PoisonError::into_inner)
        .push(uri.to_string());
    let found = served.pages.iter().find(|(path, _)| path == uri.path());
    Html(found.map(|(_, text)| text.clone()).unwrap_or_default())
}
