//! A gate before a store: lets every request through, until it is told which ones to refuse. So a store can
//! fail in the middle of a run, which a server that is up or down cannot.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::sync::oneshot;

/// Which requests are refused, by method and path.
type Refuses = Box<dyn Fn(&Method, &str) -> bool + Send>;

/// Which contents are changed on their way in, by path.
type Spoils = Box<dyn Fn(&str) -> bool + Send>;

pub(crate) struct Gate {
    address: SocketAddr,
    state: Arc<Behind>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

struct Behind {
    endpoint: String,
    /// The gate's own address, which the store's must not replace.
    own: String,
    client: reqwest::Client,
    refuses: Mutex<Refuses>,
    status: Mutex<StatusCode>,
    spoils: Mutex<Spoils>,
}

impl Gate {
    /// A gate before the store at `endpoint`, open until it is dropped.
    pub(crate) fn before(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let client = reqwest::Client::builder().no_proxy().build();
        let state = Arc::new(Behind {
            endpoint: endpoint.to_owned(),
            own: format!("http://{address}"),
            client: client.expect("a client can be made"),
            refuses: Mutex::new(Box::new(|_, _| false)),
            status: Mutex::new(StatusCode::FORBIDDEN),
            spoils: Mutex::new(Box::new(|_| false)),
        });
        let app = Router::new().fallback(pass).with_state(Arc::clone(&state));
        let (stop, stopped) = oneshot::channel();
        let server = std::thread::spawn(move || serve(listener, app, stopped));
        Self {
            address,
            state,
            stop: Some(stop),
            server: Some(server),
        }
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on refuses these requests, and no others.
    pub(crate) fn refuse(&self, refuses: impl Fn(&Method, &str) -> bool + Send + 'static) {
        *lock(&self.state.refuses) = Box::new(refuses);
    }

    /// From now on answers these requests with this status, and lets all others through.
    pub(crate) fn fail_with(
        &self,
        status: u16,
        fails: impl Fn(&Method, &str) -> bool + Send + 'static,
    ) {
        *lock(&self.state.status) = StatusCode::from_u16(status).expect("a valid status");
        self.refuse(fails);
    }

    /// From now on changes a byte of these contents.
    pub(crate) fn spoil(&self, spoils: impl Fn(&str) -> bool + Send + 'static) {
        *lock(&self.state.spoils) = Box::new(spoils);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Gate {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            // A panic of the server has been printed; another one while dropping would abort.
            let _ = server.join();
        }
    }
}

fn serve(listener: TcpListener, app: Router, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(async {
        listener.set_nonblocking(true).expect("a socket can be set");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime is there");
        tokio::select! {
            result = axum::serve(listener, app) => result.expect("the gate serves"),
            _ = stopped => {}
        }
    });
}

async fn pass(State(behind): State<Arc<Behind>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let refuses = lock(&behind.refuses)(request.method(), &path);
    if refuses {
        let said = "<Error><Code>AccessDenied</Code><Message>Not today</Message></Error>";
        return (*lock(&behind.status), said).into_response();
    }
    let (head, body) = request.into_parts();
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let mut headers = head.headers;
    headers.remove(header::HOST);
    let mut body = to_bytes(body, usize::MAX)
        .await
        .expect("a body arrives")
        .to_vec();
    if head.method == Method::PUT && lock(&behind.spoils)(&path) {
        body[0] ^= 1;
    }
    let url = format!("{}{target}", behind.endpoint);
    let sent = behind.client.request(head.method, url);
    let answer = sent.headers(headers).body(body).send().await;
    let answer = answer.expect("the store answers");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = answer.bytes().await.expect("an answer arrives");
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if let Some(place) = response.headers_mut().get_mut(header::LOCATION) {
        let here = place
            .to_str()
            .map(|place| place.replace(&behind.endpoint, &behind.own));
        *place = here
            .expect("a place is text")
            .parse()
            .expect("a place can be sent");
    }
    response
}
