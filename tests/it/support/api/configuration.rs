//! What `dfpipe.yml` has to say to read an API of this kind.

use serde_json::{Value, json};

use super::{Api, Paging, Setup};

pub(super) fn from(setup: &Setup) -> Value {
    let mut from = json!({
        "kind": "crm",
        "url": "${CRM_API_URL}",
        "path": Api::PATH,
        "query": {"updated_since": "${window_start}"},
        "records": setup.records_at.path(),
        "pagination": pagination(setup),
        "requests_per_minute": 10_000,
        "timeout_seconds": 10,
        "retries": 2,
    });
    if let Some(auth) = setup.signing.configuration() {
        from["auth"] = auth;
    }
    from
}

fn pagination(setup: &Setup) -> Value {
    let mut said = match setup.paging {
        Paging::PageNumber => json!({"kind": "page_number", "parameter": "page", "first": 1}),
        Paging::Offset => json!({"kind": "offset", "parameter": "offset"}),
        Paging::Cursor => json!({"kind": "cursor", "parameter": "cursor", "next": "next_cursor"}),
        Paging::CursorHeader => {
            json!({"kind": "cursor_header", "parameter": "cursor", "header": "X-Next-Cursor"})
        }
        Paging::NextLink => json!({"kind": "next_link", "next": "links.next"}),
        Paging::LinkHeader => json!({"kind": "link_header"}),
        Paging::SinglePage => json!({"kind": "single_page"}),
    };
    if setup.paging != Paging::SinglePage {
        said["size_parameter"] = setup.paging.size_parameter().into();
        said["size"] = setup.size.into();
    }
    if setup.has_total {
        let is_list = setup.records_at.path() == "$";
        said["total"] = if is_list {
            "header:X-Total-Count"
        } else {
            "total"
        }
        .into();
    }
    said
}
