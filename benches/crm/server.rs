//! An API as fast as can be: its pages are written before anybody asks, and nothing limits who asks.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The pages, until the process ends.
pub(crate) struct Server {
    address: SocketAddr,
    pages: Arc<Vec<Bytes>>,
}

#[derive(Deserialize)]
struct Wanted {
    page: usize,
}

impl Server {
    /// Serves so many records, so many at a time.
    pub(crate) fn start(records: usize, size: usize) -> Self {
        let all: Vec<_> = (0..records).map(record).collect();
        let page = |records: &[Value]| json!({"data": records, "total": all.len()}).to_string();
        let pages = all.chunks(size).map(|records| Bytes::from(page(records)));
        let pages = Arc::new(pages.collect::<Vec<_>>());
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let app = Router::new()
            .route("/v1/customers", get(answer))
            .with_state(Arc::clone(&pages));
        std::thread::spawn(move || serve(listener, app));
        Self { address, pages }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn pages(&self) -> &[Bytes] {
        &self.pages
    }

    pub(crate) fn bytes(&self) -> usize {
        self.pages.iter().map(Bytes::len).sum()
    }
}

fn serve(listener: TcpListener, app: Router) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(async {
        listener.set_nonblocking(true).expect("a socket can be set");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime is there");
        axum::serve(listener, app).await.expect("the server serves");
    });
}

async fn answer(
    State(pages): State<Arc<Vec<Bytes>>>,
    Query(Wanted { page }): Query<Wanted>,
) -> Response {
    match page.checked_sub(1).and_then(|index| pages.get(index)) {
        Some(body) => ([(header::CONTENT_TYPE, "application/json")], body.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A customer as the CRM knows them, with fields that nobody asked for.
fn record(number: usize) -> Value {
    let tiers = ["free", "basic", "premium", "enterprise"];
    json!({
        "customer_id": format!("CUS-{number:07}"),
        "email": format!("customer.{number}@example.com"),
        "signup_date": format!("20{:02}-{:02}-{:02}", 10 + number % 16, 1 + number % 12, 1 + number % 28),
        "last_activity_date": format!("2026-11-{:02}", 1 + number % 14),
        "subscription_tier": tiers[number % tiers.len()],
        "lifetime_value": format!("{}.{:02}", number % 100_000, number % 100),
        "support_tickets": number % 7,
        "updated_at": format!("2026-11-{:02}T{:02}:{:02}:09.123Z", 8 + number % 7, number % 24, number % 60),
        "country": "ES",
        "address": {"street": "Calle Mayor", "number": number % 200, "lines": ["2.º", "izquierda"]},
    })
}
