//! An API of one's own on loopback: a function from a request's path and query to an answer, each connection on its
//! own thread, all requests written down.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
};

type Answer = Box<dyn Fn(&str) -> Reply + Send + Sync>;

/// What a test answers.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Lines of the head, each with its end.
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl From<(u16, String)> for Reply {
    fn from((status, body): (u16, String)) -> Self {
        let headers = String::new();
        Self {
            status,
            headers,
            body,
        }
    }
}

pub(crate) struct Pages {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    answer: Mutex<Arc<Answer>>,
    requests: Mutex<Vec<String>>,
}

impl Pages {
    /// Answers by `answer`, until the test process ends.
    pub(crate) fn serve<R: Into<Reply>>(
        answer: impl Fn(&str) -> R + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            answer: Mutex::new(Arc::new(Box::new(move |wanted| answer(wanted).into()))),
            requests: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || shared.talk(stream));
            }
        });
        Self { address, shared }
    }

    /// From now on answers otherwise.
    pub(crate) fn change<R: Into<Reply>>(
        &self,
        answer: impl Fn(&str) -> R + Send + Sync + 'static,
    ) {
        *lock(&self.shared.answer) = Arc::new(Box::new(move |wanted| answer(wanted).into()));
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, such as `/records?page=1`, and none of them any more.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared.requests))
    }
}

impl Shared {
    /// Answers the requests of one connection. Who is killed in between hears nothing more, which is no matter here.
    fn talk(&self, stream: TcpStream) {
        let mut output = stream.try_clone().expect("a socket can be doubled");
        let mut input = BufReader::new(stream);
        let mut head = String::new();
        while input.read_line(&mut head).is_ok_and(|bytes| bytes > 0) {
            if !head.ends_with("\r\n\r\n") {
                continue;
            }
            let wanted = head.split(' ').nth(1).unwrap_or_default().to_owned();
            head.clear();
            lock(&self.requests).push(wanted.clone());
            let answer = Arc::clone(&lock(&self.answer));
            let Reply {
                status,
                headers,
                body,
            } = answer(&wanted);
            let length = body.len();
            let said = format!(
                "HTTP/1.1 {status} Status\r\n{headers}content-length: {length}\r\n\r\n{body}"
            );
            if output.write_all(said.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The value of a parameter of `wanted`.
pub(crate) fn parameter(wanted: &str, name: &str) -> Option<String> {
    let (_, query) = wanted.split_once('?')?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
