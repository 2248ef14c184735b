//! A page written down: its body and the headers that belong to it.

use std::io::Write;

use axum::{
    body::Body,
    http::{HeaderValue, Response, header},
};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::{Api, Asked, Encoding, Paging, RecordsAt, Setup, page::Page};

/// The answer with this page; `host` is where this API can be reached.
pub(super) fn answer(page: Page, asked: &Asked, setup: &Setup, host: &str) -> Response<Body> {
    let link = page
        .next
        .as_ref()
        .map(|cursor| link(cursor, asked, setup, host));
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, text("application/json"));
    if setup.has_total {
        headers.insert("x-total-count", page.total.into());
    }
    if let (Paging::CursorHeader, Some(cursor)) = (setup.paging, &page.next) {
        headers.insert("x-next-cursor", text(cursor));
    }
    if let (Paging::LinkHeader, Some(link)) = (setup.paging, &link) {
        let first = format!(
            "<{host}{}>; rel=\"first\", <{link}>; rel=\"next\"",
            Api::PATH
        );
        headers.insert(header::LINK, text(&first));
    }
    let body = body(page, link.as_deref(), setup).to_string();
    pack(response, body.into_bytes(), asked, setup.encoding)
}

fn text(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).expect("it can stand in a header")
}

/// The same question, but for the next page.
fn link(cursor: &str, asked: &Asked, setup: &Setup, host: &str) -> String {
    let kept = asked.query.iter().filter(|(name, _)| name != "cursor");
    let mut query = Serializer::new(String::new());
    query.extend_pairs(kept).append_pair("cursor", cursor);
    let host = setup.links_lead_to.as_deref().unwrap_or(host);
    let host = if setup.has_absolute_links { host } else { "" };
    format!("{host}{}?{}", Api::PATH, query.finish())
}

fn body(page: Page, link: Option<&str>, setup: &Setup) -> Value {
    let records = Value::from(page.records);
    let mut body = match setup.records_at {
        RecordsAt::Body => return records,
        RecordsAt::Data => json!({"data": records}),
        RecordsAt::Deep => json!({"result": {"lists": [{"records": records}]}}),
    };
    if setup.has_total {
        body["total"] = page.total.into();
    }
    match setup.paging {
        Paging::PageNumber => {
            body["page"] = (page.start / page.size + 1).into();
            body["per_page"] = page.size.into();
            body["total_pages"] = page.total.div_ceil(page.size).into();
        }
        Paging::Cursor => body["next_cursor"] = page.next.into(),
        Paging::NextLink => body["links"] = json!({"next": link}),
        _ => {}
    }
    body
}

/// Packs a body for who says that it can unpack it.
fn pack(
    mut response: Response<Body>,
    body: Vec<u8>,
    asked: &Asked,
    encoding: Option<Encoding>,
) -> Response<Body> {
    let accepted = asked.header("accept-encoding").unwrap_or_default();
    let name = match encoding {
        Some(Encoding::Gzip) => "gzip",
        Some(Encoding::Zstd) => "zstd",
        None => "",
    };
    let encoding = encoding.filter(|_| accepted.contains(name));
    let body = match encoding {
        None => body,
        Some(Encoding::Zstd) => zstd::encode_all(&body[..], 0).expect("memory can be packed"),
        Some(Encoding::Gzip) => {
            let mut packer = GzEncoder::new(vec![], Compression::fast());
            packer.write_all(&body).expect("memory can be packed");
            packer.finish().expect("memory can be packed")
        }
    };
    if encoding.is_some() {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_ENCODING, text(name));
    }
    *response.body_mut() = Body::from(body);
    response
}
