//! How requests travel: through a proxy, packed, behind redirects of the same server.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use flate2::{Compression, write::GzEncoder};

use crate::support::project::{Outcome, Project};

const PAGE: &[u8] = br#"{"total":1,"data":[{"order_id":1,"customer":"ada","amount":1.5}]}"#;

/// A server that gives these answers, one per connection, and writes down what it is asked.
struct Server {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let heads = Arc::new(Mutex::new(vec![]));
        let seen = Arc::clone(&heads);
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("a connection comes");
                let head = head(&mut stream);
                seen.lock().expect("nobody panicked").push(head);
                stream.write_all(&answer).expect("an answer can be sent");
            }
        });
        let url = format!("http://{address}");
        Self { url, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("nobody panicked").clone()
    }
}

/// What stands before the empty line of a request.
fn head(stream: &mut TcpStream) -> String {
    let mut bytes = vec![];
    let mut next = [0];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut next).is_ok_and(|count| count > 0) {
        bytes.push(next[0]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn project(url: &str) -> Project {
    let project = Project::orders();
    let from = "from: {kind: crm, url: \"${CRM_API_URL}\", path: /orders, retries: 0, \
                timeout_seconds: 5, auth: {query: {name: api_key, value: \"${CRM_API_KEY}\"}}, \
                pagination: {kind: page_number, total: total}}";
    project.edit("dfpipe.yml", "from: {kind: files, path: data/*.csv}", from);
    project
        .with_variable("CRM_API_URL", url)
        .with_variable("CRM_API_KEY", "SECRETKEY123")
}

#[track_caller]
fn succeeds(outcome: &Outcome) {
    assert_eq!(outcome.code, Some(0), "{}", outcome.screen());
    assert!(!outcome.screen().contains("SECRETKEY123"));
}

#[test]
fn packed_bodies_are_unpacked() {
    let mut gzip = GzEncoder::new(vec![], Compression::default());
    gzip.write_all(PAGE).expect("bytes can be packed");
    let gzip = gzip.finish().expect("bytes can be packed");
    // A zstd frame of one raw block: its length is told in the frame's and in the block's head.
    let length = u8::try_from(PAGE.len()).expect("the page is small");
    let block = u32::from(length) << 3 | 1;
    let head = [0x28, 0xb5, 0x2f, 0xfd, 0x20, length];
    let zstd = [&head, &block.to_le_bytes()[..3], PAGE].concat();
    for (name, body) in [("gzip", gzip), ("zstd", zstd)] {
        let encoding = format!("content-encoding: {name}\r\n");
        let server = Server::new(vec![answer("200 OK", &encoding, &body)]);
        succeeds(&project(&server.url).run(["run", "-q"]));
        assert!(server.heads()[0].contains(name), "{name} is asked for");
    }
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let proxy = Server::new(vec![answer("200 OK", "", PAGE)]);
    let project = project("http://crm.invalid").with_variable("HTTP_PROXY", &proxy.url);
    let project = project.with_variable("http_proxy", &proxy.url);
    succeeds(&project.run(["run", "-q"]));
    let head = &proxy.heads()[0];
    assert!(head.starts_with("GET http://crm.invalid/orders?"), "{head}");
}

#[test]
fn a_redirect_on_the_same_server_is_followed_and_the_key_goes_along_once() {
    let server = Server::new(vec![
        answer(
            "307 Temporary Redirect",
            "location: /v2/orders?page=1&api_key=x\r\n",
            b"",
        ),
        answer("200 OK", "", PAGE),
    ]);
    succeeds(&project(&server.url).run(["run", "-q"]));
    let heads = server.heads();
    assert!(
        heads[1].starts_with("GET /v2/orders?page=1&api_key=SECRETKEY123 "),
        "{}",
        heads[1]
    );
}

#[test]
fn a_server_that_redirects_in_circles_is_an_error() {
    let circle = || answer("302 Found", "location: /orders\r\n", b"");
    let server = Server::new((0..6).map(|_| circle()).collect());
    let outcome = project(&server.url).run(["run", "-q"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("redirects more than 5 times"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_refused_key_in_the_query_is_named_by_its_variable() {
    let server = Server::new(vec![answer("401 Unauthorized", "", b"{}")]);
    let outcome = project(&server.url).run(["run", "-q"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    assert!(
        outcome
            .stderr
            .contains("auth.query.value` (read from `CRM_API_KEY`)")
    );
    assert!(!outcome.screen().contains("SECRETKEY123"));
}

#[test]
fn an_address_that_is_not_there_is_shown_with_its_query_and_without_the_key() {
    let server = Server::new(vec![answer("404 Not Found", "", b"{}")]);
    let outcome = project(&server.url).run(["run", "-q"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
    assert!(
        outcome.stderr.contains("/orders?per_page=100&page=1"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.screen().contains("SECRETKEY123"));
}
